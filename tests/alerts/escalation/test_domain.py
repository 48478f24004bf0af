"""Tests of who is told, and who is on call: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from alerts.alerts.domain import Alert, AlertState
from alerts.deliveries.domain import CHANNEL_ALERT, Recipient
from alerts.escalation.domain import (
    REMINDER,
    Group,
    Member,
    Override,
    Policy,
    PolicyStep,
    Rotation,
    check_group,
    check_steps,
    first_match,
    later_steps,
    on_call,
    reachable,
    recipients,
    shifts,
)
from gtvision.errors import Invalid
from gtvision.events import Severity
from gtvision.ids import new_id

NOW = datetime(2026, 5, 4, 15, tzinfo=UTC)
ZONE = ZoneInfo("America/Sao_Paulo")
TENANT, LIST, RULE = new_id(), new_id(), new_id()
ANA, BIA, CAU = (Member(name, None, (Recipient(new_id(), name),)) for name in ("Ana", "Bia", "Cau"))
GROUP = Group(new_id(), TENANT, "Plantão", NOW, (ANA, BIA, CAU), Rotation(date(2026, 5, 4), time(8)))


def alert(severity: Severity = Severity.CRITICAL, kind: str = "plate_watchlist", **more: object) -> Alert:
    return Alert(new_id(), TENANT, kind, severity, "x", AlertState.OPEN, NOW, **more)  # type: ignore[arg-type]


def policy(**more: object) -> Policy:
    return Policy(new_id(), TENANT, "Padrão", NOW, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"severities": (Severity.WARNING,)}, False),
        ({"severities": (Severity.WARNING, Severity.CRITICAL)}, True),
        ({"kinds": ("camera_lost",)}, False),
        ({"watchlist_ids": (LIST,)}, True),
        ({"rule_ids": (RULE,)}, False),
        ({"rule_ids": (RULE,), "watchlist_ids": (LIST,)}, True),
        ({"watchlist_ids": (LIST,), "severities": (Severity.INFO,)}, False),
    ],
)
def test_a_policy_applies_where_all_that_it_names_holds(more: dict[str, object], expected: bool) -> None:
    assert policy(**more).matches(alert(watchlist_id=LIST)) is expected


def test_the_first_policy_that_matches_applies() -> None:
    off, narrow, wide = policy(enabled=False), policy(kinds=("plate_watchlist",)), policy()
    assert first_match([off, narrow, wide], alert()) is narrow
    assert first_match([off, narrow, wide], alert(kind="camera_lost")) is wide
    assert first_match([off], alert()) is None


@pytest.mark.parametrize("minutes", [(), (5,), (0, 0), (0, 10, 5)], ids=["none", "none at once", "two at once", "back"])
def test_steps_begin_at_once_and_go_on(minutes: tuple[int, ...]) -> None:
    with pytest.raises(Invalid):
        check_steps([PolicyStep(each, (new_id(),)) for each in minutes])
    with pytest.raises(Invalid):
        check_steps([PolicyStep(0)])
    check_steps([PolicyStep(0, (new_id(),)), PolicyStep(5, (), (new_id(),))])


class TestOnCall:
    def test_the_turn_is_handed_over_weekly_by_the_citys_clock(self) -> None:
        handed = datetime(2026, 5, 11, 11, tzinfo=UTC)  # 08:00 in Curitiba
        assert on_call(GROUP, NOW, ZONE) is ANA
        assert on_call(GROUP, handed - timedelta(seconds=1), ZONE) is ANA
        assert on_call(GROUP, handed, ZONE) is BIA
        assert on_call(GROUP, handed + timedelta(weeks=2), ZONE) is ANA, "all have had their turn"
        assert on_call(GROUP, datetime(2026, 5, 4, 10, 59, tzinfo=UTC), ZONE) is CAU, "before the first turn"

    def test_a_change_of_the_clock_moves_no_handover(self) -> None:
        zone = ZoneInfo("Europe/Lisbon")  # to summer time on 2026-03-29
        group = replace(GROUP, rotation=Rotation(date(2026, 3, 23), time(8)))
        assert on_call(group, datetime(2026, 3, 30, 6, 59, tzinfo=UTC), zone) is ANA
        assert on_call(group, datetime(2026, 3, 30, 7, tzinfo=UTC), zone) is BIA

    def test_an_override_takes_a_turn_and_the_last_one_counts(self) -> None:
        swap = Override(NOW, NOW + timedelta(hours=8), "Cau")
        group = replace(GROUP, overrides=(swap, Override(NOW + timedelta(hours=1), NOW + timedelta(hours=2), "Bia")))
        found = [on_call(group, NOW + timedelta(hours=hours), ZONE).name for hours in (-1, 0, 1, 2, 8)]
        assert found == ["Ana", "Cau", "Bia", "Cau", "Ana"]

    def test_the_weeks_ahead_have_no_gap(self) -> None:
        group = replace(GROUP, overrides=(Override(NOW + timedelta(days=1), NOW + timedelta(days=2), "Cau"),))
        found = shifts(group, NOW, NOW + timedelta(weeks=3), ZONE)
        assert [shift.member for shift in found] == ["Ana", "Cau", "Ana", "Bia", "Cau", "Ana"]
        assert (found[0].start, found[-1].end) == (NOW, NOW + timedelta(weeks=3))
        assert all(earlier.end == later.start for earlier, later in pairwise(found))
        assert len(shifts(replace(GROUP, members=(ANA,)), NOW, NOW + timedelta(weeks=9), ZONE)) == 1

    def test_what_names_nobody_is_refused(self) -> None:
        for wrong in (
            replace(GROUP, members=()),
            replace(GROUP, members=(ANA, replace(BIA, name="Ana"))),
            replace(GROUP, overrides=(Override(NOW, NOW + timedelta(1), "Davi"),)),
            replace(GROUP, overrides=(Override(NOW, NOW, "Ana"),)),
        ):
            with pytest.raises(Invalid):
                check_group(wrong)


def test_a_step_tells_its_channels_and_who_is_on_call() -> None:
    channel = new_id()
    step = PolicyStep(0, (channel, channel), (GROUP.group_id, new_id()))
    assert recipients(step, {GROUP.group_id: GROUP}, NOW, ZONE) == [Recipient(channel), *ANA.reach]


def test_a_channel_is_not_told_of_its_own_trouble() -> None:
    out, other, gone = Recipient(new_id()), Recipient(new_id()), Recipient(new_id())
    enabled = [out.channel_id, other.channel_id]
    assert reachable([out, other, gone], enabled, alert(kind=CHANNEL_ALERT, subject=str(out.channel_id))) == [other]
    assert reachable([out, other, gone], enabled, alert()) == [out, other]


def test_later_steps_wait_and_only_critical_alerts_are_repeated() -> None:
    steps = (PolicyStep(0, (new_id(),)), PolicyStep(10, (new_id(),)), PolicyStep(30, (new_id(),)))
    due = later_steps(policy(steps=steps, repeat_h=2), alert(), NOW)
    assert [(each.step, each.due_at - NOW) for each in due] == [
        (1, timedelta(minutes=10)),
        (2, timedelta(minutes=30)),
        (REMINDER, timedelta(hours=2)),
    ]
    assert [each.step for each in later_steps(policy(steps=steps), alert(Severity.WARNING), NOW)] == [1, 2]
    assert [each.due_at - NOW for each in later_steps(None, alert(), NOW)] == [timedelta(hours=4)], "without any policy"
    assert later_steps(policy(steps=steps[:1], repeat_h=None), alert(), NOW) == []
