"""Tests of what the edge refuses before routing: a path of the API is answered neither with a page nor in another shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.gtv.front import CAMERA, Front, echoes, edge_of

from gtv import edge, maintenance

pytestmark = pytest.mark.media

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
DISGUISED = (
    *("//api/v1/cameras", "///api//v1/cameras", "/\\api/v1/cameras", "/./api/v1/cameras", "/x/../api/v1/cameras"),
    *("/api%2fv1/cameras", "/api%252Fv1/cameras", "/%2Fapi/v1/cameras", "/%61pi/v1/cameras", "/%2561pi/v1/cameras", "/%5capi/v1/cameras"),
    *("/x/%2e%2e/api/v1/cameras", "/API/v1/cameras", "/api;x/v1/cameras", "/api%00/v1/cameras", "//api/v1/%zz", "//ws/v1/live"),
    *("/static/api/v1/auth/login", "/dashboard/static/admin/api/v1/cameras", "/static//api/v1/cameras", "//static/%61pi/v1/cameras"),
    *("//internal/media/auth", "/%6detrics", f"//hls/{CAMERA}/index.m3u8", f"/whep%2f{CAMERA}/whep"),
)

ESCAPED = (
    *("/api/v1/users?email=jo%C3%A3o%2B1%40cidade.example", "/api/v1/users/jo%C3%A3o%40cidade.example", "/api/v1/plates/ABC%201D23"),
    *("/api/v1/plates/ABC1D23?cursor=eyJh%2F%2F..%2Fb%3D%3D", "/api/v1/plates/ABC1D23?next=https://x/../api//v1", "/api/v1/plates/A..B"),
    *("/api/v1/auth/oidc/k/callback?code=a%2Fb//..%2F&state=" + "s" * 8_000, "/api/v1/docs/identity/", "/api/v1/docs/identity/a-b.css"),
    *("/api/v1/.well-known/jwks.json", "/ws/v1/live?ticket=a%2Fb"),
)


@pytest.fixture(scope="module", params=["services", "kong"])
async def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The edge with one server behind all routes, and with a gateway in between, which must make no difference."""
    async with echoes("kong") as servers:
        port = servers["kong"].port
        between: dict[str, Any] = {"kong": edge.Target(f"127.0.0.1:{port}", port)} if request.param == "kong" else {}
        async with edge_of(tmp_path_factory.mktemp("edge"), **between) as running:
            yield running


def _problem(answer: tuple[bytes, bytes], status: int) -> dict[str, Any]:
    head, body = answer
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), head
    assert b"content-type: application/problem+json" in head
    assert b"cache-control: no-store" in head.lower()
    problem: dict[str, Any] = json.loads(body)
    assert problem["status"] == status
    assert f"x-correlation-id: {problem['correlation_id']}".encode() in head.lower()
    return problem


@pytest.mark.parametrize("path", DISGUISED)
async def test_a_disguised_path_of_the_api_is_not_found_and_never_the_page(front: Front, path: str) -> None:
    for method in ("GET", "POST"):
        assert _problem(await front.raw(f"{method} {path}", "Content-Length: 0"), 404)["code"] == "not_found"


@pytest.mark.parametrize("path", ESCAPED)
async def test_what_is_escaped_as_it_must_be_passes_untouched(front: Front, path: str) -> None:
    head, body = await front.raw(f"GET {path}")
    assert head.startswith(b"HTTP/1.1 200 "), head
    assert json.loads(body)["target"] == path


async def test_a_path_of_the_console_is_its_page(front: Front) -> None:
    for path in ("/nada", "/hlsx", "/apis", "/api-help", "/mapa/api", "/static/main.js", "/vendor/hls-1.7.0.light.min.mjs", "//"):
        assert (await front.raw(f"GET {path}"))[0].startswith(b"HTTP/1.1 200 "), path


@pytest.mark.parametrize("path", ["/api/v1/cameras", "/api/v1/nothing", "/ws/v1/live", "/main.js"])
@pytest.mark.parametrize("method", ["FOO", "TRACE", "PROPFIND", "get"])
async def test_a_method_that_no_service_answers_is_refused_by_the_edge(front: Front, method: str, path: str) -> None:
    head, body = await front.raw(f"{method} {path}")
    assert _problem((head, body), 405)["code"] == "method_not_allowed"
    assert f"allow: {METHODS}".lower().encode() in head.lower()


async def test_over_http_2_an_unknown_method_is_refused_too(front: Front) -> None:
    for method in ("FOO", "TRACE"):
        url = f"{front.address()}/api/v1/cameras"
        done = await front.curl(
            "--http2", "--cacert", front.authority, "--request", method, "--data", "x=1", "--write-out", " %{http_code}", url
        )
        body, _, status = done.stdout.rpartition(" ")
        assert (json.loads(body)["code"], status) == ("method_not_allowed", "405"), done.stderr


async def test_connect_opens_no_tunnel(front: Front) -> None:
    # most of them are invalid HTTP, which HAProxy answers itself, as docs/integrators.md says
    for target in ("elsewhere.example:443", "/api/v1/cameras"):
        head, body = await front.raw(f"CONNECT {target}")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert body.startswith(b"<html><body><h1>400 Bad request</h1>")
    assert _problem(await front.raw("CONNECT edge:443"), 405)["code"] == "method_not_allowed"


async def test_methods_of_http_pass_and_media_judge_theirs_themselves(front: Front) -> None:
    for method in METHODS.split(", "):
        head, _ = await front.raw(f"{method} /api/v1/cameras", "Content-Length: 0")
        assert head.startswith(b"HTTP/1.1 200 "), method
    for path in (f"/whep/{CAMERA}/whep", f"/hls/{CAMERA}/index.m3u8"):
        assert (await front.raw(f"FOO {path}"))[0].startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", ["/api/v1/cameras/unshaped", "/ws/v1/unshaped", "/api/cameras/unshaped"])
async def test_what_an_http_library_answers_in_the_place_of_a_service_is_reworded(front: Front, path: str) -> None:
    assert _problem(await front.raw(f"GET {path}"), 400)["code"] == "malformed_request"
    assert (await front.client.get("/api/v1/cameras")).status_code == 200


async def test_what_a_service_says_and_what_is_no_api_stay_as_they_are(front: Front) -> None:
    answer = await front.client.get("/api/v1/cameras/shaped")
    assert (answer.status_code, answer.json()["target"]) == (400, "/api/v1/cameras/shaped")
    for path in ("/unshaped", f"/hls/{CAMERA}/unshaped.m3u8"):
        assert (await front.client.get(path)).text == "Invalid HTTP request received."


async def test_while_it_is_closed_an_api_never_gives_the_page_either(front: Front) -> None:
    maintenance.switch(front.layout.files, on=True)
    try:
        for path, status in (("/api/v1/cameras", 503), ("//api/v1/cameras", 404)):
            _problem(await front.raw(f"GET {path}"), status)
        assert b"text/html" in (await front.raw("GET /nada"))[0]
    finally:
        maintenance.switch(front.layout.files, on=False)


async def test_invalid_http_gets_a_short_answer_of_the_edge_itself(front: Front) -> None:
    """Invalid HTTP is answered in HAProxy's own shape, which cannot be changed; docs/integrators.md says so."""
    for line in ("GET /api/v1/cam eras", "GET /api/v1/cameras/\u00e9"):
        head, body = await front.raw(line)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"text/html" in head
        assert len(body) < 200


async def _trickled(front: Front, *headers: str) -> bytes:
    """Returns the answer to a client that sends its body byte by byte."""
    host, _, port = front.host.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=front.trust, server_hostname="localhost")
    writer.write("\r\n".join(["POST /api/v1/auth/login HTTP/1.1", "Host: edge", *headers, "", ""]).encode())
    answer = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    async with asyncio.timeout(180):
        while not answer.done():
            writer.write(b"1\r\nx\r\n" if "chunked" in headers[-1] else b"x")
            await asyncio.wait([answer], timeout=0.1)
    writer.close()
    return await answer


@pytest.mark.parametrize("header", ["Content-Length: 10000", "Transfer-Encoding: chunked"])
async def test_a_body_that_trickles_in_is_cut_off(tmp_path: Path, header: str) -> None:
    async with edge_of(tmp_path, body_s=1) as front:
        assert (await _trickled(front, header)).startswith(b"HTTP/1.1 408 ")


async def test_a_large_body_and_one_that_is_asked_for_pass(front: Front) -> None:
    for size in (0, 1, 20_000, 5_000_000):
        answer = await front.client.post("/api/v1/cameras", content=b"x" * size)
        assert answer.status_code == 200
    body = ["-H", "Expect: 100-continue", "-d", "x" * 5_000]
    asked = await front.curl(*body, "--cacert", front.authority, f"{front.address()}/api/v1/cameras")
    assert json.loads(asked.stdout)["method"] == "POST"
