"""Tests of messages on their way: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from alerts.alerts.domain import Alert, AlertState, Notice
from alerts.channels.domain import QuietHours
from alerts.deliveries.domain import (
    TROUBLE_AFTER,
    Delivery,
    DeliveryState,
    Pace,
    Recipient,
    is_flood,
    new_delivery,
    new_digest,
    plan_ending,
    wait_after,
)
from alerts.messages.domain import digest_notice, gravest_first
from gtvision.events import Severity
from gtvision.ids import new_id

NOW = datetime(2026, 5, 4, 15, tzinfo=UTC)  # a Monday, noon in Curitiba
ZONE = ZoneInfo("America/Sao_Paulo")
TENANT = new_id()


def alert(severity: Severity = Severity.CRITICAL, minutes: int = 0) -> Alert:
    raised_at = NOW + timedelta(minutes=minutes)
    return Alert(new_id(), TENANT, "camera_lost", severity, "Sem sinal", AlertState.OPEN, raised_at, change=1)


def row(recipient: Recipient, notice: Notice = Notice.RAISED, minutes: int = 0, **more: object) -> Delivery:
    made = new_delivery(alert(), notice, recipient, NOW + timedelta(minutes=minutes), "1")
    return replace(made, **more)  # type: ignore[arg-type]


def test_an_occasion_that_is_noted_twice_is_one_message_and_every_other_one_is_its_own() -> None:
    known, here, there = alert(), Recipient(new_id()), Recipient(new_id(), "a")
    first = new_delivery(known, Notice.RAISED, here, NOW, "1")
    assert new_delivery(known, Notice.RAISED, here, NOW + timedelta(hours=1), "1").delivery_id == first.delivery_id
    others = [
        new_delivery(known, Notice.RESOLVED, here, NOW, "1"),
        new_delivery(known, Notice.RAISED, here, NOW, "2"),
        new_delivery(known, Notice.RAISED, there, NOW, "1"),
        new_delivery(known, Notice.RAISED, replace(there, to=""), NOW, "1"),
        new_delivery(alert(), Notice.RAISED, here, NOW, "1"),
    ]
    assert len({first.delivery_id, *(each.delivery_id for each in others)}) == 6


def test_tries_are_spread_over_hours() -> None:
    waits = [wait_after(attempts, 0.5) for attempts in range(1, 9)]
    assert waits[0] == timedelta(seconds=5)
    assert waits[-1] == timedelta(hours=1)
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert wait_after(3, 0.0) < timedelta(minutes=1) < wait_after(3, 1.0)


class TestTheEndOfAnAlert:
    def test_who_was_told_is_told_and_who_waits_gets_one_message(self) -> None:
        told, waiting, tried, refused = (Recipient(new_id()) for _ in range(4))
        rows = [
            row(told, state=DeliveryState.DELIVERED),
            row(waiting),
            row(tried, attempts=2),
            row(refused, state=DeliveryState.FAILED),
        ]
        plan = plan_ending(rows)
        assert tuple(plan.combined.values()) == (rows[1].delivery_id,)
        assert plan.replaced == {rows[2].delivery_id: tried}, "it may have arrived under its id"
        assert set(plan.told) == {told, tried}

    def test_a_digest_has_told_those_whom_it_stands_for(self) -> None:
        someone = Recipient(new_id())
        assert plan_ending([row(someone, state=DeliveryState.DIGESTED)]).told == (someone,)

    def test_what_waits_behind_another_is_told_by_that_one(self) -> None:
        someone = Recipient(new_id())
        first, second = row(someone, state=DeliveryState.HELD), row(someone, Notice.REMINDER, 9)
        plan = plan_ending([second, first])
        assert (tuple(plan.combined.values()), plan.replaced, plan.told) == ((first.delivery_id,), {second.delivery_id: someone}, ())

    def test_an_end_that_was_told_before_is_no_beginning(self) -> None:
        plan = plan_ending([row(Recipient(new_id()), Notice.RESOLVED, state=DeliveryState.DELIVERED)])
        assert (plan.combined, plan.told) == ({}, ())


class TestThePaceOfAChannel:
    pace = Pace(new_id(), 2.0, NOW)

    def test_tokens_come_with_time_up_to_a_minutes_worth(self) -> None:
        assert self.pace.refilled(6, NOW + timedelta(seconds=10)).tokens == pytest.approx(3)
        assert self.pace.refilled(6, NOW + timedelta(hours=1)).tokens == 6
        assert self.pace.refilled(6, NOW - timedelta(hours=1)).tokens == 2, "the clock was set back"

    def test_after_three_failures_in_a_row_one_message_asks_whether_it_is_back(self) -> None:
        failed = self.pace
        for _ in range(2):
            failed = failed.after_failure("503", NOW, None, 0.5)
            assert failed.room(NOW) == 2
        failed = failed.after_failure("503", NOW, None, 0.5)
        assert failed.room(NOW + timedelta(seconds=4)) == 0
        assert failed.room(NOW + timedelta(seconds=6)) == 1
        assert failed.after_success().room(NOW) == 2

    def test_what_the_channel_asks_for_is_obeyed(self) -> None:
        failed = self.pace.after_failure("429", NOW, timedelta(minutes=10), 0.5)
        assert failed.room(NOW + timedelta(minutes=9)) == 0

    def test_two_minutes_of_failures_are_trouble_and_a_success_ends_it(self) -> None:
        failed = self.pace.after_failure("503", NOW, None, 0.5)
        assert [failed.is_out(NOW), failed.is_out(NOW + TROUBLE_AFTER)] == [False, True]
        later = failed.after_failure("503", NOW + timedelta(minutes=1), None, 0.5)
        assert later.is_out(NOW + TROUBLE_AFTER)
        assert not later.after_success().is_out(NOW + TROUBLE_AFTER)

    def test_a_refusal_is_trouble_at_once_and_closes_nothing(self) -> None:
        refused = self.pace.after_refusal("401", NOW)
        assert (refused.is_out(NOW), refused.room(NOW)) == (True, 2)


@pytest.mark.parametrize(
    ("waiting", "tokens", "kind", "expected"),
    [(11, 1.0, "email", False), (12, 1.0, "email", True), (100, 0.9, "email", False), (1_000, 1.0, "webhook", False)],
    ids=["few more", "many more", "not before it may leave", "programs read them all"],
)
def test_a_flood_is_what_a_person_would_not_read_one_by_one(waiting: int, tokens: float, kind: str, expected: bool) -> None:
    assert is_flood(waiting, tokens, kind) is expected


def test_a_digest_is_as_loud_as_its_loudest_and_goes_to_the_same_person() -> None:
    rows = [row(Recipient(new_id(), "chat 7"), severity=Severity.INFO), row(Recipient(new_id(), "chat 7"), severity=Severity.WARNING)]
    digest = new_digest(rows, new_id(), NOW)
    assert (digest.severity, digest.to, digest.alert_id, digest.attempts) == (Severity.WARNING, "chat 7", None, 0)
    assert "2 alertas" in digest.title
    assert digest_notice(each.notice for each in rows) is Notice.RAISED
    assert digest_notice([Notice.RESOLVED] * 2) is Notice.RESOLVED
    known = [alert(Severity.INFO), alert(minutes=5), alert(minutes=1)]
    assert gravest_first(known) == [known[2], known[1], known[0]]


@pytest.mark.parametrize(
    ("start", "end", "days", "hour", "expected"),
    [
        ("22:00", "06:00", (), 23, 30),
        ("22:00", "06:00", (), 3, 6),
        ("22:00", "06:00", (), 6, None),
        ("22:00", "06:00", (0,), 27, 30),
        ("22:00", "06:00", (1,), 3, None),
        ("12:00", "13:00", (), 12, 13),
        ("00:00", "00:00", (), 15, 24),
    ],
    ids=["evening", "after midnight", "over", "begun on Monday", "not begun on Sunday", "noon", "the whole day"],
)
def test_quiet_hours_end_by_the_citys_clock(start: str, end: str, days: tuple[int, ...], hour: int, expected: int | None) -> None:
    midnight = datetime(2026, 5, 4, 3, tzinfo=UTC)
    hours = QuietHours(time.fromisoformat(start), time.fromisoformat(end), frozenset(days))
    until = hours.until(midnight + timedelta(hours=hour), ZONE)
    assert until == (None if expected is None else midnight + timedelta(hours=expected))
