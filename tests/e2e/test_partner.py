"""Tests of a partner's integration through the edge, over TLS, with curl, httpx and websockets."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from tests.e2e.conftest import Deployment
from tests.e2e.partner import Partner, answers, database, problem, secrets
from tests.e2e.stack import CLOCK, PATIENCE_S, PATIENT, until
from tests.fixtures.tokens import TokenMint
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chassis.auth import TokenSigner
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import FakeClock, isoformat

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]


# --- the edge --------------------------------------------------------------------------------------------------------------


async def test_plain_http_serves_nothing_and_redirects_pages(deployment: Deployment) -> None:
    port = (await deployment.stack.ports())["edge-http"]
    async with httpx.AsyncClient(base_url=f"http://localhost:{port}", trust_env=False) as http:
        assert problem(await http.get("/api/v1/cameras")) == (403, "https_required")
        assert problem(await http.post("/api/v1/auth/login", json={"email": "a@b.c", "password": "x"})) == (403, "https_required")
        page = await http.get("/")
    assert (page.status_code, page.headers["location"]) == (308, f"{deployment.stack.address}/")


async def test_only_current_tls_versions_and_its_own_authority_are_accepted(partner: Partner) -> None:
    async with httpx.AsyncClient(base_url=partner.address, trust_env=False) as stranger:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get("/health")
    old = ssl.create_default_context(cafile=str(partner.authority))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with httpx.AsyncClient(base_url=partner.address, verify=old, trust_env=False) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("/health")
    answer = await partner.http.get("/health")
    assert answer.status_code == 200
    assert "server" not in answer.headers
    assert "max-age" in answer.headers["strict-transport-security"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_curl_is_answered_over_http_2(partner: Partner) -> None:
    header = f"Authorization: Bearer {partner.token}"
    status, version, body = await partner.curl("--http2", "-H", header, f"{partner.address}/api/v1/cameras?limit=1")
    assert (status, version) == (200, "2")
    assert len(json.loads(body)["items"]) == 1


async def test_a_key_is_shown_once_and_says_when_it_was_used(deployment: Deployment, partner: Partner) -> None:
    listed = (await deployment.person.ask("GET", f"/api-keys/{partner.key_id}")).json()
    assert partner.key not in json.dumps(listed)
    assert listed["last_used_at"] is not None
    assert listed["expires_at"] > isoformat(CLOCK.now() + timedelta(days=300))
    answer = await partner.exchange()
    assert answer.headers["cache-control"] == "no-store"
    assert {"expires_in": 900, "token_type": "Bearer"}.items() <= answer.json().items()


async def test_a_key_does_what_it_was_made_for_and_no_more(deployment: Deployment, partner: Partner) -> None:
    me = await partner.get("/users/me")
    assert (me["kind"], me["name"]) == ("api_key", "Integrador")
    assert problem(await partner.ask("POST", "/cameras", json={"name": "x", "url": "rtsp://10.1.2.3/x"})) == (403, "missing_scope")
    assert problem(await partner.ask("GET", "/users")) == (403, "missing_scope")
    assert problem(await partner.ask("POST", "/api-keys", json={"name": "x", "scopes": ["cameras:read"]})) == (403, "missing_scope")
    wanted = {"name": "x", "scopes": ["users:write"]}
    assert problem(await deployment.person.ask("POST", "/api-keys", json=wanted)) == (403, "forbidden")


# --- its rights ------------------------------------------------------------------------------------------------------------


async def test_it_pages_through_the_cameras(deployment: Deployment, partner: Partner) -> None:
    bodies = [{"name": f"Reserva {number}", "url": f"rtsp://10.1.2.{number}/live", "enabled": False} for number in (1, 2)]
    spare = [(await deployment.person.post("/cameras", body))["id"] for body in bodies]
    try:
        seen, cursor = [], None
        while True:
            page = await partner.get("/cameras", limit=1, **({"cursor": cursor} if cursor else {}))
            seen += [camera["id"] for camera in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == sorted({deployment.camera_id, *spare})

        async def alike() -> bool:  # the state of a new camera may change between the two answers
            one = await partner.get(f"/cameras/{spare[0]}")
            return one in (await partner.get("/cameras"))["items"]

        await until(alike, "a list and the camera itself say the same")
    finally:
        for camera_id in spare:
            (await deployment.person.ask("DELETE", f"/cameras/{camera_id}")).raise_for_status()


async def test_it_watches_a_camera_over_hls(deployment: Deployment, partner: Partner) -> None:
    await until(deployment.online, "the camera is online")
    ticket = await partner.ticket("live", deployment.camera_id)
    async with partner.client() as viewer:
        viewer.follow_redirects = True
        start = f"/hls/cam_{deployment.camera_id}/index.m3u8"
        playlist = await viewer.get(start, params={"ticket": ticket})
        assert playlist.status_code == 200, playlist.text
        assert playlist.headers["cache-control"] == "no-store"
        assert playlist.url.path.startswith("/hls/"), "the media server's redirect was put back under the prefix"
        variant = urljoin(str(playlist.url), _lines(playlist.text)[0])

        async def media() -> tuple[httpx.Response, httpx.Response] | None:
            """Returns the newest segment; None where it was deleted before a slow viewer asked for it."""
            text = (await viewer.get(variant)).raise_for_status().text
            if not _segments(text):
                return None
            init = await viewer.get(urljoin(variant, re.search(r'#EXT-X-MAP:URI="([^"]+)"', text)[1]))
            segment = await viewer.get(urljoin(variant, _segments(text)[-1]))
            return (init, segment) if (init.status_code, segment.status_code) == (200, 200) else None

        init, segment = await until(media, "there is a segment")
        assert init.content[4:8] == b"ftyp"
        assert b"moof" in segment.content
        assert "no-store" not in segment.headers["cache-control"]
    async with partner.client() as other:
        other.follow_redirects = True
        for again in ({"ticket": ticket}, {"ticket": "x.y.z"}, {}):
            assert (await other.get(start, params=again)).status_code == 401


async def test_it_watches_a_camera_over_whep(deployment: Deployment, partner: Partner) -> None:
    await until(deployment.online, "the camera is online")
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    path = f"/whep/cam_{deployment.camera_id}/whep"
    ask = {"content": peer.localDescription.sdp, "headers": {"content-type": "application/sdp"}}
    assert (await partner.http.post(path, **ask)).status_code == 401
    answer = await partner.http.post(path, params={"ticket": await partner.ticket("live", deployment.camera_id)}, **ask)
    try:
        assert (answer.status_code, answer.headers["content-type"]) == (201, "application/sdp"), answer.text
        assert answer.headers["location"].startswith(f"{path}/")
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        track = await asyncio.wait_for(tracks.get(), 300)
        frame = await asyncio.wait_for(track.recv(), 300)
        assert (frame.width, frame.height) == (1280, 720)
        assert (await partner.http.delete(answer.headers["location"])).status_code == 200
    finally:
        await peer.close()


async def test_it_gets_detections_over_the_websocket(deployment: Deployment, partner: Partner) -> None:
    url = f"wss{partner.address.removeprefix('https')}/ws/v1/live"
    ticket, trust = await partner.ticket("ws"), ssl.create_default_context(cafile=str(partner.authority))
    async with connect(f"{url}?ticket={ticket}", ssl=trust, proxy=None, **PATIENT) as socket:
        topic = f"detections:{deployment.camera_id}"
        await socket.send(json.dumps({"type": "subscribe", "topics": [topic]}))
        assert await _said(socket, "subscribed")
        detection = await _said(socket, "detection")
        assert (detection["topic"], detection["data"]["camera_id"]) == (topic, deployment.camera_id)
    for refused in (ticket, "x.y.z"):
        async with connect(f"{url}?ticket={refused}", ssl=trust, proxy=None, **PATIENT) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4401


# --- what it is refused ----------------------------------------------------------------------------------------------------


async def test_every_missing_thing_has_the_same_answer(partner: Partner) -> None:
    for path in ("/api/v1/nothing", "/api/v2/cameras", "/api", "/ws/v1/other", "/hls/other/index.m3u8", "/health/ready", "/metrics"):
        assert problem(await partner.http.get(path, headers=partner.headers)) == (404, "not_found"), path
    assert problem(await partner.ask("GET", f"/cameras/{new_id()}")) == (404, "not_found")


async def test_too_large_a_body_is_refused_while_it_is_sent(partner: Partner) -> None:
    frame = {"authorization": partner.headers["authorization"], "content-type": "image/jpeg"}
    large = b"0" * 11_000_000
    assert problem(await partner.http.post("/api/v1/detect/frame", content=large, headers=frame)) == (413, "too_large")
    header = f"Authorization: Bearer {partner.token}"
    status, version, body = await partner.curl(
        "--http2",
        "-H",
        header,
        "-H",
        "Content-Type: image/jpeg",
        "--data-binary",
        f"@{_file_of(partner, large)}",
        f"{partner.address}/api/v1/detect/frame",
    )
    assert (status, version, json.loads(body)["code"]) == (413, "2", "too_large")


async def test_too_many_logins_are_answered_with_retry_after(partner: Partner) -> None:
    async with partner.client("127.0.0.2") as knocking:
        for number in range(40):
            # a guess costs the service a slow hash; invalid requests count alike, and fit into the minute on any machine
            guess = {"email": f"nobody-{number}@gtvision.local", "password": "a wrong guess"} if number < 3 else {}
            answer = await knocking.post("/api/v1/auth/login", json=guess)
            if answer.status_code == 429:
                break
            assert problem(answer) == ((401, "bad_credentials") if guess else (422, "invalid"))
        assert problem(answer) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1
        assert number == 30, "30 a minute"
        assert problem(await knocking.get("/api/v1/cameras")) == (401, "unauthenticated"), "the rest is counted by itself"
    assert (await partner.exchange()).status_code == 200, "another address is not"


async def test_invalid_tokens_are_refused(deployment: Deployment, partner: Partner) -> None:
    header, claims, signature = partner.token.split(".")
    async with database(deployment.stack) as rows:
        row = await rows.fetchrow(
            "SELECT kid, private_sealed FROM identity.signing_key WHERE private_sealed IS NOT NULL ORDER BY created_at LIMIT 1"
        )
    key = Vault(secrets(deployment.stack)["encryption_keys"]).open(row["private_sealed"])
    mint = TokenMint(kid=row["kid"])
    yesterday = TokenSigner(key, row["kid"], FakeClock(CLOCK.now() - timedelta(days=1)))
    refused = {
        "no token": ("x", "unauthenticated"),
        "cut short": (f"{header}.{claims}", "unauthenticated"),
        "another signature": (f"{header}.{claims}.{signature[::-1]}", "unauthenticated"),
        "a token of another issuer": (mint.token(), "unauthenticated"),
        "yesterday's": (yesterday.access_token(mint.caller(Role.PARTNER)), "token_expired"),
        "the API key itself": (partner.key, "unauthenticated"),
    }
    for what, (token, code) in refused.items():
        for path in ("/cameras", "/detections", "/alerts", "/users/me"):
            answer = await partner.http.get(f"/api/v1{path}", headers={"authorization": f"Bearer {token}"})
            assert problem(answer) == (401, code), (what, path)


async def test_a_revoked_key_opens_nothing_and_its_tokens_end(deployment: Deployment) -> None:
    other = await Partner.admitted(deployment.stack, deployment.person, ["cameras:read"])
    async with other.http:
        await other.exchange()
        assert (await other.ask("GET", "/cameras")).status_code == 200
        (await deployment.person.ask("DELETE", f"/api-keys/{other.key_id}")).raise_for_status()
        assert problem(await other.exchange()) == (401, "bad_credentials")
        await until(answers(other, "/cameras", 401), "its token has ended")


# --- asking ----------------------------------------------------------------------------------------------------------------


def _lines(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def _segments(playlist: str) -> list[str]:
    return [line for line in _lines(playlist) if urlsplit(line).path.endswith((".mp4", ".m4s")) and "gap" not in line]


async def _said(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await socket.send(json.dumps({"type": "pong"}))
            if message["type"] == kind:
                return message
    raise AssertionError(f"the socket was closed before it said {kind}")


def _file_of(partner: Partner, content: bytes) -> str:
    path = partner.authority.parent / "large.bin"
    path.write_bytes(content)
    return str(path)
