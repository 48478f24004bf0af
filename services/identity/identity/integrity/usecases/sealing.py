"""Upkeep of the ledger: anchors, their copies, months made ahead and months dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Unavailable
from gtvision.tenancy import Caller, Retention
from gtvision.time import Clock
from identity import metrics
from identity.integrity.domain import Wrong
from identity.integrity.usecases.verification import Span, Verification
from identity.ledger.domain.anchors import Anchor, AnchorKind

if TYPE_CHECKING:
    from chassis.db import UnitOfWork, UowFactory
    from identity.gateways.anchor_copies import StoredAnchorCopies
    from identity.gateways.audit_keys import HmacAuditKeys
    from identity.ledger.repository import PostgresLedger, PostgresUpkeep

log = get_logger(__name__)

_MONTHS_AHEAD = 3
_COPIES_AT_ONCE = 100


class Sealing:
    """Several processes may do this side by side: what one has done, the others find done."""

    def __init__(
        self,
        uow: UowFactory,
        rows: Callable[[UnitOfWork], PostgresLedger],
        upkeep: PostgresUpkeep,
        keys: HmacAuditKeys,
        copies: StoredAnchorCopies,
        clock: Clock,
    ) -> None:
        self._uow, self._rows, self._upkeep, self._keys, self._copies, self._clock = uow, rows, upkeep, keys, copies, clock
        self._verification = Verification(uow, rows, keys, copies)

    async def seal_ledgers(self) -> int:
        """Check what each tenant's ledger gained, anchor its last row, and bring the copies to object storage. Returns how many anchors.

        A ledger that is found wrong is anchored nevertheless: the anchor protects what follows, and its row stays wrong.
        Raises: Unavailable.
        """
        made = 0
        tenants = await self._upkeep.unsealed()
        for tenant_id in tenants:
            try:
                made += await self._seal(tenant_id)
            except Unavailable:
                raise
            except Exception:  # one tenant's damaged ledger must not leave the others unsealed
                metrics.AUDIT_FAILURES.labels("unsealed").inc()
                log.exception("ledger_not_sealed", tenant_id=str(tenant_id))
        metrics.AUDIT_ANCHORS.inc(made)
        await self._copy_owed(tenants)
        return made

    async def _seal(self, tenant_id: UUID) -> bool:
        async with self._uow(tenant_id) as uow:
            head, _ = await self._rows(uow).ends()
            last = await self._rows(uow).last_anchored(head.seq) if head else 0
        if head is None or head.seq <= last:
            return False
        for finding in (await self._verification.verify(tenant_id, Span(after=last))).findings:
            metrics.AUDIT_FAILURES.labels(str(finding.wrong)).inc()
            log.error("ledger_tampered_with", tenant_id=str(tenant_id), seq=finding.seq, wrong=str(finding.wrong))
        async with self._uow(tenant_id) as uow:
            now = self._clock.now()
            locked = await self._rows(uow).lock_head(now)
            if await self._rows(uow).last_anchored(locked.seq) >= locked.seq:
                return False
            await self._rows(uow).add_anchor(self._anchor(tenant_id, locked.seq, AnchorKind.SEAL, now, locked.hash))
        return True

    def _anchor(self, tenant_id: UUID, seq: int, kind: AnchorKind, at: datetime, entry_hash: str) -> Anchor:
        return Anchor(tenant_id, seq, kind, at, entry_hash, self._keys.kid).signed(self._keys.sign)

    async def list_anchors(self, caller: Caller, before: tuple[datetime, int] | None, limit: int) -> list[Anchor]:
        """At most `limit`, latest first."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._rows(uow).newest_anchors(before, limit)

    def public_key(self, kid: str) -> str | None:
        """What the anchors of a key are checked with, in hex; None where the key is not known here."""
        return self._keys.public_key(kid)

    async def _copy_owed(self, tenants: Sequence[UUID]) -> None:
        """The same anchor gives the same bytes: it does not matter which process writes them, or how often."""
        for tenant_id in tenants:
            async with self._uow(tenant_id) as uow:
                owed = await self._rows(uow).owed_copies(_COPIES_AT_ONCE)
            for anchor in owed:
                try:
                    ours = await self._copies.put(anchor, anchor.copy(self._keys.public_key(anchor.kid)))
                except Unavailable as error:
                    metrics.AUDIT_COPIES_FAILED.inc()
                    log.warning("anchors_not_copied", tenant_id=str(tenant_id), seq=anchor.seq, reason=error.message)
                    return  # the next time: a store that does not answer would hold up each anchor
                if not ours:  # `verify` names it from now on
                    metrics.AUDIT_FAILURES.labels(str(Wrong.ANCHOR)).inc()
                    log.error("anchor_copy_tampered_with", tenant_id=str(tenant_id), seq=anchor.seq)
                async with self._uow(tenant_id) as uow:
                    await self._rows(uow).mark_copied(anchor)

    async def keep_months(self) -> None:
        """Make this month's partition and the next ones', and drop those whose time is over. Raises: Unavailable."""
        await self._upkeep.make_months(self._clock.now().date().replace(day=1), _MONTHS_AHEAD)
        if dropped := await self.drop_expired():
            log.info("ledger_months_dropped", partitions=dropped)

    async def drop_expired(self) -> int:
        """Drop the months that every tenant has kept for long enough, and sign for each tenant which row was the last one dropped.

        Signed first, dropped afterwards: a crash in between leaves rows that a later verification simply finds still there.
        Returns how many partitions. Raises: Unavailable.
        """
        now = self._clock.now()
        kept_from = now - timedelta(days=await self._upkeep.longest_retention_days(Retention().audit_days))
        before = datetime(kept_from.year, kept_from.month, 1, tzinfo=UTC)
        for tenant_id, seq, last_hash in await self._upkeep.tails(before):
            async with self._uow(tenant_id) as uow:
                rows = self._rows(uow)
                await rows.lock_head(now)
                if not await rows.anchors_of(seq, seq, 1, AnchorKind.CUT):
                    await rows.add_anchor(self._anchor(tenant_id, seq, AnchorKind.CUT, now, last_hash))
                    details = {"through_seq": seq, "recorded_before": before.isoformat()}
                    record(uow, Action.AUDIT_EXPIRED, None, AuditEntry("audit", details=details))
        return await self._upkeep.drop_before(before.date())
