"""Looks at recorded files that are on no disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from gtvision.time import LATEST
from streaming.recordings.domain import CameraFiles, Look, SegmentFile, Status, microseconds
from streaming.streams.domain import DesiredCamera


def by_camera(files: Iterable[SegmentFile], now: datetime = LATEST) -> dict[UUID, CameraFiles]:
    """Files as a look at an instant finds them."""
    found: defaultdict[UUID, list[Status]] = defaultdict(list)
    for file in files:
        found[file.camera_id].append(Status(microseconds(file.started_at), file.size_bytes, microseconds(file.modified_at)))
    return {camera_id: CameraFiles(camera_id, own, now) for camera_id, own in found.items()}


def look_at(files: Iterable[SegmentFile], cameras: Iterable[DesiredCamera] = (), *, now: datetime) -> Look:
    return Look(by_camera(files, now), {camera.camera_id: camera for camera in cameras}, now)
