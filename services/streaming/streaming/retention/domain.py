"""What has to go, and when. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from streaming.recordings.domain import SegmentFile
from streaming.streams.domain import DesiredCamera


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the recordings folder may hold."""

    max_bytes: int
    free_floor: float
    """Share of the disk that is kept free, 0..1."""


def to_delete(
    files: Sequence[SegmentFile],
    *,
    max_bytes: int,
    missing_free_bytes: int,
    keep_days: Mapping[UUID, int],
    now: datetime,
    removed: Collection[UUID] = (),
) -> list[SegmentFile]:
    """What has to go, oldest first: older than its camera's retention, or until the quota and the free space hold.

    `missing_free_bytes` is how much must be freed for the disk's floor. The newest file of each camera is being written and stays,
    but for cameras that were removed.
    """
    newest = {file.camera_id: file for file in sorted(files, key=lambda file: file.started_at)}
    candidates = sorted(
        (file for file in files if newest[file.camera_id] is not file or file.camera_id in removed), key=lambda file: file.started_at
    )
    excess = max(sum(file.size_bytes for file in files) - max_bytes, missing_free_bytes)
    doomed: list[SegmentFile] = []
    for file in candidates:
        days = keep_days.get(file.camera_id)
        if excess <= 0 and (days is None or now - file.started_at < timedelta(days=days)):
            continue
        doomed.append(file)
        excess -= file.size_bytes
    return doomed


def keep_days(cameras: Mapping[UUID, DesiredCamera]) -> dict[UUID, int]:
    """Of removed cameras too: what they recorded goes as it would have gone."""
    return {camera_id: camera.recording.retention_days for camera_id, camera in cameras.items()}
