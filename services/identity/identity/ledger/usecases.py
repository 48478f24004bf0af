"""Adding entries to the ledger and reading them. Reading is on record too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.events import AuditRecorded, Event
from gtvision.tenancy import Caller, Retention
from gtvision.time import Clock
from identity import metrics
from identity.cities.domain import check_whole_city
from identity.ledger.domain.entries import Chained, Head, chain, entries_of
from identity.ledger.domain.searches import Search

if TYPE_CHECKING:
    from chassis.db import UnitOfWork, UowFactory
    from identity.gateways.audit_keys import HmacAuditKeys
    from identity.ledger.repository import PostgresLedger, PostgresUpkeep

_PAGE = 1_000


class Ledger:
    """The entries of every tenant. Several processes may add to it at once: each batch locks the tenant's head."""

    def __init__(
        self, uow: UowFactory, rows: Callable[[UnitOfWork], PostgresLedger], upkeep: PostgresUpkeep, keys: HmacAuditKeys, clock: Clock
    ) -> None:
        self._uow, self._rows, self._upkeep, self._keys, self._clock = uow, rows, upkeep, keys, clock
        self._months: set[date] = set()

    async def add_records(self, events: Sequence[Event[AuditRecorded]]) -> None:
        """Each event once, however often and in whatever order it comes. Raises: Unavailable."""
        now = self._clock.now()
        by_tenant: dict[UUID, dict[UUID, Event[AuditRecorded]]] = defaultdict(dict)
        for event in events:
            by_tenant[event.tenant_id][event.event_id] = event
        month = now.date().replace(day=1)
        if month not in self._months:  # a record must not wait for the periodic upkeep
            await self._upkeep.make_months(month, 1)
            self._months.add(month)
        try:
            for tenant_id, theirs in sorted(by_tenant.items()):
                await self._add(tenant_id, theirs, now)
        except Exception:
            self._months.clear()  # the month may not be there any more: the next try makes it again
            raise

    async def _add(self, tenant_id: UUID, events: dict[UUID, Event[AuditRecorded]], now: datetime) -> None:
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            head = await rows.lock_head(now)
            fresh = [events[event_id] for event_id in await rows.unseen(list(events), now)]
            if not fresh:
                return
            names = await rows.names([event.data.actor_id for event in fresh if event.data.actor_id])
            entries = chain(head, await rows.as_stored(entries_of(head, fresh, names, now)), self._keys.mac)
            await rows.append(entries, Head.of(entries[-1]))
        metrics.AUDIT_CHAINED.inc(len(entries))
        metrics.AUDIT_LAG_SECONDS.observe(max(0.0, (now - entries[0].entry.occurred_at).total_seconds()))

    async def search(self, caller: Caller, search: Search, before: tuple[datetime, int] | None, limit: int) -> list[Chained]:
        """At most `limit`, latest first. What is past the tenant's retention is not shown, though its month may still be kept.

        Raises: LimitedToGroups.
        """
        check_whole_city(caller)
        async with self._uow(caller.tenant_id) as uow:
            found = await self._rows(uow).newest(await self._kept(uow, search), before, limit)
            _put_on_record(uow, Action.AUDIT_SEARCHED, caller, search, "first page" if before is None else "further page")
        return found

    async def export(self, caller: Caller | None, tenant_id: UUID, search: Search, form: str) -> AsyncIterator[list[Chained]]:
        """The entries in order of number, page by page, up to the last one that there is now; the export is on record before it begins.

        Raises: LimitedToGroups, RangeTooLong.
        """
        if caller is not None:
            check_whole_city(caller)
        search.check_export()
        async with self._uow(tenant_id) as uow:
            head, _ = await self._rows(uow).ends()
            kept = await self._kept(uow, search)
            # Without the last number each page would also look for more in every later month.
            through = await self._rows(uow).last(head.seq if head else 0, kept)
            _put_on_record(uow, Action.AUDIT_EXPORTED, caller, kept, form)
        return self._pages(tenant_id, kept, through)

    async def _pages(self, tenant_id: UUID, search: Search, through: int) -> AsyncIterator[list[Chained]]:
        after: tuple[int, datetime] | None = None
        while True:
            async with self._uow(tenant_id) as uow:
                rows = await self._rows(uow).page(after, through, _PAGE, search)
            if rows:
                yield rows
            if len(rows) < _PAGE:
                return
            after = (rows[-1].entry.seq, rows[-1].entry.recorded_at)

    async def record_repaired(self, tenant_id: UUID) -> list[int]:
        """Put on record which entries of earlier releases are right although PostgreSQL keeps a time of them as infinite.

        They were hashed with an end of the calendar, which was not refused then, and are read back as it. Returns their numbers.
        """
        async with self._uow(tenant_id) as uow:
            found = await self._rows(uow).with_infinite_times(_PAGE)
            right = [each.entry.seq for each in found if each.is_right(self._keys.mac_is_right)]
            if right:
                details = {"entries": ",".join(map(str, right)), "cause": "a time at an end of the calendar, which is stored as infinite"}
                record(uow, Action.AUDIT_REPAIRED, None, AuditEntry("audit", details=details))
        return right

    async def _kept(self, uow: UnitOfWork, search: Search) -> Search:
        oldest = self._clock.now() - timedelta(days=await self._rows(uow).retention_days(Retention().audit_days))
        return replace(search, since=max(search.since or oldest, oldest))


def _put_on_record(uow: UnitOfWork, action: Action, caller: Caller | None, search: Search, form: str) -> None:
    details = {"form": form, **search.criteria()}
    record(uow, action, caller, AuditEntry("audit", range_from=search.since, range_to=search.until, details=details))
