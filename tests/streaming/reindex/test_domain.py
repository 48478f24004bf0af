"""Tests of how index and disk differ."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from tests.streaming.looks import by_camera

from gtvision.ids import derived_id
from gtvision.time import LATEST
from streaming.recordings.domain import CameraFiles, SegmentFile
from streaming.reindex.domain import Differences, IndexedFile, compare, whole

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
TENANT = UUID("018f0000-0000-7000-8000-000000000002")


def file(minute: int, size: int = 10) -> SegmentFile:
    at = NOON + timedelta(minutes=minute)
    return SegmentFile(PurePosixPath(f"cam_{CAMERA}/{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"), CAMERA, at, size, at + timedelta(minutes=1))


def row(minute: int, size: int = 10) -> IndexedFile:
    of = file(minute, size)
    return IndexedFile(TENANT, CAMERA, derived_id(minute), str(of.path), of.started_at, of.modified_at, size)


def compared(files: Sequence[SegmentFile], rows: Sequence[IndexedFile], now: datetime = LATEST) -> Differences:
    on_disk = by_camera(files).get(CAMERA, CameraFiles(CAMERA))
    return compare(on_disk, now, timedelta(seconds=20), rows)


def test_what_one_has_and_the_other_has_not() -> None:
    files = [file(1), file(2, size=20), file(3), file(4)]
    files[3] = replace(files[3], modified_at=NOON + timedelta(minutes=9))
    found = compared(files, [row(0), row(1), row(2)], NOON + timedelta(minutes=9))
    assert [each.started_at.minute for each in found.unindexed] == [3], "the fourth is being written"
    assert [each.path for each in found.missing] == [row(0).path]
    assert [each.path for each in found.changed] == [files[1].path]
    assert (found.files, found.rows, found.share) == (4, 3, pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("gone", "rows", "is_too_much"),
    [(1, 20, False), (2, 20, True), (100, 100, True), (0, 0, False)],
    ids=["five_per_cent", "ten_per_cent", "disk_not_there", "no_index"],
)
def test_where_too_much_would_go(gone: int, rows: int, is_too_much: bool) -> None:
    files = [file(minute) for minute in range(gone, rows)]
    found = whole([compared(files, [row(minute) for minute in range(rows)])])
    assert found.is_too_much is is_too_much


def test_an_index_that_was_lost_is_no_reason_to_stop() -> None:
    files = [file(minute) for minute in range(100)]
    assert not compared(files, []).is_too_much
