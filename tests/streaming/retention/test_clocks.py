"""Tests of what a wrong clock deletes: nothing. On real files and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.city.test_trusted_time import Jumping
from tests.streaming.conftest import Running
from tests.streaming.retention.test_usecases import SIZE, Site, there

from gtvision.tenancy import Quotas, TenantSettings
from gtvision.tenancy import Retention as RetentionSettings
from gtvision.time import SystemClock
from streaming.retention.domain import Limits

pytestmark = [pytest.mark.db, pytest.mark.broker]

YEAR = timedelta(days=365)


class Machine(Site):
    """A media node whose clock jumps, with that of PostgreSQL where that is on the same machine."""

    def boot(self, ahead: timedelta = timedelta()) -> None:
        """The agent starts, and remembers nothing."""
        self.trusted = Jumping(self.running.db.uow, self.running.clock)
        self.trusted.ahead = ahead
        self.trusted_now = self.trusted.now
        self.retention = self.agent()

    def jump(self, by: timedelta, *, both: bool) -> None:
        self.running.clock.jump(by)
        self.trusted.ahead = by if both else timedelta()


@pytest_asyncio.fixture(loop_scope="session")
async def machine(running: Running, tmp_path: Path) -> AsyncIterator[Machine]:
    was = running.clock.now()
    running.clock.jump(SystemClock().now() - was)
    async with running.db.uow(None) as uow:
        await uow.session.execute(text("DELETE FROM trusted_time"))
    made = Machine(running, tmp_path)
    made.boot()
    yield made
    running.clock.jump(was - running.clock.now())


@pytest.mark.parametrize("both", [False, True], ids=["the-machine", "the-machine-and-postgresql"])
async def test_a_clock_that_jumps_makes_nothing_too_old_and_ends_no_hold(machine: Machine, both: bool) -> None:
    camera = await machine.add(machine.city, days=10)
    old, own = machine.record(camera, 2, ago=timedelta(days=11)), machine.record(camera, 4)
    hold = await machine.hold(machine.city, camera, own[0], own[1])
    async with machine.running.db.uow(machine.city) as uow:
        runs_out = {"at": machine.running.clock.now() + timedelta(days=30), "id": hold["hold_id"]}
        await uow.session.execute(text("UPDATE holds SET expires_at = :at WHERE hold_id = :id"), runs_out)
    await machine.follow()
    assert (there(old), there(own)) == ([False] * 2, [True] * 4)
    machine.jump(YEAR, both=both)
    machine.limits = Limits(max_bytes=3 * SIZE, free_floor=0.0)
    machine.retention = machine.agent()
    for _ in range(2):
        await machine.follow()
        assert there(own) == [True, True, False, True], "the oldest that nobody holds gives room, whatever time it is"
        machine.boot(machine.trusted.ahead)
    assert [each["reason"] for each in await machine.tombstones(machine.city, camera)] == ["quota", "days"]
    machine.jump(-YEAR, both=False)
    old = machine.record(camera, 1, ago=timedelta(days=11))
    await machine.follow()
    assert (there(old), there(own)) == ([False], [True, True, False, True]), "it goes on where the clock is right again"


async def test_a_city_that_keeps_less_is_obeyed_while_the_clock_is_wrong(machine: Machine) -> None:
    camera = await machine.add(machine.city)
    old, own = machine.record(camera, 2, ago=timedelta(days=40)), machine.record(camera, 2)
    await machine.follow()
    machine.jump(YEAR, both=True)
    await machine.follow()
    assert (there(old), there(own)) == ([True] * 2, [True] * 2)
    machine.settings[machine.city] = TenantSettings(retention=RetentionSettings(video_days=30), quotas=Quotas())
    await machine.follow()
    assert (there(old), there(own)) == ([False] * 2, [True] * 2)
