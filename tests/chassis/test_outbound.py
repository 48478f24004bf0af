"""Tests of connections to places that people name: only to addresses that are allowed, as the name that was asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.fixtures.receivers import Certificate, Receiver, Said, make_certificate, receiving

from chassis.outbound import UNREACHED, AddressRefused, OutboundHttp, open_connection, trust
from gtvision.addresses import AddressPolicy

HERE = AddressPolicy(allow_loopback=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def server(certificate: Certificate) -> AsyncIterator[Receiver]:
    async with receiving(certificate.context()) as receiver:
        yield receiver


def client(policy: AddressPolicy, ca_file: Path | None = None, total_s: float = 5.0) -> OutboundHttp:
    return OutboundHttp(policy, trust(ca_file), agent="test", total_s=total_s, max_bytes=100)


async def test_a_name_is_checked_by_its_certificate_although_the_address_is_connected_to(
    server: Receiver, certificate: Certificate
) -> None:
    reply = await client(HERE, certificate.ca_file).ask("POST", f"{server.url}/a?b=c", json={"x": 1}, headers={"x-own": "1"})
    assert reply.status == 200
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.headers["x-own"], asked.json()) == ("POST", "/a?b=c", "1", {"x": 1})
    assert asked.headers["host"] == server.url.removeprefix("https://")
    with pytest.raises(UNREACHED):  # the certificate is for the name, not for the address
        await client(HERE, certificate.ca_file).ask("GET", server.url.replace("localhost", "127.0.0.1"))
    with pytest.raises(UNREACHED):  # an authority that is not trusted
        await client(HERE).ask("GET", server.url)


@pytest.mark.parametrize(
    "policy", [AddressPolicy(), AddressPolicy(allow_loopback=True, denied=(ip_network("127.0.0.0/8"), ip_network("::1/128")))]
)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
async def test_an_address_that_is_not_allowed_is_never_connected_to(server: Receiver, policy: AddressPolicy, host: str) -> None:
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(AddressRefused):
        await client(policy).ask("GET", f"https://{host}:{port}/")
    with pytest.raises(AddressRefused):
        await open_connection(policy, host.strip("[]"), port)
    assert server.asked == []


async def test_a_redirect_is_an_answer_and_is_not_followed(server: Receiver, certificate: Certificate) -> None:
    server.says(Said(302, headers={"location": "http://169.254.169.254/"}))
    assert (await client(HERE, certificate.ca_file).ask("GET", server.url)).status == 302
    assert len(server.asked) == 1


@pytest.mark.parametrize("said", [Said(content=b"x" * 101), Said(hangs=True)], ids=["too much", "nothing"])
async def test_an_answer_has_an_end(server: Receiver, certificate: Certificate, said: Said) -> None:
    server.says(said)
    with pytest.raises(UNREACHED):
        await client(HERE, certificate.ca_file, total_s=0.3).ask("GET", server.url)
