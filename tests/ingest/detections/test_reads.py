"""Tests of what a screen of plates asks for: beginnings, cameras, thumbnails and counts, on real servers."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

import cv2
import httpx
import numpy as np
import pytest
from sqlalchemy import text
from tests.ingest.conftest import Running
from tests.ingest.detections.test_api import until
from tests.ingest.making import BOX, frame, seen
from tests.ledger import audit_entries

from gtvision.events import CameraRegistered, DetectionMade, Event
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker]
NOW = SystemClock().now()


@pytest.fixture
def caller(running: Running) -> Caller:
    return running.mint.caller(Role.OPERATOR, tenant_id=new_id())


async def store(running: Running, caller: Caller, *events: Event[DetectionMade]) -> None:
    """Publishes the frames, and returns when all their objects are stored."""
    for event in events:
        await running.bus.publish(event)
    wanted = sum(len(event.data.objects) for event in events)
    cameras = [event.camera_id for event in events]

    async def stored() -> bool:
        async with running.db.uow(caller.tenant_id) as uow:
            count = text("SELECT count(*) FROM detections WHERE camera_id = ANY(:cameras)")
            return bool(await uow.session.scalar(count, {"cameras": cameras}) == wanted)

    await until(stored)


def read(caller: Caller, plate: str | None, camera_id: UUID, minutes_ago: float = 0, **more: Any) -> Event[DetectionMade]:
    return frame(NOW - timedelta(minutes=minutes_ago), seen(plate), tenant_id=caller.tenant_id, camera_id=camera_id, **more)


async def ask(running: Running, caller: Caller, path: str, **params: Any) -> httpx.Response:
    return await running.http.get(f"/api/v1{path}", headers=running.mint.headers(caller), params=params)


async def plates(running: Running, caller: Caller, path: str, **params: Any) -> list[str]:
    answer = await ask(running, caller, path, **params)
    assert answer.status_code == 200, answer.text
    return [each["plate"] for each in answer.json()["items"]]


class TestSearch:
    async def test_a_beginning_finds_every_plate_that_begins_so_at_the_cameras(self, running: Running, caller: Caller) -> None:
        first, second, third = new_id(), new_id(), new_id()
        made = (("ABC1234", first), ("ABC9Z99", second), ("ABD1234", first), ("ABC1C34", third))
        await store(running, caller, *(read(caller, plate, camera, ago) for ago, (plate, camera) in enumerate(made)))
        assert await plates(running, caller, "/plates/abc", mode="prefix") == ["ABC1234", "ABC9Z99", "ABC1C34"]
        assert await plates(running, caller, "/plates/AB", mode="prefix", camera_id=[str(first), str(third)]) == [
            "ABC1234",
            "ABD1234",
            "ABC1C34",
        ]
        assert await plates(running, caller, "/plates/ABC1234", camera_id=str(third)) == ["ABC1C34"]
        page = (await ask(running, caller, "/plates/ABC", mode="prefix", limit=2)).json()
        assert await plates(running, caller, "/plates/ABC", mode="prefix", limit=2, cursor=page["next"]) == ["ABC1C34"]

    async def test_a_beginning_is_on_record_with_its_cameras(self, running: Running, caller: Caller) -> None:
        cameras = sorted((new_id(), new_id()))
        await plates(running, caller, "/plates/abc-1", mode="prefix", camera_id=list(map(str, cameras)))
        [record] = await audit_entries(running.db, caller.tenant_id)
        assert (record.data.action, record.data.object_id) == ("plate.searched", "ABC1")
        assert record.data.details == {"mode": "prefix", "cameras": f"{cameras[0]} {cameras[1]}", "found": "0"}

    async def test_a_read_tells_what_else_it_may_be(self, running: Running, caller: Caller) -> None:
        thing = seen("ABC1D23", [("ABC1023", 0.25), ("ABC1Q23", 0.125)])
        await store(running, caller, frame(NOW, thing, tenant_id=caller.tenant_id, evidence_key="evidence/a.jpg"))
        [found] = (await ask(running, caller, "/plates/ABC1D23")).json()["items"]
        assert (found["object_class"], found["alternates"]) == ("car", [["ABC1023", 0.25], ["ABC1Q23", 0.125]])
        assert found["thumbnail_url"] == found["evidence_url"].replace("/evidence?", "/thumbnail?")

    async def test_reads_of_cameras_page_without_what_has_no_plate(self, running: Running, caller: Caller) -> None:
        first, second, other = new_id(), new_id(), new_id()
        made = (("AAA1234", first), (None, first), ("BBB1234", second), (None, second), ("CCC1234", other), ("DDD1234", first))
        await store(running, caller, *(read(caller, plate, camera, ago) for ago, (plate, camera) in enumerate(made)))
        query = {"camera_id": [str(first), str(second)], "plates_only": "true", "limit": 2}
        page = (await ask(running, caller, "/detections", **query)).json()
        assert [each["plate"] for each in page["items"]] == ["AAA1234", "BBB1234"]
        then = (await ask(running, caller, "/detections", **query, cursor=page["next"])).json()
        assert ([each["plate"] for each in then["items"]], then["next"]) == (["DDD1234"], None)
        assert await plates(running, caller, "/detections", camera_id=str(first)) == ["AAA1234", None, "DDD1234"]


def a_picture() -> bytes:
    """Returns a green JPEG with a white car in it, and a red plate on the car."""
    pixels = np.zeros((720, 1280, 3), np.uint8)
    pixels[:] = (0, 160, 0)
    for box, colour in ((BOX, 255), (seen("ABC1D23").plate_box, (0, 0, 255))):
        assert box is not None
        x1, y1, x2, y2 = box.to_pixels(1280, 720)
        pixels[y1:y2, x1:x2] = colour
    return cv2.imencode(".jpg", pixels)[1].tobytes()


class TestThumbnail:
    async def test_it_shows_the_plate_and_is_on_record_with_the_search_or_by_itself(self, running: Running, caller: Caller) -> None:
        picture, key = a_picture(), f"evidence/{caller.tenant_id}/a.jpg"
        await running.objects.put(key, picture)
        kept = {"evidence_key": key, "evidence_sha256": hashlib.sha256(picture).hexdigest()}
        await store(running, caller, read(caller, "ABC1D23", new_id(), **kept))
        [found] = (await ask(running, caller, "/plates/ABC1D23")).json()["items"]
        reading, searching = (
            running.mint.caller(Role.OPERATOR, tenant_id=caller.tenant_id, scopes=[scope])
            for scope in (Scope.DETECTIONS_READ, Scope.PLATES_SEARCH)
        )
        for asking in (caller, reading, reading, searching):
            answer = await running.http.get(found["thumbnail_url"], headers=running.mint.headers(asking))
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
            assert answer.headers["cache-control"].startswith("private")
        pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        high, wide = pixels.shape[:2]
        assert wide == 240
        blue, green, red = (int(value) for value in pixels[high // 2, wide // 2])
        assert red > 200
        assert max(blue, green) < 60
        assert min(int(value) for value in pixels[3, 3]) > 200, "the car around it"
        search, *others = (each.data for each in await audit_entries(running.db, caller.tenant_id))
        assert (search.action, search.session_id) == ("plate.searched", caller.session_id)
        assert [(each.action, each.session_id) for each in others] == [
            ("evidence.viewed", reading.session_id),
            ("evidence.viewed", searching.session_id),
        ]
        assert {(each.object_id, each.details["picture"]) for each in others} == {(found["detection_id"], "thumbnail")}

    async def test_a_picture_that_was_opened_is_on_record_once(self, running: Running, caller: Caller) -> None:
        key = f"evidence/{caller.tenant_id}/c.jpg"
        await running.objects.put(key, a_picture())
        await store(running, caller, read(caller, "ABC1D23", new_id(), evidence_key=key))
        [found] = (await ask(running, caller, "/detections")).json()["items"]
        opening = running.mint.caller(tenant_id=caller.tenant_id)
        for address in (found["evidence_url"], found["thumbnail_url"]):
            assert (await running.http.get(address, headers=running.mint.headers(opening))).status_code == 200
        listed, *viewed = (each.data for each in await audit_entries(running.db, caller.tenant_id))
        assert listed.action == "detections.searched"
        assert [(each.action, each.session_id, each.details.get("picture")) for each in viewed] == [
            ("evidence.viewed", opening.session_id, None)
        ]

    async def test_others_find_none(self, running: Running, caller: Caller) -> None:
        key = f"evidence/{caller.tenant_id}/b.jpg"
        await running.objects.put(key, a_picture())
        await store(running, caller, read(caller, "ABC1D23", new_id(), evidence_key=key))
        [found] = (await ask(running, caller, "/detections")).json()["items"]
        for asking in (running.mint.caller(tenant_id=new_id()), running.mint.caller(tenant_id=caller.tenant_id, groups=[new_id()])):
            answer = await running.http.get(found["thumbnail_url"], headers=running.mint.headers(asking))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_a_picture_that_cannot_be_read_is_not_found(self, running: Running, caller: Caller) -> None:
        await running.objects.put("evidence/broken.jpg", b"\xff\xd8broken\xff\xd9")
        await store(running, caller, read(caller, "ABC1D23", new_id(), evidence_key="evidence/broken.jpg"))
        [found] = (await ask(running, caller, "/detections")).json()["items"]
        answer = await running.http.get(found["thumbnail_url"], headers=running.mint.headers(caller))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestCounts:
    async def test_plates_are_counted_by_the_hour(self, running: Running, caller: Caller) -> None:
        first, second = new_id(), new_id()
        noon = NOW.replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
        at = [(first, 0), (first, 30), (second, 59), (first, 120), (first, 180)]
        made = [frame(noon + timedelta(minutes=after), seen("ABC1234"), tenant_id=caller.tenant_id, camera_id=each) for each, after in at]
        await store(running, caller, *made, frame(noon + timedelta(minutes=5), seen(), tenant_id=caller.tenant_id))
        span = {"from": isoformat(noon), "to": isoformat(noon + timedelta(hours=3))}
        hours = [isoformat(noon + timedelta(hours=each)) for each in range(3)]
        for cameras, counts in (([], [3, 0, 1]), ([first], [2, 0, 1]), ([second], [1, 0, 0]), ([first, second], [3, 0, 1])):
            answer = (await ask(running, caller, "/analytics/plates", **span, camera_id=list(map(str, cameras)), bucket="hour")).json()
            assert [(each["hour"], each["plates"]) for each in answer["items"]] == list(zip(hours, counts, strict=True))
            assert (answer["bucket"], answer["total"]) == ("hour", sum(counts))
        stranger = running.mint.caller(Role.OPERATOR, tenant_id=new_id())
        assert (await ask(running, stranger, "/analytics/plates", **span)).json()["total"] == 0

    async def test_without_a_time_it_is_the_last_day(self, running: Running, caller: Caller) -> None:
        camera = new_id()
        await store(running, caller, *(read(caller, "ABC1234", camera, ago) for ago in (60, 600, 25 * 60)))
        answer = (await ask(running, caller, "/analytics/plates")).json()
        assert (answer["total"], len(answer["items"]) in {24, 25}) == (2, True)

    async def test_a_caller_with_groups_counts_their_cameras(self, running: Running, caller: Caller) -> None:
        group, inside, outside = new_id(), new_id(), new_id()
        data = CameraRegistered(camera_id=inside, revision=1, name="a", url_encrypted="x", groups=(group,))
        told = Event[CameraRegistered](type=data.key, occurred_at=NOW, tenant_id=caller.tenant_id, camera_id=inside, data=data)
        await running.bus.publish(told)
        await store(running, caller, read(caller, "ABC1234", inside), read(caller, "ABC1234", outside))
        limited = running.mint.caller(tenant_id=caller.tenant_id, groups=[group])

        async def counted() -> bool:
            return bool((await ask(running, limited, "/analytics/plates")).json()["total"] == 1)

        await until(counted)
        assert (await ask(running, limited, "/analytics/plates", camera_id=str(outside))).json()["total"] == 0
        assert (await ask(running, caller, "/analytics/plates")).json()["total"] == 2
