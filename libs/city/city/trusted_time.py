"""The time by which a city's data is old enough to go: a clock that jumps must not delete what nobody can bring back.

`TrustedTime.now()` is the earlier of this machine's clock and PostgreSQL's. While PostgreSQL's clock has made a step that no time explains,
it stands still, so that nothing grows older: until the clock is back, or has gone on without a step for as long as it had jumped (an hour
at least, a week at most). What it should say is known by the process's monotonic clock, and after a restart by a row of the database: a
machine may have been off for a day.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import Gauge
from sqlalchemy import Column, DateTime, Float, MetaData, Table, Text, text

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.time import Clock, isoformat

log = get_logger(__name__)

TrustedNow = Callable[[], Awaitable[datetime]]
"""What verbs are given that delete by age. Raises: Unavailable."""

CLOCK_DISAGREES = Gauge("gtvision_clock_disagrees_seconds", "How far the clocks of this machine and PostgreSQL are apart, or have jumped")
BOUND: Final = timedelta(minutes=2)
"""So far may clocks differ that are right."""
_OFF: Final = timedelta(days=1)
"""So long may a machine have been off without being asked whether it was."""
_SHORTEST, _LONGEST = timedelta(hours=1), timedelta(days=7)
_STORED_EVERY_S = 60.0
_SELECT = text("SELECT seen_at, expected_at, trusted_at, steady_s FROM trusted_time WHERE name = 'deletion'")
_STORE = text(
    "INSERT INTO trusted_time (name, seen_at, expected_at, trusted_at, steady_s) "
    "VALUES ('deletion', :seen_at, :expected_at, :trusted_at, :steady_s) "
    "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, expected_at = excluded.expected_at, trusted_at = excluded.trusted_at, "
    "steady_s = excluded.steady_s"
)


def trusted_time_table(metadata: MetaData) -> Table:
    """Returns the table of one row that outlives a restart. No policy: it belongs to the installation."""
    instant = DateTime(timezone=True)
    columns = (Column(name, instant, nullable=False) for name in ("seen_at", "expected_at", "trusted_at"))
    return Table(
        "trusted_time",
        metadata,
        Column("name", Text, primary_key=True),
        *columns,
        Column("steady_s", Float, nullable=False),
    )


@dataclass(frozen=True, slots=True)
class Course:
    """How a clock has gone so far."""

    seen_at: datetime
    """What it said last."""
    expected_at: datetime
    """What it should have said."""
    trusted_at: datetime
    """What it said last before it stepped."""
    steady_s: float = 0.0
    """How long it has gone without a step, while somebody looked."""

    @classmethod
    def begun(cls, at: datetime) -> Course:
        return cls(at, at, at)

    @property
    def step(self) -> timedelta:
        """How far it is from what it should say."""
        return abs(self.seen_at - self.expected_at)

    @property
    def is_trusted(self) -> bool:
        return self.trusted_at == self.seen_at

    def after(self, at: datetime, passed_s: float | None) -> Course:
        """The course once the clock says `at`. `passed_s` are the seconds since it was looked at last; None: a process has started, and up
        to a day may have passed."""
        moved = at - self.seen_at
        passed = _time_off(at, self) if passed_s is None else timedelta(seconds=passed_s)
        steady_s = 0.0 if abs(moved - passed) > BOUND else self.steady_s + (passed_s or 0.0)
        found = Course(at, self.expected_at + passed, self.trusted_at, steady_s)
        if found.step <= BOUND or steady_s >= min(max(found.step, _SHORTEST), _LONGEST).total_seconds():
            return Course(at, at, at, steady_s)
        return found


def _time_off(at: datetime, before: Course) -> timedelta:
    """How long nobody looked, by a clock that may be wrong: more than a day is not believed.

    The clock goes on from where it had jumped to, or is back: the shorter time is the likelier, and makes nothing older that is not.
    """
    found = (at - before.expected_at, at - before.seen_at)
    return min((off for off in found if timedelta() <= off <= _OFF), default=timedelta())


class TrustedTime:
    """One for each process that deletes by age. What it knows is stored at most a minute late."""

    def __init__(self, uow: UowFactory, clock: Clock) -> None:
        self._uow, self._clock, self._asked = uow, clock, asyncio.Lock()
        self._course: Course | None = None
        self._stored: Course | None = None
        self._looked_at = self._stored_at = float("-inf")
        """Monotonic."""
        self._is_right = True

    async def now(self) -> datetime:
        """No later than it is, as far as that can be known. Raises: Unavailable."""
        async with self._asked:
            async with self._uow(None) as uow:
                course = self._course = await self._look(uow)
                here = self._clock.now()
                is_due = self._is_due(course)
                if is_due:
                    await uow.session.execute(_STORE, {name: getattr(course, name) for name in Course.__slots__})
            if is_due:
                self._stored, self._stored_at = course, self._looked_at
        self._tell(course, here)
        return min(here, course.trusted_at)

    async def _look(self, uow: UnitOfWork) -> Course:
        database, before = await self.database_clock(uow), self._course
        last, self._looked_at = self._looked_at, self._clock.monotonic()
        if before is not None:
            return before.after(database, self._looked_at - last)
        row = (await uow.session.execute(_SELECT)).one_or_none()
        return Course(*row).after(database, None) if row else Course.begun(database)

    def _is_due(self, course: Course) -> bool:
        """At once where trust begins or ends."""
        before = self._stored
        return before is None or before.is_trusted != course.is_trusted or self._looked_at - self._stored_at >= _STORED_EVERY_S

    async def database_clock(self, uow: UnitOfWork) -> datetime:
        """What PostgreSQL's clock says."""
        found: datetime = (await uow.session.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return found

    def _tell(self, course: Course, here: datetime) -> None:
        """Once when clocks begin to disagree, and once when they no longer do."""
        apart = max(course.step, abs(here - course.seen_at))
        CLOCK_DISAGREES.set(apart.total_seconds())
        was_right, self._is_right = self._is_right, apart <= BOUND
        if was_right and not self._is_right:
            says = {"machine": isoformat(here), "postgresql": isoformat(course.seen_at), "expected": isoformat(course.expected_at)}
            log.error("clock_not_trusted", **says, trusted=isoformat(min(here, course.trusted_at)))
        elif self._is_right and not was_right:
            log.info("clock_trusted_again", at=isoformat(course.seen_at))
