"""Walking a chain and saying what is wrong with it. Pure: rows in, findings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from identity.ledger.domain.entries import Chained, MacCheck

FINDINGS_AT_MOST = 20


class Wrong(StrEnum):
    """What a finding is about. Its `says` has the evidence."""

    ALTERED = "altered"
    """A row, or the head, is not what was recorded: its contents, its link to the row before, its MAC or an anchor say so."""
    MISSING = "missing"
    """Rows that were recorded are not there."""
    INSERTED = "inserted"
    """A row that was never recorded: a second one of the same number, or one behind the end."""
    KEY_UNKNOWN = "key_unknown"
    """The MAC names a key that is not in AUDIT_KEYS."""
    ANCHOR = "anchor"
    """An anchor or its copy in object storage is missing, or is not what was signed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong with the ledger."""

    wrong: Wrong
    seq: int
    says: str
    at: datetime | None = None
    """When the row was recorded, or the anchor made."""


def note(found: list[Finding], finding: Finding) -> None:
    """Adds it to the list, which holds the first twenty."""
    if len(found) < FINDINGS_AT_MOST:
        found.append(finding)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk stands: the last row that was looked at."""

    seq: int
    hash: str
    recorded_at: datetime | None = None
    """None before the first row that was walked."""


class Walk:
    """Takes the rows in order of number. A row that is wrong is found, and the walk goes on behind it."""

    def __init__(self, start: Position, mac_check: MacCheck) -> None:
        self.at = start
        self.right = 0
        """How many rows are."""
        self.found: list[Finding] = []
        self.hashes: dict[int, set[str]] = {}
        """Of the rows of the last `feed`: what anchors are compared with."""
        self._links: set[str | None] = {start.hash}
        self._mac_check = mac_check

    def feed(self, rows: Sequence[Chained]) -> None:
        """Adds what is wrong with them to `found`."""
        self.hashes = {}
        for row in rows:
            seq = row.entry.seq
            self.hashes.setdefault(seq, set()).add(row.hash)
            if seq <= self.at.seq:
                self._inserted(row)
                continue
            if gap := self._gap(row):
                note(self.found, gap)
                self._links = {row.prev_hash}
            finding = self._content(row)
            if finding is None:
                self.right += 1
            else:
                note(self.found, finding)
            self.at = Position(seq, row.hash, row.entry.recorded_at)

    def _inserted(self, row: Chained) -> None:
        """Which of two rows of one number is the inserted one shows in what follows: either may be linked to."""
        seq = row.entry.seq
        if self.found and self.found[-1].seq == seq:
            self.found.pop()
        if seq == self.at.seq:
            self._links.add(row.hash)
        says = f"more than one row has the number {seq} (event {row.entry.event_id})"
        note(self.found, Finding(Wrong.INSERTED, seq, says, row.entry.recorded_at))

    def _gap(self, row: Chained) -> Finding | None:
        seq, expected = row.entry.seq, self.at.seq + 1
        if seq == expected:
            return None
        which = f"row {expected} is" if seq == expected + 1 else f"rows {expected} to {seq - 1} are"
        return Finding(Wrong.MISSING, expected, f"{which} not there; the next one is {seq}", row.entry.recorded_at)

    def _content(self, row: Chained) -> Finding | None:
        linked, own = row.prev_hash in self._links, row.recomputed()
        self._links = {row.hash, own}  # the next row is linked to the one of them that was not altered
        if not linked:
            return Finding(Wrong.ALTERED, row.entry.seq, "its prev_hash is not the hash of the row before it", row.entry.recorded_at)
        if own != row.hash:
            return Finding(Wrong.ALTERED, row.entry.seq, "what it says does not give its hash", row.entry.recorded_at)
        return mac_finding(row, self._mac_check)


def mac_finding(row: Chained, mac_check: MacCheck) -> Finding | None:
    """What is wrong with a row's MAC."""
    right = mac_check(row.mac_kid, row.hash, row.mac)
    if right is None:
        says = f"its MAC names the key '{row.mac_kid}', which AUDIT_KEYS does not have"
        return Finding(Wrong.KEY_UNKNOWN, row.entry.seq, says, row.entry.recorded_at)
    if not right:
        says = "its hash fits the public chain, its MAC does not: it was made or rewritten without the key"
        return Finding(Wrong.ALTERED, row.entry.seq, says, row.entry.recorded_at)
    return None
