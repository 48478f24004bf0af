"""How the index of recordings and the disk differ. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from streaming.recordings.domain import CameraFiles, SegmentFile, begin_of

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


def compare(files: CameraFiles, now: datetime, idle_after: timedelta, rows: Iterable[IndexedFile]) -> Differences:
    """Of one camera. What is written still, or was within `idle_after`, is not expected to be in the index as it is."""
    unindexed, changed = set(files.begins), set[int]()
    missing: list[IndexedFile] = []
    count = 0
    for row in rows:
        count += 1
        begin = begin_of(PurePosixPath(row.path).stem)
        place = None if begin is None else files.place_of(begin)
        if begin is None or place is None:
            missing.append(row)
            continue
        unindexed.discard(begin)
        if files.status(place).size_bytes != row.size_bytes:
            changed.add(begin)
    return Differences(
        files=len(files),
        rows=count,
        unindexed=files.finished(now, idle_after, unindexed),
        missing=missing,
        changed=files.finished(now, idle_after, changed),
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
