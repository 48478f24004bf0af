"""Tests of the rules by which an occurrence is a new alert, or joins one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.alerts.conftest import NOW

from alerts.alerts.domain import Alert, AlertState, Notice, Occurrence, Step, join, new_alert
from gtvision.events import Severity
from gtvision.ids import new_id

TENANT = new_id()
MINUTE = timedelta(minutes=1)
PASS = Occurrence("plate_watchlist", "entry/camera", Severity.WARNING, "Placa ABC1234", NOW, detection_id=new_id())
LOSS = Occurrence("camera_lost", "camera", Severity.WARNING, "Câmera fora do ar", NOW, lasting=True, cooldown=5 * MINUTE)


def raised(seen: Occurrence) -> Alert:
    return new_alert(TENANT, seen, NOW, 1)


def test_the_same_occurrence_is_the_same_alert() -> None:
    assert raised(PASS) == raised(PASS)
    assert raised(PASS).alert_id != raised(replace(PASS, detection_id=new_id())).alert_id


@pytest.mark.parametrize(("seconds", "joins"), [(59, True), (-59, True), (60, False), (-61, False)])
@pytest.mark.parametrize("state", AlertState)
def test_a_sighting_joins_within_the_cooldown_in_both_directions(seconds: int, joins: bool, state: AlertState) -> None:
    before = replace(raised(PASS), state=state)
    joined = join(before, replace(PASS, at=NOW + timedelta(seconds=seconds)), NOW, 2)
    assert (joined is not None) is joins
    if joined:
        assert (joined.alert.sightings, joined.alert.state, joined.notice) == (2, state, None)
        assert joined.alert.last_seen_at == max(NOW, NOW + timedelta(seconds=seconds))


def test_a_possible_match_that_is_confirmed_is_told() -> None:
    before = raised(replace(PASS, is_possible=True, alternatives=("ABC1Z34",), plate="ABC1Z34"))
    joined = join(before, replace(PASS, plate="ABC1234", severity=Severity.CRITICAL), NOW, 2)
    assert joined is not None
    assert (joined.alert.is_possible, joined.alert.alternatives, joined.alert.plate) == (False, (), "ABC1234")
    assert (joined.alert.severity, joined.notice) == (Severity.CRITICAL, Notice.WORSENED)
    again = join(joined.alert, replace(PASS, is_possible=True, alternatives=("ABC1Z34",)), NOW, 3)
    assert again is not None
    assert (again.alert.is_possible, again.notice) == (False, None), "doubt does not undo it"


def test_a_condition_joins_however_long_it_lasts() -> None:
    joined = join(raised(LOSS), replace(LOSS, at=NOW + timedelta(days=3), title="Duas câmeras"), NOW + timedelta(days=3), 2)
    assert joined is not None
    assert (joined.alert.title, joined.alert.sightings, joined.notice) == ("Duas câmeras", 2, None)


def test_a_condition_that_worsens_is_open_again() -> None:
    before = replace(raised(LOSS), state=AlertState.ACKNOWLEDGED, acknowledged_at=NOW, acknowledged_by=new_id())
    joined = join(before, replace(LOSS, severity=Severity.CRITICAL), NOW, 2)
    assert joined is not None
    assert (joined.alert.state, joined.alert.acknowledged_by, joined.notice) == (AlertState.OPEN, None, Notice.WORSENED)
    calmer = join(joined.alert, LOSS, NOW, 3)
    assert calmer is not None
    assert (calmer.alert.severity, calmer.notice) == (Severity.CRITICAL, None)


def test_a_condition_that_comes_and_goes_is_told_only_if_it_stays() -> None:
    over = replace(raised(LOSS), state=AlertState.RESOLVED, resolved_at=NOW)
    soon = join(over, replace(LOSS, at=NOW + MINUTE), NOW + MINUTE, 2)
    assert soon is not None
    assert (soon.alert.state, soon.alert.told, soon.notice, soon.step) == (AlertState.OPEN, False, None, Step.REOPENED)
    assert soon.alert.snoozed_until == NOW + 6 * MINUTE
    assert join(over, replace(LOSS, at=NOW + 5 * MINUTE), NOW + 5 * MINUTE, 2) is None, "later it is a new one"


def test_a_condition_that_comes_back_louder_is_told_at_once_unless_it_is_planned() -> None:
    over, seen = replace(raised(LOSS), state=AlertState.RESOLVED, resolved_at=NOW), replace(LOSS, severity=Severity.CRITICAL)
    loud = join(over, seen, NOW + MINUTE, 2)
    assert loud is not None
    assert (loud.alert.told, loud.alert.snoozed_until, loud.notice, loud.step) == (True, None, Notice.WORSENED, Step.REOPENED)
    planned = join(over, replace(seen, muted_until=NOW + 60 * MINUTE), NOW + MINUTE, 2)
    assert planned is not None
    assert (planned.alert.told, planned.alert.snoozed_until, planned.notice) == (False, NOW + 60 * MINUTE, None)


def test_planned_work_mutes_until_it_ends() -> None:
    muted = raised(replace(LOSS, muted_until=NOW + MINUTE))
    assert (muted.told, muted.snoozed_until) == (False, NOW + MINUTE)
    assert raised(replace(LOSS, muted_until=NOW)).told
