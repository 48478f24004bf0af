"""Tests of what a rule is, and of the judge: geometry, tracker, schedule, counting and grouping."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import hypot
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from city.judging import Grouping, Judge
from gtvision.geometry import Place, turn
from gtvision.ids import new_id
from gtvision.rules import Direction, Line, RuleCondition, Schedule, Sighting

CAMERA, OTHER = new_id(), new_id()
BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()
CITY = ZoneInfo("America/Sao_Paulo")
HERE = {"camera_ids": [str(CAMERA)]}
ACROSS = {"a": [0, 0.5], "b": [1, 0.5]}
SQUARE = {"points": [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]}


def judge(*holidays: date, **condition: Any) -> Judge:
    return Judge(RuleCondition.model_validate(condition), CITY, frozenset(holidays))


def at(second: float, x: float = 0.5, y: float = 0.5, *, kind: str = "car", camera: UUID = CAMERA, **more: Any) -> Sighting:
    return Sighting(new_id(), camera, BEGIN + second, kind, x, y, 0.1, **more)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({"zone": SQUARE}, "exactly one camera"),
        ({"line": ACROSS, "camera_ids": [str(CAMERA), str(OTHER)]}, "exactly one camera"),
        ({"line": ACROSS, **HERE, "group_ids": [str(OTHER)]}, "exactly one camera"),
        ({"line": ACROSS, "zone": SQUARE, **HERE}, "a zone or a line"),
        ({"line": ACROSS, "dwell_s": 5, **HERE}, "leave dwell_s out"),
        ({"line": {"a": [0.5, 0.5], "b": [0.5, 0.5]}, **HERE}, "hundredth"),
        ({"zone": {"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}, **HERE}, "cross each other"),
        ({"zone": {"points": [[0, 0], [1, 0], [1, 1], [0, 0]]}, **HERE}, "same point"),
        ({"zone": {"points": [[0, 0], [0.5, 0], [1, 0]]}, **HERE}, "too small"),
        ({"zone": {"points": [[0, 0], [1, 0]]}, **HERE}, "at least 3"),
        ({"zone": {"points": [[0, 0], [1, 0], [1.2, 1]]}, **HERE}, "less than or equal to 1"),
        ({"plate": "AB*"}, "beginning of a plate"),
        ({"schedule": {"from": "24:00", "to": "06:00"}}, "pattern"),
        ({"schedule": {"days": []}}, "at least 1"),
        ({"speed_kmh": 60}, "Extra inputs"),
    ],
)
def test_a_condition_that_makes_no_sense_says_why(condition: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RuleCondition.model_validate(condition)


def test_a_condition_survives_its_own_json() -> None:
    made = RuleCondition.model_validate(
        {**HERE, "zone": SQUARE, "classes": ["car"], "plate": "abc-1", "schedule": {"days": [5, 6], "from": "22:00", "to": "06:00"}}
    )
    assert made.plate == "ABC1"
    assert RuleCondition.model_validate(made.model_dump(mode="json", by_alias=True)) == made


def test_it_is_about_its_cameras_its_groups_or_all() -> None:
    group = new_id()
    assert RuleCondition().watches(OTHER, frozenset())
    one = RuleCondition(camera_ids=frozenset({CAMERA}), group_ids=frozenset({group}))
    assert one.watches(CAMERA, frozenset())
    assert one.watches(OTHER, frozenset({group, new_id()}))
    assert not one.watches(OTHER, frozenset({new_id()}))


def test_class_confidence_plate_and_zone_are_asked_of_each_sighting() -> None:
    asked = judge(classes=["car"], min_confidence=0.6, plate="ABC", zone=SQUARE, **HERE)
    fits = at(0, plate="ABC1D23", confidence=0.9)
    others = [
        fits._replace(object_class="bus"),
        fits._replace(confidence=0.5),
        fits._replace(plate=None),
        fits._replace(plate="XBC1D23"),
        fits._replace(y=0.7),
    ]
    assert asked.judge([*others, fits]) == [fits]
    assert judge(plate="none").judge([fits, others[2]]) == [others[2]]
    assert judge(plate="any").judge([fits, others[2]]) == [fits]
    assert judge(colours=["red"]).judge([fits, fits._replace(colour="red")]) == [fits._replace(colour="red")]


# --- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ways", "direction", "hits"),
    [
        ([0.3, 0.45, 0.6, 0.75], "any", [2]),
        ([0.3, 0.45, 0.6, 0.75], "a_to_b", [2]),  # a is left, b is right: down the picture is from left hand to right hand
        ([0.3, 0.45, 0.6, 0.75], "b_to_a", []),
        ([0.75, 0.6, 0.45, 0.3], "b_to_a", [2]),
        ([0.48, 0.52, 0.48, 0.52, 0.48], "any", [1, 2]),  # it trembles on the line: once each way
        ([0.3, 0.4, 0.45, 0.49], "any", []),
    ],
)
def test_a_line_is_crossed_by_the_way_of_one_thing(ways: list[float], direction: str, hits: list[int]) -> None:
    asked = judge(line={**ACROSS, "direction": direction}, **HERE)
    seen = [at(second, y=y) for second, y in enumerate(ways)]
    assert asked.judge(seen) == [seen[index] for index in hits]


def test_batches_split_anywhere_give_the_same_crossings() -> None:
    seen = [at(second, y=0.3 + second * 0.1) for second in range(5)]
    whole, parts = judge(line=ACROSS, **HERE), judge(line=ACROSS, **HERE)
    assert [hit for each in seen for hit in parts.judge([each])] == whole.judge(reversed(seen)) != []


def test_two_cars_that_go_apart_are_not_taken_for_each_other() -> None:
    """One goes down on the left, the other up on the right; a bus stands between them."""
    asked = judge(line={**ACROSS, "direction": "a_to_b"}, **HERE)
    seen = [[at(s, 0.2, 0.35 + s * 0.1), at(s, 0.8, 0.65 - s * 0.1), at(s, 0.5, 0.48, kind="bus")] for s in range(4)]
    assert asked.judge([each for frame in seen for each in reversed(frame)]) == [seen[2][0]]


def test_a_thing_that_comes_back_after_a_while_is_another_one() -> None:
    assert judge(line=ACROSS, **HERE).judge([at(0, y=0.3), at(10, y=0.6)]) == []
    assert judge(line=ACROSS, **HERE).judge([at(0, y=0.3), at(1, y=0.9)]) == []  # farther than a thing moves in a second


def test_what_is_older_than_the_newest_joins_no_track_and_is_still_judged_by_itself() -> None:
    asked, plain = judge(line=ACROSS, **HERE), judge(classes=["car"])
    late = at(3, y=0.4)
    for each in (asked, plain):
        each.judge([at(4, y=0.3)])
    assert asked.judge([late, at(5, y=0.6)]) != []
    assert plain.judge([late]) == [late]


unit = st.floats(0, 1, allow_nan=False)
points = st.tuples(unit, unit)


@given(points, points, points, points)
def test_a_crossing_walked_back_is_one_the_other_way(p: Place, q: Place, a: Place, b: Place) -> None:
    assume(hypot(a[0] - b[0], a[1] - b[1]) > 0.01 and all(abs(turn(*each)) > 1e-9 for each in ((a, b, p), (a, b, q), (p, q, a), (p, q, b))))
    line = Line(a=a, b=b)
    there, back = line.crossed(p, q), line.crossed(q, p)
    assert (there is None) == (back is None)
    assert there is None or {there, back} == {Direction.A_TO_B, Direction.B_TO_A}


# --- dwell and count ---------------------------------------------------------------------------------------------------


def test_a_thing_that_stays_is_a_hit_once() -> None:
    asked = judge(dwell_s=10, zone=SQUARE, **HERE)
    seen = [at(second, 0.5 + second % 2 * 0.01) for second in range(30)]
    assert asked.judge(seen) == [seen[10]]


def test_a_thing_that_stands_still_is_seen_again_after_half_a_minute() -> None:
    """Where nothing moves, the grabber sends a picture every 30 s only."""
    seen = [at(second) for second in (0, 30, 60, 90)]
    assert judge(dwell_s=60).judge(seen) == [seen[2]]
    assert judge(dwell_s=60).judge([at(0), at(30, x=0.7), at(60, x=0.9), at(90, x=0.1)]) == []


def test_a_thing_that_leaves_the_zone_begins_anew() -> None:
    seen = [at(second, y=0.5 if second not in range(5, 75) else 0.8) for second in range(90)]
    assert judge(dwell_s=12, zone=SQUARE, **HERE).judge(seen) == [seen[87]]


def test_different_things_are_counted_and_one_thing_once() -> None:
    asked = judge(count={"at_least": 3, "within_s": 20})
    crowd = [at(second, x) for second in range(3) for x in (0.1, 0.5, 0.9)]
    assert asked.judge(crowd)[0] == crowd[2]
    assert judge(count={"at_least": 2, "within_s": 20}).judge([at(second) for second in range(60)]) == []


def test_cameras_are_counted_apart_and_what_is_long_ago_is_forgotten() -> None:
    asked = judge(count={"at_least": 2, "within_s": 5})
    assert asked.judge([at(0), at(0, camera=OTHER), at(10, 0.9), at(10, 0.1, camera=OTHER)]) == []
    assert len(asked.judge([at(12, 0.1)])) == 1


def test_memory_is_bounded() -> None:
    asked = judge(count={"at_least": 2, "within_s": 3_600})
    asked.judge([at(second, x=second % 10 / 10, y=x / 10) for second in range(0, 3_000, 5) for x in range(10)])
    [camera] = asked._cameras.values()
    assert len(camera.tracks) <= 64
    assert len(camera.counted) <= 1_000


# --- schedule and grouping ---------------------------------------------------------------------------------------------

NIGHTS = {"days": [4, 5], "from": "22:00", "to": "06:00"}


@pytest.mark.parametrize(
    ("schedule", "local", "holds"),
    [
        (NIGHTS, "2026-12-04T22:00", True),  # a Friday
        (NIGHTS, "2026-12-05T05:59", True),
        (NIGHTS, "2026-12-05T06:00", False),
        (NIGHTS, "2026-12-06T03:00", True),  # of Saturday's night
        (NIGHTS, "2026-12-06T23:00", False),
        (NIGHTS, "2026-12-04T03:00", False),  # of Thursday's night
        ({"from": "08:00", "to": "18:00"}, "2026-12-04T18:00", False),
        ({"from": "08:00", "to": "08:00", "days": [4]}, "2026-12-05T07:59", True),
        ({}, "2026-12-04T00:00", True),
        ({"holidays": "never"}, "2026-12-25T12:00", False),
        ({"holidays": "only"}, "2026-12-25T12:00", True),
        ({"holidays": "only"}, "2026-12-24T12:00", False),
        (NIGHTS | {"holidays": "never"}, "2026-12-26T01:00", False),  # of the holiday's night
    ],
)
def test_a_schedule_holds_in_the_citys_own_time(schedule: dict[str, Any], local: str, holds: bool) -> None:
    asked = judge(date(2026, 12, 25), schedule=schedule)
    instant = datetime.fromisoformat(local).replace(tzinfo=CITY)
    assert bool(asked.judge([at(0)._replace(at=instant.timestamp())])) is holds


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 10_079))
def test_a_week_belongs_to_a_window_or_to_its_opposite(days: set[int], begins: int, ends: int, minute: int) -> None:
    if begins == ends:
        return
    clock = [f"{each // 60:02}:{each % 60:02}" for each in (begins, ends)]
    local = datetime(2026, 11, 30, tzinfo=CITY) + timedelta(minutes=minute)
    window = Schedule.model_validate({"from": clock[0], "to": clock[1]})
    opposite = Schedule.model_validate({"from": clock[1], "to": clock[0]})
    assert window.holds(local, frozenset()) != opposite.holds(local, frozenset())
    if Schedule.model_validate({"from": clock[0], "to": clock[1], "days": days}).holds(local, frozenset()):
        assert window.holds(local, frozenset())


def test_hits_of_a_camera_within_the_cooldown_are_one_alert() -> None:
    group = Grouping(timedelta(seconds=60))
    hits = [at(0), at(59), at(100), at(130, camera=OTHER), at(160), at(150)]
    assert [group.is_new(hit) for hit in hits] == [True, False, False, True, True, False]
