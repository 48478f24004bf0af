"""Tests that instants are aware and in UTC, and that the fake clock moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gtvision.time import EARLIEST, LATEST, FakeClock, Instant, RecordedInstant, SystemClock, isoformat

instants: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_any_zone_becomes_utc(value: datetime) -> None:
    parsed = instants.validate_python(value)
    assert parsed.utcoffset() == timedelta(0)
    assert parsed.timestamp() == value.timestamp()  # `==` between two zones is never true in the repeated hour at the end of summer time


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        instants.validate_python("2026-01-31T12:00:00")


OUTSIDE = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1969-12-31T23:59:59.999999Z",
    "1970-01-01T00:00:00+00:01",
    "2201-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
]


@pytest.mark.parametrize("text", OUTSIDE)
def test_an_instant_outside_of_two_centuries_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="outside"):
        instants.validate_python(text)


@pytest.mark.parametrize("instant", [EARLIEST, LATEST])
def test_the_bounds_are_included(instant: datetime) -> None:
    assert instants.validate_python(instant) == instant


def test_a_record_is_kept_with_the_nearest_bound() -> None:
    recorded: TypeAdapter[datetime] = TypeAdapter(RecordedInstant)
    assert recorded.validate_python("0001-01-01T00:00:00Z") == EARLIEST
    assert recorded.validate_python("9999-12-31T23:59:59.999999Z") == LATEST
    assert recorded.validate_python("2026-01-01T00:00:00Z") == datetime(2026, 1, 1, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_printed_form_reads_back(value: datetime) -> None:
    text = isoformat(value)
    assert text.endswith("Z")
    assert instants.validate_python(text) == value


def test_the_printed_form_is_utc() -> None:
    assert isoformat(datetime(2026, 1, 31, 9, tzinfo=timezone(timedelta(hours=-3)))) == "2026-01-31T12:00:00Z"


def test_the_fake_clock_stands_still_until_moved() -> None:
    clock = FakeClock()
    before, since = clock.now(), clock.monotonic()
    assert clock.now() == before
    clock.advance(1.5)
    clock.advance(timedelta(minutes=1))
    assert clock.now() - before == timedelta(seconds=61.5)
    assert clock.monotonic() - since == 61.5


def test_the_systems_clock_is_aware_and_monotonic() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic() <= clock.monotonic()
