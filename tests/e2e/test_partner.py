"""A partner integrates through the edge, over TLS, with curl, httpx and websockets; then somebody breaks the parts that guard it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
import pytest_asyncio
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from redis.asyncio import Redis
from tests.e2e.conftest import House
from tests.e2e.partner import Partner, database, problem, secrets
from tests.e2e.stack import CLOCK, until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chassis.auth import TokenSigner
from chassis.testing.tokens import TokenMint
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import FakeClock, isoformat

pytestmark = [pytest.mark.e2e, pytest.mark.media, pytest.mark.db, pytest.mark.broker]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def partner(house: House) -> AsyncIterator[Partner]:
    made = await Partner.admitted(house.stack, house.person)
    assert (await made.exchange()).status_code == 200
    yield made
    await made.http.aclose()


# --- the door --------------------------------------------------------------------------------------------------------------


async def test_in_clear_nothing_is_answered_and_pages_are_sent_on(house: House) -> None:
    port = (await house.stack.ports())["edge-http"]
    async with httpx.AsyncClient(base_url=f"http://localhost:{port}", trust_env=False) as http:
        assert problem(await http.get("/api/v1/cameras")) == (403, "https_required")
        assert problem(await http.post("/api/v1/auth/login", json={"email": "a@b.c", "password": "x"})) == (403, "https_required")
        page = await http.get("/")
    assert (page.status_code, page.headers["location"]) == (308, f"{house.stack.address}/")


async def test_only_todays_tls_is_spoken_and_only_with_its_own_authority(partner: Partner) -> None:
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


async def test_a_key_is_shown_once_and_says_when_it_was_used(house: House, partner: Partner) -> None:
    listed = (await house.person.ask("GET", f"/api-keys/{partner.key_id}")).json()
    assert partner.key not in json.dumps(listed)
    assert listed["last_used_at"] is not None
    assert listed["expires_at"] > isoformat(CLOCK.now() + timedelta(days=300))
    answer = await partner.exchange()
    assert answer.headers["cache-control"] == "no-store"
    assert {"expires_in": 900, "token_type": "Bearer"}.items() <= answer.json().items()


async def test_a_key_does_what_it_was_made_for_and_no_more(house: House, partner: Partner) -> None:
    me = await partner.get("/users/me")
    assert (me["kind"], me["name"]) == ("api_key", "Integrador")
    assert problem(await partner.ask("POST", "/cameras", json={"name": "x", "url": "rtsp://10.1.2.3/x"})) == (403, "missing_scope")
    assert problem(await partner.ask("GET", "/users")) == (403, "missing_scope")
    assert problem(await partner.ask("POST", "/api-keys", json={"name": "x", "scopes": ["cameras:read"]})) == (403, "missing_scope")
    wanted = {"name": "x", "scopes": ["users:write"]}
    assert problem(await house.person.ask("POST", "/api-keys", json=wanted)) == (403, "forbidden")


# --- what it came for ------------------------------------------------------------------------------------------------------


async def test_it_pages_through_the_cameras(house: House, partner: Partner) -> None:
    bodies = [{"name": f"Reserva {number}", "url": f"rtsp://10.1.2.{number}/live", "enabled": False} for number in (1, 2)]
    spare = [(await house.person.post("/cameras", body))["id"] for body in bodies]
    try:
        seen, cursor = [], None
        while True:
            page = await partner.get("/cameras", limit=1, **({"cursor": cursor} if cursor else {}))
            seen += [camera["id"] for camera in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == sorted({house.camera_id, *spare})

        async def alike() -> bool:  # asked again: the reconciler's word on a new camera may arrive between the two answers
            one = await partner.get(f"/cameras/{spare[0]}")
            return one in (await partner.get("/cameras"))["items"]

        await until(alike, "a list and the camera itself say the same")
    finally:
        for camera_id in spare:
            (await house.person.ask("DELETE", f"/cameras/{camera_id}")).raise_for_status()


async def test_it_watches_a_camera_over_hls(house: House, partner: Partner) -> None:
    await until(_online(house), "the camera is online")
    ticket = await partner.ticket("live", house.camera_id)
    async with partner.client() as viewer:
        viewer.follow_redirects = True
        start = f"/hls/cam_{house.camera_id}/index.m3u8"
        playlist = await viewer.get(start, params={"ticket": ticket})
        assert playlist.status_code == 200, playlist.text
        assert playlist.headers["cache-control"] == "no-store"
        assert playlist.url.path.startswith("/hls/"), "the media server's redirect was put back under the prefix"
        variant = urljoin(str(playlist.url), _lines(playlist.text)[0])

        async def media() -> str | None:
            text = (await viewer.get(variant)).raise_for_status().text
            return text if _segments(text) else None

        text = await until(media, "there is a segment")
        init = await viewer.get(urljoin(variant, re.search(r'#EXT-X-MAP:URI="([^"]+)"', text)[1]))
        segment = await viewer.get(urljoin(variant, _segments(text)[-1]))
        assert init.content[4:8] == b"ftyp"
        assert segment.status_code == 200
        assert b"moof" in segment.content
        assert "no-store" not in segment.headers["cache-control"]
    async with partner.client() as somebody:
        somebody.follow_redirects = True
        for again in ({"ticket": ticket}, {"ticket": "x.y.z"}, {}):
            assert (await somebody.get(start, params=again)).status_code == 401


async def test_it_watches_a_camera_over_whep(house: House, partner: Partner) -> None:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    peer.on("track", tracks.put_nowait)
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    path = f"/whep/cam_{house.camera_id}/whep"
    ask = {"content": peer.localDescription.sdp, "headers": {"content-type": "application/sdp"}}
    assert (await partner.http.post(path, **ask)).status_code == 401
    answer = await partner.http.post(path, params={"ticket": await partner.ticket("live", house.camera_id)}, **ask)
    try:
        assert (answer.status_code, answer.headers["content-type"]) == (201, "application/sdp"), answer.text
        assert answer.headers["location"].startswith(f"{path}/")
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        track = await asyncio.wait_for(tracks.get(), 30)
        frame = await asyncio.wait_for(track.recv(), 60)
        assert (frame.width, frame.height) == (1280, 720)
        assert (await partner.http.delete(answer.headers["location"])).status_code == 200
    finally:
        await peer.close()


async def test_it_hears_what_is_seen_over_the_websocket(house: House, partner: Partner) -> None:
    url = f"wss{partner.address.removeprefix('https')}/ws/v1/live"
    ticket, trust = await partner.ticket("ws"), ssl.create_default_context(cafile=str(partner.authority))
    async with connect(f"{url}?ticket={ticket}", ssl=trust, proxy=None) as socket:
        topic = f"detections:{house.camera_id}"
        await socket.send(json.dumps({"type": "subscribe", "topics": [topic]}))
        assert await _said(socket, "subscribed")
        detection = await _said(socket, "detection")
        assert (detection["topic"], detection["data"]["camera_id"]) == (topic, house.camera_id)
    for refused in (ticket, "x.y.z"):
        async with connect(f"{url}?ticket={refused}", ssl=trust, proxy=None) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 4401


# --- what it is refused ----------------------------------------------------------------------------------------------------


async def test_what_is_not_there_is_not_found_in_the_same_words(partner: Partner) -> None:
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


async def test_who_knocks_too_often_is_told_when_to_come_back(partner: Partner) -> None:
    async with partner.client("127.0.0.2") as knocking:
        for number in range(40):
            guess = {"email": f"nobody-{number}@gtvision.local", "password": "a wrong guess"}
            answer = await knocking.post("/api/v1/auth/login", json=guess)
            if answer.status_code == 429:
                break
            assert problem(answer) == (401, "bad_credentials")
        assert problem(answer) == (429, "rate_limited")
        assert int(answer.headers["retry-after"]) >= 1
        assert number == 30, "30 a minute"
        assert problem(await knocking.get("/api/v1/cameras")) == (401, "unauthenticated"), "the rest is counted by itself"
    assert (await partner.exchange()).status_code == 200, "another address is not"


async def test_tokens_that_are_none_are_refused(house: House, partner: Partner) -> None:
    header, claims, signature = partner.token.split(".")
    async with database(house.stack) as rows:
        row = await rows.fetchrow(
            "SELECT kid, private_sealed FROM identity.signing_key WHERE private_sealed IS NOT NULL ORDER BY created_at LIMIT 1"
        )
    key = Vault(secrets(house.stack)["encryption_keys"]).open(row["private_sealed"])
    mint = TokenMint(kid=row["kid"])
    yesterday = TokenSigner(key, row["kid"], FakeClock(CLOCK.now() - timedelta(days=1)))
    refused = {
        "no token": ("x", "unauthenticated"),
        "cut short": (f"{header}.{claims}", "unauthenticated"),
        "another signature": (f"{header}.{claims}.{signature[::-1]}", "unauthenticated"),
        "a key of somebody else": (mint.token(), "unauthenticated"),
        "yesterday's": (yesterday.access_token(mint.caller(Role.PARTNER)), "token_expired"),
        "the API key itself": (partner.key, "unauthenticated"),
    }
    for what, (token, code) in refused.items():
        for path in ("/cameras", "/detections", "/alerts", "/users/me"):
            answer = await partner.http.get(f"/api/v1{path}", headers={"authorization": f"Bearer {token}"})
            assert problem(answer) == (401, code), (what, path)


async def test_a_revoked_key_opens_nothing_and_its_tokens_end(house: House) -> None:
    other = await Partner.admitted(house.stack, house.person, ["cameras:read"])
    async with other.http:
        await other.exchange()
        assert (await other.ask("GET", "/cameras")).status_code == 200
        (await house.person.ask("DELETE", f"/api-keys/{other.key_id}")).raise_for_status()
        assert problem(await other.exchange()) == (401, "bad_credentials")
        await until(_refused(other), "its token has ended")


# --- a city's own rules ----------------------------------------------------------------------------------------------------


async def test_a_city_that_wants_a_purpose_gets_one_on_record(house: House, partner: Partner) -> None:
    tenant = (await partner.get("/users/me"))["tenant_id"]
    path = f"/tenants/{tenant}/settings"
    before = await house.person.ask("GET", path)
    wanted = {"purposes": {"codes": ["investigacao", "auditoria"], "required": True}}
    assert problem(await house.person.ask("PATCH", path, json=wanted)) == (428, "precondition_required")
    assert problem(await house.person.ask("PATCH", path, json=wanted, headers={"if-match": '"999"'})) == (412, "stale_revision")
    changed = await house.person.ask("PATCH", path, json=wanted, headers={"if-match": before.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != before.headers["etag"]
    plate = house.watched
    try:
        await until(_answers(partner, f"/plates/{plate}", 422), "the search asks for a purpose")
        assert problem(await partner.ask("GET", f"/plates/{plate}")) == (422, "purpose_required")
        assert problem(await partner.ask("GET", f"/plates/{plate}", {"x-purpose": "curiosidade"})) == (422, "purpose_unknown")
        found = await partner.ask("GET", f"/plates/{plate}", {"x-purpose": "investigacao"})
        assert found.status_code == 200
    finally:
        undone = await house.person.ask("PUT", path, json=before.json(), headers={"if-match": changed.headers["etag"]})
        assert undone.status_code == 200
    await until(_answers(partner, f"/plates/{plate}", 200), "the search asks for no purpose any more")

    async def on_record() -> list[dict[str, Any]]:
        found = await house.person.get("/audit", action="plate.searched", purpose="investigacao")
        return [entry for entry in found["items"] if entry["actor_id"] == partner.key_id]

    entry = (await until(on_record, "the search is on record"))[0]
    assert (entry["address"], entry["object_id"], entry["outcome"]) == ("127.0.0.1", plate, "allowed")
    assert entry["correlation_id"] == found.headers["x-correlation-id"]


async def test_a_person_with_a_reset_password_gets_no_further_before_changing_it(house: House, partner: Partner) -> None:
    email = "nova@gtvision.local"
    user = {"email": email, "password": "um-jumento-correto-7", "role": "operator", "must_change_password": False}
    await house.person.post("/users", user)
    said = await asyncio.to_thread(house.stack.gtv, "users", "reset-password", email)
    password = said.stdout.strip().splitlines()[-1]
    async with partner.client() as http:
        session = (await http.post("/api/v1/auth/login", json={"email": email, "password": password})).raise_for_status().json()
        assert session["must_change_password"]
        first = {"authorization": f"Bearer {session['access_token']}"}
        assert problem(await http.get("/api/v1/cameras", headers=first))[0] == 403
        change = {"current_password": password, "new_password": "uma-zebra-correta-99"}
        fresh = (await http.post("/api/v1/auth/password", json=change, headers=first)).raise_for_status().json()
        assert not fresh["must_change_password"]
        second = {"authorization": f"Bearer {fresh['access_token']}"}
        assert (await http.get("/api/v1/cameras", headers=second)).status_code == 200
        assert problem(await http.post("/api/v1/auth/login", json={"email": email, "password": password}))[0] == 401


# --- somebody turns the screws ---------------------------------------------------------------------------------------------


async def test_rotating_keys_under_load_fails_no_request(house: House, partner: Partner) -> None:
    answered = 0
    stop = asyncio.Event()
    signed_by: set[str] = set()

    async def work() -> None:
        nonlocal answered
        mine = Partner(partner.address, partner.authority, partner.key, partner.key_id)
        async with mine.http:
            while not stop.is_set():
                assert (await mine.exchange()).status_code == 200
                signed_by.add(_kid(mine.token))
                for path in ("/cameras", "/cameras/health", "/detections?limit=1", "/alerts?limit=1", "/users/me"):
                    answer = await mine.ask("GET", path)
                    assert answer.status_code == 200, answer.text
                    answered += 1
                await asyncio.sleep(1.0)  # logins and exchanges are counted by address

    before = _kid(partner.token)
    workers = [asyncio.create_task(work())]
    try:
        said = await asyncio.to_thread(house.stack.gtv, "keys", "rotate", "--activate-after", "5")
        fresh = said.stdout.split()[0]

        async def used() -> bool:
            return fresh in signed_by or any(worker.done() for worker in workers)

        await until(used, "tokens are signed with the new key")
        assert (await partner.ask("GET", "/cameras")).status_code == 200, "a token of the key before is still good"
    finally:
        stop.set()
        await asyncio.gather(*workers)
    assert {before, fresh} <= signed_by
    assert answered
    published = (await partner.http.get("/api/v1/.well-known/jwks.json")).json()
    assert {before, fresh} <= {key["kid"] for key in published["keys"]}


@pytest.mark.fault
async def test_without_identity_valid_tokens_go_on_working(house: House, partner: Partner) -> None:
    await partner.exchange()
    killed = await house.stack.kill("identity")
    try:
        for path in ("/cameras", "/detections?limit=1", f"/plates/{house.watched}", "/alerts?limit=1"):
            assert (await partner.ask("GET", path)).status_code == 200, path
    finally:
        await house.stack.is_back("identity", killed)
    await until(_exchanges(partner), "identity answers again")


@pytest.mark.fault
async def test_a_revoked_session_stays_revoked_when_redis_dies_and_forgets(house: House, partner: Partner) -> None:
    async with partner.client() as http:
        session = (await http.post("/api/v1/auth/login", json=_admin(house))).raise_for_status().json()
        header = {"authorization": f"Bearer {session['access_token']}"}
        assert (await http.get("/api/v1/cameras", headers=header)).status_code == 200
        assert (await http.post("/api/v1/auth/logout", headers=header)).status_code == 204

        async def refused() -> bool:
            answers = [await http.get(f"/api/v1{path}", headers=header) for path in ("/cameras", "/detections", "/alerts", "/users/me")]
            return all(answer.status_code == 401 for answer in answers)

        await until(refused, "the session is over everywhere")
        port, password = (await house.stack.ports())["redis-state"], secrets(house.stack)["parts"]["redis_state"]
        async with Redis(port=port, password=password) as redis:
            await redis.flushall()
        for _ in range(4):
            assert await refused(), "emptied"
            await asyncio.sleep(0.5)
        killed = await house.stack.kill("redis-state")
        assert await refused(), "dead"
        await house.stack.is_back("redis-state", killed)
        replaced = await house.stack.kill("cameras")  # it never saw the revocation, and asks a Redis that was emptied
        await house.stack.is_back("cameras", replaced)
        await until(refused, "refused again by a process that starts afresh")
        assert (await partner.exchange()).status_code == 200
        assert (await partner.ask("GET", "/cameras")).status_code == 200


async def test_an_altered_row_of_the_ledger_is_named(house: House) -> None:
    async with database(house.stack) as rows:
        assert (await asyncio.to_thread(house.stack.gtv, "audit", "verify", check=False)).returncode == 0
        found = await rows.fetchrow(
            "SELECT tenant_id, seq, actor_name FROM identity.audit_entry WHERE action = 'plate.searched' ORDER BY seq LIMIT 1"
        )
        altered = "UPDATE identity.audit_entry SET actor_name = $3 WHERE tenant_id = $1 AND seq = $2"
        with pytest.raises(Exception, match="append"):
            await rows.execute(altered, found["tenant_id"], found["seq"], "Somebody else")
        await rows.execute("SET session_replication_role = replica")  # no trigger runs: only the chain is left to tell
        await rows.execute(altered, found["tenant_id"], found["seq"], "Somebody else")
        try:
            said = await asyncio.to_thread(house.stack.gtv, "audit", "verify", check=False)
        finally:
            await rows.execute(altered, found["tenant_id"], found["seq"], found["actor_name"])
        assert said.returncode == 1
        assert re.search(rf"first wrong row: .*row {found['seq']}\b", said.stdout), said.stdout
        healed = await asyncio.to_thread(house.stack.gtv, "audit", "verify", check=False)
        assert healed.returncode == 0, healed.stdout


# --- asking ----------------------------------------------------------------------------------------------------------------


Question = Callable[[], Awaitable[Any]]


def _online(house: House) -> Question:
    async def is_so() -> bool:
        return (await house.person.get(f"/cameras/{house.camera_id}"))["state"] == "online"

    return is_so


def _answers(partner: Partner, path: str, status: int) -> Question:
    async def does() -> bool:
        return (await partner.ask("GET", path)).status_code == status

    return does


def _refused(partner: Partner) -> Question:
    return _answers(partner, "/cameras", 401)


def _exchanges(partner: Partner) -> Question:
    async def does() -> bool:
        return (await partner.exchange()).is_success

    return does


def _admin(house: House) -> dict[str, str]:
    return {"email": house.stack.email, "password": house.stack.password}


def _lines(playlist: str) -> list[str]:
    return [line for line in playlist.splitlines() if line and not line.startswith("#")]


def _segments(playlist: str) -> list[str]:
    return [line for line in _lines(playlist) if urlsplit(line).path.endswith((".mp4", ".m4s")) and "gap" not in line]


async def _said(socket: Any, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(120):
        async for text in socket:
            message = json.loads(text)
            if message["type"] == kind:
                return message
    raise AssertionError(f"the socket was closed before it said {kind}")


def _file_of(partner: Partner, content: bytes) -> str:
    path = partner.authority.parent / "large.bin"
    path.write_bytes(content)
    return str(path)


def _kid(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
