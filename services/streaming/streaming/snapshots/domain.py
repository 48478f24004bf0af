"""Which recordings get a thumbnail next. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from streaming.recordings.domain import SegmentFile


def without_thumbnail(
    files: Sequence[SegmentFile], now: datetime, idle_after: timedelta, tried: Mapping[PurePosixPath, int]
) -> list[SegmentFile]:
    """Finished files that have no thumbnail, the newest last. `tried`: size in bytes by path of those that were tried already."""
    newest: dict[UUID, datetime] = {}
    for file in files:
        newest[file.camera_id] = max(file.started_at, newest.get(file.camera_id, file.started_at))
    missing = [
        file
        for file in files
        if not file.has_thumbnail
        and (file.started_at < newest[file.camera_id] or now - file.modified_at >= idle_after)
        and tried.get(file.path) != file.size_bytes
    ]
    return sorted(missing, key=lambda file: file.started_at)
