"""Putting deeds into the ledger: many of one tenant in one transaction, under one lock of its head."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.db import UowFactory
from gtvision.events import AuditRecorded, Event
from gtvision.time import Clock
from identity import metrics
from identity.ledger.domain.ledger import Sealer, chain, entries_of, head_of
from identity.ledger.ports import LedgerOf, Upkeep


class Ledger:
    """Chains what every service recorded. Several processes may do so at once."""

    def __init__(self, uow: UowFactory, rows: LedgerOf, upkeep: Upkeep, sealer: Sealer, clock: Clock) -> None:
        self._uow, self._rows, self._upkeep, self._sealer, self._clock = uow, rows, upkeep, sealer, clock
        self._months: set[date] = set()

    async def chain_records(self, events: Sequence[Event[AuditRecorded]]) -> None:
        """Each event once, however often and in whatever order it comes. Raises: Unavailable."""
        now = self._clock.now()
        await self._make_room(now)
        by_tenant: dict[UUID, dict[UUID, Event[AuditRecorded]]] = defaultdict(dict)
        for event in events:
            by_tenant[event.tenant_id][event.event_id] = event
        try:
            for tenant_id, theirs in sorted(by_tenant.items()):
                await self._chain(tenant_id, theirs, now)
        except Exception:
            self._months.clear()  # the month may not be there any more: the next try makes it again
            raise

    async def _chain(self, tenant_id: UUID, events: dict[UUID, Event[AuditRecorded]], now: datetime) -> None:
        async with self._uow(tenant_id) as work:
            rows = self._rows(work)
            head = await rows.lock_head(now)
            fresh = [events[event_id] for event_id in await rows.unseen(list(events), now)]
            if not fresh:
                return
            names = await rows.names([event.data.actor_id for event in fresh if event.data.actor_id])
            stored = await rows.as_stored(entries_of(head, fresh, names, now))
            entries = chain(head, stored, self._sealer)
            await rows.append(entries, head_of(entries[-1]))
        metrics.AUDIT_CHAINED.inc(len(entries))
        metrics.AUDIT_LAG_SECONDS.observe(max(0.0, (now - entries[0].entry.occurred_at).total_seconds()))

    async def _make_room(self, now: datetime) -> None:
        """The month's partition: a record must not wait for the daily upkeep."""
        month = now.date().replace(day=1)
        if month not in self._months:
            await self._upkeep.make_months(month, 1)
            self._months.add(month)
