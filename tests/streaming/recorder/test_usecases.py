"""Tests of the recorder agent on real files and PostgreSQL: what it indexes, chains, indexes again and deletes."""

import errno
import hashlib
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from sqlalchemy import text
from tests.city.trusting import trusting
from tests.streaming.conftest import Running, announce, registered

from chassis.envelope import wrap
from gtvision.camera import RecordingSettings, path_name
from gtvision.events import CameraRemoved
from gtvision.ids import new_id
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recorder.usecases import Recorder
from streaming.recordings.domain import GENESIS, Look, next_link
from streaming.recordings.parts import Parts, read_parts
from streaming.recordings.repository import PostgresIndex, PostgresSegments
from streaming.retention.domain import Limits
from streaming.retention.repository import PostgresHeld, PostgresHolds
from streaming.retention.usecases import Retention
from streaming.streams.repository import PostgresFleet
from streaming.tombstones.repository import PostgresTombstones

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _films(folder: Path, *arguments: str) -> Path:
    path = folder / "film.mp4"
    flags = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-bf", "0", "-fps_mode", "passthrough", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, *flags, "-movflags", "frag_keyframe+delay_moov", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def jumping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of four seconds, in whose middle the camera's clock jumps ahead by ten minutes."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=4", "-vf", "setpts=PTS+if(gte(N\\,10)\\,600/TB\\,0)"]
    return _films(tmp_path_factory.mktemp("jumping"), *source)


@pytest.fixture(scope="module")
def sound_first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of five seconds of sound, with pictures from the fourth second on."""
    picture = ["-itsoffset", "3", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=2"]
    return _films(tmp_path_factory.mktemp("sound"), "-f", "lavfi", "-i", "sine=duration=5", *picture)


def named(path: Path) -> datetime:
    return datetime.strptime(path.stem, "%Y-%m-%d_%H-%M-%S-%f").replace(tzinfo=UTC)


class Bench:
    """A recorder agent with a folder of its own, and a camera."""

    def __init__(self, running: Running, folder: Path, **limits: Any) -> None:
        self.running, self.folder = running, folder
        self.tenant, self.camera = new_id(), new_id()
        self.clock = running.clock
        self.restart(**limits)

    def restart(self, max_bytes: int = 10**12) -> None:
        """Makes a new agent, without what was in memory, as after a crash."""
        db = self.running.db
        files = RecordingsFolder(self.folder)
        limits = Limits(max_bytes=max_bytes, free_floor=0.0)
        holds = PostgresHolds, PostgresTombstones, PostgresHeld(db)
        parts = db.uow, PostgresSegments, *holds, files
        retention = Retention(*parts, trusted_now=trusting(self.clock), limits=limits, settings=lambda _: None)
        self.recorder = Recorder(
            db.uow,
            PostgresSegments,
            PostgresFleet(db),
            PostgresIndex(db),
            files,
            clock=self.clock,
            idle_after=timedelta(seconds=20),
            followers=[retention.follow],
        )

    def record(self, film: Path, minute: int, *, torn: int = 0, lasts_s: float = 2) -> Path:
        start = self.clock.now().replace(microsecond=250_000) - timedelta(minutes=30 - minute)
        path = self.folder / path_name(self.camera) / f"{start:%Y-%m-%d_%H-%M-%S-%f}.mp4"
        path.parent.mkdir(exist_ok=True)
        data = film.read_bytes()
        path.write_bytes(data[: len(data) - torn] if torn else data)
        written = (start + timedelta(seconds=lasts_s)).timestamp()
        os.utime(path, (written, written))
        return path

    async def index(self, **range_: str) -> list[dict[str, Any]]:
        """Returns the indexed segments, oldest first."""
        caller = self.running.mint.caller(tenant_id=self.tenant)
        day = timedelta(days=1)
        params = {"camera_id": str(self.camera), "from": (self.clock.now() - day).isoformat(), "to": (self.clock.now() + day).isoformat()}
        answer = await self.running.http.get("/recordings", headers=self.running.mint.headers(caller), params=params | range_)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[::-1]


async def bench(running: Running, folder: Path, **limits: Any) -> Bench:
    made = Bench(running, folder, **limits)
    await announce(running, registered(running, made.tenant, made.camera))
    return made


async def test_finished_files_are_measured_hashed_and_chained(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    paths = [site.record(film, minute) for minute in range(3)]
    await site.recorder.keep_index()
    await site.recorder.keep_index()
    rows = await site.index()
    assert [row["duration_s"] for row in rows] == [pytest.approx(2.0, abs=0.01)] * 3
    assert [row["size_bytes"] for row in rows] == [path.stat().st_size for path in paths]
    link = GENESIS
    for row, path in zip(rows, paths, strict=True):
        assert row["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        link = next_link(link, row["sha256"])
        assert row["chain"] == link
        assert datetime.fromisoformat(row["started_at"]).strftime("%H-%M-%S-%f") in path.name


async def test_the_parts_of_a_file_are_in_the_index(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    path = site.record(film, 0)
    await site.recorder.keep_index()
    async with running.db.uow(site.tenant) as uow:
        [stored] = (await uow.session.execute(text("SELECT parts FROM streaming.segments"))).scalars()
    with path.open("rb") as file:
        assert Parts.decoded(stored) == read_parts(file, path.stat().st_size)
    assert [group.duration_ms for group in Parts.decoded(stored).groups] == [2_000]


async def test_an_agent_that_lost_its_memory_indexes_nothing_twice(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    site.record(film, 0)
    await site.recorder.keep_index()
    before = await site.index()
    site.restart()
    await site.recorder.keep_index()
    assert await site.index() == before


async def test_what_an_earlier_process_indexed_is_not_read_again(running: Running, tmp_path: Path, film: Path) -> None:
    class Counting(RecordingsFolder):
        async def sha256(self, path: PurePosixPath) -> str:
            read.append(path.name)
            return await super().sha256(path)

    read: list[str] = []
    site = await bench(running, tmp_path)
    changed, *_ = [site.record(film, minute) for minute in (-5_000, -1_441, -1_440, 0, 1)]
    await site.recorder.keep_index()
    written = changed.stat().st_mtime
    changed.write_bytes(film.read_bytes() + b"\x00\x00\x00\x08free")
    os.utime(changed, (written, written))
    site.restart()
    site.recorder._files = Counting(tmp_path)
    for _ in range(2):
        await site.recorder.keep_index()
    assert read == [changed.name]


async def test_a_file_that_grew_on_is_indexed_again_in_its_place(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    first, last = site.record(film, 0), site.record(film, 1, torn=film.stat().st_size // 3)
    await site.recorder.keep_index()
    [_, short] = await site.index()
    grown = site.record(film, 1)
    assert grown == last
    await site.recorder.keep_index()
    [kept, long] = await site.index()
    assert (long["segment_id"], long["duration_s"] > short["duration_s"]) == (short["segment_id"], True)
    assert long["chain"] == next_link(kept["chain"], hashlib.sha256(film.read_bytes()).hexdigest())
    assert kept["sha256"] == hashlib.sha256(first.read_bytes()).hexdigest()


async def test_a_file_whose_header_was_written_late_is_indexed_again_though_its_size_is_the_same(
    running: Running, tmp_path: Path, film: Path
) -> None:
    site = await bench(running, tmp_path)
    path = site.record(film, 0)
    await site.recorder.keep_index()
    [before] = await site.index()
    data = bytearray(path.read_bytes())
    data[data.index(b"mvhd") + 23] ^= 1  # the last byte of the duration
    ended = path.stat().st_mtime + 60
    path.write_bytes(data)
    os.utime(path, (ended, ended))
    await site.recorder.keep_index()
    [after] = await site.index()
    assert (after["segment_id"], after["size_bytes"]) == (before["segment_id"], before["size_bytes"])
    assert after["sha256"] == hashlib.sha256(data).hexdigest() != before["sha256"]


async def test_an_older_file_that_changed_keeps_its_hash_so_that_it_shows(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    first, _ = site.record(film, 0), site.record(film, 1)
    await site.recorder.keep_index()
    before = await site.index()
    first.write_bytes(film.read_bytes() + film.read_bytes()[-2000:])
    await site.recorder.keep_index()
    assert await site.index() == before


async def test_a_clock_that_jumped_and_sound_that_came_first_do_not_shift_what_is_listed(
    running: Running, tmp_path: Path, jumping: Path, sound_first: Path
) -> None:
    site = await bench(running, tmp_path)
    jumped, heard = site.record(jumping, 0, lasts_s=4), site.record(sound_first, 1, lasts_s=5)
    await site.recorder.keep_index()
    rows = await site.index()
    assert [round(row["duration_s"], 2) for row in rows] == [4.0, 2.0]
    starts = [datetime.fromisoformat(row["started_at"]) - named(path) for row, path in zip(rows, (jumped, heard), strict=True)]
    assert [round(each.total_seconds(), 2) for each in starts] == [0.0, 3.0]
    later = {"from": (named(jumped) + timedelta(seconds=5)).isoformat(), "to": (named(heard) + timedelta(seconds=3)).isoformat()}
    assert await site.index(**later) == []


async def test_a_file_that_was_indexed_by_its_name_is_found_again(running: Running, tmp_path: Path, sound_first: Path) -> None:
    """Earlier releases took the time in the file's name for its start."""
    site = await bench(running, tmp_path)
    path = site.record(sound_first, 0, lasts_s=5)
    await site.recorder.keep_index()
    async with running.db.uow(site.tenant) as uow:
        await uow.session.execute(text("UPDATE segments SET started_at = :named"), {"named": named(path)})
    site.restart()
    written = path.stat().st_mtime
    path.write_bytes(sound_first.read_bytes() + b"\x00\x00\x00\x08free")
    os.utime(path, (written, written))
    await site.recorder.keep_index()
    [row] = await site.index()
    assert datetime.fromisoformat(row["started_at"]) - named(path) >= timedelta(seconds=2)
    site.restart(max_bytes=0)
    site.record(sound_first, 1)
    await site.recorder.keep_index()
    assert [datetime.fromisoformat(row["started_at"]) > named(path) + timedelta(seconds=30) for row in await site.index()] == [True]


async def test_other_files_are_passed_over(running: Running, tmp_path: Path, film: Path) -> None:
    site = await bench(running, tmp_path)
    site.record(film, 0).write_bytes(b"no film at all")
    good = site.record(film, 1)
    (good.parent / "notes.txt").write_text("x")
    await site.recorder.keep_index()
    assert [row["size_bytes"] for row in await site.index()] == [good.stat().st_size]


async def test_the_quota_takes_the_oldest_from_disk_and_index(running: Running, tmp_path: Path, film: Path) -> None:
    size = film.stat().st_size
    site = await bench(running, tmp_path, max_bytes=int(size * 2.5))
    paths = [site.record(film, minute) for minute in range(4)]
    await site.recorder.keep_index()
    assert [path.exists() for path in paths] == [False, False, True, True]
    assert len(await site.index()) == 2


async def test_recordings_of_a_removed_camera_go_by_its_own_retention(running: Running, tmp_path: Path, film: Path) -> None:
    site = Bench(running, tmp_path)
    await announce(running, registered(running, site.tenant, site.camera, recording=RecordingSettings(retention_days=3)))
    paths = [site.record(film, minute) for minute in range(2)]
    await site.recorder.keep_index()
    removed = CameraRemoved(camera_id=site.camera, revision=2)
    await running.events.on_camera_removed(wrap(removed, tenant_id=site.tenant, occurred_at=site.clock.now()))
    for days, kept in ((2, True), (1, False)):
        site.clock.advance(timedelta(days=days))
        await site.recorder.keep_index()
        assert [path.exists() for path in paths] == [kept, kept]


@pytest.mark.parametrize("name", ["1970-01-01_00-00-07-000000", "2000-01-01_00-00-07-000000", "2199-12-31_23-59-59-000000"])
async def test_a_file_of_a_time_that_cannot_be_holds_up_nothing(running: Running, tmp_path: Path, film: Path, name: str) -> None:
    site = await bench(running, tmp_path)
    path = site.record(film, 0)
    path.rename(path.with_name(f"{name}.mp4"))
    site.record(film, 1)
    looks: list[int] = []

    async def follow(look: Look) -> None:
        looks.append(sum(map(len, look.files.values())))

    site.recorder._followers = [follow]
    await site.recorder.keep_index()
    await site.recorder.keep_index()
    assert (len(await site.index()), looks) == (1, [2, 2])


async def test_folders_that_are_no_camera_s_or_cannot_be_read_hold_up_nothing(
    running: Running, tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = await bench(running, tmp_path)
    site.record(film, 0)
    closed = {"lost+found", path_name(new_id())}
    for name in closed:
        (tmp_path / name).mkdir()
    scandir = os.scandir

    def refuse(folder: Any) -> Any:
        if Path(folder).name in closed:
            raise PermissionError(errno.EACCES, "closed")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    await site.recorder.keep_index()
    assert len(await site.index()) == 1


async def test_a_file_on_a_broken_part_of_the_disk_holds_up_nothing(running: Running, tmp_path: Path, film: Path) -> None:
    class Scratched(RecordingsFolder):
        async def sha256(self, path: PurePosixPath) -> str:
            if path.name == broken.name:
                raise OSError(errno.EIO, "Input/output error")
            return await super().sha256(path)

    site = await bench(running, tmp_path, max_bytes=int(film.stat().st_size * 2.5))
    oldest, broken, newest = (site.record(film, minute) for minute in range(3))
    site.recorder._files = Scratched(tmp_path)
    await site.recorder.keep_index()
    assert not oldest.exists(), "room is made all the same"
    assert [row["size_bytes"] for row in await site.index()] == [newest.stat().st_size]


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), RuntimeError("nobody thought of this")], ids=["disk", "fault"])
async def test_what_cannot_be_indexed_waits_and_is_tried_again(running: Running, tmp_path: Path, film: Path, error: Exception) -> None:
    asked: list[str] = []

    class Faulty(RecordingsFolder):
        async def sha256(self, path: PurePosixPath) -> str:
            if path.name == broken.name:
                asked.append(path.name)
                if len(asked) == 1:
                    raise error
            return await super().sha256(path)

    site = await bench(running, tmp_path)
    broken, _ = (site.record(film, minute) for minute in range(2))
    site.recorder._files = Faulty(tmp_path)
    for _ in range(3):
        await site.recorder.keep_index()
    assert (len(asked), len(await site.index())) == (1, 1), "it takes its time from one look, not from each"
    site.clock.advance(61)
    await site.recorder.keep_index()
    assert (len(asked), len(await site.index())) == (2, 2)
