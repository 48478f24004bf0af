"""Instants are aware and UTC; the test's clock moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gtvision.time import FakeClock, Instant, SystemClock, isoformat

instants: TypeAdapter[datetime] = TypeAdapter(Instant)


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_any_zone_becomes_utc(value: datetime) -> None:
    parsed = instants.validate_python(value)
    assert parsed.utcoffset() == timedelta(0)
    assert parsed.timestamp() == value.timestamp()  # `==` of two zones is never true in an hour that happens twice


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValidationError, match="time zone"):
        instants.validate_python("2026-01-31T12:00:00")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="outside"):
        instants.validate_python(text)


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
