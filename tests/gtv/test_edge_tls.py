"""Tests of the edge's TLS, of its security headers, and of its answers on plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.gtv.front import CAMERA, Front, edge_of
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from gtv import edge

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    async with edge_of(tmp_path_factory.mktemp("edge"), public_host="2001:db8::7", hosts=("gtv.example", "::1")) as running:
        yield running


async def test_speaks_tls_1_3_and_http2_to_who_trusts_its_authority(front: Front) -> None:
    done = await front.curl("--cacert", front.authority, "-o", "/dev/null", "-w", "%{http_version}", f"{front.address()}/api/v1/cameras")
    assert (done.stdout, done.returncode) == ("2", 0), done.stderr
    stranger = await front.curl(f"{front.address()}/health")
    assert "certificate" in stranger.stderr


async def test_older_tls_is_spoken_only_where_it_is_allowed(front: Front, tmp_path: Path) -> None:
    old = ("--tls-max", "1.2", "-o", "/dev/null", "-w", "%{http_code}")
    refused = await front.curl(*old, "--cacert", front.authority, f"{front.address()}/health")
    assert "alert protocol version" in refused.stderr
    async with edge_of(tmp_path, tls_min="1.2") as lenient:
        allowed = await lenient.curl(*old, "--cacert", lenient.authority, f"{lenient.address()}/health")
        assert allowed.stdout == "200", allowed.stderr
        ancient = await lenient.curl("--tls-max", "1.1", "--cacert", lenient.authority, f"{lenient.address()}/health")
        assert ancient.returncode != 0


@pytest.mark.parametrize("path", ["/", "/api/v1/cameras", "/api/v1/nothing", f"/hls/{CAMERA}/index.m3u8", "/health"])
async def test_every_answer_tells_browsers_to_be_careful(front: Front, path: str) -> None:
    headers = (await front.client.get(path)).headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert not {"server", "x-powered-by"} & set(headers)


async def test_localhost_is_not_tied_to_https(front: Front) -> None:
    async with front.asking(base_url=f"https://localhost:{front.layout.public_port}") as client:
        assert (await client.get("/")).headers["strict-transport-security"] == "max-age=0"


async def test_a_page_asked_for_in_clear_is_sent_on_with_path_and_query(front: Front) -> None:
    async with front.asking(base_url=front.address("http")) as client:
        for host, known in (
            ("gtv.example", "gtv.example"),
            ("[::1]:80", "[::1]"),
            ("[2001:db8::7]", "[2001:db8::7]"),
            ("GTV.example:8080", "GTV.example"),
            ("127.0.0.1:8080", "127.0.0.1"),
            ("elsewhere.example", "[2001:db8::7]"),
            ("192.0.2.66", "[2001:db8::7]"),
            ("a/b@c", "[2001:db8::7]"),
        ):
            answer = await client.get("/cameras/1?x=1&y=%20", headers={"Host": host})
            assert (answer.status_code, answer.headers["cache-control"]) == (308, "no-store")
            assert answer.headers["location"] == f"https://{known}:{front.layout.public_port}/cameras/1?x=1&y=%20"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/auth/login"),
        ("GET", "/api/v1/cameras"),
        ("GET", "/api/cameras/"),
        ("GET", f"/hls/{CAMERA}/index.m3u8?ticket=SECRET"),
        ("POST", f"/whep/{CAMERA}/whep?ticket=SECRET"),
        ("GET", "/ws/v1/live?ticket=SECRET"),
        ("POST", "/"),
    ],
)
async def test_a_password_or_ticket_in_clear_is_refused_and_not_sent_on(front: Front, method: str, path: str) -> None:
    async with front.asking(base_url=front.address("http")) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 403
    assert answer.json()["code"] == "https_required"
    assert "location" not in answer.headers
    assert "SECRET" not in front.log.read_text()


async def test_the_port_in_clear_tells_that_it_is_there(front: Front) -> None:
    async with httpx.AsyncClient(base_url=front.address("http"), trust_env=False) as client:
        assert (await client.get("/health")).status_code == 200


async def test_a_websocket_passes(tmp_path: Path) -> None:
    async def echo(link: ServerConnection) -> None:
        async for message in link:
            await link.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        # without a health check, as this server speaks WebSocket only
        async with edge_of(tmp_path, {"ingest": edge.Target(f"127.0.0.1:{port}")}) as front:
            url = f"{front.address().replace('https', 'wss')}/ws/v1/live?ticket=x"
            async with asyncio.timeout(180), connect(url, ssl=front.trust, proxy=None) as link:
                await link.send("olá")
                assert await link.recv() == "olá"
