"""Tests of the fleet's counts, which are at most a second old."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from cameras.cameras.domain import Fleet
from cameras.cameras.usecases.fleets import FLEET_LIFETIME_S, RecentFleets
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import FakeClock


class Counting:
    """Returns counts, and keeps how often it was called."""

    def __init__(self) -> None:
        self.asked = 0
        self.cameras = 0
        self.began = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.fails = False

    async def __call__(self) -> Fleet:
        self.asked += 1
        cameras = self.cameras
        self.began.set()
        await self.may_go_on.wait()
        if self.fails:
            raise Unavailable
        return Fleet(cameras, 0, 0, 0, cameras, 0)


TENANT: UUID = new_id()
KEY = (TENANT, None)


async def test_it_is_asked_once_a_second() -> None:
    clock, count = FakeClock(), Counting()
    fleets = RecentFleets(clock)
    for _ in range(3):
        assert (await fleets.get(KEY, count)).total == 0
    count.cameras = 5
    clock.advance(FLEET_LIFETIME_S - 0.01)
    assert (await fleets.get(KEY, count)).total == 0
    clock.advance(0.01)
    assert (await fleets.get(KEY, count)).total == 5
    assert count.asked == 2


async def test_requests_meanwhile_wait_for_the_same_count() -> None:
    clock, count = FakeClock(), Counting()
    fleets = RecentFleets(clock)
    count.may_go_on.clear()
    asking = [asyncio.create_task(fleets.get(KEY, count)) for _ in range(10)]
    await count.began.wait()
    clock.advance(60)  # while one count is under way no second one starts
    asking.append(asyncio.create_task(fleets.get(KEY, count)))
    await asyncio.sleep(0)
    asking[0].cancel()
    count.may_go_on.set()
    done = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert {fleet.total for fleet in done[1:] if isinstance(fleet, Fleet)} == {0}
    assert count.asked == 1


async def test_tenants_and_groups_are_counted_apart() -> None:
    fleets, count = RecentFleets(FakeClock()), Counting()
    for key in ((TENANT, None), (TENANT, frozenset({new_id()})), (new_id(), None)):
        await fleets.get(key, count)
    assert count.asked == 3


async def test_a_change_is_seen_at_once_also_by_a_count_that_had_begun() -> None:
    fleets, count = RecentFleets(FakeClock()), Counting()
    count.may_go_on.clear()
    early = asyncio.create_task(fleets.get(KEY, count))
    await count.began.wait()
    count.cameras = 1
    fleets.forget(TENANT)
    late = asyncio.create_task(fleets.get(KEY, count))
    count.may_go_on.set()
    assert ((await early).total, (await late).total) == (0, 1)
    assert (await fleets.get(KEY, count)).total == 1


async def test_a_failure_is_told_and_not_kept() -> None:
    fleets, count = RecentFleets(FakeClock()), Counting()
    count.fails = True
    with pytest.raises(Unavailable):
        await fleets.get(KEY, count)
    count.fails = False
    assert (await fleets.get(KEY, count)).total == 0
