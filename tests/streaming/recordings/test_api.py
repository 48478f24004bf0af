"""Tests of recordings over HTTP, and of their audit entries."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from tests.ledger import audit_entries
from tests.streaming.conftest import CLOCK, Running, announce, registered

from city.tenants import KnownTenant, TenantDirectory
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Purposes, Role, TenantSettings

pytestmark = [pytest.mark.db, pytest.mark.broker]

SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


async def a_camera(running: Running) -> tuple[Caller, UUID]:
    tenant, camera = new_id(), new_id()
    await announce(running, registered(running, tenant, camera))
    await running.reconciler.reconcile()
    return running.mint.caller(Role.OPERATOR, tenant_id=tenant), camera


async def test_recordings_that_were_listed(running: Running) -> None:
    caller, camera = await a_camera(running)
    correlation = new_id()
    headers = running.mint.headers(caller) | {"x-correlation-id": str(correlation), "x-purpose": "crime"}
    answer = await running.http.get("/recordings", headers=headers, params=SPAN | {"camera_id": str(camera)})
    assert answer.status_code == 200, answer.text
    [record] = await audit_entries(running.db, caller.tenant_id)
    said = record.data
    assert (said.action, said.object_kind, said.object_id, record.camera_id) == ("recordings.listed", "camera", str(camera), camera)
    assert (said.actor_id, said.session_id, said.actor_role) == (caller.user_id, caller.session_id, "operator")
    assert [said.range_from.isoformat(), said.range_to.isoformat()] == ["2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"]  # type: ignore[union-attr]
    assert (said.address, said.purpose, said.service, record.correlation_id) == ("203.0.113.9", "crime", "streaming", correlation)
    assert said.details == {"found": "0"}


async def test_what_is_refused_is_not_on_record(running: Running) -> None:
    caller, camera = await a_camera(running)
    stranger = running.mint.caller(tenant_id=new_id())
    for asking, params, status in (
        (stranger, SPAN | {"camera_id": str(camera)}, 404),
        (caller, {"from": SPAN["to"], "to": SPAN["from"], "camera_id": str(camera)}, 422),
    ):
        answer = await running.http.get("/recordings", headers=running.mint.headers(asking), params=params)
        assert answer.status_code == status
    assert await audit_entries(running.db, caller.tenant_id) == await audit_entries(running.db, stranger.tenant_id) == []


async def test_a_tenant_that_requires_purposes_gets_them(running: Running) -> None:
    caller, camera = await a_camera(running)
    directory: TenantDirectory = running.service.api.state.provided[TenantDirectory]
    settings = TenantSettings(purposes=Purposes(codes=("crime",), required=True))
    directory.learn(caller.tenant_id, KnownTenant(name="Cidade", revision=1, settings=settings))
    headers, params = running.mint.headers(caller), SPAN | {"camera_id": str(camera)}
    for sent, code in (({}, "purpose_required"), ({"x-purpose": "curiosity"}, "purpose_unknown")):
        answer = await running.http.get("/recordings", headers=headers | sent, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await running.http.get("/recordings", headers=headers | {"x-purpose": "crime"}, params=params)).status_code == 200


async def test_recordings_of_a_wrong_range_are_refused(running: Running) -> None:
    now = CLOCK.now()
    params = {"camera_id": str(new_id()), "from": now.isoformat(), "to": (now - timedelta(hours=1)).isoformat()}
    answer = await running.http.get("/recordings", headers=running.mint.headers(), params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
