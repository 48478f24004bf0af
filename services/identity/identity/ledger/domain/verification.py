"""Walking a chain and saying what is wrong with it first. Pure: rows in, findings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from identity.ledger.domain.ledger import Chained, chain_hash

MacCheck = Callable[[str, str, str], bool | None]
"""(key id, hash, MAC) -> whether it is right; None where the key is not known."""


class Wrong(StrEnum):
    """What a finding is about."""

    ALTERED = "altered"
    """What the row says does not give the row's hash."""
    REWRITTEN = "rewritten"
    """The public chain fits, the MAC does not: made by somebody without the key."""
    KEY_UNKNOWN = "key_unknown"
    """The MAC names a key that is not in AUDIT_KEYS."""
    UNLINKED = "unlinked"
    """The row does not follow the row before it."""
    MISSING = "missing"
    """A number is not there."""
    INSERTED = "inserted"
    """A second row of the same number, or one behind the end."""
    TRUNCATED = "truncated"
    """The end is gone: the head or an anchor knows later rows."""
    HEAD_CHANGED = "head_changed"
    """The head row is not the last entry."""
    ANCHOR_MISMATCH = "anchor_mismatch"
    """A signed anchor knows another hash of this row."""
    ANCHOR_FORGED = "anchor_forged"
    """An anchor's signature is wrong."""
    ANCHOR_REMOVED = "anchor_removed"
    """Object storage has an anchor that the database has not."""
    COPY_MISSING = "copy_missing"
    """Object storage has no copy of an anchor."""
    COPY_CHANGED = "copy_changed"
    """The copy in object storage is not the anchor."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong with the ledger."""

    wrong: Wrong
    seq: int
    says: str
    at: datetime | None = None
    """When the row was recorded, or the anchor made."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a walk stands: the last row that was right."""

    seq: int
    hash: str
    recorded_at: datetime | None = None
    """None before the first row that was walked."""


class Walk:
    """Feed it the rows in order of number; it stops at the first that is wrong."""

    def __init__(self, start: Position, mac_check: MacCheck) -> None:
        self.at = start
        self.rows = 0
        self.hashes: dict[int, str] = {}
        """Of the rows of the last `feed`: what anchors are compared with."""
        self._mac_check = mac_check

    def feed(self, rows: Sequence[Chained]) -> Finding | None:
        """The first thing that is wrong, None while all is well."""
        self.hashes = {}
        for row in rows:
            finding = self._order(row) or self._content(row)
            if finding is not None:
                return finding
            self.at = Position(row.entry.seq, row.hash, row.entry.recorded_at)
            self.hashes[row.entry.seq] = row.hash
            self.rows += 1
        return None

    def _order(self, row: Chained) -> Finding | None:
        seq, expected = row.entry.seq, self.at.seq + 1
        if seq > expected:
            last = seq - 1
            which = f"row {expected} is" if last == expected else f"rows {expected} to {last} are"
            return Finding(Wrong.MISSING, expected, f"{which} not there; the next one is {seq}", row.entry.recorded_at)
        if seq < expected:
            return Finding(Wrong.INSERTED, seq, f"a second row has the number {seq} (event {row.entry.event_id})", row.entry.recorded_at)
        return None

    def _content(self, row: Chained) -> Finding | None:
        entry = row.entry
        if row.prev_hash != self.at.hash:
            return Finding(Wrong.UNLINKED, entry.seq, "its prev_hash is not the hash of the row before it", entry.recorded_at)
        if _hash_of(row) != row.hash:
            return Finding(Wrong.ALTERED, entry.seq, "what it says does not give its hash", entry.recorded_at)
        return mac_finding(row, self._mac_check)


def _hash_of(row: Chained) -> str | None:
    """None where the row holds what no entry can, such as a time before the first year."""
    try:
        return chain_hash(row.prev_hash, row.entry.canonical())
    except (ValueError, OverflowError):
        return None


def mac_finding(row: Chained, mac_check: MacCheck) -> Finding | None:
    """What is wrong with a row's MAC."""
    right = mac_check(row.mac_kid, row.hash, row.mac)
    if right is None:
        says = f"its MAC names the key '{row.mac_kid}', which AUDIT_KEYS does not have"
        return Finding(Wrong.KEY_UNKNOWN, row.entry.seq, says, row.entry.recorded_at)
    if not right:
        says = "its hash fits the public chain, its MAC does not: it was made or rewritten by somebody without the key"
        return Finding(Wrong.REWRITTEN, row.entry.seq, says, row.entry.recorded_at)
    return None
