"""Tests of what is left of a city's telling when the city leaves."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from tests.alerts.telling import Telling

from alerts.alerts.domain import AlertState, Notice
from alerts.alerts.repository import PostgresAlerts
from alerts.deliveries.repository import PostgresDeliveries
from alerts.escalation.consumers import EscalationEvents
from alerts.escalation.repository import PostgresEscalation
from alerts.links.repository import PostgresLinks
from chassis.db import UnitOfWork
from chassis.envelope import wrap
from gtvision.events import TenantRemoved

pytestmark = pytest.mark.db


async def forget(uow: UnitOfWork) -> None:
    for rows in (PostgresEscalation(uow), PostgresDeliveries(uow), PostgresLinks(uow)):
        await rows.forget_city()


async def test_a_city_that_left_is_told_nothing_more_and_its_alerts_are_over(telling: Telling) -> None:
    channel = telling.channel()
    alert = await telling.raise_alert()
    await telling.deliver()
    other = await telling.raise_alert()
    event = wrap(TenantRemoved(name="Cidade", revision=2), tenant_id=telling.tenant, occurred_at=telling.clock.now())
    for _ in range(2):
        await EscalationEvents(telling.db.uow, PostgresAlerts, (forget,)).on_tenant_removed(event)
    await telling.deliver()
    assert telling.sent(channel) == [Notice.RAISED]
    async with telling.db.uow(telling.tenant) as uow:
        found = await PostgresAlerts(uow).find([alert.alert_id, other.alert_id], None)
        left = "SELECT (SELECT count(*) FROM escalations) + (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM delivery_tries)"
        assert await uow.session.scalar(text(left)) == 0
    assert {each.state for each in found.values()} == {AlertState.RESOLVED}
