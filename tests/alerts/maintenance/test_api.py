"""Tests of planned work and holidays through the API, and of what is on record of them."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from tests.alerts.conftest import Running
from tests.ledger import audit_entries

from alerts.alerts.domain import Occurrence
from alerts.alerts.repository import PostgresAlerts
from alerts.conditions.domain import CameraCondition
from alerts.conditions.repository import PostgresConditions
from alerts.maintenance.consumers import MaintenanceEvents
from alerts.maintenance.repository import PostgresMaintenance
from alerts.maintenance.usecases import Maintenance
from chassis.envelope import wrap
from gtvision.events import Severity, TenantRemoved
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker]

NOW = SystemClock().now()


def planned(**more: object) -> dict[str, object]:
    return {"name": "Troca de switch", "starts_at": isoformat(NOW), "ends_at": isoformat(NOW + timedelta(hours=2))} | more


def maintenance(running: Running) -> Maintenance:
    return Maintenance(running.db.uow, PostgresMaintenance, SystemClock())


async def test_planned_work_from_its_making_to_its_end(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    made = (await running.send(caller, "POST", "/maintenance", json=planned(camera_ids=[str(camera)]))).json()
    path, later = f"/maintenance/{made['window_id']}", NOW + timedelta(hours=5)
    answer = await running.send(caller, "PATCH", path, json={"ends_at": isoformat(later)})
    assert (answer.status_code, answer.json()["name"]) == (200, "Troca de switch")
    async with running.db.uow(caller.tenant_id) as uow:
        assert await maintenance(running).muted_until(uow, camera, frozenset(), NOW) == later
        assert await maintenance(running).muted_until(uow, new_id(), frozenset(), NOW) is None
    assert [each["window_id"] for each in (await running.send(caller, "GET", "/maintenance")).json()["items"]] == [made["window_id"]]
    assert (await running.send(caller, "DELETE", path)).status_code == 204
    assert (await running.send(caller, "DELETE", path)).status_code == 404
    found = await audit_entries(running.db, caller.tenant_id)
    assert [record.data.action for record in found] == ["maintenance.planned", "maintenance.changed", "maintenance.removed"]
    assert (found[1].data.details["changed"], found[1].camera_id, found[1].data.range_to) == ("ends_at", camera, later)


async def test_what_would_never_hold_is_refused(running: Running) -> None:
    caller = running.tenant()
    for body in (planned(ends_at=isoformat(NOW)), planned(ends_at="2030-01-01T00:00:00Z"), planned(name=""), planned(cameras=[])):
        assert (await running.send(caller, "POST", "/maintenance", json=body)).status_code == 422, body
    made = (await running.send(caller, "POST", "/maintenance", json=planned())).json()
    answer = await running.send(caller, "PATCH", f"/maintenance/{made['window_id']}", json={"name": None})
    assert answer.status_code == 422


async def test_who_sees_some_groups_only_does_not_see_the_work_at_others(running: Running) -> None:
    admin, group = running.tenant(), new_id()
    for groups in ([str(group)], [str(new_id())]):
        await running.send(admin, "POST", "/maintenance", json=planned(group_ids=groups))
    limited = running.mint.caller(Role.OPERATOR, tenant_id=admin.tenant_id, groups=[group])
    items = (await running.send(limited, "GET", "/maintenance")).json()["items"]
    assert [each["group_ids"] for each in items] == [[str(group)]]
    assert (await running.send(limited, "POST", "/maintenance", json=planned())).status_code == 403


async def test_work_that_ends_earlier_unmutes_what_it_muted(running: Running) -> None:
    caller, camera, end = running.tenant(), new_id(), NOW + timedelta(hours=2)
    made = (await running.send(caller, "POST", "/maintenance", json=planned(camera_ids=[str(camera)]))).json()
    lost = CameraCondition(camera, 1, is_lost=True, since=NOW, subject=str(camera), muted_until=end)
    loss = Occurrence("camera_lost", str(camera), Severity.WARNING, "Câmera", NOW, lasting=True, camera_id=camera, muted_until=end)
    async with running.db.uow(caller.tenant_id) as uow:
        await PostgresConditions(uow).put(lost)
        alert = (await running.alerts_of_sources.raise_alert(uow, loss)).alert
    path, sooner = f"/maintenance/{made['window_id']}", NOW + timedelta(hours=1)
    assert (await running.send(caller, "PATCH", path, json={"ends_at": isoformat(sooner)})).status_code == 200
    [shown] = await running.alerts(caller)
    assert (alert.snoozed_until, shown["snoozed_until"]) == (end, isoformat(sooner))
    assert (await running.send(caller, "DELETE", path)).status_code == 204
    async with running.db.uow(caller.tenant_id) as uow:
        [known] = await PostgresConditions(uow).lost()
        assert known.muted_until is None
        found = await PostgresAlerts(uow).find([alert.alert_id], None)
    until = found[alert.alert_id].snoozed_until
    assert until is None or until < sooner, "woken, or about to be"


async def test_holidays_are_replaced_as_a_whole_and_go_with_the_city(running: Running) -> None:
    caller = running.tenant()
    for days in (["2026-12-25", "2027-01-01"], ["2026-12-25"]):
        body = {"dates": [{"date": day, "name": "Feriado"} for day in days]}
        assert (await running.send(caller, "PUT", "/maintenance/holidays", json=body)).json() == body
    async with running.db.uow(caller.tenant_id) as uow:
        assert await maintenance(running).holidays(uow) == {date(2026, 12, 25)}
    await running.send(caller, "POST", "/maintenance", json=planned())
    event = wrap(TenantRemoved(name="Cidade", revision=2), tenant_id=UUID(str(caller.tenant_id)), occurred_at=NOW)
    for _ in range(2):
        await MaintenanceEvents(maintenance(running)).on_tenant_removed(event)
    assert (await running.send(caller, "GET", "/maintenance/holidays")).json() == {"dates": []}
    assert (await running.send(caller, "GET", "/maintenance")).json()["items"] == []
