"""Tests of the rules of recorded files: their names, when they are finished, when they are deleted, and their chain of hashes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from tests.streaming.looks import by_camera, look_at

from streaming.recordings.domain import GENESIS, Pictures, SegmentFile, next_link, parse_segment_path, span

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
OTHER = UUID("018f0000-0000-7000-8000-000000000002")


def recording(camera: UUID, at: datetime, size: int = 10, modified: datetime | None = None) -> SegmentFile:
    path = PurePosixPath(f"cam_{camera}") / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"
    return SegmentFile(path=path, camera_id=camera, started_at=at, size_bytes=size, modified_at=modified or at + timedelta(minutes=1))


def written_last(files: list[SegmentFile], now: datetime) -> dict[UUID, SegmentFile]:
    return look_at(files, now=now).written_last()


def finished(files: list[SegmentFile], now: datetime, idle_after: timedelta) -> list[SegmentFile]:
    """Of all cameras, the oldest first."""
    found = [file for own in by_camera(files, now).values() for file in own.finished(now, idle_after)]
    return sorted(found, key=lambda file: (file.started_at, file.camera_id))


class TestSegments:
    def test_path_is_read_back(self) -> None:
        at = datetime(2026, 5, 1, 12, 0, 3, 250_000, tzinfo=UTC)
        assert parse_segment_path(recording(CAMERA, at).path) == (CAMERA, at)

    @pytest.mark.parametrize("path", ["x.mp4", "cam_1/2026.mp4", f"cam_{CAMERA}/notes.txt", f"cam_{CAMERA}/2026-13-01_00-00-00-0.mp4"])
    def test_other_files_are_none_of_ours(self, path: str) -> None:
        assert parse_segment_path(PurePosixPath(path)) is None

    def test_the_newest_file_is_finished_only_when_idle(self) -> None:
        old, new = recording(CAMERA, NOW), recording(CAMERA, NOW + timedelta(minutes=1), modified=NOW + timedelta(minutes=1, seconds=5))
        lone = recording(OTHER, NOW, modified=NOW)
        now = NOW + timedelta(minutes=1, seconds=10)
        assert finished([new, old, lone], now, timedelta(seconds=20)) == [replace(old, followed_at=new.started_at), lone]

    def test_after_the_clock_was_set_back_the_file_that_grows_is_another_than_the_newest_by_name(self) -> None:
        """At noon it was set back by an hour, in the middle of the file of noon; the one of a minute before ends in the future."""
        back = NOW - timedelta(hours=1)
        before = recording(CAMERA, NOW - timedelta(minutes=1), modified=NOW)
        noon = recording(CAMERA, NOW, modified=back + timedelta(seconds=30))
        done, growing = (recording(CAMERA, back + timedelta(seconds=s), modified=back + timedelta(seconds=s + 60)) for s in (30, 90))
        files, now = [before, noon, done, growing], back + timedelta(seconds=152)
        assert written_last(files, now) == {CAMERA: growing}
        assert [file.path for file in finished(files, now, timedelta(seconds=20))] == [done.path, before.path, noon.path]
        later = now + timedelta(seconds=20)
        assert len(finished(files, later, timedelta(seconds=20))) == 4

    def test_a_disk_whose_clock_is_ahead_has_a_file_that_is_written_all_the_same(self) -> None:
        files = [recording(CAMERA, NOW + timedelta(minutes=m), modified=NOW + timedelta(minutes=m + 1, seconds=30)) for m in range(3)]
        assert written_last(files, NOW + timedelta(minutes=3)) == {CAMERA: files[2]}

    def test_a_file_that_is_copied_back_does_not_end_the_one_that_is_written(self) -> None:
        """The copy is written last for as long as it is made, beside a file that is written every second."""
        now = NOW + timedelta(seconds=30)
        growing, copied = (
            recording(CAMERA, NOW, modified=now - timedelta(seconds=1)),
            recording(CAMERA, NOW - timedelta(days=3), modified=now),
        )
        assert written_last([growing, copied], now) == {CAMERA: growing}
        assert [file.path for file in finished([growing, copied], now, timedelta(seconds=20))] == [copied.path]

    def test_a_finished_file_knows_when_the_next_one_begins(self) -> None:
        files = [recording(camera, NOW + timedelta(minutes=m)) for m in (2, 0, 1) for camera in (CAMERA, OTHER)]
        done = finished(files, NOW + timedelta(hours=1), timedelta(seconds=20))
        assert [(file.started_at, file.camera_id) for file in done] == sorted((file.started_at, file.camera_id) for file in files)
        nexts = [file.followed_at for file in done if file.camera_id == CAMERA]
        assert nexts == [NOW + timedelta(minutes=1), NOW + timedelta(minutes=2), None]

    @pytest.mark.parametrize(
        ("begin", "end", "modified", "followed", "spans"),
        [
            (0, 60, 60.1, 60, (0, 60)),
            (0, 60, 60.1, None, (0, 60)),
            (0, 60, 58.5, None, (0, 60)),  # a burst, written in less time than it plays
            (7, 60, 60, 60, (7, 60)),  # sound began before the pictures
            (0, 620, 20, None, (0, 20)),  # the camera's clock jumped
            (0, 620, 20, 21, (0, 20)),
            (0, 620, 90_000, 21, (0, 21)),  # the file was copied, and has the time of the copy
            (0, 20, -5, None, (0, 20)),  # its time of change is before its start, so it is not used
            (605, 620, 20, None, (0, 20)),
            (0, 60.01, 60.1, 60, (0, 60)),  # cut, so that two files of a camera do not overlap
        ],
    )
    def test_a_span_is_bounded_by_the_file_s_own_time_and_the_next_file(
        self, begin: float, end: float, modified: float, followed: float | None, spans: tuple[float, float]
    ) -> None:
        def at(second: float) -> datetime:
            return NOW + timedelta(seconds=second)

        file = recording(CAMERA, NOW, modified=at(modified))
        file = replace(file, followed_at=None if followed is None else at(followed))
        pictures = Pictures(timedelta(seconds=begin), timedelta(seconds=end))
        assert span(file, pictures) == (at(spans[0]), at(spans[1]))

    def test_chain_depends_on_everything_before(self) -> None:
        a, b = "aa" * 32, "bb" * 32
        assert next_link(next_link(GENESIS, a), b) != next_link(next_link(GENESIS, b), a)
