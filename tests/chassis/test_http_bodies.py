"""A request's body has a size and a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import repeat
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.types import Message, Receive

from chassis import http
from chassis.service import Service, create_app, serve
from chassis.settings import ServiceSettings
from servers import free_port

OPEN: dict[str, Any] = {"x-access": "public"}


class _Thing(http.StrictModel):
    name: str


def _app() -> Service:
    router = APIRouter(prefix="/api/v1")

    @router.post("/things", status_code=201, openapi_extra=OPEN)
    async def create(body: _Thing) -> dict[str, str]:
        return {"name": body.name}

    @router.post("/raw", openapi_extra=OPEN)
    async def raw(request: Request) -> dict[str, int]:
        return {"bytes": sum([len(chunk) async for chunk in request.stream()])}

    settings = ServiceSettings(service_name="things", http_max_body_bytes=1_000, http_port=free_port(), private_port=free_port())
    return create_app(settings, title="Things", lifespan_parts=[], routers=[router])


SERVICE = _app()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(SERVICE.api), base_url="http://things") as made:
        yield made


async def test_a_declared_length_over_the_cap_is_refused_unread(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/raw", content=b"x" * 1_001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"
    assert (await client.post("/api/v1/raw", content=b"x" * 1_000)).json() == {"bytes": 1_000}


@pytest.mark.parametrize("path", ["/api/v1/raw", "/api/v1/things"])
async def test_a_chunked_body_over_the_cap_is_refused_on_the_way(client: httpx.AsyncClient, path: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    answer = await client.post(path, content=pieces(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("expects", [False, True])
async def test_a_client_that_sends_before_it_reads_still_gets_the_refusal(
    chunked: bool, expects: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_EXPECTING_TIMEOUT_S", "_DRAIN_TIMEOUT_S"):  # a busy machine takes longer for five megabytes
        monkeypatch.setattr(f"chassis.http.exchange.{limit}", 60.0)
    body = b"x" * 5_000_000
    head = b"POST /api/v1/raw HTTP/1.1\r\nHost: things\r\n" + (b"Expect: 100-continue\r\n" if expects else b"")
    if chunked:
        sent = head + b"Transfer-Encoding: chunked\r\n\r\n" + f"{len(body):x}".encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    else:
        sent = head + b"Content-Length: 5000000\r\n\r\n" + body
    stop = asyncio.Event()
    service = _app()
    server = asyncio.create_task(serve(service, stop))
    async with asyncio.timeout(120):
        reader, writer = await _connected(service.settings.http_port)
        writer.write(sent)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        stop.set()
        await server
    assert b" 413 " in answer.split(b"\r\n\r\n")[-2].split(b"\r\n")[0]
    assert b'"code":"too_large"' in answer


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)


def _observed(pieces: Iterator[float], **limits: Any) -> tuple[http.Observed, Receive]:
    """Returns an observed request whose body comes byte by byte, each after the given seconds, until the client disconnects."""

    async def receive() -> Message:
        pause_s = next(pieces, None)
        if pause_s is None:
            return {"type": "http.disconnect"}
        await asyncio.sleep(pause_s)
        return {"type": "http.request", "body": b"x", "more_body": True}

    return http.Observed(SERVICE.api, max_body_bytes=1_000, **limits), receive


async def _answer(app: http.Observed, receive: Receive, path: str, *headers: tuple[bytes, bytes]) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": list(headers)}
    await app(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", ["/api/v1/raw", "/api/v1/things"])
@pytest.mark.parametrize("head", [(b"content-length", b"900"), (b"transfer-encoding", b"chunked")])
@pytest.mark.parametrize("pause_s", [0.02, 3_600], ids=["drips", "stops"])
async def test_a_body_that_comes_too_slowly_is_given_up(path: str, head: tuple[bytes, bytes], pause_s: float) -> None:
    app, receive = _observed(repeat(pause_s), body_grace_s=0.1)
    status, headers, body = await _answer(app, receive, path, head, (b"content-type", b"application/json"))
    assert (status, json.loads(body)["code"]) == (408, "request_timeout")
    assert headers[b"connection"] == b"close"


async def test_a_body_that_is_not_read_does_not_keep_the_connection(client: httpx.AsyncClient) -> None:
    app, receive = _observed(repeat(0.0, 100))
    status, headers, _ = await _answer(app, receive, "/api/v1/nowhere", (b"content-length", b"900"))
    assert (status, headers[b"connection"]) == (404, b"close")
    assert "connection" not in (await client.get("/api/v1/nowhere")).headers
