"""How the index of recordings and the disk differ. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming.recordings.domain import SegmentFile

MOST_CHANGED = 0.05
"""Where a larger share of the rows would go, it is more likely that the disk is not there."""


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """What the index says of a file. `path` is relative to the recordings folder."""

    tenant_id: UUID
    camera_id: UUID
    segment_id: UUID
    path: str
    started_at: datetime
    ended_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Differences:
    """What the index and the disk do not agree upon."""

    files: int
    rows: int
    unindexed: Sequence[SegmentFile]
    """Finished files of known cameras without a row, oldest first. Some can never be played, and have none for that."""
    missing: Sequence[IndexedFile]
    """Rows without a file."""
    changed: Sequence[SegmentFile]
    """Finished files of another size than their row says."""

    @property
    def share(self) -> float:
        """Share of the rows that would go or change, 0..1."""
        return (len(self.missing) + len(self.changed)) / self.rows if self.rows else 0.0

    @property
    def is_too_much(self) -> bool:
        return self.share > MOST_CHANGED


def compare(files: Sequence[SegmentFile], done: Iterable[SegmentFile], rows: Sequence[IndexedFile]) -> Differences:
    """`files` are all that are on disk, also those that are being written; `done` those of them that are finished."""
    here, known = {str(file.path) for file in files}, {row.path: row for row in rows}
    finished = sorted(done, key=lambda file: file.started_at)
    return Differences(
        files=len(files),
        rows=len(rows),
        unindexed=[file for file in finished if str(file.path) not in known],
        missing=[row for row in rows if row.path not in here],
        changed=[file for file in finished if str(file.path) in known and known[str(file.path)].size_bytes != file.size_bytes],
    )


def whole(parts: Iterable[Differences]) -> Differences:
    """The differences of several cameras as one."""
    found = list(parts)
    return Differences(
        files=sum(part.files for part in found),
        rows=sum(part.rows for part in found),
        unindexed=sorted((file for part in found for file in part.unindexed), key=lambda file: file.started_at),
        missing=[row for part in found for row in part.missing],
        changed=[file for part in found for file in part.changed],
    )
