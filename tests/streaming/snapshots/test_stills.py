"""Tests of pictures of cameras: asked of the real API, redeemed at the real agent behind the real nginx, decoded from real files."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
from tests.ledger import audit_entries
from tests.streaming.conftest import CLOCK
from tests.streaming.playback.conftest import HERE, Camera, Node, long_ago, node
from tests.streaming.snapshots.conftest import frame_number, grey_of_seconds, make_film, opened

from chassis.envelope import wrap
from gtvision.camera import path_name
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from streaming.gateways.pyav_pictures import PyAvPictures

__all__ = ["node"]
pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of five frames; the brightness of each says its number, and there is a key frame every second."""
    return make_film(tmp_path_factory.mktemp("clock") / "film.mp4", source=grey_of_seconds(14, "640x360"))


async def ask(camera: Camera, at: datetime | str | None = None, caller: Caller | None = None, **params: Any) -> httpx.Response:
    sent = camera.node.running.mint.headers(caller or camera.caller)
    instant = {} if at is None else {"at": at if isinstance(at, str) else at.isoformat()}
    return await camera.node.running.http.get(f"/snapshots/{camera.camera}", headers=sent, params=instant | params)


async def follow(camera: Camera, answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 307, answer.text
    place = httpx.URL(answer.headers["location"])
    assert place.path == f"/playback/{path_name(camera.camera)}/still.jpg"
    return await camera.node.http.get(place.raw_path.decode().removeprefix("/playback"), headers={"x-forwarded-for": HERE})


async def picture(camera: Camera, at: datetime | None = None, **params: Any) -> httpx.Response:
    still = await follow(camera, await ask(camera, at, **params))
    assert still.status_code == 200, still.text
    return still


def captured(still: httpx.Response) -> datetime:
    text = still.headers["x-captured-at"]
    assert len(text) == len("2026-05-01T12:00:00.000000Z")
    return datetime.fromisoformat(text)


async def test_a_picture_shows_the_key_frame_at_or_before_the_instant_and_tells_its_own(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago() + timedelta(microseconds=123_456)
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    still = await picture(camera, start + timedelta(seconds=7.9))
    assert still.headers["content-type"] == "image/jpeg"
    assert still.headers["cache-control"] == "no-store"
    name = f"{path_name(camera.camera)}_{start + timedelta(seconds=7):%Y-%m-%d_%H-%M-%S-%f}.jpg"
    assert still.headers["content-disposition"] == f'inline; filename="{name}"'
    assert captured(still) == start + timedelta(seconds=7)
    assert (frame_number(still.content), opened(still.content).size) == (35, (640, 360))


async def test_an_exact_picture_shows_the_frame_of_the_instant(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    still = await picture(camera, start + timedelta(seconds=7.9), exact="true", width=320)
    assert captured(still) == start + timedelta(seconds=7.8)
    assert (frame_number(still.content), opened(still.content).size) == (39, (320, 180))


async def test_the_right_file_is_found_at_their_borders(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    for number in range(3):
        camera.put(clock, start + timedelta(seconds=14 * number), lasts_s=14)
    await camera.index()
    for second, expected in ((13.95, 13), (14, 14), (14.5, 14), (27.999, 27), (28, 28), (41.9, 41)):
        assert captured(await picture(camera, start + timedelta(seconds=second))) == start + timedelta(seconds=expected)


async def test_the_newest_picture_is_that_of_the_file_that_is_being_written(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), CLOCK.now() - timedelta(seconds=14)
    camera.put(clock, start, written=CLOCK.now())
    still = await picture(camera)
    assert (captured(still), frame_number(still.content)) == (start + timedelta(seconds=13), 65)
    begun = camera.put(clock, CLOCK.now(), cut=900, written=CLOCK.now())
    assert captured(await picture(camera)) == start + timedelta(seconds=13), "the file that has just begun holds no picture yet"
    begun.unlink()


async def test_what_was_recorded_a_moment_ago_is_found_before_the_index_knows_it(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), CLOCK.now() - timedelta(seconds=14)
    camera.put(clock, start, written=CLOCK.now())
    at = CLOCK.now() - timedelta(seconds=4)
    shown = captured(await picture(camera, at))
    assert timedelta() <= at - shown < timedelta(seconds=1)


async def test_where_nothing_was_recorded_there_is_no_picture_and_its_cause(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    camera.put(clock, start + timedelta(minutes=5), lasts_s=14)
    await camera.index()
    for minute in (-5, 2, 30):
        answer = await ask(camera, start + timedelta(minutes=minute))
        assert (answer.status_code, answer.json()["code"]) == (404, "no_recording"), minute
        assert answer.json()["reason"] in {"operator", "unknown", "node", "network", "camera"}
    entries = await audit_entries(node.running.db, camera.tenant)
    assert entries == [], "nothing was seen"


async def test_a_camera_that_is_not_recorded_has_no_newest_picture(node: Node, clock: Path) -> None:
    camera = await node.camera()
    for recorded in (False, True):
        if recorded:
            camera.put(clock, long_ago(), lasts_s=14)
        answer = await follow(camera, await ask(camera))
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (404, "no_recording", "not_recorded_now")


async def test_a_picture_is_on_record_once_with_its_instant_and_purpose(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    at = start + timedelta(seconds=3)
    headers = node.running.mint.headers(camera.caller) | {"x-purpose": "crime"}
    answer = await node.running.http.get(f"/snapshots/{camera.camera}", headers=headers, params={"at": at.isoformat()})
    await follow(camera, answer)
    [entry] = await audit_entries(node.running.db, camera.tenant)
    said = entry.data
    assert (said.action, said.object_id, entry.camera_id) == ("recording.viewed", str(camera.camera), camera.camera)
    assert (said.range_from, said.range_to, said.purpose, said.actor_id) == (at, at, "crime", camera.caller.user_id)


async def test_a_page_that_asks_for_the_newest_picture_again_and_again_is_one_view(node: Node, clock: Path) -> None:
    camera = await node.camera()
    camera.put(clock, CLOCK.now() - timedelta(seconds=14), written=CLOCK.now())
    for _ in range(3):
        await picture(camera)
    other = node.running.mint.caller(Role.OPERATOR, tenant_id=camera.tenant)
    await follow(camera, await ask(camera, caller=other))
    entries = await audit_entries(node.running.db, camera.tenant)
    assert [(entry.data.action, entry.data.actor_id) for entry in entries] == [
        ("live.viewed", camera.caller.user_id),
        ("live.viewed", other.user_id),
    ]


async def test_a_ticket_opens_one_picture_of_its_camera_once(node: Node, clock: Path) -> None:
    camera, other, start = await node.camera(), await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    answer = await ask(camera, start)
    assert (await follow(camera, answer)).status_code == 200
    for used in (answer.headers["location"], f"/playback/{path_name(camera.camera)}/still.jpg", f"{answer.headers['location'][:-3]}abc"):
        again = await node.http.get(used.removeprefix("/playback"))
        assert (again.status_code, again.json()["code"]) == (401, "ticket_refused")
    moved = (await ask(camera, start)).headers["location"].replace(str(camera.camera), str(other.camera))
    assert (await node.http.get(moved.removeprefix("/playback"))).status_code == 401


async def test_a_ticket_ends_with_the_login(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    answers = [await ask(camera, start) for _ in range(40)]
    await node.revoke(camera.caller)
    for answer in answers:  # the agent hears of it a moment later
        if (still := await follow(camera, answer)).status_code != 200:
            break
        await asyncio.sleep(0.5)
    assert (still.status_code, still.json()["code"]) == (401, "session_revoked")


GROUP, OTHER_GROUP = new_id(), new_id()
RIGHTS: dict[str, tuple[dict[str, Any], int, int]] = {
    "operator": ({}, 307, 307),
    "operator of the group": ({"groups": [GROUP]}, 307, 307),
    "operator of another group": ({"groups": [OTHER_GROUP]}, 404, 404),
    "operator of another city": ({"tenant_id": new_id()}, 404, 404),
    "viewer": ({"role": Role.VIEWER}, 403, 307),
    "key for recordings": ({"scopes": [Scope.RECORDINGS_READ]}, 307, 307),
    "key for plates": ({"scopes": [Scope.PLATES_SEARCH]}, 403, 403),
    "auditor": ({"role": Role.AUDITOR}, 403, 403),
}


@pytest.mark.parametrize("who", RIGHTS)
async def test_who_may_see_a_picture(node: Node, clock: Path, who: str) -> None:
    camera, start = await node.camera(GROUP), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    options, of_then, of_now = RIGHTS[who]
    asking: dict[str, Any] = {"role": Role.OPERATOR, "tenant_id": camera.tenant} | options
    caller = node.running.mint.caller(**asking)
    assert (await ask(camera, start, caller)).status_code == of_then
    assert (await ask(camera, None, caller)).status_code == of_now
    assert len(await audit_entries(node.running.db, camera.tenant)) == [of_then, of_now].count(307)


@pytest.mark.parametrize("params", [{"width": 63}, {"width": 3_841}, {"at": "yesterday"}, {"at": "2026-01-01T00:00:00"}, {"quality": 100}])
async def test_what_makes_no_sense_is_refused(node: Node, params: dict[str, Any]) -> None:
    assert (await ask(await node.camera(), **{"at": None} | params)).status_code == 422


async def test_the_future_has_no_picture(node: Node) -> None:
    assert (await ask(await node.camera(), CLOCK.now() + timedelta(hours=1))).status_code == 422


async def test_pictures_of_a_camera_that_was_removed_stay(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    camera.put(clock, start, lasts_s=14)
    await camera.index()
    removed = CameraRemoved(camera_id=camera.camera, revision=2)
    await node.running.events.on_camera_removed(wrap(removed, tenant_id=camera.tenant, occurred_at=CLOCK.now()))
    assert captured(await picture(camera, start + timedelta(seconds=2))) == start + timedelta(seconds=2)


async def test_a_file_that_was_deleted_meanwhile_has_no_picture(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago()
    path = camera.put(clock, start, lasts_s=14)
    await camera.index()
    answer = await ask(camera, start)
    path.unlink()
    still = await follow(camera, answer)
    assert (still.status_code, still.json()["code"]) == (404, "no_recording")


# --- what a session shows of the timeline ---------------------------------------------------------------------------------


async def test_a_session_lists_its_thumbnails_and_draws_its_sprites(node: Node, clock: Path) -> None:
    camera, start = await node.camera(), long_ago(minute=30, second=0)
    for minute in range(-2, 4):
        path = camera.put(clock, start + timedelta(minutes=minute), lasts_s=14)
        path.with_suffix(".jpg").write_bytes(await picture_of(node, path))
    await camera.index()
    key = await camera.open(start, start + timedelta(minutes=2))
    listed = (await camera.get(f"{key}/thumbs.json")).json()["items"]
    assert [datetime.fromisoformat(item["at"]) for item in listed] == [start, start + timedelta(minutes=1)]
    thumbnail = await camera.get(f"{key}/{listed[0]['file']}")
    assert (thumbnail.status_code, frame_number(thumbnail.content)) == (200, 0)
    part: dict[str, Any] = {"from": (start + timedelta(minutes=1)).isoformat()}
    narrowed = await camera.get(f"{key}/thumbs.json", **part)
    assert len(narrowed.json()["items"]) == 1
    sprite = await camera.get(f"{key}/sprite_{start:%Y-%m-%d_%H}.jpg")
    assert (sprite.status_code, opened(sprite.content).size) == (200, (1600, 540))
    assert sprite.headers["cache-control"].startswith("private")
    assert (await camera.get(f"{key}/sprite_2026-13-01_00.jpg")).status_code == 404


async def picture_of(node: Node, path: Path) -> bytes:
    return await PyAvPictures(path.parent, CLOCK).thumbnail(PurePosixPath(path.name))


@pytest.mark.parametrize("file", ["thumbs.json", "sprite_2026-01-01_00.jpg"])
async def test_without_its_key_a_session_shows_nothing(node: Node, file: str) -> None:
    camera = await node.camera()
    assert (await camera.get(f"{'x' * 43}/{file}")).status_code == 401
    assert (await camera.get(file)).status_code == 404
