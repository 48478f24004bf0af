"""Tests of what a rule is about, and of what is told of its hits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from alerts.alerts.domain import KnownCamera
from alerts.rules.domain import Rule, occurrence, told_of
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.rules import RuleCondition, Sighting

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MINE, OTHERS, CAMERA = new_id(), new_id(), new_id()


def rule(**condition: Any) -> Rule:
    made = RuleCondition.model_validate(condition)
    return Rule(new_id(), new_id(), "Contramão", True, Severity.CRITICAL, made, 60, None, NOW, NOW, 3)


def hit(second: float, camera: UUID = CAMERA) -> Sighting:
    return Sighting(new_id(), camera, NOW.timestamp() + second, "car")


@pytest.mark.parametrize(
    ("condition", "within"),
    [
        ({}, False),  # every camera
        ({"group_ids": [str(MINE)]}, True),
        ({"group_ids": [str(MINE), str(OTHERS)]}, False),
        ({"camera_ids": [str(CAMERA)]}, True),
        ({"camera_ids": [str(CAMERA), str(OTHERS)]}, False),
    ],
)
def test_who_is_limited_to_groups_has_rules_about_their_cameras_only(condition: dict[str, Any], within: bool) -> None:
    groups = {CAMERA: frozenset({MINE})}
    assert rule(**condition).is_within(frozenset({MINE}), lambda camera: groups.get(camera, frozenset())) is within
    assert rule(**condition).is_within(None, lambda _: frozenset())


def test_of_each_alert_the_first_and_the_last_hit_are_told() -> None:
    other = new_id()
    hits = [hit(0), hit(20), hit(5, other), hit(50), hit(200), hit(300), hit(310)]
    assert told_of(hits, timedelta(minutes=1)) == [hits[0], hits[2], hits[3], hits[4], hits[5], hits[6]]
    assert told_of(hits, timedelta(0)) == sorted(hits, key=lambda each: each.at)
    assert told_of([], timedelta(0)) == []


def test_an_alert_says_which_rule_saw_what_and_where() -> None:
    made, seen = rule(), hit(0)
    told = occurrence(made, seen, KnownCamera("Portão 2", frozenset()), None)
    assert told.title == "Regra “Contramão”: carro em Portão 2"
    assert (told.kind, told.subject, told.rule_id) == ("rule", f"{made.rule_id}/{CAMERA}", made.rule_id)
    assert (told.at, told.detection_id, told.details["Versão da regra"]) == (NOW, seen.detection_id, "3")
