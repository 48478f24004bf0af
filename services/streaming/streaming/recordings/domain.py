"""Recorded files, when they are finished and when they go, and the chain of their hashes. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.camera import camera_of_path
from gtvision.ids import derived_id

_NAME_FORMAT = "%Y-%m-%d_%H-%M-%S-%f"


GENESIS = "0" * 64
"""The chain value before a camera's first segment."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A recorded file as found on disk. `path` is relative to the recordings folder."""

    path: PurePosixPath
    camera_id: UUID
    started_at: datetime
    size_bytes: int
    modified_at: datetime


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


def parse_segment_path(path: PurePosixPath) -> tuple[UUID, datetime] | None:
    """Camera and start instant (UTC) of a file in MediaMTX's layout `cam_<id>/<date and time>.mp4`; None for anything else."""
    camera = camera_of_path(path.parts[0]) if len(path.parts) == 2 and path.suffix == ".mp4" else None
    if camera is None:
        return None
    try:
        return UUID(camera), datetime.strptime(path.stem, _NAME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def segment_id_of(path: PurePosixPath) -> UUID:
    """The same file always has the same id, so that indexing it twice is one row."""
    return derived_id("segment", *path.parts)


def next_link(previous: str, sha256: str) -> str:
    """The chain value after a segment: SHA-256 over the previous value and the file's hash (both hexadecimal)."""
    return hashlib.sha256(bytes.fromhex(previous) + bytes.fromhex(sha256)).hexdigest()


def finished(files: Sequence[SegmentFile], now: datetime, idle_after: timedelta) -> list[SegmentFile]:
    """Files that will not grow any more, oldest first: a newer one of the same camera exists, or nothing was written for a while."""
    newest: dict[UUID, datetime] = {}
    for file in files:
        newest[file.camera_id] = max(newest.get(file.camera_id, file.started_at), file.started_at)
    done = [file for file in files if file.started_at < newest[file.camera_id] or now - file.modified_at >= idle_after]
    return sorted(done, key=lambda file: (file.started_at, file.camera_id))


def to_delete(
    files: Sequence[SegmentFile],
    *,
    max_bytes: int,
    missing_free_bytes: int,
    keep_days: Mapping[UUID, int],
    now: datetime,
) -> list[SegmentFile]:
    """What has to go, oldest first: older than its camera's retention, or until the quota and the free space hold.

    `missing_free_bytes` is how much must be freed for the disk's floor. The newest file of each camera is being written and stays.
    """
    newest = {file.camera_id: file for file in sorted(files, key=lambda file: file.started_at)}
    candidates = sorted((file for file in files if newest[file.camera_id] is not file), key=lambda file: file.started_at)
    excess = max(sum(file.size_bytes for file in files) - max_bytes, missing_free_bytes)
    doomed: list[SegmentFile] = []
    for file in candidates:
        days = keep_days.get(file.camera_id)
        if excess <= 0 and (days is None or now - file.started_at < timedelta(days=days)):
            continue
        doomed.append(file)
        excess -= file.size_bytes
    return doomed
