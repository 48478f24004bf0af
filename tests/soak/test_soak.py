"""Tests of the soak run's arithmetic: what counts as covered, known, kept; and when its faults come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.soak.plan import plan
from tests.soak.report import Account, CameraReport, Held, Report

BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=1_000)


def span(start: float, end: float, **more: str) -> dict[str, Any]:
    return {"from": (BEGAN + timedelta(seconds=start)).isoformat(), "to": (BEGAN + timedelta(seconds=end)).isoformat(), **more}


def account(recorded: Sequence[tuple[float, float]], gaps: Sequence[tuple[float, float, str]]) -> Account:
    said = {"recorded": [span(*each) for each in recorded], "gaps": [span(start, end, cause=cause) for start, end, cause in gaps]}
    return Account.of(BEGAN, ENDED, said)


def report(*cameras: CameraReport, holds: Sequence[Held] = ()) -> Report:
    return Report(BEGAN, ENDED, [(BEGAN, "the disk is full")], cameras, holds)


def test_seconds_are_added_up_by_cause() -> None:
    found = account([(0, 400), (460, 900)], [(400, 460, "camera"), (900, 995, "node"), (995, 1_000, "unknown")])
    assert found == Account(1_000, 840, {"camera": 60, "node": 95, "unknown": 5}, 0, 0)
    assert (found.covered, found.unknown) == (1.0, 0.005)
    assert CameraReport("Portão", found, 14).problems() == []


def test_what_no_span_covers_is_missing_at_both_ends_and_between() -> None:
    found = account([(10, 400), (450, 980)], [])
    assert found.missing_s == 80
    assert found.covered == 0.92
    assert CameraReport("Portão", found, 14).problems() == ["Portão: 80.0 s are neither recorded nor explained"]


def test_what_is_told_twice_counts_once() -> None:
    found = account([(0, 600), (500, 1_000)], [(590, 700, "camera")])
    assert (found.recorded_s, found.gaps_s, found.missing_s, found.twice_s) == (1_000, {"camera": 0}, 0, 210)
    assert CameraReport("Portão", found, 14).problems() == ["Portão: 210.0 s are told twice"]


@pytest.mark.parametrize(("unknown_s", "is_well"), [(10, True), (11, False)])
def test_a_hundredth_may_be_unknown(unknown_s: int, is_well: bool) -> None:
    found = account([(unknown_s, 1_000)], [(0, unknown_s, "unknown")])
    assert (CameraReport("Portão", found, 14).problems() == []) is is_well


def test_a_run_fails_for_a_segment_a_camera_and_a_hold() -> None:
    whole = account([(0, 1_000)], [])
    good = CameraReport("Praça", whole, 16, stopped=("disk",))
    bad = CameraReport("Portão", whole, 16, ("2026-11-30 12:00:00 does not play: EOF",), is_recorded_again=False)
    found = report(good, bad, holds=[Held("Praça", 60.0, 59.95), Held("Portão", 60.0, 12.5)])
    assert found.problems() == [
        "Portão: 2026-11-30 12:00:00 does not play: EOF",
        "Portão: is not recorded again",
        "Portão: of 60.0 s under a hold only 12.5 s are there",
    ]
    assert found.as_json()["problems"] == found.problems()


def test_the_table_has_a_column_for_each_cause_that_there_was() -> None:
    found = account([(0, 940)], [(940, 1_000, "disk")])
    lines = (
        report(CameraReport("Portão", found, 15, stopped=("disk",)), CameraReport("Praça", account([(0, 1_000)], []), 16))
        .table()
        .splitlines()
    )
    assert lines[0].split() == ["camera", "recorded", "disk", "covered", "segments", "again", "said", "to", "be", "stopped"]
    assert lines[1].split() == ["Portão", "940.0", "60.0", "100.00%", "15", "play", "yes", "disk"]
    assert lines[2].split() == ["Praça", "1000.0", "0.0", "100.00%", "16", "play", "yes", "-"]


def test_faults_keep_their_length_in_a_long_run_and_are_shortened_in_a_short_one() -> None:
    faults = [("a", 60.0), ("b", 0.0), ("c", 120.0)]
    assert [(step.at_s, step.lasts_s) for step in plan(900, faults)] == [(180, 60), (420, 0), (600, 120)]
    assert [(step.at_s, step.lasts_s) for step in plan(180, faults)] == [(22.5, 30), (75, 0), (97.5, 60)]
