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
from identity.ledger.domain.verification import Finding, Position, Walk, Wrong, mac_finding
from identity.ledger.ports import AnchorCopies, AnchorsOf, AuditKeys, LedgerOf, UnreadableRow

Progress = Callable[[int, int], None]
"""(rows done, number of the last row)."""

_PAGE = 500
_FINDINGS_AT_MOST = 20
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
    """Number of the last row that is right."""
    rows: int
    head: int
    finding: Finding | None = None
    """The first row that is wrong."""
    anchors: list[Finding] = field(default_factory=list)
    """What is wrong with anchors and their copies, the first twenty."""
    last_anchor: Anchor | None = None
    copies: int | None = None
    """Copies in object storage that were compared; None: not looked at."""

    @property
    def is_right(self) -> bool:
        """Nothing is wrong."""
        return self.finding is None and not self.anchors

    @property
    def next(self) -> int | None:
        """Where to go on, where the span ended before the ledger."""
        return self.last if self.finding is None and self.last < self.head else None

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
        try:
            async with self._uow(tenant_id) as work:
                newest = await self._anchors(work).highest(_PAGE)
                head, highest = await self._ledger(work).ends()  # after the anchors: what they know must be there
                start = await self._start(work, span, head)
                known = await self._known(work, newest, head.seq if head else highest)
        except UnreadableRow:
            says = "the head row, or the first row, holds what none can: a time that no calendar has"
            return Report(tenant_id, 1, 0, 0, 0, Finding(Wrong.HEAD_CHANGED, 0, says))
        through, wrong = head.seq if head else highest, known.wrong
        if isinstance(start, Finding):
            return Report(tenant_id, start.seq, start.seq - 1, 0, through, start, wrong, known.last)
        walk = Walk(start, self._keys.mac_is_right)
        ends = min(through, start.seq + span.at_most) if span.at_most else through
        finding = await self._walk(tenant_id, walk, ends, wrong, progress)
        if finding is None and ends == through:
            finding = _end_finding(walk.at, head, highest, known.beyond)
        report = Report(tenant_id, start.seq + 1, walk.at.seq, walk.rows, through, finding, wrong, known.last)
        return replace(report, finding=await self._named(tenant_id, finding)) if finding else report

    async def _known(self, work: UnitOfWork, newest: list[Anchor], through: int) -> _Known:
        """What anchors say of the end. However many forged ones lie before a right one, it is found."""
        known, page = _Known(), newest
        for seq in await self._anchors(work).strange(_FINDINGS_AT_MOST):
            _note(known.wrong, Finding(Wrong.ANCHOR_FORGED, seq, "it holds what no anchor can"))
        while page:
            for anchor in page:
                if not self._signature_is_right(anchor):
                    if anchor.seq > through:  # the others are noted with their row
                        _note(known.wrong, Finding(Wrong.ANCHOR_FORGED, anchor.seq, _FORGED, anchor.anchored_at))
                elif anchor.seq <= through:
                    known.last = anchor
                    return known
                else:
                    known.beyond = known.beyond or anchor
            page = await self._anchors(work).highest(_PAGE, page[-1])
        return known

    # --- where it begins -----------------------------------------------------------------------------------------------

    async def _start(self, work: UnitOfWork, span: Span, head: Head | None) -> Position | Finding:
        """The position before the first row: the beginning, a row whose MAC is right, or a signed cut."""
        ledger = self._ledger(work)
        seq = span.after
        if span.since is not None:
            first = await ledger.first_since(span.since)
            seq = max(seq or 0, (first - 1) if first is not None else (head.seq if head else 0))
        if seq:
            before = await ledger.at(seq)
            if len(before) == 1:
                return mac_finding(before[0], self._keys.mac_is_right) or Position(seq, before[0].hash)
        oldest = await ledger.page(None, head.seq if head else 1, 1)
        first_kept = oldest[0].entry.seq if oldest else (head.seq + 1 if head else 1)
        if first_kept <= 1:
            return Position(0, GENESIS)
        for cut in await self._anchors(work).cut_at(first_kept - 1):
            if self._signature_is_right(cut):
                return Position(cut.seq, cut.hash)
        says = f"rows 1 to {first_kept - 1} are not there, and no signed record says that retention dropped them"
        return Finding(Wrong.MISSING, 1, says, oldest[0].entry.recorded_at if oldest else None)

    # --- rows ----------------------------------------------------------------------------------------------------------

    async def _walk(self, tenant_id: UUID, walk: Walk, ends: int, wrong: list[Finding], progress: Progress | None) -> Finding | None:
        size = _PAGE
        after = (walk.at.seq, _EVER) if walk.at.seq else None  # from the beginning: also a row 0 would be noticed
        while True:
            try:
                async with self._uow(tenant_id) as work:
                    rows = await self._ledger(work).page(after, ends, size)
                    first = rows[0].entry.seq if rows else 0
                    anchors = await self._anchors(work).between(first, rows[-1].entry.seq, 2 * _PAGE) if rows else []
            except UnreadableRow:
                if size == 1:
                    says = "it holds what no entry can: a time that no calendar has"
                    return Finding(Wrong.ALTERED, walk.at.seq + 1, says)
                size = 1  # up to the row itself
                continue
            if not rows:
                return None
            finding = walk.feed(rows)
            mismatch = self._compare(anchors, walk, wrong)
            if mismatch is not None or finding is not None:
                return min((each for each in (mismatch, finding) if each), key=lambda each: each.seq)
            after = (rows[-1].entry.seq, rows[-1].entry.recorded_at)
            if progress is not None:
                progress(walk.rows, walk.at.seq)
            await asyncio.sleep(0)  # a long walk beside an API: others get their turn

    def _compare(self, anchors: list[Anchor], walk: Walk, wrong: list[Finding]) -> Finding | None:
        """The first row that an anchor knows otherwise; anchors that are no anchors go on the list."""
        for anchor in anchors:
            if not self._signature_is_right(anchor):
                _note(wrong, Finding(Wrong.ANCHOR_FORGED, anchor.seq, _FORGED, anchor.anchored_at))
                continue
            known = walk.hashes.get(anchor.seq)
            if known is not None and known != anchor.hash:
                says = "the row is not the one that was anchored: the chain was rewritten with the MAC's key"
                return Finding(Wrong.ANCHOR_MISMATCH, anchor.seq, says, anchor.anchored_at)
        return None

    def _signature_is_right(self, anchor: Anchor) -> bool:
        return self._keys.signature_is_right(anchor.kid, anchor.signed_bytes(), anchor.signature)

    async def _named(self, tenant_id: UUID, finding: Finding) -> Finding:
        """A row that is wrong because there are two of its number was inserted, not altered."""
        if finding.wrong not in {Wrong.ALTERED, Wrong.REWRITTEN, Wrong.UNLINKED, Wrong.KEY_UNKNOWN}:
            return finding
        try:
            async with self._uow(tenant_id) as work:
                rows = await self._ledger(work).at(finding.seq)
        except UnreadableRow:
            return finding
        if len(rows) < 2:
            return finding
        return replace(finding, wrong=Wrong.INSERTED, says=f"{len(rows)} rows have the number {finding.seq}; of this one, {finding.says}")

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
            _note(wrong, Finding(Wrong.COPY_MISSING, anchor.seq, f"there is no object '{anchor.object_key}'", anchor.anchored_at))
        elif content != copy_of(anchor, self._keys):
            says = f"the object '{anchor.object_key}' is not the anchor"
            _note(wrong, Finding(Wrong.COPY_CHANGED, anchor.seq, says, anchor.anchored_at))
        return True


def _explain(key: str, report: Report, wrong: list[Finding]) -> None:
    """A copy of an anchor that the database does not have (any more)."""
    name = key.rpartition("/")[2].partition(".")[0]
    seq = int(name) if name.isdigit() else 0
    if seq < report.first:
        return  # of rows that retention dropped, with their anchors
    if seq > report.head:
        _note(wrong, Finding(Wrong.TRUNCATED, seq, f"the object '{key}' anchors the row {seq}, and the last row is {report.head}"))
        return
    _note(wrong, Finding(Wrong.ANCHOR_REMOVED, seq, f"the object '{key}' has no anchor in the database"))


def _end_finding(at: Position, head: Head | None, highest: int, last_anchor: Anchor | None) -> Finding | None:
    """Whether the end of the chain is the end."""
    if head is None:
        if at.seq or highest or last_anchor:
            return Finding(Wrong.TRUNCATED, max(at.seq, highest) + 1, "the head row is not there")
        return None
    if at.seq < head.seq:
        return Finding(
            Wrong.TRUNCATED, at.seq + 1, f"the rows from {at.seq + 1} on are not there; the head says {head.seq}", head.recorded_at
        )
    if last_anchor is not None and last_anchor.seq > head.seq >= highest:
        says = f"the rows {head.seq + 1} to {last_anchor.seq} are not there; an anchor was made of them"
        return Finding(Wrong.TRUNCATED, head.seq + 1, says, last_anchor.anchored_at)
    if at.hash != head.hash or head.recorded_at != (at.recorded_at or head.recorded_at):
        return Finding(Wrong.HEAD_CHANGED, head.seq, "the head row does not have the hash and the time of the last row", at.recorded_at)
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


def _note(wrong: list[Finding], finding: Finding) -> None:
    if len(wrong) < _FINDINGS_AT_MOST:
        wrong.append(finding)
