"""What goes on record of streams: recordings that were listed, tickets that were refused."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.ledger import deeds
from tests.streaming.conftest import Running
from tests.streaming.test_service import announce, registered

from city.tenants import KnownTenant, TenantDirectory
from gtvision.camera import path_name
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Purposes, Role, TenantSettings

pytestmark = [pytest.mark.db, pytest.mark.broker]

SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


async def a_camera(running: Running) -> tuple[Caller, UUID]:
    tenant, camera = new_id(), new_id()
    await announce(running, registered(running, tenant, camera))
    await running.reconciler.round()
    return running.mint.caller(Role.OPERATOR, tenant_id=tenant), camera


async def test_recordings_that_were_listed(running: Running) -> None:
    who, camera = await a_camera(running)
    correlation = new_id()
    headers = running.mint.headers(who) | {"x-correlation-id": str(correlation), "x-purpose": "crime"}
    answer = await running.http.get("/recordings", headers=headers, params=SPAN | {"camera_id": str(camera)})
    assert answer.status_code == 200, answer.text
    [deed] = await deeds(running.db, who.tenant_id)
    said = deed.data
    assert (said.action, said.object_kind, said.object_id, deed.camera_id) == ("recordings.listed", "camera", str(camera), camera)
    assert (said.actor_id, said.session_id, said.actor_role) == (who.user_id, who.session_id, "operator")
    assert [said.range_from.isoformat(), said.range_to.isoformat()] == ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"]  # type: ignore[union-attr]
    assert (said.address, said.purpose, said.service, deed.correlation_id) == ("203.0.113.9", "crime", "streaming", correlation)
    assert said.details == {"found": "0"}


async def test_what_is_refused_is_not_on_record(running: Running) -> None:
    who, camera = await a_camera(running)
    stranger = running.mint.caller(tenant_id=new_id())
    for caller, params, status in (
        (stranger, SPAN | {"camera_id": str(camera)}, 404),
        (who, {"from": SPAN["to"], "to": SPAN["from"], "camera_id": str(camera)}, 422),
    ):
        answer = await running.http.get("/recordings", headers=running.mint.headers(caller), params=params)
        assert answer.status_code == status
    assert await deeds(running.db, who.tenant_id) == await deeds(running.db, stranger.tenant_id) == []


async def test_a_city_that_wants_purposes_gets_them(running: Running) -> None:
    who, camera = await a_camera(running)
    directory: TenantDirectory = running.service.api.state.tenants
    settings = TenantSettings(purposes=Purposes(codes=("crime",), required=True))
    directory.learn(who.tenant_id, KnownTenant(name="Cidade", revision=1, settings=settings))
    headers, params = running.mint.headers(who), SPAN | {"camera_id": str(camera)}
    for sent, code in (({}, "purpose_required"), ({"x-purpose": "curiosity"}, "purpose_unknown")):
        answer = await running.http.get("/recordings", headers=headers | sent, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await running.http.get("/recordings", headers=headers | {"x-purpose": "crime"}, params=params)).status_code == 200


async def refused(running: Running, tenant: UUID) -> list[Event[AuditRecorded]]:
    async with asyncio.timeout(120):
        while not (found := await deeds(running.db, tenant)):
            await asyncio.sleep(0.05)
    return found


async def ask(running: Running, camera: UUID, ticket: str) -> int:
    body: dict[str, Any] = {"ip": "198.51.100.7", "action": "read", "protocol": "webrtc", "id": str(new_id())}
    body |= {"path": path_name(camera), "query": f"ticket={ticket}"}
    return (await running.hook.post("/internal/media/auth", json=body)).status_code


async def test_a_refused_ticket_is_on_record_of_its_own_city(running: Running) -> None:
    who, camera = await a_camera(running)
    stranger = running.mint.caller(tenant_id=new_id())
    assert await ask(running, camera, running.mint.ticket("live", stranger, camera)) == 403
    [deed] = await refused(running, stranger.tenant_id)
    said = deed.data
    assert (said.action, said.outcome, said.actor_id, said.session_id) == (
        "live.refused",
        "refused",
        stranger.user_id,
        stranger.session_id,
    )
    assert (said.object_kind, said.object_id, said.address, said.service) == ("camera", str(camera), "198.51.100.7", "streaming")
    assert said.details == {"reason": "not_found", "times": "1"}
    assert await deeds(running.db, who.tenant_id) == []


async def test_a_view_that_is_let_in_is_not_on_record_here(running: Running) -> None:
    """Its ticket is, where it was issued."""
    who, camera = await a_camera(running)
    other, _ = await a_camera(running)
    assert await ask(running, camera, running.mint.ticket("live", who, camera)) == 204
    assert await ask(running, camera, running.mint.ticket("live", other, camera)) == 403
    assert await refused(running, other.tenant_id)
    assert await deeds(running.db, who.tenant_id) == []
