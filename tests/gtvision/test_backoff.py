"""Tests that waits double up to the longest, and start over after a success."""

from __future__ import annotations

from datetime import timedelta

from gtvision.backoff import Backoff


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def test_doubles_up_to_the_longest() -> None:
    backoff = Backoff(seconds(0.5), seconds(3))
    assert [backoff.wait_s() for _ in range(5)] == [0.5, 1, 2, 3, 3]


def test_starts_over_after_a_try_that_lasted() -> None:
    backoff = Backoff(seconds(1), seconds(8), well=seconds(30))
    assert [backoff.wait_s(lasted) for lasted in (0, 29.9, 30, 0)] == [1, 2, 1, 2]


def test_starts_over_when_told() -> None:
    backoff = Backoff(seconds(1), seconds(8))
    backoff.wait_s(), backoff.wait_s()
    backoff.reset()
    assert backoff.wait_s() == 1
