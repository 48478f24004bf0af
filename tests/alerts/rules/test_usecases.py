"""Tests of stored detections that become alerts by rules; every event is delivered twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.alerts.conftest import NOW, Running, seen

from alerts.alerts.repository import PostgresAlerts
from alerts.maintenance.repository import PostgresMaintenance
from alerts.maintenance.usecases import Maintenance
from alerts.rules.consumers import RuleEvents
from alerts.rules.repository import PostgresRules
from alerts.rules.usecases import Rules, RuleWatch
from chassis.envelope import wrap
from gtvision.errors import Unavailable
from gtvision.events import DetectionsStored, Event, StoredDetection, TenantRemoved
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.tenancy import Caller, TenantSettings
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]
CLOCK = SystemClock()


class Flaky:
    """Alerts of a database that is away for the first few times."""

    def __init__(self, alerts: Any, failures: int) -> None:
        self._alerts, self.failures = alerts, failures

    async def raise_alert(self, *given: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        return await self._alerts.raise_alert(*given)


def watching(running: Running, failures: int = 0) -> RuleEvents:
    """Returns handlers with a memory of their own."""
    uow, alerts = running.db.uow, Flaky(running.alerts_of_sources, failures)
    maintenance = Maintenance(uow, PostgresMaintenance, CLOCK)
    watch = RuleWatch(uow, PostgresRules, PostgresAlerts, alerts, maintenance, lambda _: TenantSettings(), CLOCK)  # type: ignore[arg-type]
    return RuleEvents(Rules(uow, PostgresRules, PostgresAlerts, CLOCK), watch)


def car(camera: UUID, second: float, y: float = 0.5) -> StoredDetection:
    made, box = seen(None), Box(x1=0.45, y1=y - 0.1, x2=0.55, y2=y)
    thing = made.object.model_copy(update={"box": box})
    return made.model_copy(update={"camera_id": camera, "captured_at": NOW + timedelta(seconds=second), "object": thing})


def stored(tenant: UUID, *detections: StoredDetection) -> Event[DetectionsStored]:
    return wrap(DetectionsStored(detections=detections), tenant_id=tenant, occurred_at=CLOCK.now())


async def deliver(events: RuleEvents, tenant: UUID, batches: Sequence[Sequence[StoredDetection]]) -> None:
    for batch in batches:
        event = stored(tenant, *batch)
        for _ in range(2):
            await events.on_detections_stored(event)


async def make(running: Running, caller: Caller, condition: dict[str, Any], **more: Any) -> str:
    body = {"name": f"Regra {new_id()}", "enabled": True, "condition": condition} | more
    answer = await running.send(caller, "POST", "/rules", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["rule_id"])


def across(camera: UUID) -> dict[str, Any]:
    return {"camera_ids": [str(camera)], "line": {"a": [0, 0.55], "b": [1, 0.55], "direction": "a_to_b"}}


async def test_a_crossing_in_batches_of_one_is_one_alert(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    await running.register(caller.tenant_id, camera)
    rule_id = await make(running, caller, across(camera), name="Contramão", severity="critical")
    batches = [[car(camera, second, 0.3 + second * 0.1)] for second in range(5)]
    await deliver(watching(running), caller.tenant_id, batches)
    [alert] = await running.alerts(caller, rule_id=rule_id)
    assert (alert["title"], alert["kind"], alert["severity"]) == ("Regra “Contramão”: carro em Portão", "rule", "critical")
    assert (alert["detection_id"], alert["camera_id"]) == (str(batches[3][0].detection_id), str(camera))
    assert (alert["sightings"], alert["details"]["Versão da regra"]) == (1, "1")  # type: ignore[index]


async def test_hits_within_the_cooldown_join_and_later_ones_are_another_alert(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    await make(running, caller, {"classes": ["car"]}, cooldown_s=60)
    await deliver(watching(running), caller.tenant_id, [[car(camera, 0)], [car(camera, 30)], [car(camera, 200), car(camera, 210)]])
    assert [alert["sightings"] for alert in await running.alerts(caller)] == [2, 2]


async def test_a_change_holds_from_the_next_event_on(running: Running) -> None:
    caller, camera, events = running.tenant(), new_id(), watching(running)
    rule_id = await make(running, caller, {"classes": ["bus"]}, cooldown_s=0)
    await deliver(events, caller.tenant_id, [[car(camera, 0)]])
    assert await running.alerts(caller) == []
    for change, alerts in (({"condition": {"classes": ["car"]}}, 1), ({"enabled": False}, 1), ({"enabled": True}, 2)):
        await running.send(caller, "PATCH", f"/rules/{rule_id}", json=change)
        await deliver(events, caller.tenant_id, [[car(camera, alerts * 100)] if change != {"enabled": False} else [car(camera, 999)]])
        assert len(await running.alerts(caller)) == alerts, change


async def test_a_rule_that_cannot_be_read_stops_neither_the_others_nor_the_queue(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    broken = await make(running, caller, {})
    await make(running, caller, {"classes": ["car"]})
    async with running.db.uow(caller.tenant_id) as uow:
        spoil = text("""UPDATE rules SET condition = '{"speed": 3}' WHERE rule_id = :rule""")
        await uow.session.execute(spoil, {"rule": UUID(broken)})
    await deliver(watching(running), caller.tenant_id, [[car(camera, 0)]])
    assert len(await running.alerts(caller)) == 1


async def test_what_could_not_be_committed_is_raised_when_the_event_comes_again(running: Running) -> None:
    """The judge has seen the picture then, and would not see the crossing anew."""
    caller, camera, events = running.tenant(), new_id(), watching(running, failures=2)
    await make(running, caller, across(camera))
    await events.on_detections_stored(stored(caller.tenant_id, car(camera, 0, 0.5)))
    crossing = stored(caller.tenant_id, car(camera, 1, 0.6))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await events.on_detections_stored(crossing)
    for _ in range(2):
        await events.on_detections_stored(crossing)
    assert len(await running.alerts(caller)) == 1


async def test_a_rule_about_a_group_follows_its_cameras(running: Running) -> None:
    caller, group, inside, outside = running.tenant(), new_id(), new_id(), new_id()
    await running.register(caller.tenant_id, inside, group)
    await running.register(caller.tenant_id, outside)
    await make(running, caller, {"group_ids": [str(group)]})
    await deliver(watching(running), caller.tenant_id, [[car(inside, 0), car(outside, 0)]])
    assert [alert["camera_id"] for alert in await running.alerts(caller)] == [str(inside)]


async def test_the_service_itself_hears_of_what_is_stored(running: Running) -> None:
    caller, camera = running.tenant(), new_id()
    await make(running, caller, {"classes": ["car"]})
    await running.bus.publish(stored(caller.tenant_id, car(camera, 0)))
    async with asyncio.timeout(120):
        while not await running.alerts(caller):
            await asyncio.sleep(0.05)


async def test_the_rules_of_a_city_that_left_are_gone(running: Running) -> None:
    caller, events = running.tenant(), watching(running)
    await make(running, caller, {})
    gone = wrap(TenantRemoved(name="Vila", revision=7), tenant_id=caller.tenant_id, occurred_at=CLOCK.now())
    for _ in range(2):
        await events.on_tenant_removed(gone)
    assert (await running.send(caller, "GET", "/rules")).json()["items"] == []
