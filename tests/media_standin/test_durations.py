"""Tests of durations in Go's notation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_standin.durations import normal_form, parse


@pytest.mark.parametrize(
    ("given_text", "normal"),
    [
        ("60s", "1m0s"),
        ("2160h", "90d"),
        ("1d2h", "1d2h0m0s"),
        ("200ms", "200ms"),
        ("1h", "1h0m0s"),
        ("1.5s", "1.5s"),
        ("0s", ""),
        ("", ""),
        ("90d", "90d"),
        ("-10s", "-10s"),
        ("250us", "250µs"),
    ],
)
def test_normal_form(given_text: str, normal: str) -> None:
    assert normal_form(parse(given_text)) == normal


@pytest.mark.parametrize("text", ["5", "1x", "s", "1h nonsense", "--1s"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        parse(text)


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=4000)))
def test_round_trip(value: timedelta) -> None:
    assert parse(normal_form(value)) == value
