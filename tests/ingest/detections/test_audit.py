"""Tests of audit entries of searches: caller, plate, cameras, time and purpose; without an entry no result is shown."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import make_url, text
from tests.fixtures.workplace import TestServers
from tests.ingest.conftest import Running
from tests.ingest.detections.test_api import until
from tests.ingest.making import frame, seen
from tests.ledger import audit_entries
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chassis.redis import connect_redis
from city.tenants import TENANTS_KEY, KnownTenant, TenantDirectory, publish_tenants
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Purposes, Role, TenantSettings
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker]

PICTURE = b"\xff\xd8picture\xff\xd9"


async def on_record(running: Running, caller: Caller, action: str) -> list[Event[AuditRecorded]]:
    return [record for record in await audit_entries(running.db, caller.tenant_id) if record.data.action == action]


async def a_passage(running: Running, caller: Caller, plate: str) -> dict[str, Any]:
    """Stores a detection with its picture, and returns it as the API shows it."""
    key = f"evidence/{caller.tenant_id}/{plate}.jpg"
    await running.objects.put(key, PICTURE)
    evidence = {"evidence_key": key, "evidence_sha256": hashlib.sha256(PICTURE).hexdigest()}
    event = frame(SystemClock().now(), seen(plate), tenant_id=caller.tenant_id, **evidence)
    await running.bus.publish(event)

    async def stored() -> dict[str, Any] | None:
        async with running.db.uow(caller.tenant_id) as uow:
            find = text("SELECT detection_id, camera_id, captured_at FROM detections WHERE camera_id = :id")
            row = (await uow.session.execute(find, {"id": event.camera_id})).mappings().first()
            return dict(row) if row else None

    found: dict[str, Any] = await until(stored)
    return found


@pytest.fixture
def caller(running: Running) -> Caller:
    return running.mint.caller(Role.OPERATOR, tenant_id=new_id())


async def test_a_plate_search(running: Running, caller: Caller) -> None:
    await a_passage(running, caller, "ABC1D23")
    start, correlation = SystemClock().now() - timedelta(hours=1), new_id()
    headers = running.mint.headers(caller) | {"x-correlation-id": str(correlation), "x-purpose": "crime", "user-agent": "Firefox/141"}
    params = {"from": isoformat(start), "to": isoformat(start + timedelta(hours=2)), "mode": "exact"}
    answer = await running.http.get("/api/v1/plates/abc-1d23", headers=headers, params=params)
    assert len(answer.json()["items"]) == 1
    [record] = await audit_entries(running.db, caller.tenant_id)
    said = record.data
    assert (said.action, said.outcome, said.object_kind, said.object_id) == ("plate.searched", "allowed", "plate", "ABC1D23")
    assert (said.actor_id, said.actor_role, said.session_id) == (caller.user_id, "operator", caller.session_id)
    assert (said.range_from, said.range_to) == (start, start + timedelta(hours=2))
    assert (said.address, said.user_agent, said.purpose, said.service) == ("127.0.0.1", "Firefox/141", "crime", "ingest")
    assert (record.correlation_id, said.details) == (correlation, {"mode": "exact", "found": "1"})


async def test_every_page_is_a_look(running: Running, caller: Caller) -> None:
    for _ in range(2):
        await a_passage(running, caller, "PAG1234")
    headers = running.mint.headers(caller)
    first = (await running.http.get("/api/v1/plates/PAG1234", headers=headers, params={"limit": 1})).json()
    await running.http.get("/api/v1/plates/PAG1234", headers=headers, params={"limit": 1, "cursor": first["next"]})
    found = [record.data.details for record in await on_record(running, caller, "plate.searched")]
    assert [each["found"] for each in found] == ["1", "1"]
    assert [each.get("before") for each in found] == [None, first["items"][0]["captured_at"]]


async def test_detections_with_their_filter(running: Running, caller: Caller) -> None:
    camera = new_id()
    params = {"camera_id": str(camera), "class": "car", "min_confidence": 0.5}
    assert (await running.http.get("/api/v1/detections", headers=running.mint.headers(caller), params=params)).json()["items"] == []
    [record] = await audit_entries(running.db, caller.tenant_id)
    assert (record.data.action, record.data.object_kind, record.camera_id) == ("detections.searched", "detections", camera)
    assert record.data.details == {"class": "car", "min_confidence": "0.5", "found": "0"}


async def test_a_search_outside_of_ones_groups_is_a_search_too(running: Running, caller: Caller) -> None:
    limited = running.mint.caller(tenant_id=caller.tenant_id, groups=[new_id()])
    await running.http.get("/api/v1/plates/GRP1234", headers=running.mint.headers(limited))
    [record] = await on_record(running, caller, "plate.searched")
    assert (record.data.actor_id, record.data.details["found"]) == (limited.user_id, "0")


async def test_evidence_that_was_shown_and_none_that_was_not(running: Running, caller: Caller) -> None:
    passage = await a_passage(running, caller, "EVI1D23")
    path, params = f"/api/v1/detections/{passage['detection_id']}/evidence", {"captured_at": isoformat(passage["captured_at"])}
    stranger = running.mint.caller(tenant_id=new_id())
    assert (await running.http.get(path, headers=running.mint.headers(stranger), params=params)).status_code == 404
    assert (await running.http.get(path, headers=running.mint.headers(caller), params=params)).content == PICTURE
    [record] = await audit_entries(running.db, caller.tenant_id)
    assert (record.data.action, record.data.object_id, record.camera_id) == (
        "evidence.viewed",
        str(passage["detection_id"]),
        passage["camera_id"],
    )
    assert (record.data.range_from, record.data.details) == (passage["captured_at"], {"plate": "EVI1D23"})
    assert await audit_entries(running.db, stranger.tenant_id) == []


async def test_what_is_refused_is_no_search(running: Running, caller: Caller) -> None:
    for path in ("/api/v1/plates/NOTAPLATE", "/api/v1/plates/ABC1D23?cursor=x", "/api/v1/detections?limit=0"):
        assert (await running.http.get(path, headers=running.mint.headers(caller))).status_code == 422
    assert await audit_entries(running.db, caller.tenant_id) == []


_FULL = """
    CREATE FUNCTION refuse_insert() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON ingest.outbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_insert();
"""


@pytest.fixture
async def full_outbox(running: Running, servers: TestServers) -> AsyncIterator[None]:
    """Makes inserts into the outbox fail inside the block, while everything else works."""
    database = make_url(running.settings.db.url.get_secret_value()).database
    superuser = await servers.postgres.connect(str(database))
    await superuser.execute(_FULL)
    yield
    await superuser.execute("DROP TRIGGER full_disk ON ingest.outbox; DROP FUNCTION refuse_insert()")
    await superuser.close()


async def test_what_cannot_be_recorded_is_not_answered(running: Running, caller: Caller, full_outbox: None) -> None:
    for path in ("/api/v1/plates/ABC1D23", "/api/v1/detections"):
        answer = await running.http.get(path, headers=running.mint.headers(caller))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_tenant_that_requires_purposes_gets_them(running: Running, caller: Caller) -> None:
    passage = await a_passage(running, caller, "PUR1D23")
    city = KnownTenant(name="Cidade", revision=1, settings=TenantSettings(purposes=Purposes(codes=("crime",), required=True)))
    directory: TenantDirectory = running.service.api.state.provided[TenantDirectory]
    redis = connect_redis(running.settings.redis.state_url)
    await publish_tenants(redis, {caller.tenant_id: city})

    async def known() -> bool:
        return directory.settings(caller.tenant_id).purposes.required

    await until(known)
    evidence = f"/api/v1/detections/{passage['detection_id']}/evidence?captured_at={isoformat(passage['captured_at'])}"
    thumbnail = evidence.replace("/evidence?", "/thumbnail?")
    for path in (thumbnail, "/api/v1/plates/PUR1D23", evidence):
        for sent, code in ((None, "purpose_required"), ("curiosity", "purpose_unknown")):
            headers = running.mint.headers(caller) | ({"x-purpose": sent} if sent else {})
            answer = await running.http.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (422, code)
        shown = await running.http.get(path, headers=running.mint.headers(caller) | {"x-purpose": "crime"})
        assert shown.status_code == (404 if path == thumbnail else 200), "the bytes are no picture to cut"
    assert [record.data.purpose for record in await audit_entries(running.db, caller.tenant_id)] == ["crime", "crime"]
    await redis.hdel(TENANTS_KEY, str(caller.tenant_id))
    await redis.aclose()


async def test_a_refused_ticket_of_the_socket(running: Running, caller: Caller) -> None:
    ticket = running.mint.ticket("live", caller, new_id())
    async with connect(f"{running.live_url}?ticket={ticket}", open_timeout=120) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    async def refused() -> list[Event[AuditRecorded]]:
        return await on_record(running, caller, "live.refused")

    [record] = await until(refused)
    assert (record.data.object_kind, record.data.actor_id, record.data.outcome) == ("socket", caller.user_id, "refused")
    assert (record.data.address, record.data.details) == ("127.0.0.1", {"reason": "forbidden", "times": "1"})
