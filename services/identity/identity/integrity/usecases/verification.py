"""Verifying a ledger: rows against the public chain and MAC, anchors against rows, copies against anchors. In constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from identity.integrity.domain import Finding, Position, Walk, Wrong, mac_finding, note
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.domain.entries import GENESIS, Head

if TYPE_CHECKING:
    from chassis.db import UnitOfWork, UowFactory
    from identity.gateways.anchor_copies import StoredAnchorCopies
    from identity.gateways.audit_keys import HmacAuditKeys
    from identity.ledger.repository import PostgresLedger

Progress = Callable[[int, int], None]
"""(rows that are right, number of the last row)."""

_PAGE = 500
_FORGED = "the anchor's signature is wrong"
_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows: all of them, unless it says otherwise."""

    since: datetime | None = None
    """Recorded then or later."""
    after: int | None = None
    """Behind the row of this number."""
    at_most: int | None = None
    """Rows; the report says where to go on."""


@dataclass(slots=True)
class Report:
    """What a verification found."""

    tenant_id: UUID
    first: int
    last: int
    """Number of the last row that was looked at."""
    rows: int
    """How many of them are right."""
    head: int
    findings: list[Finding]
    """Rows that are wrong, the first twenty."""
    anchors: list[Finding]
    """What is wrong with anchors and their copies, the first twenty."""
    last_anchor: Anchor | None
    next: int | None
    """Where to go on, where the span ended before the ledger."""
    copies: int | None = None
    """Copies in object storage that were compared; None: not looked at."""

    @property
    def right(self) -> bool:
        """Nothing is wrong."""
        return not self.findings and not self.anchors

    @property
    def finding(self) -> Finding | None:
        """The first of the rows that are wrong."""
        return next(iter(self.findings), None)

    @property
    def unanchored(self) -> int:
        """Rows behind the last anchor: only the MAC protects them, and nothing shows if they are cut off together with the head."""
        return max(0, self.head - (self.last_anchor.seq if self.last_anchor else 0))


@dataclass(slots=True)
class _Known:
    """What anchors say of the end of a ledger."""

    last: Anchor | None = None
    """The last one of a row that is there."""
    beyond: Anchor | None = None
    """One of a row behind the end."""
    wrong: list[Finding] = field(default_factory=list)


class Verification:
    """Reads only, page by page, each in a short transaction: the ledger grows meanwhile."""

    def __init__(
        self, uow: UowFactory, rows: Callable[[UnitOfWork], PostgresLedger], keys: HmacAuditKeys, copies: StoredAnchorCopies
    ) -> None:
        self._uow, self._rows, self._keys, self._copies = uow, rows, keys, copies

    async def verify(self, tenant_id: UUID, span: Span = Span(), progress: Progress | None = None, *, with_copies: bool = False) -> Report:
        """The rows of the span and the anchors that were made of them; every copy of an anchor, where it says so. Raises: Unavailable."""
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            newest = await rows.highest_anchors(_PAGE)
            head, highest = await rows.ends()  # after the anchors: what they know must be there
            through = head.seq if head else highest
            start, begins = await self._start(rows, span, head)
            known = await self._known(rows, newest, through)
        walk = Walk(start, self._keys.mac_is_right)
        if begins:
            note(walk.found, begins)
        ends = min(through, start.seq + span.at_most) if span.at_most else through
        await self._walk(tenant_id, walk, ends, known.wrong, progress)
        if ends == through and (ending := _end_finding(walk.at, head, highest, known.beyond)):
            note(walk.found, ending)
        findings = sorted(walk.found, key=lambda each: each.seq)
        counts = (start.seq + 1, walk.at.seq, walk.right, through)
        report = Report(tenant_id, *counts, findings, known.wrong, known.last, ends if ends < through else None)
        if with_copies:
            await self._compare_copies(report)
        return report

    async def _known(self, rows: PostgresLedger, page: list[Anchor], through: int) -> _Known:
        """What anchors say of the end. However many forged ones lie before a right one, it is found."""
        known = _Known()
        while page:
            for anchor in page:
                if not self._signature_is_right(anchor):
                    if anchor.seq > through:  # the others are noted with their row
                        note(known.wrong, Finding(Wrong.ANCHOR, anchor.seq, _FORGED, anchor.anchored_at))
                elif anchor.seq <= through:
                    known.last = anchor
                    return known
                else:
                    known.beyond = known.beyond or anchor
            page = await rows.highest_anchors(_PAGE, page[-1])
        return known

    async def _start(self, rows: PostgresLedger, span: Span, head: Head | None) -> tuple[Position, Finding | None]:
        """The position before the first row (the beginning, a row, or a signed cut), and what is wrong with it."""
        last, seq = (head.seq if head else 0), span.after
        if span.since is not None:
            first = await rows.first_since(span.since)
            seq = max(seq or 0, last if first is None else first - 1)
        if seq:
            before = await rows.page((seq - 1, _EVER), seq, 2)
            if len(before) == 1:
                return Position(seq, before[0].hash), mac_finding(before[0], self._keys.mac_is_right)
        oldest = await rows.page(None, last or 1, 1)
        first_kept = oldest[0].entry.seq if oldest else last + 1
        if first_kept <= 1:
            return Position(0, GENESIS), None
        for cut in await rows.anchors_of(first_kept - 1, first_kept - 1, 20, AnchorKind.CUT):
            if self._signature_is_right(cut):
                return Position(cut.seq, cut.hash), None
        says = f"rows 1 to {first_kept - 1} are not there, and no signed record says that retention dropped them"
        missing = Finding(Wrong.MISSING, 1, says, oldest[0].entry.recorded_at if oldest else None)
        return Position(first_kept - 1, oldest[0].prev_hash if oldest else GENESIS), missing

    async def _walk(self, tenant_id: UUID, walk: Walk, ends: int, wrong: list[Finding], progress: Progress | None) -> None:
        after = (walk.at.seq, _EVER) if walk.at.seq else None  # from the beginning: also a row 0 would be noticed
        while True:
            async with self._uow(tenant_id) as uow:
                rows = await self._rows(uow).page(after, ends, _PAGE)
                anchors = await self._rows(uow).anchors_of(rows[0].entry.seq, rows[-1].entry.seq, 2 * _PAGE) if rows else []
            if not rows:
                return
            walk.feed(rows)
            for anchor in anchors:
                if not self._signature_is_right(anchor):
                    note(wrong, Finding(Wrong.ANCHOR, anchor.seq, _FORGED, anchor.anchored_at))
                elif anchor.hash not in walk.hashes.get(anchor.seq, {anchor.hash}):
                    says = "the row is not the one that was anchored: the chain was rewritten with the MAC's key"
                    note(walk.found, Finding(Wrong.ALTERED, anchor.seq, says, anchor.anchored_at))
            after = (rows[-1].entry.seq, rows[-1].entry.recorded_at)
            if progress is not None:
                progress(walk.right, walk.at.seq)
            await asyncio.sleep(0)  # a long walk beside an API: others get their turn

    def _signature_is_right(self, anchor: Anchor) -> bool:
        return self._keys.signature_is_right(anchor.kid, anchor.signed_bytes(), anchor.signature)

    async def _compare_copies(self, report: Report) -> None:
        """What object storage says of every anchor that is still kept goes into the report.

        A day's copies are listed before its anchors are read: whatever is copied meanwhile has its anchor already.
        """
        async with self._uow(report.tenant_id) as uow:
            days = await self._rows(uow).anchor_days()
        report.copies = 0
        for day in sorted(days | await self._copies.days(report.tenant_id)):
            await self._compare_day(report, day)

    async def _compare_day(self, report: Report, day: date) -> None:
        there = await self._copies.keys(report.tenant_id, day)
        after = (0, "")
        while True:
            async with self._uow(report.tenant_id) as uow:
                anchors = await self._rows(uow).anchors_of_day(day, after, _PAGE)
            if not anchors:
                break
            for anchor, owed in anchors:
                there.discard(anchor.object_key)
                if self._signature_is_right(anchor):
                    await self._compare_copy(report, anchor, owed=owed)
            after = (anchors[-1][0].seq, anchors[-1][0].kind)
        for key in sorted(there):
            _explain(report, key)

    async def _compare_copy(self, report: Report, anchor: Anchor, *, owed: bool) -> None:
        """A copy that is owed may be missing, never another."""
        content = await self._copies.get(anchor.object_key)
        if content is None and owed:
            return
        report.copies = (report.copies or 0) + 1
        if content is None:
            note(report.anchors, Finding(Wrong.ANCHOR, anchor.seq, f"there is no object '{anchor.object_key}'", anchor.anchored_at))
        elif content != anchor.copy(self._keys.public_key(anchor.kid)):
            says = f"the object '{anchor.object_key}' is not the anchor"
            note(report.anchors, Finding(Wrong.ANCHOR, anchor.seq, says, anchor.anchored_at))


def _explain(report: Report, key: str) -> None:
    """A copy of an anchor that the database does not have (any more)."""
    name = key.rpartition("/")[2].partition(".")[0]
    seq = int(name) if name.isdigit() else 0
    if seq > report.head:
        says = f"the object '{key}' anchors the row {seq}, and the last row is {report.head}"
        note(report.anchors, Finding(Wrong.MISSING, seq, says))
    elif seq >= report.first:  # the others are of rows that retention dropped, with their anchors
        note(report.anchors, Finding(Wrong.ANCHOR, seq, f"the object '{key}' has no anchor in the database"))


def _end_finding(at: Position, head: Head | None, highest: int, beyond: Anchor | None) -> Finding | None:
    """Whether the end of the chain is the end."""
    if head is None:
        if at.seq or highest or beyond:
            return Finding(Wrong.MISSING, max(at.seq, highest) + 1, "the head row is not there")
        return None
    if at.seq < head.seq:
        says = f"the rows from {at.seq + 1} on are not there; the head says {head.seq}"
        return Finding(Wrong.MISSING, at.seq + 1, says, head.recorded_at)
    if beyond is not None and beyond.seq > head.seq >= highest:
        says = f"the rows {head.seq + 1} to {beyond.seq} are not there; an anchor was made of them"
        return Finding(Wrong.MISSING, head.seq + 1, says, beyond.anchored_at)
    if at.hash != head.hash or head.recorded_at != (at.recorded_at or head.recorded_at):
        return Finding(Wrong.ALTERED, head.seq, "the head row does not have the hash and the time of the last row", at.recorded_at)
    if highest > head.seq:
        return Finding(Wrong.INSERTED, highest, f"a row {highest} lies behind the head, which says {head.seq}")
    return None
