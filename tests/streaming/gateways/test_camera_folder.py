"""Tests of looks at a camera's folder that cost what has changed, on real files."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtvision.camera import path_name
from gtvision.ids import derived_id
from gtvision.time import LATEST
from streaming.gateways.camera_folder import CameraFolder
from streaming.recordings.domain import SegmentFile, begin_of, stem_of

CAMERA = derived_id("camera", "one")
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Site:
    """A camera's folder, and what is known of it. Counts what the file system is asked for."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = root / path_name(CAMERA)
        self.path.mkdir()
        self.folder = CameraFolder(self.path, CAMERA)
        self.lists, self.asked, self.at = 0, 0, 1_000.0
        listdir, lstat = os.listdir, os.lstat

        def counted_list(path: Any) -> list[str]:
            self.lists += 1
            return listdir(path)

        def counted_status(path: Any) -> os.stat_result:
            self.asked += 1
            return lstat(path)

        monkeypatch.setattr(os, "listdir", counted_list)
        monkeypatch.setattr(os, "lstat", counted_status)
        monkeypatch.setattr(time, "monotonic", lambda: self.at)

    def record(self, minute: int, size: int = 10, *, written: datetime | None = None) -> Path:
        start = NOW + minute * MINUTE
        path = self.path / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.write_bytes(b"x" * size)
        self.touch(path, written or start + MINUTE)
        return path

    def touch(self, path: Path, at: datetime) -> None:
        os.utime(path, (at.timestamp(),) * 2)

    def look(self, *, after_s: float = 3, now: datetime = LATEST) -> list[str]:
        """Returns the names of the files that are known after a look."""
        self.at += after_s
        self.lists = self.asked = 0
        self.folder.learn(self.folder.look(now), now)
        return [file.path.name for file in self.folder.files]

    def settle(self) -> None:
        """Looks until the folder's time stamp is past all doubt."""
        for _ in range(3):
            self.look()
        self.look()
        assert self.lists == 0

    def last(self) -> SegmentFile:
        last = self.folder.files.written_last(LATEST)
        assert last is not None
        return last


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def names(*paths: Path) -> list[str]:
    return [path.name for path in paths]


def test_what_did_not_change_is_not_listed_and_only_what_may_grow_is_asked_for(site: Site) -> None:
    paths = [site.record(minute) for minute in range(30)]
    assert site.look() == names(*paths)
    site.settle()
    assert (site.look(), site.lists, site.asked) == (names(*paths), 0, 4)


def test_what_came_and_went_is_found_and_nothing_else_is_asked_for(site: Site) -> None:
    paths = [site.record(minute) for minute in range(10)]
    site.look()
    new = site.record(10, size=7)
    assert (site.look(), site.lists, site.asked) == (names(*paths, new), 1, 5)
    assert site.folder.files.size_bytes == 107
    paths[3].unlink()
    back = site.record(-5)
    assert site.look() == names(back, *paths[:3], *paths[4:], new)
    assert site.folder.files.without_thumbnail >= {begin_of(new.stem), begin_of(back.stem)}
    (site.path / "notes.mp4").touch()
    site.record(11)
    assert len(site.look()) == 12


def test_a_file_that_grows_is_known_at_each_look_and_no_thumbnail_makes_the_folder_be_listed(site: Site) -> None:
    site.record(0)
    site.look()
    changed = datetime.now(UTC) + timedelta(hours=1)  # later than any change of the folder, however slow the machine is
    growing = site.record(1, written=changed)
    site.look()
    site.settle()
    for second in range(1, 4):
        growing.write_bytes(b"x" * 100 * second)
        growing.with_suffix(".jpg").touch()
        site.touch(growing, changed + timedelta(seconds=second))
        site.look()
        assert (site.lists, site.last().size_bytes, site.folder.files.size_bytes) == (0, 100 * second, 10 + 100 * second)
    following = site.record(2)
    assert following.name in site.look(), "the one before does not grow any more"
    for second in range(4, 19):
        site.record(2, size=second, written=changed + timedelta(seconds=second))
        (site.path / f"{second}.jpg").touch()
        site.look()
        assert site.lists == 0
    site.record(2, size=40, written=changed + timedelta(seconds=40))
    site.look(after_s=61)
    assert site.lists == 1, "once a minute, whatever it is"


def test_a_file_that_leaves_no_trace_in_a_coarse_time_stamp_is_found_by_the_next_look(site: Site) -> None:
    first = site.record(0)
    site.look()
    stamp = site.path.stat().st_mtime_ns
    second = site.record(1)
    os.utime(site.path, ns=(stamp, stamp))
    assert site.look() == names(first, second)
    site.settle()


def test_what_we_deleted_is_known_without_a_list(site: Site) -> None:
    paths = [site.record(minute) for minute in range(5)]
    site.look()
    site.settle()
    stamp = site.path.stat().st_mtime_ns
    paths[0].unlink()
    os.utime(site.path, ns=(stamp, stamp))
    begin = begin_of(paths[0].stem)
    assert begin is not None
    site.folder.deleted(begin)
    assert (site.look(), site.lists, site.folder.files.size_bytes) == (names(*paths[1:]), 0, 40)


def test_after_the_clock_was_set_back_the_file_that_is_written_is_watched(site: Site) -> None:
    for minute in range(60, 70):
        site.record(minute, written=NOW + (minute + 1) * MINUTE)
    now = NOW + 30 * MINUTE
    site.look(now=now)
    growing = site.record(29, written=now)
    site.look(now=now)
    for size in range(20, 30):
        growing.write_bytes(b"x" * size)
        site.touch(growing, now := now + timedelta(seconds=3))
        site.look(now=now)
        last = site.folder.files.written_last(now)
        assert last is not None
        assert (last.path.name, last.size_bytes) == (growing.name, size)


def test_a_camera_that_is_recorded_while_others_files_are_copied_is_watched(site: Site) -> None:
    for minute in range(10):
        site.record(minute, written=NOW + 100 * MINUTE)
    growing = site.record(10, written=NOW + 99 * MINUTE)
    site.look()
    for second in range(1, 4):
        growing.write_bytes(b"x" * 100 * second)
        site.touch(growing, NOW + 100 * MINUTE + timedelta(seconds=second))
        site.look()
        assert site.last().size_bytes == 100 * second


@pytest.mark.parametrize("copied", [False, True], ids=["with_their_time", "with_the_time_of_their_copy"])
def test_a_camera_is_watched_while_many_old_files_are_brought_back_between_two_looks(site: Site, copied: bool) -> None:
    paths = [site.record(minute) for minute in range(10)]
    now = NOW + 10 * MINUTE + timedelta(seconds=30)
    growing = site.record(10, written=now)
    site.look(now=now)
    for minute in range(-20, -10):
        site.record(minute, written=now + timedelta(seconds=8) if copied else None)
    site.look(now=now + timedelta(seconds=9))
    growing.write_bytes(b"x" * 100)
    site.touch(growing, now := now + timedelta(seconds=11))
    assert len(site.look(now=now)) == len(paths) + 11
    last = site.folder.files.written_last(now)
    assert last is not None
    assert (last.path.name, last.size_bytes) == (growing.name, 100)


def test_a_change_of_any_of_the_last_files_is_to_be_indexed_again(site: Site) -> None:
    paths = [site.record(minute) for minute in range(10)]
    site.look()
    site.folder.files.unindexed = set()
    site.record(8, size=11)
    site.look()
    assert site.folder.files.unindexed == {begin_of(paths[8].stem)}
    paths[8].unlink()
    site.look()
    assert site.folder.files.unindexed == set()


@pytest.mark.parametrize(
    "stem", ["2026-05-01_12-00-00-0", "2026-5-01_12-00-00-000000", "2026-05-01T12-00-00-000000", "0999-05-01_12-00-00-000000"]
)
def test_only_a_name_as_media_servers_write_it_is_one(stem: str) -> None:
    assert begin_of(stem) is None


@pytest.mark.parametrize("stem", ["2026-05-01_12-00-00-000000", "1970-01-01_00-00-07-000001", "2199-12-31_23-59-59-999999"])
def test_a_name_is_read_and_written(stem: str) -> None:
    begin = begin_of(stem)
    assert begin is not None
    assert stem_of(begin) == stem


@pytest.mark.parametrize("is_known", [False, True], ids=["first_look", "later"])
def test_a_folder_with_a_recording_s_name_is_none(site: Site, is_known: bool) -> None:
    kept = site.record(0).name
    if is_known:
        site.settle()
    (site.path / f"{NOW + MINUTE:%Y-%m-%d_%H-%M-%S-%f}.mp4").mkdir()
    assert site.look(after_s=120) == [kept]
