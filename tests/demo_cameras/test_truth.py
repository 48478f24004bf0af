"""Tests that the ground truth follows from the clock alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from demo_cameras.control import Refused, instant
from demo_cameras.playhead import Playhead
from demo_cameras.truth import in_view, iso, passages

MINUTE = 1_800_000_000.0
CLIP: dict[str, Any] = {
    "name": "avenida",
    "fps": 15,
    "loop_s": 60,
    "passages": [
        {
            "plate": "BRA2E19",
            "era": "mercosul",
            "vehicle": "car",
            "first_frame": 30,
            "last_frame": 75,
            "boxes": [[30, [0.1, 0.1, 0.2, 0.2]]],
        },
        {"plate": "KLM4567", "era": "old", "vehicle": "car", "first_frame": 600, "last_frame": 645, "boxes": [[600, [0.3, 0.1, 0.4, 0.2]]]},
    ],
}


class _At(Playhead):
    """A playhead that stays at one time."""

    def wall_s(self, monotonic_s: float | None = None) -> float:
        return self.started_wall_s if monotonic_s is None else super().wall_s(monotonic_s)


def _playhead(into_s: float) -> Playhead:
    return _At(15, 900, MINUTE + into_s, 100.0)


def test_the_loop_begins_on_the_full_minute() -> None:
    playhead = Playhead(15, 900, MINUTE, 50.0)
    assert int(MINUTE * 15) % 900 == 0
    assert playhead.loop_start_s(playhead.loops_between(MINUTE, MINUTE)[0]) == MINUTE
    assert playhead.due_monotonic_s(int(MINUTE * 15) + 15) == pytest.approx(51.0)


def test_passages_are_laid_on_the_clock_and_repeat_each_minute() -> None:
    found = passages(CLIP, _playhead(70), MINUTE - 60, MINUTE + 70, [])
    assert [entry["plate"] for entry in found] == ["BRA2E19", "KLM4567", "BRA2E19", "KLM4567", "BRA2E19"]
    assert found[2]["first_seen"] == iso(MINUTE + 2)
    assert found[2]["last_seen"] == iso(MINUTE + 5)
    assert len({entry["id"] for entry in found}) == 5


def test_a_passage_still_in_view_is_not_complete() -> None:
    found = passages(CLIP, _playhead(3), MINUTE, MINUTE + 3, [])
    assert [(entry["plate"], entry["complete"]) for entry in found] == [("BRA2E19", False)]


def test_what_passed_before_the_start_or_during_a_fault_is_marked() -> None:
    playhead = Playhead(15, 900, MINUTE, 100.0)
    found = passages(CLIP, playhead, MINUTE - 60, MINUTE + 59, [(MINUTE + 39.0, MINUTE + 41.0)])
    assert [entry["disturbed"] for entry in found] == [True, True, False, True]
    still = passages(CLIP, playhead, MINUTE, MINUTE + 59, [(MINUTE + 10.0, None)])
    assert [entry["disturbed"] for entry in still] == [False, True]


@pytest.mark.parametrize(("into_s", "plates"), [(1.9, []), (2.0, ["BRA2E19"]), (5.0, ["BRA2E19"]), (5.2, []), (41.0, ["KLM4567"])])
def test_in_view_is_what_can_be_read_now(into_s: float, plates: list[str]) -> None:
    assert [entry["plate"] for entry in in_view(CLIP, _playhead(into_s))] == plates


@pytest.mark.parametrize(
    "text", ["1800000000", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00", "2027-01-15T05:00:00-03:00", "2027-01-15T09:00:00 01:00"]
)
def test_instants_are_numbers_or_iso_times(text: str) -> None:
    assert instant(text) == MINUTE


def test_a_bad_instant_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        instant("yesterday")
    assert refused.value.status == HTTPStatus.BAD_REQUEST
