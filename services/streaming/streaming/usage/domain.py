"""What the recordings take, and which cameras are not recorded. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.tenancy import Role
from streaming.recordings.domain import CameraFiles, Look, SegmentFile
from streaming.streams.domain import StreamView

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
    floor_bytes: int = 0
    """What is kept free of the disk: recordings go before it is used."""


def usage_of(look: Look, idle_after: timedelta) -> list[Usage]:
    """What the files take, by camera. A camera whose last file was not written for `idle_after` is not being recorded."""
    written = look.written_last()
    return [_usage(files, written[camera_id], look.now, idle_after) for camera_id, files in look.files.items() if files]


def _usage(files: CameraFiles, last: SegmentFile, now: datetime, idle_after: timedelta) -> Usage:
    oldest = files[0].started_at
    since = max(oldest, now - _DAY)
    of_the_day = files.bytes_between(files.place_at(since))
    return Usage(
        camera_id=files.camera_id,
        bytes_used=files.size_bytes,
        bytes_per_day=int(of_the_day * (_DAY / (now - since))) if now - oldest >= _SHORTEST_MEASURE else None,
        oldest=oldest,
        newest=last.modified_at,
        is_growing=now - last.modified_at < idle_after,
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
