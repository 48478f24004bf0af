"""Tests of the client's address of a request."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from media_standin.auth import AccessRefused, AccessRequest, Authorizer, Credentials, http_credentials
from media_standin.options import global_defaults
from media_standin.web import address, client_ip


def request(peer: str, forwarded: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (peer, 1)})


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
    ],
)
def test_only_trusted_proxies_are_believed(peer: str, forwarded: str, seen: str) -> None:
    assert client_ip(request(peer, forwarded), ["127.0.0.1/32", "10.0.0.0/8"]) == seen


def test_addresses() -> None:
    assert address(":8554") == ("0.0.0.0", 8554)
    assert address("[::1]:8554") == ("::1", 8554)
    with pytest.raises(ValueError, match="not an address"):
        address("nowhere")


def test_credentials() -> None:
    assert http_credentials("Bearer a.b.c") == Credentials(token="a.b.c")
    assert http_credentials("Bearer user:pass") == Credentials("user", "pass")
    assert http_credentials("Basic dXNlcjpwYXNz") == Credentials("user", "pass")
    assert http_credentials("Basic ???").absent


async def test_internal_users() -> None:
    users = [
        {"user": "any", "pass": "", "ips": ["127.0.0.1/32"], "permissions": [{"action": "api", "path": ""}]},
        {"user": "viewer", "pass": "secret", "ips": [], "permissions": [{"action": "read", "path": "~^cam"}]},
    ]
    authorizer = Authorizer({**global_defaults(), "authInternalUsers": users})
    anonymous = Credentials()
    assert await authorizer.authorize(AccessRequest("api", "127.0.0.1", anonymous)) == ""
    assert await authorizer.authorize(AccessRequest("read", "192.0.2.1", Credentials("viewer", "secret"), path="cam1")) == "viewer"
    for refused, ask in (
        (AccessRequest("api", "192.0.2.1", anonymous), True),
        (AccessRequest("read", "192.0.2.1", Credentials("viewer", "wrong"), path="cam1"), False),
        (AccessRequest("read", "192.0.2.1", Credentials("viewer", "secret"), path="other"), False),
    ):
        with pytest.raises(AccessRefused) as refusal:
            await authorizer.authorize(refused)
        assert refusal.value.ask is ask
    await authorizer.close()
