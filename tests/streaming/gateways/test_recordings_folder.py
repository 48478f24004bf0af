"""Tests of measuring recorded files, on real ones made by ffmpeg."""

from __future__ import annotations

import struct
import subprocess
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path, PosixPath, PurePosixPath
from typing import ClassVar

import av
import pytest

from gtvision.camera import path_name
from gtvision.errors import Invalid, Unavailable
from gtvision.ids import derived_id
from gtvision.time import LATEST
from streaming.gateways.recordings_folder import RecordingsFolder
from streaming.recordings.domain import Pictures

pytestmark = pytest.mark.media

SEGMENT = PurePosixPath(path_name(derived_id("camera", "one")), "2026-05-01_12-00-00-000000.mp4")
VIDEO = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-bf", "0", "-fps_mode", "passthrough"]


def film(path: Path, *inputs: str, filters: str = "null", flags: str = "frag_keyframe+empty_moov") -> None:
    command = ["ffmpeg", "-v", "error", "-y", *inputs, "-vf", filters, *VIDEO, "-c:a", "aac", "-movflags", flags, str(path)]
    subprocess.run(command, check=True)


def pattern(seconds: int) -> str:
    return f"testsrc2=size=160x90:rate=5:duration={seconds}"


def later(path: Path, by: timedelta) -> None:
    """Moves every fragment by its base time (`tfdt`), as the media server writes a track that began after another."""
    data = bytearray(path.read_bytes())
    scale = struct.unpack(">I", data[data.index(b"mdhd") + 16 :][:4])[0]
    at = data.find(b"tfdt")
    while at >= 0:
        assert data[at + 4] == 1
        [time] = struct.unpack(">Q", data[at + 8 : at + 16])
        data[at + 8 : at + 16] = struct.pack(">Q", time + round(by.total_seconds() * scale))
        at = data.find(b"tfdt", at + 4)
    path.write_bytes(data)


async def measured(path: Path) -> Pictures:
    return await RecordingsFolder(path.parent).measure(PurePosixPath(path.name))


def seconds(pictures: Pictures) -> tuple[float, float]:
    return round(pictures.begin.total_seconds(), 2), round(pictures.end.total_seconds(), 2)


async def test_a_file_spans_its_pictures(tmp_path: Path) -> None:
    film(tmp_path / "plain.mp4", "-f", "lavfi", "-i", pattern(4))
    assert seconds(await measured(tmp_path / "plain.mp4")) == (0, 4)


async def test_sound_that_came_first_is_no_picture(tmp_path: Path) -> None:
    sound, picture = ["-f", "lavfi", "-i", "sine=duration=10"], ["-itsoffset", "7", "-f", "lavfi", "-i", pattern(3)]
    film(tmp_path / "sound.mp4", *sound, *picture, flags="frag_keyframe+delay_moov")
    assert seconds(await measured(tmp_path / "sound.mp4")) == (7, 10)


async def test_a_track_that_began_later_is_read_by_its_base_time(tmp_path: Path) -> None:
    film(tmp_path / "later.mp4", "-f", "lavfi", "-i", pattern(3))
    later(tmp_path / "later.mp4", timedelta(seconds=7))
    assert seconds(await measured(tmp_path / "later.mp4")) == (7, 10)


async def test_a_clock_that_jumped_shows_in_the_timestamps(tmp_path: Path) -> None:
    film(tmp_path / "jump.mp4", "-f", "lavfi", "-i", pattern(20), filters="setpts=PTS+if(gte(N\\,50)\\,600/TB\\,0)")
    assert seconds(await measured(tmp_path / "jump.mp4")) == (0, 620)


async def test_a_camera_that_stood_still_after_its_last_picture_recorded_nothing_meanwhile(tmp_path: Path) -> None:
    film(tmp_path / "plain.mp4", "-f", "lavfi", "-i", pattern(4))
    still = tmp_path / "still.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    with av.open(str(tmp_path / "plain.mp4")) as source, av.open(str(still), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.pts is not None]
        packets[-1].duration = round(61 / packets[-1].time_base)
        for packet in packets:
            packet.stream = stream
            target.mux(packet)
    with av.open(str(still)) as made:
        assert sum(float(packet.duration * packet.time_base) for packet in made.demux(video=0) if packet.pts is not None) > 60
    assert seconds(await measured(still)) == (0, 4)


async def test_a_torn_file_counts_up_to_the_tear(tmp_path: Path) -> None:
    path = tmp_path / "torn.mp4"
    film(path, "-f", "lavfi", "-i", pattern(6))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    begin, end = seconds(await measured(path))
    assert (begin, 2 <= end < 6) == (0, True)


@pytest.mark.parametrize("content", [b"", b"no film at all"])
async def test_a_file_without_pictures_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "none.mp4").write_bytes(content)
    with pytest.raises(Invalid):
        await measured(tmp_path / "none.mp4")


async def test_a_file_of_sound_alone_is_refused(tmp_path: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=2", str(tmp_path / "sound.mp4")], check=True)
    with pytest.raises(Invalid):
        await measured(tmp_path / "sound.mp4")


async def cut_off() -> AsyncIterator[bytes]:
    yield b"some"
    raise Unavailable("The archive does not answer.")


async def test_nothing_is_left_of_a_file_that_did_not_come_whole(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="archive"):
        await RecordingsFolder(tmp_path).receive(SEGMENT, cut_off())
    assert list((tmp_path / SEGMENT.parent).iterdir()) == []


async def test_what_a_killed_process_had_begun_to_receive_is_swept_after_an_hour(tmp_path: Path) -> None:
    part, other = (tmp_path / SEGMENT.parent / name for name in (f"{SEGMENT.name}.part", "of_others.mp4.part"))
    part.parent.mkdir()
    for path in (part, other):
        path.touch()
    written = datetime.fromtimestamp(part.stat().st_mtime, UTC)
    folder = RecordingsFolder(tmp_path)
    assert (await folder.sweep(written + timedelta(minutes=59)), part.exists()) == (0, True)
    assert (await folder.sweep(written + timedelta(minutes=61)), part.exists(), other.exists()) == (1, False, True)


class DeadMount(PosixPath):
    """A folder on a network file system whose server is gone: the system calls do not return, until the test ends."""

    back: ClassVar[threading.Event] = threading.Event()

    def __fspath__(self) -> str:
        self.back.wait()
        return super().__fspath__()


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await RecordingsFolder(tmp_path / "unmounted").missing_free_bytes(0.1)


async def test_a_file_system_that_hangs_is_unavailable(tmp_path: Path) -> None:
    folder = RecordingsFolder(DeadMount(tmp_path), timeout_s=0.01)
    try:
        for question in (folder.scan(LATEST), folder.delete(PurePosixPath("cam/a.mp4")), folder.missing_free_bytes(0.1)):
            with pytest.raises(Unavailable):
                await question
    finally:
        DeadMount.back.set()
