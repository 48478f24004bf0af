"""Recorded files, when they are finished and when they go, and the chain of their hashes. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.camera import CameraState, camera_of_path
from gtvision.ids import derived_id
from gtvision.tenancy import Role
from streaming.streams.domain import DesiredCamera, StreamView

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
    """What one look at the recordings folder found: every file in it, and the cameras of all tenants, by id."""

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


def finished(files: Sequence[SegmentFile], now: datetime, idle_after: timedelta) -> list[SegmentFile]:
    """Files that will not grow any more, oldest first: a newer one of the same camera exists, or nothing was written for a while."""
    following: dict[UUID, datetime] = {}
    done: list[SegmentFile] = []
    for file in sorted(files, key=lambda file: (file.started_at, file.camera_id), reverse=True):
        followed_at = following.get(file.camera_id)
        following[file.camera_id] = file.started_at
        if followed_at is not None or now - file.modified_at >= idle_after:
            done.append(replace(file, followed_at=followed_at))
    return done[::-1]


_DAY = timedelta(days=1)
_SHORTEST_MEASURE = timedelta(hours=1)
"""What is recorded since less than this says nothing about a day."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a camera's recordings take. `newest` is the last instant at which one was written."""

    camera_id: UUID
    bytes_used: int
    bytes_per_day: int | None
    """Measured over the last day, or since its first recording; None where that is less than an hour ago."""
    oldest: datetime
    newest: datetime
    is_growing: bool
    days_kept: float | None = None
    """How many days will be kept at that pace; None where that is not known."""


SEE_THE_DISK = frozenset({Role.PLATFORM_ADMIN, Role.ADMIN, Role.OPERATOR})
"""The disk is the installation's: its people see it, and no partner."""


@dataclass(frozen=True, slots=True)
class Room:
    """What the disk of the recordings holds."""

    total_bytes: int
    free_bytes: int
    days_left: float | None
    """Until the oldest recordings have to go for new ones, at the pace of the last day; None where that is not known, or never comes."""
    held_bytes: int = 0
    """What holds keep of the tenant's recordings."""
    full_of_held: bool = False
    """Whether there is too little room, on the disk or in the tenant's own limit, for what is held."""


def usage_of(files: Iterable[SegmentFile], now: datetime, idle_after: timedelta) -> list[Usage]:
    """What the files take, by camera. A camera whose last file was not written for `idle_after` is not being recorded."""
    by_camera: defaultdict[UUID, list[SegmentFile]] = defaultdict(list)
    for file in files:
        by_camera[file.camera_id].append(file)
    return [_usage(camera_id, kept, now, idle_after) for camera_id, kept in by_camera.items()]


def _usage(camera_id: UUID, files: Sequence[SegmentFile], now: datetime, idle_after: timedelta) -> Usage:
    oldest, newest = min(file.started_at for file in files), max(file.modified_at for file in files)
    since = max(oldest, now - _DAY)
    of_the_day = sum(file.size_bytes for file in files if file.started_at >= since)
    return Usage(
        camera_id=camera_id,
        bytes_used=sum(file.size_bytes for file in files),
        bytes_per_day=int(of_the_day * (_DAY / (now - since))) if now - oldest >= _SHORTEST_MEASURE else None,
        oldest=oldest,
        newest=newest,
        is_growing=now - newest < idle_after,
    )


def days_left(usages: Iterable[Usage], disk: tuple[int, int], max_bytes: int, free_floor: float, freed_per_day: float = 0) -> float | None:
    """Days until the quota or the disk's floor is reached at the pace of the last day. `disk`: total and free bytes."""
    known = list(usages)
    per_day = sum(usage.bytes_per_day or 0 for usage in known) - freed_per_day
    if per_day <= 0:
        return None
    total, free = disk
    room = min(max_bytes - sum(usage.bytes_used for usage in known), free - int(total * free_floor))
    return max(0, room) / per_day


def freed_per_day(usages: Iterable[Usage], keep_days: Mapping[UUID, int], now: datetime) -> float:
    """What retention deletes in a day: of each camera whose oldest recording is as old as may be, the mean of a day."""
    freed = 0.0
    for usage in usages:
        days = keep_days.get(usage.camera_id)
        if days is not None and now - usage.oldest >= days * _DAY - _SHORTEST_MEASURE:  # what is older is deleted already
            freed += usage.bytes_used / days
    return freed


@dataclass(frozen=True, slots=True)
class Stopped:
    """A camera that should be recorded and is not."""

    camera_id: UUID
    name: str
    since: datetime | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a caller's cameras take, and which of them are not recorded."""

    bytes_used: int
    bytes_per_day: int | None
    oldest: datetime | None
    newest: datetime | None
    recording: int
    stopped: tuple[Stopped, ...]
    room: Room | None = None
    as_of: datetime | None = None

    @classmethod
    def of(cls, usages: Iterable[Usage], expected: Iterable[tuple[StreamView, str]]) -> Totals:
        """`expected` are the streams that are to be recorded, with the names of their cameras."""
        known = {usage.camera_id: usage for usage in usages}
        per_day = [usage.bytes_per_day for usage in known.values() if usage.bytes_per_day is not None]
        growing = {camera_id for camera_id, usage in known.items() if usage.is_growing}
        judged = [(stream.camera_id in growing, stream, name) for stream, name in expected]
        return cls(
            bytes_used=sum(usage.bytes_used for usage in known.values()),
            bytes_per_day=sum(per_day) if per_day else None,
            oldest=min((usage.oldest for usage in known.values()), default=None),
            newest=max((usage.newest for usage in known.values()), default=None),
            recording=sum(is_recorded for is_recorded, _, _ in judged),
            stopped=tuple(_stopped(stream, name, known.get(stream.camera_id)) for is_recorded, stream, name in judged if not is_recorded),
        )


def _stopped(stream: StreamView, name: str, usage: Usage | None) -> Stopped:
    """Without a picture nothing can be recorded; with one, the media server writes nothing and does not say why."""
    if stream.state is CameraState.OFFLINE:
        return Stopped(stream.camera_id, name, stream.since, stream.cause)
    since = usage.newest if usage else stream.since
    return Stopped(stream.camera_id, name, since, stream.cause or ("nothing_written" if stream.advances else None))
