"""Tests on real servers from detection.made on the broker to the search over HTTP."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.fixtures.routes import route_access
from tests.ingest.conftest import Running
from tests.ingest.making import frame, seen

from gtvision.events import CameraRegistered, DetectionMade, Event
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker]

CLOCK = SystemClock()


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Returns the first true result of the condition."""
    async with asyncio.timeout(120):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


async def items(running: Running, path: str, **query: object) -> list[dict[str, Any]]:
    caller = running.mint.caller()
    answer = await running.http.get(path, headers=running.mint.headers(caller), params={key: str(value) for key, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def publish(running: Running, *events: Event[Any]) -> None:
    for event in events:
        await running.bus.publish(event)


def mine(running: Running, *plates: str, camera_id: UUID | None = None, **more: Any) -> Event[DetectionMade]:
    return frame(CLOCK.now(), *(seen(plate) for plate in plates), tenant_id=running.mint.tenant_id, camera_id=camera_id, **more)


class TestSearch:
    async def test_a_plate_that_was_made_is_found_once_however_often_it_came(self, running: Running) -> None:
        event = mine(running, "QWE1A23", evidence_key="evidence/x.jpg")
        await publish(running, event, event)
        found = await until(lambda: items(running, "/api/v1/plates/QWE1A23"))
        await publish(running, event, mine(running, "ZZZ9Z99"))
        await until(lambda: items(running, "/api/v1/plates/zzz-9z99"))
        assert await items(running, "/api/v1/plates/QWE1A23") == found
        assert len(found) == 1
        assert found[0].keys() >= {"detection_id", "camera_id", "captured_at", "plate", "confidence", "box", "evidence_key"}

    async def test_era_and_exact(self, running: Running) -> None:
        await publish(running, mine(running, "RTY4567"))
        await until(lambda: items(running, "/api/v1/plates/RTY4567"))
        assert len(await items(running, "/api/v1/plates/RTY4F67")) == 1
        assert await items(running, "/api/v1/plates/RTY4F67", mode="exact") == []

    async def test_pages(self, running: Running) -> None:
        camera = new_id()
        now = CLOCK.now()
        await publish(
            running,
            *(frame(now - timedelta(seconds=each), camera_id=camera, tenant_id=running.mint.tenant_id) for each in range(5)),
        )
        await until(lambda: _count(running, camera, 5))
        headers, seen_ids, cursor = running.mint.headers(), [], None
        for _ in range(3):
            query = {"camera_id": str(camera), "limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await running.http.get("/api/v1/detections", headers=headers, params=query)).json()
            seen_ids += [item["captured_at"] for item in page["items"]]
            cursor = page["next"]
        assert cursor is None
        assert seen_ids == sorted(seen_ids, reverse=True)
        assert len(seen_ids) == 5

    async def test_filters(self, running: Running) -> None:
        event = mine(running, "FGH1234")
        await publish(running, event)
        camera = event.camera_id
        await until(lambda: items(running, "/api/v1/detections", camera_id=camera))
        at = event.data.captured_at
        assert await items(running, "/api/v1/detections", camera_id=camera, **{"class": "person"}) == []
        assert await items(running, "/api/v1/detections", camera_id=camera, min_confidence=0.9) == []
        assert await items(running, "/api/v1/detections", camera_id=camera, to=isoformat(at)) == []
        assert len(await items(running, "/api/v1/detections", camera_id=camera, **{"from": isoformat(at), "class": "car"})) == 1

    async def test_the_outbox_empties_once_a_queue_exists_and_rows_are_announced(self, running: Running) -> None:
        await publish(running, mine(running, "JKL1234"))
        await until(lambda: items(running, "/api/v1/plates/JKL1234"))
        async with running.db.uow(None) as uow:
            keys = set((await uow.session.execute(text("SELECT key FROM outbox"))).scalars())
        assert keys <= {"detections.stored.v1", "audit.recorded.v1"}


async def _count(running: Running, camera: UUID, wanted: int) -> bool:
    return len(await items(running, "/api/v1/detections", camera_id=camera)) == wanted


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/api/v1/plates/NOTAPLATE", 422, "invalid_plate"),
            ("/api/v1/plates/%27%20OR%201=1", 422, "invalid_plate"),
            ("/api/v1/plates/ABC1%2A", 422, "invalid_plate"),
            ("/api/v1/plates/ABC1%2A?mode=prefix", 422, "invalid_plate_beginning"),
            ("/api/v1/plates/A?mode=prefix", 422, "invalid_plate_beginning"),
            ("/api/v1/plates/ABC1%3F34?mode=exact", 422, "invalid_plate"),
            ("/api/v1/plates/ABC1234?camera_id=1", 422, "invalid"),
            ("/api/v1/analytics/plates?from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:01Z", 422, "range_too_long"),
            ("/api/v1/analytics/plates?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 422, "invalid"),
            ("/api/v1/analytics/plates?bucket=day", 422, "invalid"),
            ("/api/v1/detections?cursor=nonsense", 422, "invalid_cursor"),
            ("/api/v1/detections?limit=0", 422, "invalid"),
            ("/api/v1/detections?from=2026-01-01T00:00:00", 422, "invalid"),
            ("/api/v1/detections/018f0000-0000-7000-8000-000000000000/evidence?captured_at=2026-11-20T00:00:00Z", 404, "not_found"),
            ("/api/v1/detections/018f0000-0000-7000-8000-000000000000/thumbnail?captured_at=2026-11-20T00:00:00Z", 404, "not_found"),
        ],
    )
    async def test_wrong_input_is_a_problem(self, running: Running, path: str, status: int, code: str) -> None:
        answer = await running.http.get(path, headers=running.mint.headers())
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"

    async def test_every_route_needs_a_token_and_its_scope(self, running: Running) -> None:
        routes = [each for each in route_access(running.service.api) if not each.public]
        assert len(routes) == 6
        scopeless = running.mint.headers(running.mint.caller(Role.VIEWER, scopes=[]))
        for each in routes:
            path = each.path.replace("{plate}", "ABC1234").replace("{detection_id}", str(new_id())) + "?captured_at=2026-11-20T00:00:00Z"
            assert (await running.http.request(each.method, path)).status_code == 401
            assert (await running.http.request(each.method, path, headers=scopeless)).status_code == 403


class TestTenancy:
    async def test_another_tenant_finds_nothing(self, running: Running) -> None:
        event = mine(running, "TEN1234", evidence_key="evidence/t.jpg")
        await publish(running, event)
        (found,) = await until(lambda: items(running, "/api/v1/plates/TEN1234"))
        stranger = running.mint.headers(running.mint.caller(tenant_id=new_id()))
        assert (await running.http.get("/api/v1/plates/TEN1234", headers=stranger)).json() == {"items": [], "next": None}
        assert (await running.http.get(found["evidence_url"], headers=stranger)).status_code == 404

    async def test_camera_groups_limit_a_search(self, running: Running) -> None:
        group, inside, outside = new_id(), new_id(), new_id()
        registered = CameraRegistered(camera_id=inside, revision=1, name="a", url_encrypted="x", groups=(group,))
        told = Event[CameraRegistered](
            type=CameraRegistered.key, occurred_at=CLOCK.now(), tenant_id=running.mint.tenant_id, camera_id=inside, data=registered
        )
        await publish(running, told, told, *(mine(running, "GRP1234", camera_id=each) for each in (inside, outside)))
        limited = running.mint.headers(running.mint.caller(groups=[group]))

        async def found() -> bool:
            answer = (await running.http.get("/api/v1/plates/GRP1234", headers=limited)).json()["items"]
            return len(await items(running, "/api/v1/plates/GRP1234")) == 2 and [each["camera_id"] for each in answer] == [str(inside)]

        await until(found)


class TestEvidence:
    async def test_the_picture_comes_back_byte_for_byte(self, running: Running) -> None:
        picture = b"\xff\xd8picture\xff\xd9"
        key = f"evidence/{running.mint.tenant_id}/a.jpg"
        await running.objects.put(key, picture)
        await publish(running, mine(running, "EVI1234", evidence_key=key, evidence_sha256=hashlib.sha256(picture).hexdigest()))
        (found,) = await until(lambda: items(running, "/api/v1/plates/EVI1234"))
        answer = await running.http.get(found["evidence_url"], headers=running.mint.headers())
        assert (answer.content, answer.headers["content-type"]) == (picture, "image/jpeg")

    async def test_a_picture_that_is_gone_is_not_found(self, running: Running) -> None:
        await publish(running, mine(running, "GON1234", evidence_key="evidence/nothing.jpg"))
        (found,) = await until(lambda: items(running, "/api/v1/plates/GON1234"))
        assert (await running.http.get(found["evidence_url"], headers=running.mint.headers())).status_code == 404


async def test_poison_costs_its_neighbours_nothing(running: Running) -> None:
    """A frame that PostgreSQL cannot store (its text has a NUL) does not keep its good neighbours from being stored."""
    good = [mine(running, "PSN1234") for _ in range(3)]
    poison = mine(running, "PSN1234").model_copy(update={"data": good[0].data.model_copy(update={"model": "\x00", "camera_id": new_id()})})
    await publish(running, good[0], poison, good[1], good[2])

    async def stored() -> bool:
        return len(await items(running, "/api/v1/plates/PSN1234")) == 3

    await until(stored)


async def test_docs_tell_what_ingest_hears_and_says(running: Running) -> None:
    document = (await running.http.get("/api/v1/docs/ingest/asyncapi.json")).json()
    assert "detections.stored.v1" in str(document)
    assert "camera.registered.v1" in str(document)
