"""Time as a dependency: rules never read the wall clock themselves.

Three times are kept apart everywhere: *capture time* (what the camera's stream says), *arrival time* (when we saw it) and
*monotonic time* (for measuring durations). All instants are timezone-aware UTC.
"""

from __future__ import annotations

import time as _time
from datetime import UTC, datetime, timedelta
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""What an instant may be that enters from outside. Drivers and databases treat the ends of the calendar as infinite."""


def utc(value: datetime) -> datetime:
    """Returns the same instant in UTC. Raises ValueError where it has no zone, or leaves the calendar."""
    if value.tzinfo is None:
        raise ValueError("instant has no time zone; send UTC, for example 2026-01-31T12:00:00Z")
    try:
        return value.astimezone(UTC)
    except OverflowError:  # the first and the last hours of the calendar, in a zone that leads beyond it
        raise ValueError("instant is outside the years 1970 to 2200") from None


def _within_bounds(value: datetime) -> datetime:
    if not EARLIEST <= (instant := utc(value)) <= LATEST:
        raise ValueError("instant is outside the years 1970 to 2200")
    return instant


def _brought_within_bounds(value: datetime) -> datetime:
    return min(max(utc(value), EARLIEST), LATEST)


Instant = Annotated[datetime, AfterValidator(_within_bounds)]
"""An aware datetime, normalised to UTC. A naive one is refused, and one outside the years 1970 to 2200."""

RecordedInstant = Annotated[datetime, AfterValidator(_brought_within_bounds)]
"""An instant of a record that must not be lost: one outside the bounds of `Instant` becomes the nearest bound."""


class Clock(Protocol):
    """Where code that needs the time gets it from."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start that never go back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one place that may

    def monotonic(self) -> float:
        return _time.monotonic()


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = utc(start or datetime(2026, 1, 1, 12, tzinfo=UTC))
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, by: timedelta | float) -> None:
        """Move both clocks forward by a duration (a bare number is seconds)."""
        delta = by if isinstance(by, timedelta) else timedelta(seconds=by)
        self._now += delta
        self._monotonic += delta.total_seconds()

    def jump(self, by: timedelta) -> None:
        """Move the wall clock alone, as a correction does."""
        self._now += by


def isoformat(instant: datetime) -> str:
    """RFC 3339 with a trailing Z, as every answer and event prints it."""
    return utc(instant).isoformat().replace("+00:00", "Z")


def zone_of(name: str) -> ZoneInfo:
    """Returns the time zone of a city; of a name that this machine does not know, that of Brasília."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("America/Sao_Paulo")
