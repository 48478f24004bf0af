"""Tests of the time that is trusted: whatever a clock says, nothing grows old by its jumps. On PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.fixtures.plugin import DatabaseFor

from chassis.db import Database, UnitOfWork
from city.trusted_time import BOUND, CLOCK_DISAGREES, Course, TrustedTime
from gtvision.time import FakeClock, SystemClock

MINUTE, HOUR, DAY, YEAR = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=365)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class TestCourse:
    """By what a clock says, and the seconds that have passed."""

    def test_a_clock_that_goes_on_is_trusted(self) -> None:
        course = Course.begun(NOON).after(NOON + HOUR, 3_600)
        assert (course.is_trusted, course.trusted_at) == (True, NOON + HOUR)

    @pytest.mark.parametrize("jump", [timedelta(minutes=3), YEAR, -YEAR], ids=["minutes", "a-year", "back"])
    def test_one_that_jumps_is_not_and_is_again_when_it_is_back(self, jump: timedelta) -> None:
        course = Course.begun(NOON).after(NOON + MINUTE + jump, 60).after(NOON + 2 * MINUTE + jump, 60)
        assert (course.is_trusted, course.trusted_at, course.step) == (False, NOON, abs(jump))
        course = course.after(NOON + HOUR, 58 * 60)
        assert (course.is_trusted, course.trusted_at) == (True, NOON + HOUR)

    @pytest.mark.parametrize(
        ("jump", "waits"), [(10 * MINUTE, HOUR), (3 * HOUR, 3 * HOUR), (YEAR, 7 * DAY)], ids=["ten-minutes", "three-hours", "a-year"]
    )
    def test_one_that_stays_where_it_jumped_to_is_trusted_after_as_long(self, jump: timedelta, waits: timedelta) -> None:
        jumped = Course.begun(NOON).after(NOON + MINUTE + jump, 60)
        late, passed_s = NOON + MINUTE + jump + waits, waits.total_seconds()
        assert not jumped.after(late - MINUTE, passed_s - 60).is_trusted
        assert jumped.after(late, passed_s) == Course(late, late, late, passed_s)

    def test_another_jump_begins_the_wait_anew(self) -> None:
        course = Course.begun(NOON).after(NOON + 3 * HOUR, 0).after(NOON + 5 * HOUR, 2 * 3_600)
        course = course.after(NOON + 7 * HOUR, 0).after(NOON + 8 * HOUR, 3_600)
        assert not course.is_trusted

    def test_a_machine_may_have_been_off_for_a_day_and_not_for_longer(self) -> None:
        before = Course.begun(NOON)
        assert before.after(NOON + DAY, None).trusted_at == NOON + DAY
        assert before.after(NOON + DAY + MINUTE, None).trusted_at == NOON
        assert before.after(NOON - YEAR, None).trusted_at == NOON, "without a battery it begins in the past"
        booted = before.after(NOON - YEAR, None).after(NOON + MINUTE, 30)
        assert booted.trusted_at == NOON + MINUTE, "and then finds out what time it is"

    def test_a_restart_neither_ends_the_wait_nor_begins_it_anew(self) -> None:
        jumped = Course.begun(NOON).after(NOON + YEAR, 0).after(NOON + YEAR + 6 * DAY, 6 * 86_400)
        restarted = jumped.after(NOON + YEAR + 6 * DAY + HOUR, None)
        assert (restarted.is_trusted, restarted.steady_s) == (False, 6 * 86_400)
        assert restarted.after(NOON + YEAR + 7 * DAY + HOUR, 86_400).is_trusted
        assert restarted.after(NOON + 7 * DAY, None).trusted_at == NOON + 7 * DAY, "it is back"

    @pytest.mark.parametrize("jump", [20 * HOUR, -20 * HOUR], ids=["ahead", "back"])
    def test_a_restart_does_not_take_a_jump_for_a_machine_that_was_off(self, jump: timedelta) -> None:
        jumped = Course.begun(NOON).after(NOON + jump, 0)
        restarted = jumped.after(NOON + jump + MINUTE, None)
        assert (restarted.is_trusted, restarted.trusted_at, restarted.step) == (False, NOON, 20 * HOUR)
        assert jumped.after(NOON + 5 * MINUTE, None).trusted_at == NOON + 5 * MINUTE, "it is back"

    @given(st.lists(st.tuples(st.integers(0, 600), st.integers(-400, 400)), max_size=40))
    def test_no_jumps_of_days_bring_it_further_than_the_time_that_passed(self, looks: list[tuple[int, int]]) -> None:
        course, true = Course.begun(NOON), NOON
        for passed_s, jumped_days in looks:
            true += timedelta(seconds=passed_s)
            course = course.after(true + jumped_days * DAY, passed_s)
            assert course.trusted_at <= true + BOUND


class Jumping(TrustedTime):
    """PostgreSQL's clock has jumped."""

    ahead = timedelta()

    async def database_clock(self, uow: UnitOfWork) -> datetime:
        return await super().database_clock(uow) + self.ahead


@pytest_asyncio.fixture(loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("ingest"), SystemClock()) as database:
        async with database.uow(None) as uow:
            await uow.session.execute(text("DELETE FROM trusted_time"))
        yield database


def near(found: datetime, expected: datetime) -> bool:
    return abs(found - expected) < BOUND


@pytest.mark.db
class TestTrustedTime:
    async def test_both_clocks_are_right(self, db: Database) -> None:
        now = SystemClock().now()
        trusted = TrustedTime(db.uow, SystemClock())
        assert near(await trusted.now(), now)
        assert near(await trusted.now(), now)
        assert CLOCK_DISAGREES._value.get() < BOUND.total_seconds()

    async def test_the_machine_is_ahead(self, db: Database) -> None:
        clock = FakeClock(SystemClock().now() + YEAR)
        trusted = TrustedTime(db.uow, clock)
        with capture_logs() as logs:
            found = [await trusted.now() for _ in range(3)]
        assert all(near(each, SystemClock().now()) for each in found)
        assert [each["event"] for each in logs] == ["clock_not_trusted"], "once"
        assert abs(CLOCK_DISAGREES._value.get() - YEAR.total_seconds()) < BOUND.total_seconds()
        clock.jump(-YEAR)
        with capture_logs() as logs:
            await trusted.now()
        assert [each["event"] for each in logs] == ["clock_trusted_again"]

    async def test_the_machine_is_behind(self, db: Database) -> None:
        clock = FakeClock(SystemClock().now() - YEAR)
        assert await TrustedTime(db.uow, clock).now() == clock.now()

    async def test_both_jump_as_on_one_machine_and_an_agent_that_starts_anew_knows(self, db: Database) -> None:
        now = SystemClock().now()
        clock = FakeClock(now)
        trusted = Jumping(db.uow, clock)
        assert near(await trusted.now(), now)
        clock.jump(YEAR)
        trusted.ahead = YEAR
        stood = await trusted.now()
        assert near(stood, now)
        restarted = Jumping(db.uow, clock)
        restarted.ahead = YEAR
        assert await restarted.now() == stood
        clock.jump(-YEAR)
        restarted.ahead = timedelta()
        assert near(await restarted.now(), now)

    async def test_both_jumped_while_the_machine_was_off(self, db: Database) -> None:
        now = SystemClock().now()
        await TrustedTime(db.uow, FakeClock(now)).now()
        restarted = Jumping(db.uow, FakeClock(now + YEAR))
        restarted.ahead = YEAR
        assert near(await restarted.now(), now)
