"""Recorded files, when they are finished and when they go, and the chain of their hashes. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.camera import camera_of_path
from gtvision.ids import derived_id
from streaming.streams.domain import DesiredCamera

_NAME_FORMAT = "%Y-%m-%d_%H-%M-%S-%f"


GENESIS = "0" * 64
"""The chain value before a camera's first segment."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A recorded file as found on disk. `path` is relative to the recordings folder."""

    path: PurePosixPath
    camera_id: UUID
    started_at: datetime
    """The instant in its name: of its first packet, which may be sound."""
    size_bytes: int
    modified_at: datetime
    followed_at: datetime | None = None
    """The instant in the name of the camera's next file, where there is one."""
    has_thumbnail: bool = False
    """Also where one was tried, and the file gives no picture."""


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


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the recordings folder found: every file in it, and the cameras of all tenants, by id. `now` is when it began: to
    index what was found may take long, and by the time of its end each file would seem to be written no more."""

    files: Sequence[SegmentFile]
    cameras: Mapping[UUID, DesiredCamera]
    now: datetime


def parse_segment_path(path: PurePosixPath) -> tuple[UUID, datetime] | None:
    """Camera and start instant (UTC) of a file in MediaMTX's layout `cam_<id>/<date and time>.mp4`; None for anything else."""
    camera = camera_of_path(path.parts[0]) if len(path.parts) == 2 and path.suffix == ".mp4" else None
    if camera is None:
        return None
    try:
        return UUID(camera), datetime.strptime(path.stem, _NAME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def thumbnail_of(path: PurePosixPath) -> PurePosixPath:
    """Where the thumbnail of a recorded file is: beside it."""
    return path.with_suffix(".jpg")


def segment_id_of(path: PurePosixPath) -> UUID:
    """The same file always has the same id, so that indexing it twice is one row."""
    return derived_id("segment", *path.parts)


def next_link(previous: str, sha256: str) -> str:
    """The chain value after a segment: SHA-256 over the previous value and the file's hash (both hexadecimal)."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(sha256)).hexdigest()


_LONGEST_KEPT = timedelta(days=3_650)


def is_dated(file: SegmentFile, now: datetime) -> bool:
    """Whether the time in its name can be: a machine whose clock was wrong writes names of 1970 or of the next year."""
    return now - _LONGEST_KEPT <= file.started_at < now + timedelta(days=1)


_SKEW = timedelta(minutes=1)
"""So far may the clock of the disk's own server be ahead."""


def written_last(files: Iterable[SegmentFile], now: datetime) -> dict[UUID, SegmentFile]:
    """Each camera's file that was written last: it may be being written. By its name it need not be the newest.

    What was written in the future was written before the clock was set back, perhaps long before what is written now.
    """
    found: dict[UUID, tuple[tuple[bool, datetime, datetime], SegmentFile]] = {}
    for file in files:
        rank = file.modified_at <= now + _SKEW, file.modified_at, file.started_at
        if file.camera_id not in found or found[file.camera_id][0] < rank:
            found[file.camera_id] = rank, file
    return {camera_id: file for camera_id, (_, file) in found.items()}


def finished(files: Sequence[SegmentFile], now: datetime, idle_after: timedelta) -> list[SegmentFile]:
    """Files that will not grow any more, oldest first: another one of the same camera was written later, or nothing was for a while."""
    writing = written_last(files, now)
    following: dict[UUID, datetime] = {}
    done: list[SegmentFile] = []
    for file in sorted(files, key=lambda file: (file.started_at, file.camera_id), reverse=True):
        followed_at = following.get(file.camera_id)
        following[file.camera_id] = file.started_at
        if writing[file.camera_id] is not file or now - file.modified_at >= idle_after:
            done.append(replace(file, followed_at=followed_at))
    return done[::-1]


_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_MOST_OF_A_CAMERA = 100
"""Where so many of a camera cannot be deleted, its folder is at fault: no more of its recordings lose their rows."""


@dataclass(slots=True)
class _Left:
    camera_id: UUID
    again_at: datetime
    is_buried: bool
    """A tombstone has the place of its row already."""
    tries: int = 0


class Undeleted:
    """Files that could not be deleted: each waits for a pause that grows, so that others go first, and gets one tombstone."""

    def __init__(self) -> None:
        self._left: dict[PurePosixPath, _Left] = {}
        self._waiting: set[PurePosixPath] = set()
        self._at_fault: set[UUID] = set()

    def begin(self, files: Iterable[SegmentFile], now: datetime) -> None:
        """A look begins: what is no longer there is forgotten. A pause that ends later than pauses do was begun by a wrong clock."""
        if self._left:
            there = {file.path for file in files if file.path in self._left}
            self._left = {path: left for path, left in self._left.items() if path in there}
        self._waiting = {path for path, left in self._left.items() if now < left.again_at <= now + _LONGEST_PAUSE}
        of_cameras = Counter(self._left[path].camera_id for path in self._waiting)
        self._at_fault = {camera_id for camera_id, count in of_cameras.items() if count >= _MOST_OF_A_CAMERA}

    def waits(self, file: SegmentFile) -> bool:
        """Whether a file is not to be tried in this look."""
        return file.path in self._waiting or file.camera_id in self._at_fault

    def is_buried(self, file: SegmentFile) -> bool:
        return file.path in self._left and self._left[file.path].is_buried

    def bury(self, file: SegmentFile, now: datetime) -> None:
        """Its tombstone is there, and it goes next."""
        self._left[file.path] = _Left(file.camera_id, now, is_buried=True)

    def went(self, file: SegmentFile) -> None:
        self._left.pop(file.path, None)

    def failed(self, file: SegmentFile, now: datetime) -> None:
        """It could not be deleted, and waits."""
        left = self._left.setdefault(file.path, _Left(file.camera_id, now, is_buried=False))
        left.again_at = now + min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(left.tries, 10))
        left.tries += 1
