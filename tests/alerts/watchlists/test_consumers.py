"""Tests of what becomes of a city's watchlists when it leaves; each event is delivered twice."""

from __future__ import annotations

import pytest
from tests.alerts.conftest import Running, seen
from tests.ledger import audit_entries

from alerts.watchlists.consumers import CityEvents
from alerts.watchlists.repository import PostgresWatchlists
from alerts.watchlists.usecases import Watchlists
from chassis.envelope import wrap
from gtvision.events import TenantRemoved
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def test_a_city_that_left_leaves_no_watchlist(running: Running) -> None:
    clock, caller, other = SystemClock(), running.tenant(), running.tenant()
    for each in (caller, caller, other):
        await running.watch(each, "ABC1234")
    event = wrap(TenantRemoved(name="Vila", revision=7), tenant_id=caller.tenant_id, occurred_at=clock.now())
    for _ in range(2):
        await CityEvents(Watchlists(running.db.uow, PostgresWatchlists, clock)).on_tenant_removed(event)
    assert (await running.send(caller, "GET", "/watchlists")).json()["items"] == []
    assert len((await running.send(other, "GET", "/watchlists")).json()["items"]) == 1
    actions = [entry.data.action for entry in await audit_entries(running.db, caller.tenant_id)]
    assert actions.count("watchlist.removed") == 2
    await running.store(caller.tenant_id, seen())
    assert await running.alerts(caller) == [], "no plate is looked for"
