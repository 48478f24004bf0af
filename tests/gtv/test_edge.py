"""The edge: its table, and a real HAProxy with small servers behind it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from gtv import edge
from gtv.failures import BadTable
from gtv.routes import load_routes

ROOT = Path(__file__).parents[2]
ROUTES = ROOT / "deploy/routes.yml"
TEMPLATE = (ROOT / "haproxy/haproxy.cfg").read_text()
CAMERA = "cam_0190a5c2-0000-7000-8000-000000000001"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")

needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")


def test_every_prefix_of_the_contracts_has_an_owner() -> None:
    owners = {prefix: owner for owner, prefix in load_routes(ROUTES).prefixes()}
    assert owners["/api/v1/plates"] == "ingest"
    assert owners["/ws/v1"] == "ingest"
    assert owners["/api/v1/.well-known/jwks.json"] == "identity"
    assert owners["/api/v1/docs/ai-detect"] == "ai-detect"
    assert owners["/hls"] == "hls"


def _wrong(change: Callable[[dict[str, Any]], object], tmp_path: Path) -> Path:
    document = yaml.safe_load(ROUTES.read_text())
    change(document)
    path = tmp_path / "routes.yml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("prefix", "complaint"),
    [
        ("/api/v1/cameras/", "no path prefix"),
        ("api", "no path prefix"),
        ("/api/v1/a b", "no path prefix"),
        ("/api/../x", "no path prefix"),
        ("/internal/media", "is internal"),
        ("/metrics", "is internal"),
        ("/api/v1/alerts", "belongs to"),
        ("/api/v1/alerts/mine", "lies below"),
    ],
)
def test_refuses_a_table_that_is_wrong(tmp_path: Path, prefix: str, complaint: str) -> None:
    path = _wrong(lambda routes: routes["services"]["cameras"]["prefixes"].append(prefix), tmp_path)
    with pytest.raises(BadTable, match=complaint):
        load_routes(path)


def test_refuses_media_paths_that_match_more_than_they_say(tmp_path: Path) -> None:
    path = _wrong(lambda routes: routes["media"]["hls"].update(paths="cam_.*"), tmp_path)
    with pytest.raises(BadTable, match="anchored"):
        load_routes(path)


# --- with a real HAProxy -------------------------------------------------------------------------------------------------


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tells what it was asked; `redirect` and `away` answer like the media server, and like nobody of ours."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = head.strip().split("\r\n")
    target = line.split()[1]
    headers = [tuple(item.split(": ", 1)) for item in rest]
    body = json.dumps({"target": target, "headers": headers}).encode()
    extra = "WWW-Authenticate: Basic realm=media\r\nServer: media\r\n"
    status = "200 OK"
    if "redirect" in target:
        status, extra = "302 Found", f"Location: {target.split('?')[0]}?cookieCheck=1\r\n"
    if "away" in target:
        status, extra = "302 Found", "Location: //elsewhere.example/x\r\n"
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n".encode() + body)
    await writer.drain()
    writer.close()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[httpx.AsyncClient, Path, int]]:
    """The edge with one server behind everything but alerts, which is down."""
    if HAPROXY is None:
        pytest.skip("haproxy is not installed")
    folder = tmp_path_factory.mktemp("edge")
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    behind = server.sockets[0].getsockname()[1]
    routes = load_routes(ROUTES)
    targets = {name: edge.Target(f"127.0.0.1:{behind}", behind) for name in routes.services}
    targets |= {name: edge.Target(f"127.0.0.1:{behind}") for name in (*routes.media, "console")}
    targets["alerts"] = edge.Target(f"127.0.0.1:{_free()}", _free())
    public, private = _free(), _free()
    config = folder / "haproxy.cfg"
    config.write_text(
        edge.render(TEMPLATE, routes, targets, edge=f"127.0.0.1:{public}", private=f"127.0.0.1:{private}", stats_password="secret")
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([HAPROXY, "-db", "-f", str(config)], stdout=output, stderr=subprocess.STDOUT)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{public}", trust_env=False) as client:
            async with asyncio.timeout(30):
                while True:
                    try:
                        await client.get("/health")
                        break
                    except httpx.TransportError:
                        await asyncio.sleep(0.02)
            yield client, log, private
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)
        server.close()
        await server.wait_closed()


@needs_haproxy
def test_haproxy_accepts_the_configuration(tmp_path: Path) -> None:
    routes = load_routes(ROUTES)
    targets = {name: edge.Target("127.0.0.1:1", 2) for name in (*routes.services, *routes.media, "console")}
    config = tmp_path / "haproxy.cfg"
    config.write_text(edge.render(TEMPLATE, routes, targets, edge="127.0.0.1:1", private="127.0.0.1:2", stats_password="secret"))
    checked = subprocess.run([str(HAPROXY), "-c", "-f", str(config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr.upper()


Front = tuple[httpx.AsyncClient, Path, int]


async def _raw(front: Front, line: str, *headers: str) -> tuple[bytes, bytes]:
    """Head and body of the answer to exactly this request."""
    url = front[0].base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write("\r\n".join([f"{line} HTTP/1.1", "Host: edge", "Connection: close", *headers, "", ""]).encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


@pytest.mark.media
async def test_passes_services_paths_unchanged_and_says_who_asked(front: Front) -> None:
    client, _, _ = front
    answer = await client.get("/api/v1/cameras/1?x=1", headers={"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"})
    seen = answer.json()
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert seen["target"] == "/api/v1/cameras/1?x=1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert "forwarded" not in headers
    assert len(headers["x-correlation-id"]) == 36
    assert "server" not in answer.headers


@pytest.mark.media
async def test_keeps_a_correlation_id_that_it_was_given(front: Front) -> None:
    client, _, _ = front
    given = "0190a5c2-0000-7000-8000-00000000abcd"
    for sent, kept in ((given, True), ("x'; drop", False)):
        answer = await client.get("/api/v1/cameras", headers={"X-Correlation-ID": sent})
        headers = {name.lower(): value for name, value in answer.json()["headers"]}
        assert (headers["x-correlation-id"] == sent) is kept


@pytest.mark.media
@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/v1/camerasx", "/api/v1/nothing", "/internal/media/auth", "/metrics", "/health/ready", "/ws/v2/x", "/hls"),
        *(f"/hls/{CAMERA}/../../v3/paths/list", "/hls/other/index.m3u8", f"/hls/{CAMERA}/"),
        *(f"/whep/{CAMERA}/whip", f"/whep/{CAMERA}/publish"),
    ],
)
async def test_what_looks_like_ours_and_is_nobodys_is_a_problem(front: Front, path: str) -> None:
    # httpx would tidy the path up, and an attacker does not
    head, body = await _raw(front, f"GET {path}")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["code"] == "not_found"
    assert len(problem["correlation_id"]) == 36


@pytest.mark.media
async def test_everything_else_is_the_page(front: Front) -> None:
    client, _, _ = front
    for path in ("/", "/main.js", "/hlsx"):
        assert (await client.get(path)).json()["target"] == path


@pytest.mark.media
async def test_a_service_that_is_down_is_a_problem(front: Front) -> None:
    client, _, _ = front
    answer = await client.get("/api/v1/alerts")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.media
async def test_a_body_that_is_too_large_is_a_problem(front: Front) -> None:
    head, body = await _raw(front, "POST /api/v1/detect/frame", f"Content-Length: {edge.MAX_BODY_BYTES + 1}")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["code"] == "too_large"


@pytest.mark.media
async def test_strips_the_media_prefix_and_puts_it_back_on_our_redirects_only(front: Front) -> None:
    client, _, _ = front
    seen = await client.get(f"/hls/{CAMERA}/index.m3u8?ticket=abc")
    assert seen.json()["target"] == f"/{CAMERA}/index.m3u8?ticket=abc"
    assert "www-authenticate" not in seen.headers
    redirected = await client.get(f"/hls/{CAMERA}/redirect.m3u8")
    assert redirected.headers["location"] == f"/hls/{CAMERA}/redirect.m3u8?cookieCheck=1"
    session = await client.post(f"/whep/{CAMERA}/whep")
    assert session.json()["target"] == f"/{CAMERA}/whep"
    away = await client.get(f"/hls/{CAMERA}/away.m3u8")
    assert away.headers["location"] == "//elsewhere.example/x"


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


@pytest.mark.media
async def test_the_log_knows_no_ticket_and_no_session(front: Front) -> None:
    client, log, _ = front
    await client.get("/api/v1/cameras?ticket=SECRET1&session=SECRET2")
    await client.get(f"/hls/{CAMERA}/index.m3u8?ticket=SECRET3")
    await client.delete(f"/whep/{CAMERA}/whep/0190a5c2-5ec2-7000-8000-000000000002")
    await client.get("/hls/nothing?ticket=SECRET4")
    async with asyncio.timeout(30):
        while not any(line["path"] == "/hls/nothing" for line in _lines(log)):
            await asyncio.sleep(0.02)
    assert "SECRET" not in log.read_text()
    assert "5ec2" not in log.read_text()
    assert any(line["path"] == "/api/v1/cameras" and line["status"] == 200 for line in _lines(log))


@pytest.mark.media
async def test_statistics_are_on_the_private_port_and_closed(front: Front) -> None:
    client, _, private = front
    assert (await client.get("/stats")).json()["target"] == "/stats"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{private}", trust_env=False) as inside:
        assert (await inside.get("/stats")).status_code == 401
        assert (await inside.get("/stats", auth=("operator", "secret"))).status_code == 200
        assert "haproxy_process" in (await inside.get("/metrics")).text
        assert (await inside.get("/health/live")).status_code == 200
