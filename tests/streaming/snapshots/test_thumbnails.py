"""Tests of the thumbnails beside the recordings, on real files."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

import pytest
from tests.streaming.snapshots.conftest import frame_number, grey_of_seconds, make_film

from gtvision.camera import path_name
from gtvision.ids import new_id
from gtvision.time import FakeClock, SystemClock
from streaming.gateways.pyav_pictures import PyAvPictures
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recordings.domain import Look
from streaming.snapshots.usecases import Thumbnails

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", source=grey_of_seconds(2)).read_bytes()


class Site:
    """A folder of recordings, and what makes their thumbnails."""

    def __init__(self, root: Path) -> None:
        self.root, self.clock = root, FakeClock(SystemClock().now())
        self.folder = RecordingsFolder(root)
        self.restart()

    def restart(self) -> None:
        self.thumbnails = Thumbnails(
            self.folder, PyAvPictures(self.root, SystemClock()), clock=self.clock, idle_after=timedelta(seconds=20)
        )

    def record(self, camera: UUID, minute: int, data: bytes) -> Path:
        """Writes a file that began so many minutes after the first, and was written for two seconds."""
        start = self.clock.now() - timedelta(minutes=30 - minute)
        path = self.root / path_name(camera) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        self.written(path, start + timedelta(seconds=2))
        return path

    def written(self, path: Path, at: object) -> None:
        os.utime(path, (at.timestamp(),) * 2)  # type: ignore[attr-defined]

    async def look(self) -> Look:
        now = self.clock.now()
        return Look(await self.folder.scan(now), {}, now)

    async def follow(self) -> None:
        await self.thumbnails.follow(await self.look())

    async def make(self, turns: int = 1) -> None:
        for _ in range(turns):
            await self.thumbnails.make_next()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def thumbnail(path: Path) -> Path:
    return path.with_suffix(".jpg")


def shown(*paths: Path) -> list[bool]:
    return [thumbnail(path).exists() for path in paths]


async def test_each_finished_recording_gets_one_the_newest_first(site: Site, film: bytes) -> None:
    camera, other = new_id(), new_id()
    first, second, open_one = (site.record(camera, minute, film) for minute in (0, 1, 2))
    site.written(open_one, site.clock.now())
    idle = site.record(other, 3, film)
    await site.follow()
    for expected in ([False, False, False, True], [False, True, False, True], [True, True, False, True], [True, True, False, True]):
        await site.make()
        assert shown(first, second, open_one, idle) == expected
    assert frame_number(thumbnail(first).read_bytes()) == 0
    assert not list(site.root.rglob("*.part"))


async def test_what_gives_no_picture_is_tried_once_also_after_a_restart(site: Site, film: bytes) -> None:
    camera = new_id()
    bad, good = site.record(camera, 1, b"no film at all"), site.record(camera, 0, film)
    for expected in ([False, False], [False, True]):
        await site.follow()
        await site.make()
        assert shown(bad, good) == expected, "the bad one was tried first, and then did not stand in the other's way"
    bad.write_bytes(film)
    site.restart()
    await site.follow()
    await site.make(2)
    assert shown(bad) == [False]


async def test_a_file_that_ends_the_process_is_not_tried_again(site: Site, film: bytes) -> None:
    class Crash(BaseException):
        """What no code survives."""

    class Crashing(PyAvPictures):
        async def thumbnail(self, path: PurePosixPath) -> bytes:
            raise Crash

    camera = new_id()
    poisonous, good = site.record(camera, 1, film), site.record(camera, 0, film)
    site.thumbnails._pictures = Crashing(site.root, SystemClock())
    await site.follow()
    with pytest.raises(Crash):
        await site.make()
    site.restart()
    await site.follow()
    await site.make(2)
    assert shown(poisonous, good) == [False, True]


async def test_a_look_that_began_before_makes_nothing_twice(site: Site, film: bytes) -> None:
    path = site.record(new_id(), 0, film)
    look = await site.look()
    await site.follow()
    await site.make()
    made = thumbnail(path).stat().st_ino
    await site.thumbnails.follow(look)
    await site.make()
    assert thumbnail(path).stat().st_ino == made


async def test_one_that_is_there_is_not_made_again_after_a_restart(site: Site, film: bytes) -> None:
    path = site.record(new_id(), 0, film)
    thumbnail(path).write_bytes(b"of before")
    site.restart()
    await site.follow()
    await site.make()
    assert thumbnail(path).read_bytes() == b"of before"


async def test_it_goes_with_its_recording(site: Site, film: bytes) -> None:
    camera = new_id()
    gone, kept = site.record(camera, 0, film), site.record(camera, 1, film)
    await site.follow()
    await site.make(2)
    await site.folder.delete(PurePosixPath(gone.parent.name, gone.name))
    assert [path.exists() for path in (gone, thumbnail(gone), kept, thumbnail(kept))] == [False, False, True, True]


async def test_one_without_a_recording_is_removed_within_the_hour_and_nothing_else(site: Site, film: bytes) -> None:
    kept = site.record(new_id(), 0, film)
    others = [site.root / "pictures" / "holiday.jpg", kept.with_name("2026-01-01_00-00-00-000000.mp4.part")]
    others[0].parent.mkdir()
    for other in others:
        other.write_bytes(b"x")
    await site.follow()
    await site.make()
    orphans = [kept.with_name("2026-01-01_00-00-00-000000.jpg"), kept.with_name("2026-01-01_00-00-00-000000.jpg.part")]
    for orphan in orphans:
        orphan.write_bytes(b"x")
    await site.make()
    assert all(orphan.exists() for orphan in orphans)
    site.clock.advance(timedelta(hours=1))
    await site.make()
    assert [path.exists() for path in (*orphans, kept, thumbnail(kept), *others)] == [False, False, True, True, True, True]


async def test_a_folder_that_cannot_be_read_keeps_no_other_from_its_thumbnails(
    site: Site, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras = sorted((new_id(), new_id()), key=path_name)
    closed, path = (site.record(camera, 0, film) for camera in cameras)
    orphan = path.with_name("2026-01-01_00-00-00-000000.jpg")
    orphan.write_bytes(b"x")
    await site.follow()
    listdir = os.listdir

    def refuse(folder: Any) -> list[str]:
        if Path(folder) == closed.parent:
            raise OSError(errno.EIO, "Input/output error")
        return listdir(folder)

    monkeypatch.setattr(os, "listdir", refuse)
    await site.make(2)
    assert (shown(path), orphan.exists()) == ([True], False)


async def test_one_of_a_recording_that_was_deleted_meanwhile_is_left_out(site: Site, film: bytes) -> None:
    camera = new_id()
    gone, kept = site.record(camera, 1, film), site.record(camera, 0, film)
    await site.follow()
    gone.unlink()
    await site.make(2)
    assert shown(gone, kept) == [False, True]
