"""Tests of the index that is brought to what the disk says: real files, a real database."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.streaming.conftest import Running
from tests.streaming.timeline.conftest import Site, instants

from streaming import metrics
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recorder.usecases import Recorder
from streaming.recordings.domain import Look
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.reindex import cli
from streaming.reindex.repository import PostgresIndexedFiles
from streaming.reindex.usecases import Comparison, Reindexing, TooMuchWouldChange
from streaming.streams.repository import PostgresFleet
from streaming.timeline.repository import PostgresInterruptions

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

MINUTE = timedelta(minutes=1)
_DAYS = text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'streaming.segments'::regclass")


class Desk(Site):
    """A camera with a folder of forty files, a minute apart."""

    def __init__(self, running: Running, folder: Path, film: Path) -> None:
        super().__init__(running)
        self.folder, self.film = folder, film
        db, clock, idle_after = running.db, running.clock, timedelta(seconds=20)
        self.files = RecordingsFolder(folder)
        self.comparison = Comparison(db.uow, PostgresIndexedFiles, PostgresInterruptions, self.files, clock, idle_after)
        index = PostgresIndex(db)
        self.recorder = Recorder(db.uow, PostgresSegments, PostgresFleet(db), index, self.files, clock=clock, idle_after=idle_after)
        self.reindexing = Reindexing(self.comparison, self.recorder.add, index.make_room)
        self.paths: list[Path] = []

    def write(self, minutes_ago: int) -> Path:
        start = self.now() - minutes_ago * MINUTE
        path = self.folder / self.path / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.film.read_bytes())
        at = (start + timedelta(seconds=2)).timestamp()
        os.utime(path, (at, at))
        return path

    async def look(self) -> Look:
        cameras = {camera.camera_id: camera for camera in await PostgresFleet(self.running.db).cameras() if camera.tenant_id == self.tenant}
        now = self.now()
        return Look(await RecordingsFolder(self.folder).scan(now), cameras, now)  # the command is a process of its own each time

    async def run(self, *arguments: str) -> int:
        return await cli.run(cli.parse(["reindex", *arguments]), self.reindexing, await self.look())

    async def indexed(self) -> set[str]:
        async with self.running.db.uow(self.tenant) as uow:
            return {row.path for row in await PostgresIndexedFiles(uow).of_camera(self.camera)}

    def on_disk(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*.mp4")}


@pytest.fixture
async def desk(running: Running, tmp_path: Path, film: Path) -> Desk:
    """One whose forty files are in the index."""
    made = Desk(running, tmp_path, film)
    await made.register()
    await made.be_known_for_long()
    made.paths = [made.write(60 - number) for number in range(40)]
    assert await made.run("--apply") == 0
    assert await made.indexed() == made.on_disk()
    assert len(made.on_disk()) == 40
    return made


@pytest.mark.parametrize("asked", [(), ("--dry-run",)], ids=["by_itself", "dry_run"])
async def test_nothing_is_changed_without_being_asked_to(desk: Desk, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...]) -> None:
    desk.paths[0].unlink()
    desk.write(5)
    before = await desk.indexed()
    assert await desk.run(*asked) == 0
    said = capsys.readouterr().out
    for words in ("files without a row              1", "rows without a file              1", "2.50%", "Nothing was changed"):
        assert words in said
    assert await desk.indexed() == before


async def test_both_ways_are_mended_and_what_is_lost_is_on_the_timeline(desk: Desk) -> None:
    lost, start = desk.paths[10], desk.now() - 50 * MINUTE
    lost.unlink()
    desk.write(5)
    assert await desk.run("--apply") == 0
    assert await desk.indexed() == desk.on_disk()
    body = await desk.timeline(start - MINUTE, start + MINUTE)
    [gap] = [gap for gap in body["gaps"] if gap["detail"] == "file_missing"]
    assert gap["cause"] == "disk"
    begin, end = instants([gap])[0]
    assert begin <= start <= end


async def test_a_disk_that_is_not_there_empties_no_index(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for path in desk.paths[:3]:
        path.unlink()
    assert await desk.run("--apply") == 1
    assert "too much" in capsys.readouterr().out
    with pytest.raises(TooMuchWouldChange):
        look = await desk.look()
        await desk.reindexing.apply(look, await desk.reindexing.differences(look))
    assert len(await desk.indexed()) == 40
    assert await desk.run("--apply", "--force") == 0
    assert await desk.indexed() == desk.on_disk()


async def test_an_index_that_was_lost_is_made_anew(desk: Desk) -> None:
    async with desk.running.db.uow(desk.tenant) as uow:
        rows = PostgresIndexedFiles(uow)
        assert len(await rows.remove(await rows.of_camera(desk.camera))) == 40
    assert await desk.run("--apply") == 0
    assert await desk.indexed() == desk.on_disk()


async def test_an_older_file_that_changed_keeps_its_hash(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    written = desk.paths[3].stat().st_mtime + 60
    desk.paths[3].write_bytes(desk.film.read_bytes() + b"\x00\x00\x00\x08free")
    os.utime(desk.paths[3], (written, written))  # a while ago, or it would be being written
    assert await desk.run("--apply") == 0
    assert "0 files added, 0 rows removed, 1 files not indexed" in capsys.readouterr().out


async def test_the_agent_does_so_once_an_hour_and_stops_where_too_much_is_gone(desk: Desk) -> None:
    desk.paths[0].unlink()
    await desk.comparison.hold_against_disk()
    assert len(await desk.indexed()) == 40, "no look was taken yet"
    await desk.comparison.follow(await desk.look())
    await desk.comparison.hold_against_disk()
    assert await desk.indexed() == desk.on_disk()
    for path in desk.paths[1:10]:
        path.unlink()
    await desk.comparison.hold_against_disk()
    assert len(await desk.indexed()) == 39


async def test_a_camera_whose_folder_cannot_be_read_keeps_its_rows_and_holds_up_no_other(
    desk: Desk, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Desk(desk.running, desk.folder, film)
    await other.register()
    paths = [other.write(60 - number) for number in range(30)]
    assert await other.run("--apply") == 0
    look, closed = await other.look(), desk.folder / desk.path
    await other.comparison.follow(replace(look, cameras={**(await desk.look()).cameras, **look.cameras}))
    for path in (desk.paths[0], paths[0]):
        path.unlink()
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder) == closed:
            raise OSError(errno.EIO, "Input/output error")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with capture_logs() as logs:
        await other.comparison.hold_against_disk()
    assert [each["cameras"] for each in logs if each["event"] == "cameras_not_compared"] == [1], "once"
    assert (len(await desk.indexed()), len(await other.indexed())) == (40, 29)


async def test_what_was_changed_behind_the_looks_is_told_to_them(desk: Desk) -> None:
    before = metrics.changed._value.get()
    await desk.recorder.keep_index()
    written = desk.paths[3].stat().st_mtime
    desk.paths[3].write_bytes(desk.film.read_bytes() + b"\x00\x00\x00\x08free")
    os.utime(desk.paths[3], (written, written))
    await desk.recorder.keep_index()
    assert metrics.changed._value.get() == before, "of the files of an hour, only the last are asked for in each look"
    await desk.comparison.follow(await desk.look())
    await desk.comparison.hold_against_disk()
    await desk.recorder.keep_index()
    assert metrics.changed._value.get() == before + 1


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.parse(["reindex", "--help"])
    assert "more than 5% of the rows" in capsys.readouterr().out


async def test_names_of_a_wrong_clock_are_left_out_and_no_day_is_made_for_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    async def days() -> int:
        async with desk.running.db.uow(None) as uow:
            return int(await uow.session.scalar(_DAYS) or 0)

    before, known = await days(), await desk.indexed()
    future, old = desk.write(-3 * 24 * 60), desk.write(40 * 24 * 60)
    assert await desk.run("--apply") == 0
    assert f"1 files not indexed.\n  {future.relative_to(desk.folder)}: The time" in capsys.readouterr().out
    assert await desk.indexed() - known == {str(old.relative_to(desk.folder))}
    assert future.exists()
    assert await days() - before <= 2
