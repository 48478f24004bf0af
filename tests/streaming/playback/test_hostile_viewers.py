"""Tests of everything that shows something of recordings: who has no right to it gets nothing, by whatever path."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.ledger import audit_entries
from tests.streaming.playback.conftest import Camera, Node, long_ago
from tests.streaming.playback.test_refusals import MINUTE

from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from streaming.gateways.pyav_pictures import PyAvPictures

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

GROUP = new_id()
SINCE, UNTIL = long_ago(), long_ago() + MINUTE
SPAN = {"from": SINCE.isoformat(), "to": UNTIL.isoformat()}


@pytest.fixture
async def camera(node: Node, film: Path) -> Camera:
    """A camera of a group with three files of a minute each, each with its thumbnail, and an administrator of the group."""
    made = await node.camera(GROUP)
    made.caller = node.running.mint.caller(Role.ADMIN, tenant_id=made.tenant, groups=[GROUP])
    jpeg = await PyAvPictures(film.parent, node.running.clock).thumbnail(film.relative_to(film.parent))  # type: ignore[arg-type]
    for number in range(3):
        made.put(film, SINCE + number * MINUTE).with_suffix(".jpg").write_bytes(jpeg)
    await made.index()
    return made


ASKED: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "list": ("GET", "/recordings", SPAN, {}),
    "timeline": ("GET", "/recordings/timeline", SPAN, {}),
    "playback": ("GET", "/recordings/playback", SPAN, {}),
    "tombstones": ("GET", "/recordings/tombstones", {}, {}),
    "snapshot": ("GET", "/snapshots/{camera}", {"at": SPAN["from"]}, {}),
    "clip": ("POST", "/recordings/clips", {}, SPAN | {"name": "Rua"}),
    "hold": ("POST", "/holds", {}, SPAN | {"reason": "Processo"}),
    "restore": ("POST", "/recordings/archive/restore", {}, SPAN),
}


async def ask(camera: Camera, what: str, caller: Caller) -> httpx.Response:
    method, path, params, body = ASKED[what]
    named = {} if "{camera}" in path else {"camera_id": str(camera.camera)}
    return await camera.node.running.http.request(
        method,
        path.format(camera=camera.camera),
        headers=camera.node.running.mint.headers(caller),
        params=params | (named if method == "GET" else {}),
        json=(body | named) if method == "POST" else None,
    )


@pytest.mark.parametrize("what", ASKED)
async def test_who_has_no_right_to_a_camera_learns_nothing_of_its_recordings(camera: Camera, what: str) -> None:
    mint = camera.node.running.mint
    for caller, expected in (
        (mint.caller(Role.ADMIN, tenant_id=new_id()), (404, "not_found")),
        (mint.caller(Role.ADMIN, tenant_id=camera.tenant, groups=[new_id()]), (404, "not_found")),
        (mint.caller(Role.ADMIN, tenant_id=camera.tenant, groups=[]), (404, "not_found")),
        (mint.caller(Role.VIEWER, tenant_id=camera.tenant), (403, "missing_scope")),
        (mint.caller(Role.PARTNER, tenant_id=camera.tenant, scopes=[Scope.PLATES_SEARCH, Scope.LIVE_VIEW]), (403, "missing_scope")),
    ):
        answer = await ask(camera, what, caller)
        assert (answer.status_code, answer.json()["code"]) == expected
        assert await audit_entries(camera.node.running.db, caller.tenant_id) == []
    answer = await ask(camera, what, camera.caller)  # the same question of who may ask
    assert answer.status_code in {200, 201, 202, 307} or answer.json()["detail"] == "There is no off-site copy of this range.", answer.text


def files_of(camera: Camera) -> list[str]:
    """What a session shows: a playlist, a file, the same without sound, a thumbnail, the list of them, a sprite."""
    first = min(camera.folder.glob("*.mp4")).stem
    return [f"{first}.mp4", f"silent_{first}.mp4", f"{first}.jpg", "index.m3u8", "thumbs.json", f"sprite_{SINCE:%Y-%m-%d_%H}.jpg"]


async def test_all_that_a_session_shows_is_one_view(camera: Camera) -> None:
    key = await camera.open(SINCE, UNTIL)
    for _ in range(2):
        assert [(await camera.get(f"{key}/{file}")).status_code for file in files_of(camera)] == [200] * 6
    [record] = await audit_entries(camera.node.running.db, camera.tenant)
    assert record.data.action == "recording.viewed"


async def test_a_key_shows_nothing_to_others_and_of_others(camera: Camera, node: Node, film: Path) -> None:
    other = await node.camera()
    other.put(film, SINCE)
    await other.index()
    key = await camera.open(SINCE, UNTIL)
    for file in files_of(camera):
        assert (await camera.get(f"{'x' * 43}/{file}")).status_code == 401
        assert (await camera.get(f"{key}/{file}", headers={"x-forwarded-for": "203.0.113.1"})).status_code in {403, 404}
        assert (await other.get(f"{key}/{file}")).status_code in {401, 404}
        assert (await camera.get(file)).status_code == 404
        swapped = await camera.get(f"{'x' * 43}/{file}", headers={"x-playback-key": key, "x-playback-camera": path_name(camera.camera)})
        assert swapped.status_code == 401, "a header of the client is not believed"


async def test_nothing_outside_its_range_is_shown(camera: Camera) -> None:
    key = await camera.open(SINCE + MINUTE, SINCE + MINUTE + timedelta(seconds=10))
    before, inside, after = (path.stem for path in sorted(camera.folder.glob("*.mp4")))
    for name in ("{}.mp4", "silent_{}.mp4", "{}.jpg"):
        answers = [await camera.get(f"{key}/{name.format(each)}") for each in (before, inside, after)]
        assert [answer.is_success for answer in answers] == [False, True, False]
        assert {answers[0].status_code, answers[2].status_code} <= {403, 404}
    wide: dict[str, Any] = {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    listed = (await camera.get(f"{key}/thumbs.json", **wide)).json()["items"]
    assert [item["file"] for item in listed] == [f"{inside}.jpg"]
    wider = await camera.playlist(key, **wide)
    assert (before in wider, inside in wider, after in wider) == (False, True, False)


@pytest.mark.parametrize(
    "path",
    [
        "{key}/../{other}/{file}",
        "{key}/..%2f{other}/{file}",
        "{key}/%2e%2e/{other}/{file}",
        "{key}/%252e%252e%252f{other}%252f{file}",
        "{key}/thumbs.json/../../{other}/{file}",
        "{key}%2f..%2f..%2f{other}%2f{file}",
        "{key}/sprite_..%2f..jpg",
        "{key}/silent_../{file}",
        "{key}//{file}/..//../{other}/{file}",
        "open/../../{other}/{file}",
    ],
)
async def test_no_path_leads_to_the_files_of_another_camera(camera: Camera, node: Node, film: Path, path: str) -> None:
    other = await node.camera()
    theirs = other.put(film, SINCE)
    await other.index()
    key = await camera.open(SINCE, UNTIL)
    asked = path.format(key=key, other=path_name(other.camera), file=theirs.name)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(node.url.rpartition(":")[2]))
    request = f"GET /{path_name(camera.camera)}/{asked} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {camera.headers['x-forwarded-for']}\r\n"
    writer.write(f"{request}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in {b"400", b"401", b"403", b"404"}
    assert b"moof" not in answer


@pytest.mark.parametrize("climbing", ["../playback", "..%2fplayback", "%2e%2e/playback", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "0"])
async def test_no_id_of_the_api_is_a_path(camera: Camera, climbing: str) -> None:
    headers = camera.node.running.mint.headers(camera.caller)
    for place in ("/snapshots/{}", "/recordings/clips/{}", "/recordings/clips/{}/file", "/recordings/clips/{}/download", "/holds/{}"):
        answer = await camera.node.running.http.get(place.format(climbing), headers=headers)
        assert answer.status_code in {401, 404, 405, 422}, answer.text
