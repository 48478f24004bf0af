"""Upkeep of the ledger: anchors, their copies, months made ahead and months dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.db import UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Unavailable
from gtvision.tenancy import Retention
from gtvision.time import Clock
from identity import metrics
from identity.ledger.domain.anchors import Anchor, AnchorKind, copy_of
from identity.ledger.domain.verification import Wrong
from identity.ledger.ports import AnchorCopies, AnchorsOf, AuditKeys, LedgerOf, Upkeep
from identity.ledger.usecases.verification import Span, Verification

log = get_logger(__name__)

_MONTHS_AHEAD = 3
_COPIES_AT_ONCE = 100


class Sealing:
    """Any number of processes may do this side by side: what one has done, the others find done."""

    def __init__(self, uow: UowFactory, ledger: LedgerOf, anchors: AnchorsOf, upkeep: Upkeep, clock: Clock) -> None:
        self._uow, self._ledger, self._anchors, self._upkeep, self._clock = uow, ledger, anchors, upkeep, clock

    async def seal_ledgers(self, keys: AuditKeys, copies: AnchorCopies, verification: Verification) -> int:
        """Check what each tenant's ledger gained, anchor its last row, and bring the copies to object storage. Returns how many anchors.

        A ledger that is found wrong is anchored nevertheless: the anchor protects what follows, and its row stays wrong.
        Raises: Unavailable.
        """
        made = 0
        tenants = await self._upkeep.unsealed()
        for tenant_id in tenants:
            try:
                made += await self._seal(tenant_id, keys, verification)
            except Unavailable:
                raise
            except Exception:  # one city's damaged ledger must not leave the others unsealed
                metrics.AUDIT_FAILURES.labels("unsealed").inc()
                log.exception("the ledger could not be sealed", tenant_id=str(tenant_id))
        metrics.AUDIT_ANCHORS.inc(made)
        await self._copy_owed(tenants, keys, copies)
        return made

    async def _seal(self, tenant_id: UUID, keys: AuditKeys, verification: Verification) -> bool:
        async with self._uow(tenant_id) as work:
            head = await self._ledger(work).head()
            last = await self._anchors(work).last(head.seq) if head else 0
        if head is None or head.seq <= last:
            return False
        report = await verification.verify(tenant_id, Span(after=last))
        for finding in report.findings:
            metrics.AUDIT_FAILURES.labels(str(finding.wrong)).inc()
            log.error(
                "the ledger was tampered with", tenant_id=str(tenant_id), seq=finding.seq, wrong=str(finding.wrong), says=finding.says
            )
        async with self._uow(tenant_id) as work:
            now = self._clock.now()
            locked = await self._ledger(work).lock_head(now)
            if await self._anchors(work).last(locked.seq) >= locked.seq:
                return False
            await self._anchors(work).add(signed(Anchor(tenant_id, locked.seq, AnchorKind.SEAL, now, locked.hash, keys.kid), keys))
        return True

    async def _copy_owed(self, tenants: Sequence[UUID], keys: AuditKeys, copies: AnchorCopies) -> None:
        """The same anchor gives the same bytes: it does not matter who writes them, or how often."""
        for tenant_id in tenants:
            async with self._uow(tenant_id) as work:
                owed = await self._anchors(work).owed(_COPIES_AT_ONCE)
            for anchor in owed:
                try:
                    ours = await copies.put(anchor, copy_of(anchor, keys))
                except Unavailable as error:
                    metrics.AUDIT_COPIES_FAILED.inc()
                    log.warning("anchors not copied", tenant_id=str(tenant_id), seq=anchor.seq, cause=error.message)
                    return  # the next time: whoever does not answer now would hold up each anchor
                if not ours:  # `verify` names it from now on
                    metrics.AUDIT_FAILURES.labels(str(Wrong.ANCHOR)).inc()
                    log.error("the copy of an anchor was tampered with", tenant_id=str(tenant_id), seq=anchor.seq)
                async with self._uow(tenant_id) as work:
                    await self._anchors(work).copied(anchor.seq, anchor.kind, anchor.anchored_at)

    async def make_months(self) -> None:
        """This month's partition and the next ones'. Raises: Unavailable."""
        await self._upkeep.make_months(self._clock.now().date().replace(day=1), _MONTHS_AHEAD)

    async def drop_expired(self, keys: AuditKeys) -> int:
        """Drop the months that every tenant has kept for long enough, and sign for each tenant which row was the last one dropped.

        Signed first, dropped afterwards: a crash in between leaves rows that a later verification simply finds still there.
        Returns how many partitions. Raises: Unavailable.
        """
        now = self._clock.now()
        kept_from = now - timedelta(days=await self._upkeep.longest_retention_days(Retention().audit_days))
        before = datetime(kept_from.year, kept_from.month, 1, tzinfo=UTC)
        for tenant_id, seq, last_hash in await self._upkeep.tails(before):
            async with self._uow(tenant_id) as work:
                await self._ledger(work).lock_head(now)
                if not await self._anchors(work).cut_at(seq):
                    cut = signed(Anchor(tenant_id, seq, AnchorKind.CUT, now, last_hash, keys.kid), keys)
                    await self._anchors(work).add(cut)
                    details = {"through_seq": seq, "recorded_before": before.isoformat()}
                    record(work, Action.AUDIT_EXPIRED, None, AuditEntry("audit", details=details))
        return await self._upkeep.drop_before(before.date())


def signed(anchor: Anchor, keys: AuditKeys) -> Anchor:
    """The anchor with its signature."""
    return replace(anchor, signature=keys.sign(anchor.signed_bytes()))
