"""Tests that the service keeps its copy of the cameras from the broker. tests/city/test_cameras.py tests the rules of the copy."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.alerts.conftest import Running
from tests.chassis.waiting import until

from alerts.alerts.domain import KnownCamera
from alerts.alerts.repository import PostgresAlerts
from chassis.envelope import wrap
from gtvision.events import CameraRegistered, CamerasAnnounced, Event, EventData
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]

NOW = SystemClock().now()


async def publish(running: Running, tenant: UUID, data: EventData, at: timedelta) -> None:
    """Publishes the event twice, as the broker may deliver it."""
    event: Event[Any] = wrap(data, tenant_id=tenant, occurred_at=NOW + at)
    for _ in range(2):
        await running.bus.publish(event)


async def living(running: Running, tenant: UUID) -> set[UUID]:
    async with running.db.uow(tenant) as uow:
        return set((await uow.session.execute(text("SELECT camera_id FROM cameras WHERE NOT removed"))).scalars())


async def test_the_list_of_cameras_makes_up_for_a_missed_removal(running: Running) -> None:
    tenant, other, group = new_id(), new_id(), new_id()
    gone, stays, new, elsewhere = (new_id() for _ in range(4))
    for each, camera, at in ((tenant, gone, 0), (tenant, stays, 0), (tenant, new, 11), (other, elsewhere, 0)):
        data = CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="x", groups=(group,))
        await publish(running, each, data, timedelta(seconds=at))

    async def holds(tenant: UUID, expected: set[UUID]) -> bool:
        return await living(running, tenant) == expected

    await until(lambda: holds(tenant, {gone, stays, new}))
    await until(lambda: holds(other, {elsewhere}))
    announced = CamerasAnnounced(camera_ids=(stays,), as_of=NOW + timedelta(seconds=10))
    await publish(running, tenant, announced, timedelta(seconds=20))
    await until(lambda: holds(tenant, {stays, new}))
    assert await living(running, other) == {elsewhere}
    async with running.db.uow(tenant) as uow:  # alerts of the removed camera still name it
        assert await PostgresAlerts(uow).camera(gone) == KnownCamera("Avenida", frozenset({group}), removed=True)


async def plan(running: Running, statement: str) -> str:
    """Returns how PostgreSQL would run it for the service's role, with the policy."""
    async with running.db.uow(new_id()) as uow:
        await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
        await uow.session.execute(text("SET LOCAL enable_bitmapscan = off"))
        return "\n".join((await uow.session.execute(text(f"EXPLAIN {statement}"))).scalars())


async def test_open_alerts_are_counted_from_an_index_alone(running: Running) -> None:
    found = await plan(running, "SELECT severity, count(*) FROM alerts WHERE state = 'open' AND snoozed_until IS NULL GROUP BY severity")
    assert "Index Only Scan using ix_alerts_open" in found


async def test_the_newest_of_a_state_are_read_in_the_order_of_an_index(running: Running) -> None:
    found = await plan(running, "SELECT * FROM alerts WHERE state = 'open' ORDER BY raised_at DESC, alert_id DESC LIMIT 100")
    assert "ix_alerts_open" in found
    assert "Sort" not in found
