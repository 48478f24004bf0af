"""Copies of recorded files in an object store, and what is brought back of them. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.backoff import Backoff
from gtvision.tenancy import TenantSettings
from streaming.recordings.domain import Segment
from streaming.streams.domain import DesiredCamera
from streaming.tombstones.domain import Policy, Reason

_COLD = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects are read hours after someone asked for them."""
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


class Thaw(StrEnum):
    """Whether an object in cold storage was asked for."""

    NONE = "none"
    UNDER_WAY = "under_way"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says of an object. `sha256` is what it has computed by itself; None where it computes none."""

    size_bytes: int
    sha256: str | None
    storage_class: str
    thaw: Thaw

    @property
    def is_cold(self) -> bool:
        """Whether it cannot be read as it is."""
        return self.storage_class in _COLD and self.thaw is not Thaw.READY


class CopyState(StrEnum):
    """Where a copy stands."""

    PENDING = "pending"
    COPIED = "copied"
    FAILED = "failed"
    """There is none, and there will be none: `reason` says why."""


class Failure(StrEnum):
    """Why there is no copy, or none that is good."""

    LOST = "lost"
    """The file went before it was copied."""
    FILE_CHANGED = "file_changed"
    """The file is not what was indexed."""
    COPY_CHANGED = "copy_changed"
    """The object is not what was copied."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A segment's copy. It holds the whole segment, so that its row comes back as it was."""

    segment: Segment
    object_key: str
    state: CopyState
    attempts: int
    storage_class: str | None = None
    copied_at: datetime | None = None
    restore_requested_at: datetime | None = None
    restored_until: datetime | None = None


def keeping(camera: DesiredCamera, city: TenantSettings | None) -> Policy:
    """How many days a camera's copies are kept, and by whose rule: the shorter holds, also once the camera was removed. A city that is not
    known sets no days."""
    days = camera.recording.offsite_days
    if city is not None and city.retention.offsite_days < days:
        return Policy(Reason.CITY_OFFSITE_DAYS, city.retention.offsite_days)
    return Policy(Reason.OFFSITE_DAYS, days)


def wait_after(attempts: int) -> timedelta:
    """How long an object waits that its store has refused so many times: it must not hold up the others."""
    backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
    waits = [backoff.wait_s() for _ in range(max(1, min(attempts, 16)))]
    return timedelta(seconds=waits[-1])


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be copied of a camera."""

    camera_id: UUID
    files: int
    oldest: datetime


class RestoreState(StrEnum):
    """Where the bringing back of a range stands."""

    QUEUED = "queued"
    WAITING = "waiting"
    """All that is left is in cold storage, which needs hours."""
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    """Nothing could be brought back, or there was no room: `reason` says why."""


OPEN_RESTORES = (RestoreState.QUEUED, RestoreState.WAITING, RestoreState.RUNNING)


@dataclass(frozen=True, slots=True)
class Restore:
    """A range of a camera's copies that somebody wants to see again. `total`, `done` and `missing` count files."""

    restore_id: UUID
    tenant_id: UUID
    camera_id: UUID
    since: datetime
    until: datetime
    requested_by: UUID
    requested_at: datetime
    keep_until: datetime
    state: RestoreState
    total: int
    done: int = 0
    missing: int = 0
    """Copies that are gone, or are not what was copied."""
    reason: str | None = None
    finished_at: datetime | None = None
    look_at: datetime | None = None
    """Not before this is the store asked again."""
