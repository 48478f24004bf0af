"""Tests of messages from the transaction that writes them to the answer of the channel, on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import time, timedelta

import pytest
from tests.alerts.telling import Telling
from tests.ledger import audit_entries, emitted

from alerts.alerts.domain import AlertQuery, AlertState, Notice
from alerts.alerts.repository import PostgresAlerts
from alerts.channels.domain import Answer, Kind, Outcome, QuietHours
from alerts.deliveries.domain import LEASE, DeliveryState
from alerts.deliveries.jobs import AT_ONCE_OF_A_CHANNEL
from gtvision.errors import Conflict, NotFound
from gtvision.events import NotificationFailed, Severity
from gtvision.ids import new_id

pytestmark = pytest.mark.db

LATER = Answer(Outcome.LATER, "503")
REFUSED = Answer(Outcome.REFUSED, "401: chave recusada")


class TestSending:
    async def test_a_message_leaves_once_and_is_on_record(self, telling: Telling) -> None:
        channel = telling.channel()
        alert = await telling.raise_alert()
        for _ in range(2):
            await telling.deliver()
        [(_, told)] = telling.carrier.sent
        [row] = await telling.rows()
        assert (told.delivery_id, told.alert.alert_id, told.notice) == (row.delivery_id, alert.alert_id, Notice.RAISED)
        assert (row.state, row.attempts, row.channel_id) == (DeliveryState.DELIVERED, 1, channel)
        _, tries = await telling.deliveries.show_delivery(telling.caller, row.delivery_id)
        assert [(each.outcome, each.detail) for each in tries] == [("delivered", "entregue")]

    async def test_a_transaction_that_fails_leaves_no_message(self, telling: Telling) -> None:
        telling.channel()
        with pytest.raises(ZeroDivisionError):
            async with telling.db.uow(telling.tenant) as uow:
                await telling.escalation.note(uow, await telling.raise_alert(Severity.INFO), Notice.RAISED, telling.clock.now())
                raise ZeroDivisionError
        assert await telling.rows() == []
        assert not telling.deliveries.woken.is_set()

    async def test_a_commit_wakes_the_loop(self, telling: Telling) -> None:
        telling.channel()
        await telling.raise_alert()
        assert telling.deliveries.woken.is_set()

    async def test_what_is_noted_twice_is_told_once(self, telling: Telling) -> None:
        telling.channel()
        alert = await telling.raise_alert()
        for notice in (Notice.RAISED, Notice.RESOLVED, Notice.RESOLVED):
            async with telling.db.uow(telling.tenant) as uow:
                await telling.escalation.note(uow, alert, notice, telling.clock.now())
        assert [(row.notice, row.state) for row in await telling.rows()] == [(Notice.RESOLVED, DeliveryState.WAITING)]
        await telling.deliver()
        for _ in range(2):
            async with telling.db.uow(telling.tenant) as uow:
                await telling.escalation.note(uow, replace(alert, change=9), Notice.RESOLVED, telling.clock.now())
        assert [row.notice for row in await telling.rows()] == [Notice.RESOLVED], "it was told, and has told no beginning since"

    async def test_what_was_sent_and_not_recorded_is_sent_again_under_its_id(self, telling: Telling) -> None:
        channel = telling.channel()
        await telling.raise_alert()
        [(row, kind)] = await telling.claim()
        await telling.carrier.send(telling.tenant, channel, await told_of(telling, row))  # and the process is killed
        assert await telling.claim() == [], "another process must not send it while that one may"
        await telling.after(seconds=LEASE.total_seconds() + 1)
        assert [told.delivery_id for _, told in telling.carrier.sent] == [row.delivery_id] * 2
        await telling.sending.send(row, kind)  # the first one was not killed but slow, and comes last
        [after] = await telling.rows()
        assert (after.state, after.attempts) == (DeliveryState.DELIVERED, 2)

    async def test_of_two_processes_each_message_is_taken_by_one(self, telling: Telling) -> None:
        telling.channel(rate_per_minute=1_000)
        for _ in range(8):
            await telling.raise_alert()
        found = await asyncio.gather(*(telling.claim() for _ in range(4)))
        taken = [row.delivery_id for rows in found for row, _ in rows]
        assert sorted(taken) == sorted({row.delivery_id for row in await telling.rows()})

    async def test_a_channel_that_hangs_holds_up_no_other(self, telling: Telling) -> None:
        slow, quick = telling.channel(rate_per_minute=600), telling.channel(rate_per_minute=600)
        telling.carrier.hanging.add(slow)
        count = AT_ONCE_OF_A_CHANNEL + 4
        for _ in range(count):
            await telling.raise_alert()
        courier = telling.courier()
        try:
            for _ in range(20):
                await courier.send_due()
                await asyncio.sleep(0)
                async with asyncio.timeout(10):
                    while len(telling.sent(quick)) < count and not telling.deliveries.woken.is_set():
                        await asyncio.sleep(0.01)
            assert (len(telling.sent(quick)), len(telling.sent(slow))) == (count, AT_ONCE_OF_A_CHANNEL)
        finally:
            await courier.aclose()


class TestFailing:
    async def test_it_is_tried_again_later_and_later_and_then_arrives(self, telling: Telling) -> None:
        channel = telling.channel(LATER, LATER)
        await telling.raise_alert()
        await telling.deliver()
        await telling.after(seconds=3)
        assert len(telling.sent(channel)) == 1, "not before five seconds, a fifth less at most"
        await telling.after(seconds=4)
        await telling.after(seconds=11)
        assert len(telling.sent(channel)) == 2
        await telling.after(seconds=10)
        [row] = await telling.rows()
        assert (row.state, row.attempts, len(telling.sent(channel))) == (DeliveryState.DELIVERED, 3, 3)

    async def test_the_wait_that_a_channel_asks_for_is_obeyed(self, telling: Telling) -> None:
        channel = telling.channel(replace(LATER, retry_after_s=600))
        await telling.raise_alert()
        await telling.deliver()
        await telling.after(seconds=599)
        assert len(telling.sent(channel)) == 1
        await telling.after(seconds=2)
        assert len(telling.sent(channel)) == 2

    async def test_what_is_refused_has_failed_and_is_announced(self, telling: Telling) -> None:
        telling.channel(REFUSED)
        alert = await telling.raise_alert()
        await telling.deliver()
        [row] = await telling.rows()
        assert (row.state, row.last_answer) == (DeliveryState.FAILED, REFUSED.detail)
        [failed] = await emitted(telling.db, telling.tenant, NotificationFailed)
        assert (failed.data.alert_id, failed.data.attempts, failed.data.cause) == (alert.alert_id, 1, REFUSED.detail)

    async def test_after_a_day_it_is_given_up_also_what_was_never_tried(self, telling: Telling) -> None:
        telling.channel(*[LATER] * 99)
        for _ in range(3):
            await telling.raise_alert()
        await telling.deliver()
        await telling.after(hours=24, seconds=1)
        await telling.after(minutes=2)
        mine = [row for row in await telling.rows() if row.kind == "camera_lost"]
        assert {row.state for row in mine} == {DeliveryState.FAILED}
        assert len(await emitted(telling.db, telling.tenant, NotificationFailed)) == 3

    async def test_one_message_that_never_goes_through_holds_up_no_other(self, telling: Telling) -> None:
        channel = telling.channel(LATER)
        await telling.raise_alert()
        await telling.deliver()
        await telling.raise_alert()
        telling.carrier.answers[channel] = [Answer(Outcome.DELIVERED, "entregue"), LATER]
        await telling.after(seconds=7)
        states = [row.state for row in await telling.rows()]
        assert sorted(states) == [DeliveryState.DELIVERED, DeliveryState.WAITING]

    async def test_when_the_channel_is_back_what_waits_hours_leaves_at_once(self, telling: Telling) -> None:
        channel = telling.channel(*[LATER] * 99, rate_per_minute=600, kind=Kind.WEBHOOK)
        for _ in range(3):
            await telling.raise_alert()
        for _ in range(12):
            await telling.after(minutes=20)
        assert await states(telling, channel) == {DeliveryState.WAITING}
        telling.carrier.answers[channel].clear()
        await telling.after(minutes=61)
        await telling.after(seconds=1)
        assert await states(telling, channel) == {DeliveryState.DELIVERED}

    async def test_a_channel_that_was_removed_ends_what_waits_for_it(self, telling: Telling) -> None:
        channel = telling.channel()
        await telling.raise_alert()
        del telling.carrier.channels[channel]
        await telling.deliver()
        [row] = await telling.rows()
        assert (row.state, telling.sent(channel)) == (DeliveryState.FAILED, [])
        assert "removido" in row.last_answer


class TestAChannelInTrouble:
    async def test_it_is_an_alert_on_the_others_until_it_delivers(self, telling: Telling) -> None:
        out, other = telling.channel(*[LATER] * 4), telling.channel()
        await telling.raise_alert()
        for seconds in (0, 7, 20, 95):
            await telling.after(seconds=seconds)
        assert await open_troubles(telling) == [str(out)]
        await telling.deliver()
        assert telling.sent(other) == [Notice.RAISED] * 2
        assert [told.alert.kind for channel, told in telling.carrier.sent if channel == out] == ["camera_lost"] * 4
        await telling.after(minutes=7)
        await telling.after(seconds=1)
        assert await open_troubles(telling) == []
        assert telling.sent(other) == [Notice.RAISED, Notice.RAISED, Notice.RESOLVED]
        system = [message for _, topic, message in telling.live.published if topic == "system"]
        assert system == [{"kind": "channel", "channel_id": str(out), "trouble": trouble} for trouble in (True, False)]

    async def test_a_refusal_is_one_at_once_and_ends_when_the_channel_is_switched_off(self, telling: Telling) -> None:
        out = telling.channel(REFUSED)
        telling.channel()
        await telling.raise_alert()
        await telling.deliver()
        assert await open_troubles(telling) == [str(out)]
        telling.carrier.channels[out] = replace(telling.carrier.channels[out], enabled=False)
        assert telling.tenant in await telling.sending.tenants_with_work()
        await telling.deliver()
        assert await open_troubles(telling) == []

    async def test_two_that_are_out_tell_each_other_and_nothing_grows(self, telling: Telling) -> None:
        telling.channel(*[REFUSED] * 9)
        telling.channel(*[REFUSED] * 9)
        await telling.raise_alert()
        for _ in range(6):
            await telling.after(seconds=30)
        assert len(await open_troubles(telling)) == 2
        assert len(await telling.rows()) == 4


class TestFloodsAndQuietHours:
    async def test_what_is_over_the_rate_waits_and_a_flood_becomes_one_message(self, telling: Telling) -> None:
        channel = telling.channel(rate_per_minute=6)
        for _ in range(5):
            await telling.raise_alert()
        await telling.deliver()
        assert len(telling.sent(channel)) == 5
        raised = [await telling.raise_alert() for _ in range(40)]
        await telling.deliver()
        assert len(telling.sent(channel)) == 6
        digest = telling.carrier.sent[-1][1]
        assert {each.alert_id for each in digest.digest} == {each.alert_id for each in raised}
        rows = await telling.rows(states=frozenset({DeliveryState.DIGESTED}))
        assert {row.digest_id for row in rows} == {digest.delivery_id}
        assert len(rows) == 40

    async def test_programs_get_every_message_by_itself(self, telling: Telling) -> None:
        channel = telling.channel(kind=Kind.WEBHOOK, rate_per_minute=20)
        for _ in range(45):
            await telling.raise_alert()
        for seconds in (0, 30, 30, 30):
            await telling.after(seconds=seconds)
        assert len(telling.sent(channel)) == 45
        assert all(told.digest == () for _, told in telling.carrier.sent)

    async def test_quiet_hours_hold_what_is_not_critical(self, telling: Telling) -> None:
        hours = QuietHours(time(12), time(14))
        spared, all_of_it = telling.channel(quiet_hours=hours), telling.channel(quiet_hours=replace(hours, except_critical=False))
        await telling.raise_alert(Severity.CRITICAL)
        await telling.raise_alert(Severity.WARNING)
        await telling.deliver()
        assert (len(telling.sent(spared)), len(telling.sent(all_of_it))) == (1, 0)
        held = await telling.rows(states=frozenset({DeliveryState.HELD}))
        assert {row.next_try_at - telling.clock.now() for row in held} == {timedelta(hours=2)}
        await telling.after(hours=2)
        assert (len(telling.sent(spared)), len(telling.sent(all_of_it))) == (2, 2)

    async def test_what_becomes_critical_is_told_though_its_beginning_is_held(self, telling: Telling) -> None:
        channel = telling.channel(quiet_hours=QuietHours(time(12), time(14)))
        await telling.raise_alert(Severity.WARNING, "gate")
        await telling.deliver()
        await telling.raise_alert(Severity.CRITICAL, "gate")
        await telling.deliver()
        assert telling.sent(channel) == [Notice.WORSENED]
        await telling.after(hours=2)
        assert telling.sent(channel) == [Notice.WORSENED], "the louder message said what the held one would have said"


class TestTheEnd:
    async def test_nothing_is_told_after_the_end(self, telling: Telling) -> None:
        channel = telling.channel()
        await telling.raise_alert(Severity.WARNING, "gate")
        alert = await telling.raise_alert(Severity.CRITICAL, "gate")
        await telling.resolve(alert)
        for _ in range(3):
            await telling.after(minutes=1)
        assert telling.sent(channel) == [Notice.RESOLVED]

    async def test_who_was_told_is_told_and_the_link_is_gone(self, telling: Telling) -> None:
        channel = telling.channel()
        alert = await telling.raise_alert()
        await telling.deliver()
        await telling.resolve(alert)
        await telling.deliver()
        assert telling.sent(channel) == [Notice.RAISED, Notice.RESOLVED]
        first, last = (told for _, told in telling.carrier.sent)
        assert (first.acknowledge_url is not None, last.acknowledge_url, last.alert.state) == (True, None, AlertState.RESOLVED)

    async def test_what_waits_and_was_never_tried_becomes_one_message(self, telling: Telling) -> None:
        channel = telling.channel(quiet_hours=QuietHours(time(12), time(14), except_critical=False))
        alert = await telling.raise_alert()
        await telling.deliver()
        await telling.resolve(alert)
        await telling.after(hours=2)
        assert telling.sent(channel) == [Notice.RESOLVED]

    async def test_what_was_tried_in_vain_is_told_by_the_end(self, telling: Telling) -> None:
        channel = telling.channel(LATER)
        alert = await telling.raise_alert()
        await telling.deliver()
        await telling.resolve(alert)
        await telling.after(seconds=7)
        await telling.after(seconds=7)
        assert telling.sent(channel) == [Notice.RAISED, Notice.RESOLVED]
        end, beginning = sorted(await telling.rows(), key=lambda row: row.notice, reverse=True)
        assert (beginning.state, beginning.digest_id, end.state) == (DeliveryState.DIGESTED, end.delivery_id, DeliveryState.DELIVERED)

    async def test_programs_learn_of_an_acknowledgement_after_the_beginning(self, telling: Telling) -> None:
        program, person = telling.channel(LATER, kind=Kind.PAGERDUTY), telling.channel()
        alert = await telling.raise_alert()
        await telling.deliver()
        telling.clock.advance(1)
        await telling.alerts.acknowledge_alert(telling.caller, alert.alert_id)
        for _ in range(3):
            await telling.after(seconds=7)
        assert telling.sent(program) == [Notice.RAISED, Notice.RAISED, Notice.ACKNOWLEDGED]
        assert telling.sent(person) == [Notice.RAISED]


class TestPeople:
    async def test_a_message_is_sent_again_under_its_id_and_on_record(self, telling: Telling) -> None:
        telling.channel()
        await telling.raise_alert()
        [row] = await telling.rows()
        with pytest.raises(Conflict):
            await telling.deliveries.replay_delivery(telling.caller, row.delivery_id)
        await telling.deliver()
        again = await telling.deliveries.replay_delivery(telling.caller, row.delivery_id)
        assert (again.state, again.delivery_id) == (DeliveryState.WAITING, row.delivery_id)
        await telling.deliver()
        assert [told.delivery_id for _, told in telling.carrier.sent] == [row.delivery_id] * 2
        [record] = await audit_entries(telling.db, telling.tenant)
        assert (record.data.action, record.data.object_id) == ("delivery.replayed", str(row.delivery_id))

    async def test_another_citys_message_does_not_exist_and_a_hidden_cameras_has_no_title(self, telling: Telling) -> None:
        telling.channel()
        await telling.raise_alert(camera_id=new_id())
        [row] = await telling.rows()
        with pytest.raises(NotFound):
            await telling.deliveries.show_delivery(telling.stranger(), row.delivery_id)
        limited = replace(telling.caller, camera_groups=frozenset({new_id()}))
        shown, _ = await telling.deliveries.show_delivery(limited, row.delivery_id)
        assert (row.title, shown.title) == ("Sem sinal", "")


async def told_of(telling: Telling, row: object) -> object:
    return await telling.sending._told(row)  # type: ignore[arg-type]


async def states(telling: Telling, channel: object) -> set[DeliveryState]:
    return {row.state for row in await telling.rows(channel_id=channel) if row.kind == "camera_lost"}


async def open_troubles(telling: Telling) -> list[str]:
    """Returns the channels of which there is an open alert."""
    query = AlertQuery(100, kinds=frozenset({"notification_failed"}), states=frozenset({AlertState.OPEN}))
    async with telling.db.uow(telling.tenant) as uow:
        return [alert.subject for alert in await PostgresAlerts(uow).list_newest(query)]
