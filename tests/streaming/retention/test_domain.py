"""Tests of which recordings have to go."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from streaming.recordings.domain import SegmentFile
from streaming.retention.domain import to_delete

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
OTHER = UUID("018f0000-0000-7000-8000-000000000002")


def recording(camera: UUID, at: datetime) -> SegmentFile:
    path = PurePosixPath(f"cam_{camera}") / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"
    return SegmentFile(path=path, camera_id=camera, started_at=at, size_bytes=10, modified_at=at + timedelta(minutes=1))


def test_quota_takes_the_oldest_and_never_what_is_being_written() -> None:
    files = [recording(CAMERA, NOW + timedelta(minutes=m)) for m in range(4)] + [recording(OTHER, NOW - timedelta(days=1))]
    doomed = to_delete(files, max_bytes=25, missing_free_bytes=0, keep_days={}, now=NOW)
    assert doomed == files[:3]
    assert to_delete(files, max_bytes=0, missing_free_bytes=0, keep_days={}, now=NOW) == files[:3]


def test_free_space_counts_like_the_quota() -> None:
    files = [recording(CAMERA, NOW + timedelta(minutes=m)) for m in range(4)]
    assert to_delete(files, max_bytes=1000, missing_free_bytes=11, keep_days={}, now=NOW) == files[:2]


def test_age_is_by_camera() -> None:
    files = [recording(camera, NOW + timedelta(minutes=m)) for camera in (CAMERA, OTHER) for m in range(2)]
    later = NOW + timedelta(days=2)
    assert to_delete(files, max_bytes=1000, missing_free_bytes=0, keep_days={CAMERA: 1, OTHER: 5}, now=later) == [files[0]]
    gone = to_delete(files, max_bytes=1000, missing_free_bytes=0, keep_days={CAMERA: 1, OTHER: 5}, now=later, removed={CAMERA, OTHER})
    assert gone == files[:2], "nobody writes the newest file of a camera that was removed"
