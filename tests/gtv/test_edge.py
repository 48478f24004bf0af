"""Tests of the edge: its table of routes, and a real HAProxy with small servers behind it."""

from __future__ import annotations

import asyncio
import json
import pwd
import re
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from tests.fixtures import needs
from tests.gtv.front import CAMERA, HAPROXY, ROOT, ROUTES, TEMPLATE, Front, edge_of, layout_for, needs_haproxy, sent, write_files

from gtv import edge, maintenance
from gtv.edge_cli import read_layout
from gtv.failures import BadTable
from gtv.routes import load_routes
from servers import free_port

TWO_NODES = {name: {each: edge.Target("127.0.0.1:1") for each in ("hls", "webrtc", "playback")} for name in ("media-1", "media-2")}
PASSAGES = (edge.Passage("rtsp", "127.0.0.1:1", ("127.0.0.1:2", "[::1]:2"), True), edge.Passage("rtmp", "127.0.0.1:3", ("127.0.0.1:4",)))


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


@pytest.fixture(scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The edge with one server behind all routes except alerts, which is down."""
    down = {"alerts": edge.Target(f"127.0.0.1:{free_port()}", free_port())}
    async with edge_of(tmp_path_factory.mktemp("edge"), down) as running:
        yield running


@needs_haproxy
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kong": edge.Target("127.0.0.1:1", 2, "/status")},
        {"nodes": TWO_NODES, "passages": PASSAGES, "trusted_proxies": ("10.0.0.0/8", "2001:db8::/32"), "tls_min": "1.2"},
        {"nodes": {}},
    ],
    ids=["plain", "kong", "large", "no media"],
)
def test_haproxy_accepts_the_configuration_without_a_warning(tmp_path: Path, changes: dict[str, Any]) -> None:
    routes = load_routes(ROUTES)
    targets = {name: edge.Target("127.0.0.1:1", 2) for name in (*routes.services, *routes.media, "console")}
    layout = layout_for(tmp_path, routes, targets, **changes)
    write_files(layout, routes)
    checked = subprocess.run([str(HAPROXY), "-c", "-f", str(layout.files.config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr.upper()


def test_the_example_of_a_layout_is_one(tmp_path: Path) -> None:
    layout = read_layout(ROOT / "haproxy/layout.yml")
    text = edge.render(TEMPLATE, load_routes(ROUTES), layout)
    assert "server kong kong:8000 resolvers names" in text
    wrong = tmp_path / "layout.yml"
    wrong.write_text((ROOT / "haproxy/layout.yml").read_text() + "privat: x\n")
    with pytest.raises(BadTable, match="privat"):
        read_layout(wrong)


@pytest.mark.media
async def test_passes_services_paths_unchanged_and_says_who_asked(front: Front) -> None:
    answer = await front.client.get("/api/v1/cameras/1?x=1")
    headers = sent(answer)
    assert answer.json()["target"] == "/api/v1/cameras/1?x=1"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == front.host
    assert len(headers["x-correlation-id"]) == 36
    assert headers["x-correlation-id"] == answer.headers["x-correlation-id"]


@pytest.mark.media
@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/docs/"])
async def test_lists_the_documentation_of_its_services(front: Front, path: str) -> None:
    page = await front.client.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    links = re.findall(r'href="([^"]+)"', page.text)
    services = load_routes(ROUTES).services
    assert links == [f"/api/v1/docs/{name}/{file}" for name in services for file in ("", "openapi.json")]
    for link in links:
        if "/alerts/" not in link:  # which is down here
            assert (await front.client.get(link)).json()["target"] == link
    assert "/api/v1/plates" in page.text
    refused = await front.client.post(path)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


@pytest.mark.media
async def test_clients_cannot_set_identity_headers(front: Front) -> None:
    lies = ("X-Forwarded-For", "X-Forwarded-Proto", "X-FORWARDED-Host", "X-Forwarded-Port", "x-forwarded-prefix", "Forwarded", "X-Real-IP")
    lies += ("X_Forwarded_For", "X_GTV_User", "X-Gtv_User")
    lies += ("X-Consumer-ID", "X-Consumer-Username", "X-CREDENTIAL-Identifier", "X-Anonymous-Consumer", "X-GTV-User", "x-gtv-tenant")
    headers = sent(await front.client.get("/api/v1/cameras", headers=dict.fromkeys(lies, "203.0.113.9")))
    assert "203.0.113.9" not in headers.values()


@pytest.mark.media
async def test_keeps_a_correlation_id_that_it_was_given(front: Front) -> None:
    given = "0190a5c2-0000-7000-8000-00000000abcd"
    for told, kept in ((given, True), ("x'; drop", False)):
        headers = sent(await front.client.get("/api/v1/cameras", headers={"X-Correlation-ID": told}))
        assert (headers["x-correlation-id"] == told) is kept
    # a second header must not pass unchecked
    for lies in ((f"X-Correlation-ID: {given}", 'X-Correlation-ID: x","code":"ok'), (f'X-Correlation-ID: x","code":"ok,{given}',)):
        _, body = await front.raw("GET /api/v1/nothing", *lies)
        assert json.loads(body)["code"] == "not_found"


@pytest.mark.media
@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/v1/camerasx", "/api/v1/nothing", "/internal/media/auth", "/metrics", "/health/ready", "/ws/v2/x", "/hls"),
        *(f"/hls/{CAMERA}/../../v3/paths/list", "/hls/other/index.m3u8", f"/hls/{CAMERA}/"),
        *(f"/whep/{CAMERA}/whip", f"/whep/{CAMERA}/publish"),
        *("/api/v1/cameras//x", "/api/v1/auth/./login", "/api/v1/cameras/../../../internal/media/auth", "/api/v1/auth/%2e%2e/users"),
    ],
)
async def test_an_unknown_path_below_the_api_is_a_problem(front: Front, path: str) -> None:
    # not by httpx, which would normalise the path
    head, body = await front.raw(f"GET {path}")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["code"] == "not_found"
    assert len(problem["correlation_id"]) == 36


@pytest.mark.media
async def test_everything_else_is_the_page(front: Front) -> None:
    for path in ("/", "/main.js", "/hlsx"):
        assert (await front.client.get(path)).json()["target"] == path


@pytest.mark.media
@pytest.mark.parametrize(
    ("known", "ours"),
    [
        ("/api/cameras/", "/api/v1/cameras"),
        ("/api/cameras/1?x=2", "/api/v1/cameras/1?x=2"),
        ("/api/deteccoes/?camera_id=1", "/api/v1/detections?camera_id=1"),
        ("/detect/frame", "/api/v1/detect/frame"),
        ("/ws/alerts?ticket=1", "/ws/v1/live?ticket=1"),
        ("/dashboard", "/"),
        ("/static/main.js", "/main.js"),
    ],
)
async def test_aliases_lead_to_the_present_paths(front: Front, known: str, ours: str) -> None:
    assert (await front.client.get(known)).json()["target"] == ours


@pytest.mark.media
async def test_tells_that_it_is_there(front: Front) -> None:
    for path in ("/health", "/api/health"):
        assert (await front.client.get(path)).json() == {"status": "ok"}


@pytest.mark.media
async def test_a_service_that_is_down_is_a_problem(front: Front) -> None:
    answer = await front.client.get("/api/v1/alerts")
    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.media
async def test_a_too_large_body_is_refused_where_the_client_asks_first_or_no_service_would_read_it(front: Front) -> None:
    size = f"Content-Length: {edge.MAX_BODY_BYTES + 1}"
    for headers in ((f"Content-Length: {edge.HARD_BODY_BYTES + 1}",), (size, "Expect: 100-continue")):
        head, body = await front.raw("POST /api/v1/detect/frame", *headers)
        assert head.startswith(b"HTTP/1.1 413 ")
        assert json.loads(body)["code"] == "too_large"


@pytest.mark.media
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
async def test_what_is_being_sent_already_goes_to_the_service_who_reads_it_and_refuses(front: Front, tmp_path: Path, version: str) -> None:
    body = tmp_path / "body"
    body.write_bytes(bytes(edge.MAX_BODY_BYTES + 1))
    url = f"{front.address()}/api/v1/detect/frame"
    done = await front.curl(version, "-H", "Expect:", "--cacert", front.authority, "--data-binary", f"@{body}", url)
    assert json.loads(done.stdout)["name"] == "echo", done.stderr


@pytest.mark.media
async def test_strips_the_media_prefix_and_puts_it_back_on_our_redirects_only(front: Front) -> None:
    seen = await front.client.get(f"/hls/{CAMERA}/index.m3u8?ticket=abc")
    assert seen.json()["target"] == f"/{CAMERA}/index.m3u8?ticket=abc"
    assert "www-authenticate" not in seen.headers
    redirected = await front.client.get(f"/hls/{CAMERA}/redirect.m3u8")
    assert redirected.headers["location"] == f"/hls/{CAMERA}/redirect.m3u8?cookieCheck=1"
    session = await front.client.post(f"/whep/{CAMERA}/whep")
    assert session.json()["target"] == f"/{CAMERA}/whep"
    away = await front.client.get(f"/hls/{CAMERA}/away.m3u8")
    assert away.headers["location"] == "//elsewhere.example/x"


@pytest.mark.media
@pytest.mark.parametrize(
    ("path", "policy"),
    [
        (f"/hls/{CAMERA}/cached.m3u8", "no-store"),
        (f"/hls/{CAMERA}/cached.mp4", "private, max-age=60"),
        (f"/whep/{CAMERA}/whep", "no-store"),
        ("/api/v1/auth/tickets?cached", "no-store"),
        ("/api/v1/cameras", "no-store"),
        ("/api/v1/cameras?cached", "public, max-age=600"),
        ("/main.js?cached", "public, max-age=600"),
    ],
)
async def test_what_a_cache_on_the_way_may_keep(front: Front, path: str, policy: str) -> None:
    assert (await front.client.get(path)).headers["cache-control"] == policy


@pytest.mark.media
async def test_the_log_knows_no_ticket_no_session_and_no_plate(front: Front) -> None:
    client = front.client
    await client.get("/api/v1/cameras?ticket=SECRET1&session=SECRET2")
    await client.get(f"/hls/{CAMERA}/index.m3u8?ticket=SECRET3")
    await client.delete(f"/whep/{CAMERA}/whep/0190a5c2-5ec2-7000-8000-000000000002")
    await client.get("/api/v1/plates/ABC1D23?mode=exact")
    await client.get("/api/v1/alerts/links/v1.k.SECRET5")
    await client.get("/hls/nothing?ticket=SECRET4")
    async with asyncio.timeout(180):
        while not any(line["path"] == "/hls/nothing" for line in front.lines()):
            await asyncio.sleep(0.02)
    log = front.log.read_text()
    assert not any(secret in log for secret in ("SECRET", "5ec2", "ABC1D23"))
    shown = {line["path"]: line["status"] for line in front.lines()}
    assert shown["/api/v1/cameras"] == shown["/api/v1/plates/-"] == 200
    assert "/api/v1/alerts/links/-" in shown


@pytest.mark.media
@needs.needs_root
async def test_gives_up_the_rights_that_its_ports_needed(tmp_path: Path) -> None:
    account = pwd.getpwnam("haproxy")
    async with edge_of(tmp_path, user=account.pw_name) as front:
        assert set(psutil.Process(front.process.pid).uids()) == {account.pw_uid}
        assert set(psutil.Process(front.process.pid).gids()) == {account.pw_gid}
        assert maintenance.switch(front.layout.files, on=True)
        assert (await front.client.get("/api/v1/cameras")).status_code == 503


@pytest.mark.media
async def test_statistics_are_on_the_private_port_and_closed(front: Front) -> None:
    assert (await front.client.get("/stats")).json()["target"] == "/stats"
    async with httpx.AsyncClient(base_url=f"http://{front.layout.private}", trust_env=False) as inside:
        assert (await inside.get("/stats")).status_code == 401
        assert (await inside.get("/stats", auth=("operator", "secret"))).status_code == 200
        assert (await inside.get("/metrics")).status_code == 401
        assert "haproxy_process" in (await inside.get("/metrics", auth=("operator", "secret"))).text
        assert (await inside.get("/health/live")).status_code == 200


# --- with a gateway between the edge and the services -----------------------------------------------------------------------


@pytest.fixture(scope="module")
async def gated(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    """The edge with all services down and a gateway that answers."""
    down = edge.Target(f"127.0.0.1:{free_port()}", free_port())
    services = dict.fromkeys(load_routes(ROUTES).services, down)
    async with edge_of(tmp_path_factory.mktemp("edge")) as behind:
        echo = behind.layout.targets["identity"]
        async with edge_of(tmp_path_factory.mktemp("gated"), services, kong=replace(echo, health_path="/status")) as running:
            yield running


@pytest.mark.media
async def test_the_gateway_gets_what_services_have_and_known_names_as_they_are(gated: Front) -> None:
    for path in ("/api/v1/cameras/1", "/ws/v1/live", "/api/cameras/", "/ws/alerts"):
        assert (await gated.client.get(path)).json()["target"] == path
    assert (await gated.client.get("/static/main.js")).json()["target"] == "/main.js"
    assert (await gated.client.get("/api/v1/nothing")).json()["code"] == "not_found"
    assert (await gated.client.get("/internal/x")).json()["code"] == "not_found"
