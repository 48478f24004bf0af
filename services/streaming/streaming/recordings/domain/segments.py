"""What is known of recorded files, the chain of their hashes, and those that cannot be deleted. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.ids import derived_id
from streaming.recordings.domain.files import CameraFiles, SegmentFile

GENESIS = "0" * 64
"""The chain value before a camera's first segment."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where a file's video lies, by its own timestamps: from its first key frame to the end of its last frame."""

    begin: timedelta
    end: timedelta


_WRITTEN_EARLY = timedelta(seconds=2)
"""So much sooner than its frames end may a file be written: cameras send in bursts."""


def span(file: SegmentFile, pictures: Pictures) -> tuple[datetime, datetime]:
    """The instants between which a file shows something.

    Its timestamps are the camera's, whose clock may jump, so they are held against what we know ourselves: a file ends when it was written
    last, and before the camera's next file begins.
    """
    after = [instant for instant in (file.modified_at, file.followed_at) if instant is not None and instant > file.started_at]
    latest = min(after, default=None)
    start, end = file.started_at + pictures.begin, file.started_at + pictures.end
    if latest is None:
        return start, end
    if start > latest:
        start = file.started_at
    if file.followed_at == latest or end > latest + _WRITTEN_EARLY:
        end = min(end, latest)
    return start, max(start, end)


@dataclass(frozen=True, slots=True)
class Segment:
    """A finished, measured, hashed and chained recording. `chain` is the link made of `previous` and `sha256`."""

    segment_id: UUID
    tenant_id: UUID
    camera_id: UUID
    path: str
    started_at: datetime
    ended_at: datetime
    size_bytes: int
    sha256: str
    previous: str
    chain: str

    @property
    def duration_s(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


def segment_id_of(path: PurePosixPath) -> UUID:
    """The same file always has the same id, so that indexing it twice is one row."""
    return derived_id("segment", *path.parts)


def next_link(previous: str, sha256: str) -> str:
    """The chain value after a segment: SHA-256 over the previous value and the file's hash (both hexadecimal)."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(sha256)).hexdigest()


_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_MOST_OF_A_CAMERA = 100
"""Where so many of a camera cannot be deleted, its folder is at fault: no more of its recordings lose their rows."""


@dataclass(slots=True)
class _Left:
    camera_id: UUID
    again_at: datetime
    tries: int = 0


class Undeleted:
    """Files that could not be deleted: each waits for a pause that grows, so that others go first."""

    def __init__(self) -> None:
        self._left: dict[PurePosixPath, _Left] = {}
        self._waiting: set[PurePosixPath] = set()
        self._at_fault: set[UUID] = set()

    def begin(self, files: Mapping[UUID, CameraFiles], now: datetime) -> None:
        """A look begins: what is no longer there is forgotten. A pause that ends later than pauses do was begun by a wrong clock."""
        self._left = {path: left for path, left in self._left.items() if left.camera_id in files and files[left.camera_id].has(path)}
        self._waiting = {path for path, left in self._left.items() if now < left.again_at <= now + _LONGEST_PAUSE}
        of_cameras = Counter(self._left[path].camera_id for path in self._waiting)
        self._at_fault = {camera_id for camera_id, count in of_cameras.items() if count >= _MOST_OF_A_CAMERA}

    def waits(self, file: SegmentFile) -> bool:
        """Whether a file is not to be tried in this look."""
        return file.path in self._waiting or file.camera_id in self._at_fault

    def went(self, file: SegmentFile) -> None:
        self._left.pop(file.path, None)

    def failed(self, file: SegmentFile, now: datetime) -> None:
        """It could not be deleted, and waits."""
        left = self._left.setdefault(file.path, _Left(file.camera_id, now))
        left.again_at = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(left.tries, 10))
        left.tries += 1
