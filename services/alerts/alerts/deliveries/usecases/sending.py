"""Messages that are due are taken, sent and recorded; a channel that does not deliver becomes an alert on the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import random
from typing import TYPE_CHECKING
from uuid import UUID

from alerts import metrics
from alerts.alerts.domain import AlertState, Notice
from alerts.channels.domain import Answer, Channel, Outcome, Told
from alerts.deliveries.domain import (
    CHANNEL_ALERT,
    DIGEST,
    LONG_AWAY,
    Delivery,
    DeliveryState,
    Pace,
    Try,
    is_flood,
    new_digest,
    trouble_alert,
    wait_after,
)
from alerts.deliveries.ports import Carrier
from alerts.messages.domain import digest_notice, gravest_first
from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from gtvision.events import NotificationFailed, Severity
from gtvision.ids import derived_id, new_id
from gtvision.time import Clock, zone_of

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.deliveries.repository import PostgresDeliveries
    from alerts.links.usecases import Links
    from city.tenants import TenantDirectory

GONE = "O canal foi removido ou desligado."
EXPIRED = "Desistimos depois de 24 horas sem conseguir entregar."
NOTHING_LEFT = "O alerta não existe mais."


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends what is due. Several processes may do so at once: each message is taken by one at a time."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresDeliveries]
    alerts: Alerts
    alert_rows: Callable[[UnitOfWork], PostgresAlerts]
    channels: Carrier
    links: Links
    tenants: TenantDirectory
    clock: Clock
    live: LivePublisher

    async def tenants_with_work(self) -> list[UUID]:
        """Returns the tenants that have a message to send, or a channel in trouble."""
        async with self.uow(None) as uow:
            return await self.repository(uow).tenants_with_work(self.clock.now())

    async def measure(self) -> None:
        """Tells the metrics how long the oldest message waits that is due."""
        async with self.uow(None) as uow:
            metrics.oldest_delivery_seconds.set(await self.repository(uow).oldest_due(self.clock.now()))

    # --- taking ---

    async def claim(self, tenant_id: UUID, room: Callable[[UUID, int], int]) -> list[tuple[Delivery, str]]:
        """Takes messages of a tenant to send them, each with the kind of its channel.

        `room(channel, taken)` says how many more of a channel may be under way.
        """
        claimed: list[tuple[Delivery, str]] = []
        async with self.uow(tenant_id) as uow:
            rows, now = self.repository(uow), self.clock.now()
            known = {each.channel_id: each for each in await self.channels.list_enabled(uow)}
            for channel_id, (waiting, has_expired) in (await rows.due_channels(now)).items():
                channel, free = known.get(channel_id), room(channel_id, len(claimed))
                if channel is None:
                    self._given_up(uow, await rows.fail(channel_id, GONE, now, expired=False))
                    continue
                if has_expired:
                    self._given_up(uow, await rows.fail(channel_id, EXPIRED, now, expired=True))
                if free > 0:
                    claimed += [(row, channel.kind) for row in await self._claim_of(uow, channel, waiting, free, now)]
        return claimed

    async def _claim_of(self, uow: UnitOfWork, channel: Channel, waiting: int, free: int, now: datetime) -> list[Delivery]:
        rows, rate = self.repository(uow), channel.rate_per_minute
        pace = await rows.lock_pace(channel.channel_id, Pace(channel.channel_id, float(rate), now), wait=False)
        if pace is None:  # another process is at it
            return []
        if (hours := channel.quiet_hours) is not None:
            zone = zone_of(self.tenants.settings(channel.tenant_id).timezone)
            if (until := hours.until(now, zone)) is not None:
                await rows.hold(channel.channel_id, until, [Severity.CRITICAL] if hours.except_critical else [], now)
        pace = pace.refilled(rate, now)
        allowed = pace.room(now)
        if allowed and not pace.failures and is_flood(waiting, pace.tokens, channel.kind):
            await self._digest(uow, channel.channel_id, pace.tokens, now)
        claimed = await rows.claim(channel.channel_id, min(allowed, free), now) if allowed else []
        await rows.save_pace(replace(pace, tokens=pace.tokens - len(claimed)))
        return claimed

    async def _digest(self, uow: UnitOfWork, channel_id: UUID, tokens: float, now: datetime) -> None:
        """Makes one message of what waits for a person; what waits for another by itself stays as it is."""
        rows = self.repository(uow)
        for waiting in (await rows.flood(channel_id, now)).values():
            if is_flood(len(waiting), tokens, ""):
                digest = new_digest(waiting, new_id(), now)
                await rows.add([digest])
                await rows.digest([row.delivery_id for row in waiting], digest.delivery_id)
                metrics.deliveries_digested.inc(len(waiting))

    # --- sending ---

    async def send(self, row: Delivery, kind: str) -> None:
        """Tries once, and records what came of it; `kind` is that of the channel."""
        began, now = self.clock.monotonic(), self.clock.now()
        told = await self._told(row)
        if told is None:
            await self._end(row, NOTHING_LEFT)
            return
        answer = await self.channels.send(row.tenant_id, row.channel_id, told)
        took_ms = round((self.clock.monotonic() - began) * 1_000)
        await self._record(row, answer, Try(now, answer.outcome, answer.detail[:500], took_ms))
        metrics.delivery_tries.labels(kind, answer.outcome).inc()

    async def _told(self, row: Delivery) -> Told | None:
        """Returns what the message says, with its alerts as they are now; None where none is left."""
        async with self.uow(row.tenant_id) as uow:
            digested = await self.repository(uow).digested(row.delivery_id) if row.notice == DIGEST else [row]
            wanted = {each.alert_id for each in digested if each.alert_id is not None}
            found = gravest_first((await self.alert_rows(uow).find(wanted, None)).values())
        if not found:
            return None
        if row.notice == DIGEST:
            return Told(row.delivery_id, digest_notice(each.notice for each in digested), found[0], to=row.to or None, digest=tuple(found))
        is_open, alert = found[0].state is AlertState.OPEN, found[0]
        link = self.links.make(row.tenant_id, alert.alert_id, row.delivery_id, row.channel_id, row.to) if is_open else None
        return Told(row.delivery_id, Notice(row.notice), alert, acknowledge_url=link, to=row.to or None)

    async def _record(self, row: Delivery, answer: Answer, tried: Try) -> None:
        now = self.clock.now()
        async with self.uow(row.tenant_id) as uow:
            rows = self.repository(uow)
            await rows.write_try(row.delivery_id, tried)
            if answer.outcome is Outcome.DELIVERED and (known := await rows.pace(row.channel_id)) is not None and known.is_well:
                # the usual case takes no lock that other messages of the channel wait for
                await rows.record(
                    row, state=DeliveryState.DELIVERED, delivered_at=now, external_id=answer.external_id, last_answer=tried.detail
                )
                return
            pace = await rows.lock_pace(row.channel_id, Pace(row.channel_id, 0.0, now))
            assert pace is not None
            if answer.outcome is Outcome.DELIVERED:
                done = {"state": DeliveryState.DELIVERED, "delivered_at": now, "external_id": answer.external_id}
                await rows.record(row, **done, last_answer=tried.detail)
                if pace.failing_since is not None and now - pace.failing_since >= LONG_AWAY:
                    await rows.bring_forward(row.channel_id, now)
                pace = pace.after_success()
            elif answer.outcome is Outcome.REFUSED:
                await self._fail(uow, row, tried.detail)
                if not row.to:  # one person's wrong address is not the channel's
                    pace = pace.after_refusal(tried.detail, now)
            else:
                retry_after = timedelta(seconds=min(answer.retry_after_s, 3_600)) if answer.retry_after_s else None
                if now >= row.expires_at:
                    await self._fail(uow, row, EXPIRED)
                else:
                    wait = max(wait_after(row.attempts, random()), retry_after or timedelta(0))  # noqa: S311 - jitter
                    await rows.record(row, next_try_at=now + wait, last_answer=tried.detail)
                pace = pace.after_failure(tried.detail, now, retry_after, random())  # noqa: S311
            await rows.save_pace(pace)

    async def _end(self, row: Delivery, answer: str) -> None:
        async with self.uow(row.tenant_id) as uow:
            await self._fail(uow, row, answer)

    async def _fail(self, uow: UnitOfWork, row: Delivery, answer: str) -> None:
        if await self.repository(uow).record(row, state=DeliveryState.FAILED, last_answer=answer):
            self._given_up(uow, [replace(row, last_answer=answer)])

    def _given_up(self, uow: UnitOfWork, rows: Sequence[Delivery]) -> None:
        for row in rows:
            failed = NotificationFailed(
                delivery_id=row.delivery_id, channel_id=row.channel_id, alert_id=row.alert_id, attempts=row.attempts, cause=row.last_answer
            )
            uow.emit(failed, event_id=derived_id("given up", row.delivery_id, row.fence))
        metrics.deliveries_given_up.inc(len(rows))

    # --- channels in trouble ---

    async def watch_channels(self, tenant_id: UUID) -> None:
        """Raises an alert of each channel that is out of order, and ends it once it delivers again, or is gone."""
        async with self.uow(tenant_id) as uow:
            known = {each.channel_id: each for each in await self.channels.list_enabled(uow)}
            paces, now = await self.repository(uow).paces(), self.clock.now()
        for pace in paces:
            if pace.is_out(now) != pace.trouble_told or (pace.is_out(now) and pace.channel_id not in known):
                async with self.uow(tenant_id) as uow:
                    await self._tell_trouble(uow, tenant_id, pace, known.get(pace.channel_id))

    async def _tell_trouble(self, uow: UnitOfWork, tenant_id: UUID, seen: Pace, channel: Channel | None) -> None:
        rows, now = self.repository(uow), self.clock.now()
        await self.alert_rows(uow).next_change()  # locks, as every change of an alert does, before the pace
        pace = await rows.lock_pace(seen.channel_id, seen)
        if pace is None:
            return
        if channel is None:  # switched off or gone: it begins anew if it comes back
            pace = pace.after_success()
        is_out = pace.is_out(now)
        if is_out != pace.trouble_told:
            if is_out and channel is not None:
                await self.alerts.raise_alert(uow, trouble_alert(channel, pace, now))
            else:
                await self.alerts.resolve_alert(uow, CHANNEL_ALERT, str(seen.channel_id), now)
            message = {"kind": "channel", "channel_id": str(seen.channel_id), "trouble": is_out}
            uow.after_commit(lambda: self.live.publish(tenant_id, "system", message))
        await rows.save_pace(replace(pace, trouble_told=is_out))
