"""Reading the ledger. Whoever reads it is on record too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.tenancy import Caller, Retention
from gtvision.time import Clock
from identity.cities.domain import check_whole_city
from identity.ledger.domain.anchors import Anchor
from identity.ledger.domain.ledger import Chained
from identity.ledger.domain.searches import Sought, check_export_range
from identity.ledger.ports import AnchorsOf, LedgerOf, LedgerRows

_PAGE = 1_000


class Auditing:
    """Searches, exports and anchors of the caller's tenant."""

    def __init__(self, uow: UowFactory, ledger: LedgerOf, anchors: AnchorsOf, clock: Clock) -> None:
        self._uow, self._ledger, self._anchors, self._clock = uow, ledger, anchors, clock

    async def search(self, who: Caller, sought: Sought, before: tuple[datetime, int] | None, limit: int) -> list[Chained]:
        """At most `limit`, latest first. What is past the tenant's retention is not shown, though its month may still be kept.

        Raises: LimitedToGroups.
        """
        check_whole_city(who)
        async with self._uow(who.tenant_id) as work:
            found = await self._ledger(work).newest(await self._kept(self._ledger(work), sought), before, limit)
            self._note(work, Action.AUDIT_SEARCHED, who, sought, "first page" if before is None else "further page")
        return found

    async def export(self, who: Caller | None, tenant_id: UUID, sought: Sought, form: str) -> AsyncIterator[list[Chained]]:
        """The entries in order of number, page by page, up to the last one that there is now; the export is on record before it begins.

        Raises: LimitedToGroups, RangeTooLong.
        """
        if who is not None:
            check_whole_city(who)
        assert sought.since is not None
        assert sought.until is not None
        check_export_range(sought.since, sought.until)
        async with self._uow(tenant_id) as work:
            ledger = self._ledger(work)
            head, sought = await ledger.head(), await self._kept(ledger, sought)
            # Without the last number each page would also look for more in every later month.
            through = await ledger.last(head.seq if head else 0, sought)
            self._note(work, Action.AUDIT_EXPORTED, who, sought, form)
        return self._pages(tenant_id, sought, through)

    async def _pages(self, tenant_id: UUID, sought: Sought, through: int) -> AsyncIterator[list[Chained]]:
        after: tuple[int, datetime] | None = None
        while True:
            async with self._uow(tenant_id) as work:
                rows = await self._ledger(work).page(after, through, _PAGE, sought)
            if rows:
                yield rows
            if len(rows) < _PAGE:
                return
            after = (rows[-1].entry.seq, rows[-1].entry.recorded_at)

    async def anchors(self, who: Caller, before: tuple[datetime, int] | None, limit: int) -> list[Anchor]:
        """At most `limit`, latest first."""
        async with self._uow(who.tenant_id) as work:
            return await self._anchors(work).newest(before, limit)

    async def _kept(self, ledger: LedgerRows, sought: Sought) -> Sought:
        oldest = self._clock.now() - timedelta(days=await ledger.retention_days(Retention().audit_days))
        return replace(sought, since=max(sought.since or oldest, oldest))

    def _note(self, work: UnitOfWork, action: Action, who: Caller | None, sought: Sought, form: str) -> None:
        asked = {"form": form, **sought.told()}
        record(work, action, who, AuditEntry("audit", range_from=sought.since, range_to=sought.until, details=asked))
