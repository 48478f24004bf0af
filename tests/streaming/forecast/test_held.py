"""Tests of what holds do to the forecast, on real files and PostgreSQL, with two cities in one folder."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.streaming.conftest import Running
from tests.streaming.retention.test_usecases import SIZE, Site, there

from gtvision.ids import new_id
from gtvision.tenancy import Role
from streaming import metrics
from streaming.forecast.usecases import UsageCount
from streaming.usage.repository import PostgresUsage

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def test_the_forecast_says_that_the_disk_is_full_of_what_is_held(running: Running, tmp_path: Path) -> None:
    site = Site(running, tmp_path, free_floor=0.95)  # five files fit
    camera = await site.add(site.city)
    other = await site.add(site.town)
    own, _ = site.record(camera, 8), site.record(other, 1)
    count = UsageCount(
        site.running.db.uow,
        PostgresUsage,
        site.files,
        site.settings.get,
        clock=site.running.clock,
        limits=site.limits,
        idle_after=timedelta(seconds=20),
        held_state=lambda: site.retention.held_state,
    )

    async def forecast(tenant: UUID, groups: tuple[UUID, ...] | None = None) -> tuple[bool, int | None]:
        site.running.clock.advance(31)
        await site.follow()
        await count.follow(await site.look())
        headers = site.running.mint.headers(site.running.mint.caller(Role.OPERATOR, tenant_id=tenant, groups=groups))
        answer = (await site.running.http.get("/recordings/forecast", headers=headers)).json()
        return answer["full_of_held"], answer["held_bytes"]

    hold = await site.hold(site.city, camera, own[0], own[7])
    assert await forecast(site.city) == (True, 8 * SIZE)
    assert await forecast(site.town) == (False, 0), "it is not theirs that is held"
    assert await forecast(site.city, (new_id(),)) == (False, None), "they do not see all of the city"
    assert metrics.full_of_held._value.get() == 1
    await site.lift(site.city, hold)
    assert await forecast(site.city) == (False, 0)
    assert metrics.full_of_held._value.get() == 0
    assert there(own) == [False] * 4 + [True] * 4
