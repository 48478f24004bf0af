"""Tests of an alert that is told again until a person answers, on a real database."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.alerts.telling import NOON, Telling
from tests.ledger import emitted

from alerts.alerts.domain import Alert, Notice, Step
from alerts.alerts.repository import PostgresAlerts
from alerts.channels.domain import Kind
from alerts.deliveries.domain import Recipient
from alerts.escalation.domain import Group, Member, Policy, PolicyStep, Rotation
from gtvision.events import AlertEscalated, Severity
from gtvision.ids import new_id
from gtvision.patch import Patch

pytestmark = pytest.mark.db


async def policy(telling: Telling, *steps: PolicyStep, **more: Any) -> UUID:
    made = Policy(new_id(), telling.tenant, "Padrão", NOON, steps=steps, **more)
    return (await telling.policies.create_policy(telling.caller, made, None)).policy_id


async def group(telling: Telling, *members: Member) -> UUID:
    made = Group(new_id(), telling.tenant, "Plantão", NOON, members, Rotation(date(2026, 5, 4), time(8)))
    return (await telling.policies.create_group(telling.caller, made, None)).group_id


async def take(telling: Telling, **wait: float) -> None:
    """Takes the steps that are due after a time, and sends what they wrote."""
    telling.clock.advance(timedelta(**wait))
    await telling.escalation.take_due()
    await telling.deliver()


async def history(telling: Telling, alert: Alert) -> list[tuple[Step, str]]:
    async with telling.db.uow(telling.tenant) as uow:
        return [(entry.what, entry.text) for entry in await PostgresAlerts(uow).read_history(alert.alert_id)]


class TestWithoutAPolicy:
    async def test_every_channel_that_wants_it_is_told(self, telling: Telling) -> None:
        loud = telling.channel(min_severity=Severity.CRITICAL)
        plates = telling.channel(kinds=("plate_watchlist",))
        all_of_it = telling.channel(min_severity=Severity.INFO)
        off = telling.channel(enabled=False)
        await telling.raise_alert(Severity.WARNING)
        await telling.raise_alert(Severity.CRITICAL)
        await telling.deliver()
        assert [len(telling.sent(each)) for each in (loud, plates, all_of_it, off)] == [1, 0, 2, 0]

    async def test_a_critical_one_is_repeated_every_four_hours_while_it_is_open(self, telling: Telling) -> None:
        channel = telling.channel()
        alert = await telling.raise_alert()
        await telling.raise_alert(Severity.WARNING)
        await telling.deliver()
        await take(telling, hours=3, minutes=59)
        assert telling.sent(channel) == [Notice.RAISED] * 2
        await take(telling, minutes=1)
        await take(telling, hours=4)
        assert telling.sent(channel)[2:] == [Notice.REMINDER] * 2
        await telling.alerts.acknowledge_alert(telling.caller, alert.alert_id)
        await take(telling, hours=4)
        assert len(telling.sent(channel)) == 4

    async def test_what_a_list_or_rule_names_is_told_instead_unless_it_is_off(self, telling: Telling) -> None:
        usual, named = telling.channel(), telling.channel(min_severity=Severity.CRITICAL)
        telling.chosen = (named,)
        await telling.raise_alert(Severity.WARNING)
        await telling.deliver()
        assert (telling.sent(usual), telling.sent(named)) == ([], [Notice.RAISED])
        telling.chosen = (new_id(),)
        await telling.raise_alert(Severity.WARNING)
        await telling.deliver()
        assert telling.sent(usual) == [Notice.RAISED], "an alert must reach someone"


class TestSteps:
    async def test_where_nobody_answers_the_next_one_is_told(self, telling: Telling) -> None:
        first, second, other = telling.channel(), telling.channel(kind=Kind.TELEGRAM), telling.channel()
        ana = Member("Ana", None, (Recipient(second, "41 9999"),))
        on_call = await group(telling, ana)
        await policy(telling, PolicyStep(0, (first,)), PolicyStep(5, (), (on_call,)), PolicyStep(10, (other,)), repeat_h=None)
        alert = await telling.raise_alert()
        await take(telling, minutes=4, seconds=59)
        assert (telling.sent(first), telling.sent(second)) == ([Notice.RAISED], [])
        await take(telling, seconds=1)
        await take(telling, seconds=1)
        assert telling.sent(second) == [Notice.ESCALATED]
        assert telling.carrier.sent[-1][1].to == "41 9999"
        assert (await history(telling, alert))[-1] == (Step.ESCALATED, f"Etapa 1: Canal {second} (41 9999)")
        [event] = await emitted(telling.db, telling.tenant, AlertEscalated)
        assert (event.data.alert_id, event.data.step) == (alert.alert_id, 1)
        await telling.alerts.acknowledge_alert(telling.caller, alert.alert_id)
        await take(telling, minutes=10)
        assert telling.sent(other) == [], "a person has answered"

    async def test_the_end_drops_what_waits_and_tells_all_who_were_told(self, telling: Telling) -> None:
        first, second, third = (telling.channel() for _ in range(3))
        await policy(telling, PolicyStep(0, (first,)), PolicyStep(5, (second,)), PolicyStep(9, (third,)))
        alert = await telling.raise_alert()
        await telling.deliver()
        await take(telling, minutes=5)
        await telling.resolve(alert)
        await telling.deliver()
        await take(telling, hours=9)
        assert telling.sent(first) == [Notice.RAISED, Notice.RESOLVED]
        assert telling.sent(second) == [Notice.ESCALATED, Notice.RESOLVED]
        assert telling.sent(third) == []

    async def test_a_snooze_puts_them_off(self, telling: Telling) -> None:
        first, second = telling.channel(), telling.channel()
        await policy(telling, PolicyStep(0, (first,)), PolicyStep(5, (second,)), repeat_h=None)
        alert = await telling.raise_alert()
        await telling.deliver()
        until = telling.clock.now() + timedelta(hours=1)
        await telling.alerts.snooze_alert(telling.caller, alert.alert_id, until)
        await take(telling, minutes=59)
        assert telling.sent(second) == []
        await take(telling, minutes=1)
        assert telling.sent(second) == [Notice.ESCALATED]

    async def test_one_that_gets_worse_is_told_at_once(self, telling: Telling) -> None:
        channel = telling.channel()
        await telling.raise_alert(Severity.WARNING, subject="Portão")
        await telling.deliver()
        await telling.raise_alert(Severity.CRITICAL, subject="Portão")
        await telling.deliver()
        assert telling.sent(channel) == [Notice.RAISED, Notice.WORSENED]
        await take(telling, hours=4)
        assert telling.sent(channel)[2:] == [Notice.REMINDER]

    async def test_two_processes_take_a_step_once(self, telling: Telling) -> None:
        first, second = telling.channel(), telling.channel()
        await policy(telling, PolicyStep(0, (first,)), PolicyStep(5, (second,)), repeat_h=None)
        await telling.raise_alert()
        telling.clock.advance(timedelta(minutes=5))
        twin = Telling(telling.settings, telling.clock, telling.carrier, tenant=telling.tenant)
        async with twin.db:
            for each in (telling, twin, telling):
                await each.escalation.take_due()
        await telling.deliver()
        assert telling.sent(second) == [Notice.ESCALATED]


async def test_a_policy_that_is_off_or_gone_applies_no_more(telling: Telling) -> None:
    usual, named = telling.channel(), telling.channel(min_severity=Severity.CRITICAL)
    policy_id = await policy(telling, PolicyStep(0, (named,)))
    await telling.raise_alert(Severity.WARNING)
    await telling.policies.change_policy(telling.caller, policy_id, Patch({"enabled": False}))
    await telling.raise_alert(Severity.WARNING)
    await telling.policies.delete_policy(telling.caller, policy_id)
    await telling.raise_alert(Severity.WARNING)
    await telling.deliver()
    assert (len(telling.sent(named)), len(telling.sent(usual))) == (1, 2)
