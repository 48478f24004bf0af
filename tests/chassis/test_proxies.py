"""Tests of the client's address behind proxies: the rightmost one in X-Forwarded-For that is not in `TRUSTED_PROXIES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest
from fastapi import APIRouter, Request
from pydantic import ValidationError

from chassis.origin import origin
from chassis.service import create_app, serve
from chassis.settings import InvalidSettings, ServiceSettings, load
from servers.ports import free_port

CLIENT = "203.0.113.9"
PROXIES = ("127.0.0.2/32", "127.0.0.3/32", "10.0.0.0/8", "2001:db8:1::/48")


@asynccontextmanager
async def serving(proxies: tuple[str, ...] | None) -> AsyncIterator[str]:
    router = APIRouter(prefix="/api/v1")

    @router.get("/who", openapi_extra={"x-access": "public"})
    async def who(request: Request) -> dict[str, str | None]:
        assert request.client is not None
        assert origin().address == request.client.host
        return {"address": origin().address, "scheme": request.url.scheme}

    given = {} if proxies is None else {"trusted_proxies": tuple(map(ip_network, proxies))}
    settings = ServiceSettings(service_name="things", http_port=free_port(), private_port=free_port(), **given)
    service = create_app(settings, title="Things", lifespan_parts=[], routers=(router,))
    stop = asyncio.Event()
    task = asyncio.create_task(serve(service, stop))
    try:
        await _listening(settings.http_port, task)
        yield f"http://127.0.0.1:{settings.http_port}/api/v1/who"
    finally:
        stop.set()
        await task


async def _listening(port: int, task: asyncio.Task[None]) -> None:
    while not task.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        await writer.wait_closed()
        return
    task.result()


async def ask(url: str, peer: str, *headers: tuple[str, str]) -> tuple[str, str]:
    transport = httpx.AsyncHTTPTransport(local_address=peer)
    async with httpx.AsyncClient(transport=transport, timeout=60) as client:
        answer = await client.get(url, headers=list(headers))
    return answer.json()["address"], answer.json()["scheme"]


def told(*chain: str) -> tuple[str, str]:
    return "X-Forwarded-For", ", ".join(chain)


HTTPS = ("X-Forwarded-Proto", "https")


async def test_loopback_is_trusted_without_a_setting() -> None:
    async with serving(None) as url:
        assert await ask(url, "127.0.0.1", told(CLIENT), HTTPS) == (CLIENT, "https")
        assert await ask(url, "127.0.0.77", told(CLIENT), HTTPS) == (CLIENT, "https")


async def test_headers_of_untrusted_clients_are_ignored() -> None:
    async with serving(PROXIES) as url:
        for chain in ((CLIENT,), ("10.0.0.1",), ("127.0.0.2",), (CLIENT, "10.0.0.1"), ("::1",), ("",), ("unknown",)):
            assert await ask(url, "127.0.0.1", told(*chain), HTTPS) == ("127.0.0.1", "http"), chain
        others = [("Forwarded", f"for={CLIENT};proto=https"), ("X-Real-IP", CLIENT), ("X_Forwarded_For", CLIENT)]
        assert await ask(url, "127.0.0.1", *others) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([told(CLIENT)], CLIENT),
        ([told("198.51.100.1", CLIENT)], CLIENT),  # the client itself wrote the first header
        ([told("127.0.0.1", "10.0.0.1", CLIENT)], CLIENT),
        ([told("198.51.100.1", CLIENT, "10.0.0.1", "127.0.0.3")], CLIENT),
        ([told("2001:db8:2::1", "2001:db8:1::7")], "2001:db8:2::1"),
        ([told("198.51.100.1"), told(CLIENT)], CLIENT),  # two headers count as one list
        ([told("10.0.0.9", "10.0.0.1")], "10.0.0.9"),  # a proxy that sends a request of its own
        ([told(f"{CLIENT}:4711")], CLIENT),
        ([("Forwarded", f"for={CLIENT}")], "127.0.0.2"),
        ([], "127.0.0.2"),
    ],
)
async def test_of_a_chain_the_rightmost_untrusted_address_counts(headers: list[tuple[str, str]], client: str) -> None:
    async with serving(PROXIES) as url:
        assert await ask(url, "127.0.0.2", *headers) == (client, "http")


async def test_only_known_schemes_are_taken_over() -> None:
    async with serving(PROXIES) as url:
        assert await ask(url, "127.0.0.2", told(CLIENT), HTTPS) == (CLIENT, "https")
        assert await ask(url, "127.0.0.2", told(CLIENT), ("X-Forwarded-Proto", "javascript")) == (CLIENT, "http")


async def test_no_proxy_is_trusted_where_the_operator_says_so() -> None:
    async with serving(()) as url:
        assert await ask(url, "127.0.0.1", told(CLIENT), HTTPS) == ("127.0.0.1", "http")


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.1.0.0/16, 2001:db8::/32,192.0.2.7")
    assert [str(network) for network in load(ServiceSettings).trusted_proxies] == ["10.1.0.0/16", "2001:db8::/32", "192.0.2.7/32"]
    monkeypatch.setenv("TRUSTED_PROXIES", "")
    assert [str(network) for network in load(ServiceSettings).trusted_proxies] == ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize("text", ["*", "0.0.0.0/0", "::/0", "10.0.0.0/8,0.0.0.0/0", "10.1.2.3/8", "kong"])
def test_trusting_every_address_or_nonsense_ends_the_process(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", text)
    with pytest.raises(InvalidSettings, match="TRUSTED_PROXIES"):
        load(ServiceSettings)


def test_trusting_every_address_is_refused_in_every_form() -> None:
    with pytest.raises(ValidationError):
        ServiceSettings(trusted_proxies=(ip_network("0.0.0.0/0"),))
