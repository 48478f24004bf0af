"""Verifying a ledger: rows against their chain and MAC, anchors against rows, copies against anchors. In constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from identity.ledger.domain.anchors import Anchor, copy_of, object_folder
from identity.ledger.domain.ledger import GENESIS, Head
from identity.ledger.domain.verification import FINDINGS_AT_MOST, Finding, Position, Walk, Wrong, mac_finding, note
from identity.ledger.ports import AnchorCopies, AnchorsOf, AuditKeys, LedgerOf

Progress = Callable[[int, int], None]
"""(rows done, number of the last row)."""

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


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found."""

    tenant_id: UUID
    first: int
    last: int
    """Number of the last row that was looked at."""
    rows: int
    """How many of them are right."""
    head: int
    findings: list[Finding] = field(default_factory=list)
    """Rows that are wrong, the first twenty."""
    anchors: list[Finding] = field(default_factory=list)
    """What is wrong with anchors and their copies, the first twenty."""
    last_anchor: Anchor | None = None
    copies: int | None = None
    """Copies in object storage that were compared; None: not looked at."""
    next: int | None = None
    """Where to go on, where the span ended before the ledger."""

    @property
    def is_right(self) -> bool:
        """Nothing is wrong."""
        return not self.findings and not self.anchors

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

    def __init__(self, uow: UowFactory, ledger: LedgerOf, anchors: AnchorsOf, keys: AuditKeys) -> None:
        self._uow, self._ledger, self._anchors, self._keys = uow, ledger, anchors, keys

    async def verify(self, tenant_id: UUID, span: Span = Span(), progress: Progress | None = None) -> Report:
        """The rows of the span, and the anchors that were made of them. Raises: Unavailable."""
        async with self._uow(tenant_id) as work:
            newest = await self._anchors(work).highest(_PAGE)
            head, highest = await self._ledger(work).ends()  # after the anchors: what they know must be there
            start, begins = await self._start(work, span, head)
            known = await self._known(work, newest, head.seq if head else highest)
        through = head.seq if head else highest
        walk = Walk(start, self._keys.mac_is_right)
        if begins:
            note(walk.found, begins)
        ends = min(through, start.seq + span.at_most) if span.at_most else through
        await self._walk(tenant_id, walk, ends, known.wrong, progress)
        if ends == through and (ending := _end_finding(walk.at, head, highest, known.beyond)):
            note(walk.found, ending)
        findings = sorted(walk.found, key=lambda each: each.seq)
        following = ends if ends < through else None
        return Report(
            tenant_id, start.seq + 1, max(walk.at.seq, start.seq), walk.right, through, findings, known.wrong, known.last, next=following
        )

    async def _known(self, work: UnitOfWork, newest: list[Anchor], through: int) -> _Known:
        """What anchors say of the end. However many forged ones lie before a right one, it is found."""
        known, page = _Known(), newest
        for seq in await self._anchors(work).strange(FINDINGS_AT_MOST):
            note(known.wrong, Finding(Wrong.ANCHOR, seq, "it holds what no anchor can"))
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
            page = await self._anchors(work).highest(_PAGE, page[-1])
        return known

    # --- where it begins -----------------------------------------------------------------------------------------------

    async def _start(self, work: UnitOfWork, span: Span, head: Head | None) -> tuple[Position, Finding | None]:
        """The position before the first row (the beginning, a row, or a signed cut), and what is wrong with it."""
        ledger = self._ledger(work)
        seq = span.after
        if span.since is not None:
            first = await ledger.first_since(span.since)
            seq = max(seq or 0, (first - 1) if first is not None else (head.seq if head else 0))
        if seq:
            before = await ledger.at(seq)
            if len(before) == 1:
                return Position(seq, before[0].hash), mac_finding(before[0], self._keys.mac_is_right)
        oldest = await ledger.page(None, head.seq if head else 1, 1)
        first_kept = oldest[0].entry.seq if oldest else (head.seq + 1 if head else 1)
        if first_kept <= 1:
            return Position(0, GENESIS), None
        for cut in await self._anchors(work).cut_at(first_kept - 1):
            if self._signature_is_right(cut):
                return Position(cut.seq, cut.hash), None
        says = f"rows 1 to {first_kept - 1} are not there, and no signed record says that retention dropped them"
        missing = Finding(Wrong.MISSING, 1, says, oldest[0].entry.recorded_at if oldest else None)
        return Position(first_kept - 1, oldest[0].prev_hash if oldest else GENESIS), missing

    # --- rows ----------------------------------------------------------------------------------------------------------

    async def _walk(self, tenant_id: UUID, walk: Walk, ends: int, wrong: list[Finding], progress: Progress | None) -> None:
        after = (walk.at.seq, _EVER) if walk.at.seq else None  # from the beginning: also a row 0 would be noticed
        while True:
            async with self._uow(tenant_id) as work:
                rows = await self._ledger(work).page(after, ends, _PAGE)
                anchors = await self._anchors(work).between(rows[0].entry.seq, rows[-1].entry.seq, 2 * _PAGE) if rows else []
            if not rows:
                return
            walk.feed(rows)
            self._compare(anchors, walk, wrong)
            after = (rows[-1].entry.seq, rows[-1].entry.recorded_at)
            if progress is not None:
                progress(walk.right, walk.at.seq)
            await asyncio.sleep(0)  # a long walk beside an API: others get their turn

    def _compare(self, anchors: list[Anchor], walk: Walk, wrong: list[Finding]) -> None:
        """Rows that an anchor knows otherwise; anchors that are no anchors go on the list."""
        for anchor in anchors:
            if not self._signature_is_right(anchor):
                note(wrong, Finding(Wrong.ANCHOR, anchor.seq, _FORGED, anchor.anchored_at))
            elif anchor.hash not in walk.hashes.get(anchor.seq, {anchor.hash}):
                says = "the row is not the one that was anchored: the chain was rewritten with the MAC's key"
                note(walk.found, Finding(Wrong.ALTERED, anchor.seq, says, anchor.anchored_at))

    def _signature_is_right(self, anchor: Anchor) -> bool:
        return self._keys.signature_is_right(anchor.kid, anchor.signed_bytes(), anchor.signature)

    # --- copies --------------------------------------------------------------------------------------------------------

    async def compare_copies(self, report: Report, copies: AnchorCopies) -> Report:
        """The report, with what object storage says of every anchor that is still kept. Raises: Unavailable.

        A day's copies are listed before its anchors are read: whatever is copied meanwhile has its anchor already.
        """
        wrong, compared = list(report.anchors), 0
        async with self._uow(report.tenant_id) as work:
            in_database = await self._anchors(work).days()
        counts = await _copies_a_day(copies, report.tenant_id)
        for day in sorted({*in_database, *counts}):
            compared += await self._compare_day(report, copies, day, wrong)
        return replace(report, anchors=wrong, copies=compared)

    async def _compare_day(self, report: Report, copies: AnchorCopies, day: date, wrong: list[Finding]) -> int:
        folder = f"{object_folder(report.tenant_id)}/{day:%Y/%m/%d}"
        there = {key async for key in copies.keys(folder)}
        compared, after = 0, (0, "")
        while True:
            async with self._uow(report.tenant_id) as work:
                anchors = await self._anchors(work).of_day(day, after, _PAGE)
            if not anchors:
                break
            for anchor, owed in anchors:
                there.discard(anchor.object_key)
                if self._signature_is_right(anchor):
                    compared += await self._compare_copy(anchor, copies, wrong, owed=owed)
            after = (anchors[-1][0].seq, str(anchors[-1][0].kind))
        for key in sorted(there):
            _explain(key, report, wrong)
        return compared

    async def _compare_copy(self, anchor: Anchor, copies: AnchorCopies, wrong: list[Finding], *, owed: bool) -> bool:
        """Whether there was anything to compare: a copy that is owed may be missing, never another."""
        content = await copies.get(anchor.object_key)
        if content is None and owed:
            return False
        if content is None:
            note(wrong, Finding(Wrong.ANCHOR, anchor.seq, f"there is no object '{anchor.object_key}'", anchor.anchored_at))
        elif content != copy_of(anchor, self._keys):
            says = f"the object '{anchor.object_key}' is not the anchor"
            note(wrong, Finding(Wrong.ANCHOR, anchor.seq, says, anchor.anchored_at))
        return True


def _explain(key: str, report: Report, wrong: list[Finding]) -> None:
    """A copy of an anchor that the database does not have (any more)."""
    name = key.rpartition("/")[2].partition(".")[0]
    seq = int(name) if name.isdigit() else 0
    if seq < report.first:
        return  # of rows that retention dropped, with their anchors
    if seq > report.head:
        note(wrong, Finding(Wrong.MISSING, seq, f"the object '{key}' anchors the row {seq}, and the last row is {report.head}"))
        return
    note(wrong, Finding(Wrong.ANCHOR, seq, f"the object '{key}' has no anchor in the database"))


def _end_finding(at: Position, head: Head | None, highest: int, last_anchor: Anchor | None) -> Finding | None:
    """Whether the end of the chain is the end."""
    if head is None:
        if at.seq or highest or last_anchor:
            return Finding(Wrong.MISSING, max(at.seq, highest) + 1, "the head row is not there")
        return None
    if at.seq < head.seq:
        return Finding(
            Wrong.MISSING, at.seq + 1, f"the rows from {at.seq + 1} on are not there; the head says {head.seq}", head.recorded_at
        )
    if last_anchor is not None and last_anchor.seq > head.seq >= highest:
        says = f"the rows {head.seq + 1} to {last_anchor.seq} are not there; an anchor was made of them"
        return Finding(Wrong.MISSING, head.seq + 1, says, last_anchor.anchored_at)
    if at.hash != head.hash or head.recorded_at != (at.recorded_at or head.recorded_at):
        return Finding(Wrong.ALTERED, head.seq, "the head row does not have the hash and the time of the last row", at.recorded_at)
    if highest > head.seq:
        return Finding(Wrong.INSERTED, highest, f"a row {highest} lies behind the head, which says {head.seq}")
    return None


async def _copies_a_day(copies: AnchorCopies, tenant_id: UUID) -> dict[date, int]:
    folder, counts = object_folder(tenant_id), dict[date, int]()
    async for key in copies.keys(folder):
        try:
            year, month, day = map(int, key.removeprefix(f"{folder}/").split("/")[:3])
            made_on = date(year, month, day)
        except ValueError:
            continue
        counts[made_on] = counts.get(made_on, 0) + 1
    return counts
