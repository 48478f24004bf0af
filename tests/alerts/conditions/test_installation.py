"""Tests of what is no camera's: disks, money, providers."""

from __future__ import annotations

import pytest
from tests.alerts.conditions.conftest import City

from alerts.alerts.domain import Notice
from gtvision.events import BudgetExhausted, ProviderSwitched, StorageRanLow

pytestmark = [pytest.mark.db, pytest.mark.broker]


def disk(free: float, days: float | None = None, *, is_low: bool = True) -> StorageRanLow:
    return StorageRanLow(node="media-1", is_low=is_low, free_percent=free, days_left=days)


async def test_a_disk_that_fills_up_is_one_alert_that_gets_louder_and_ends(city: City) -> None:
    for data in (disk(14), disk(13.6, 9), disk(13, 1.5)):
        city.clock.advance(600)
        await city.twice(city.events.on_storage_ran_low, data)
    [alert] = await city.alerts()
    assert (alert["kind"], alert["severity"], alert["sightings"]) == ("storage_low", "critical", 3)
    assert (alert["title"], alert["details"]["Nó"]) == ("Pouco espaço para gravações: 13 % livre", "media-1")
    stale = city.event(disk(12))
    city.clock.advance(600)
    await city.twice(city.events.on_storage_ran_low, disk(40, is_low=False))
    await city.events.on_storage_ran_low(stale)
    assert [each["state"] for each in await city.alerts()] == ["resolved"]
    assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.WORSENED, Notice.RESOLVED]


async def test_a_budget_is_told_twice_a_day(city: City) -> None:
    for spent in (8.0, 10.0):
        await city.twice(city.events.on_budget_exhausted, BudgetExhausted(day="2031-05-01", spent_usd=spent, limit_usd=10))
    assert {str(each["severity"]) for each in await city.alerts()} == {"warning", "critical"}


async def test_a_provider_is_an_alert_until_the_preferred_one_is_back(city: City) -> None:
    for current, is_fallback in (("cpu", True), ("none", True), ("cloud", False)):
        city.clock.advance(60)
        data = ProviderSwitched(previous="x", current=current, cause="timeout", is_fallback=is_fallback)
        await city.twice(city.events.on_provider_switched, data)
    [alert] = await city.alerts()
    assert (alert["state"], alert["title"], alert["details"]) == (
        "resolved",
        "Leitura de imagens passou de x para none",
        {"Causa": "timeout"},
    )
