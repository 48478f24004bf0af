"""Tests of recording pictures to files, without a camera."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

import av
import pytest
from tests.media_standin.conftest import Clip

from media_standin.fmp4 import duration_offset
from media_standin.options import path_defaults
from media_standin.recorder import Disk, Recorder
from media_standin.stream import Stream, Track


def record(folder: Path, shown: list[list[bytes]], **options: str) -> list[Path]:
    disk = Disk()
    stream = Stream(Track(96))
    merged = {**path_defaults(), "recordPath": f"{folder}/%path/%Y-%m-%d_%H-%M-%S-%f", **options}
    recorder = Recorder("cam", merged, stream, disk)
    for number, packets in enumerate(shown):
        stream.push(packets, 1, 1_700_000_000 + number / 25)
    recorder.close()
    disk.close()
    return sorted((folder / "cam").iterdir())


def times(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        return [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]


def pictures(file: Path) -> list[list[bytes]]:
    """Returns the NAL units of each picture in the file."""
    found: list[list[bytes]] = []
    with av.open(str(file)) as container:
        for packet in container.demux(video=0):
            data, nals = bytes(packet), []
            while data:
                size = int.from_bytes(data[:4], "big")
                nals.append(data[4 : 4 + size])
                data = data[4 + size :]
            found.append(nals)
    return found[:-1]  # without the last one, which libav adds at the end


def milliseconds(file: Path) -> int:
    """Returns the duration in the file's header."""
    data = file.read_bytes()
    return int(struct.unpack_from(">I", data, duration_offset(data))[0])


def test_one_segment_with_parts(clip: Clip, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(), recordPartDuration="1s")
    assert file.name == "2023-11-14_22-13-20-000000.mp4"
    assert times(file) == pytest.approx([number / 25 for number in range(75)])
    assert file.read_bytes().count(b"moof") == 3
    assert milliseconds(file) == 3000


def test_pictures_are_recorded_unchanged(clip: Clip, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets())
    assert pictures(file) == clip.pictures


def test_a_part_is_on_disk_a_picture_after_its_end(clip: Clip, tmp_path: Path) -> None:
    disk = Disk()
    stream = Stream(Track(96))
    recorder = Recorder("cam", {**path_defaults(), "recordPath": f"{tmp_path}/%path/%s-%f", "recordPartDuration": "1s"}, stream, disk)
    for packets in clip.packets(end=52):  # two parts, the first picture of the third, and one more that ends it
        stream.push(packets, 1, 1_700_000_000.0)
    written = threading.Event()

    def mark() -> int:
        written.set()
        return 0

    disk.put(mark, 0)
    assert written.wait(60)
    (file,) = (tmp_path / "cam").iterdir()
    assert pictures(file) == clip.pictures[:50]  # the file as a killed recorder leaves it
    recorder.close()
    disk.close()
    assert pictures(file) == clip.pictures[:52]


def test_segments_are_cut_at_key_pictures(clip: Clip, tmp_path: Path) -> None:
    files = record(tmp_path, clip.packets(), recordSegmentDuration="500ms")
    assert [len(times(file)) for file in files] == [25, 25, 25]


def test_recording_waits_for_a_key_picture(clip: Clip, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(start=10))
    assert len(times(file)) == 50


def test_a_jump_of_the_cameras_clock_starts_a_new_segment(clip: Clip, tmp_path: Path) -> None:
    shown = clip.packets(end=25) + [
        [
            packet[:8] + struct.pack(">I", struct.unpack_from(">I", packet, 8)[0] + 90_000 * 600 & 0xFFFFFFFF) + packet[12:]
            for packet in packets
        ]
        for packets in clip.packets(start=25, first_sequence=65_500 + sum(len(one) for one in clip.packets(end=25)))
    ]
    files = record(tmp_path, shown)
    assert [len(times(file)) for file in files] == [25, 50]
    assert [milliseconds(file) for file in files] == [1000, 2000]


def test_a_file_cut_off_in_a_part_plays_up_to_its_last_part(clip: Clip, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(), recordPartDuration="1s")
    data = file.read_bytes()
    second = data.index(b"moof", data.index(b"moof") + 4) - 4
    file.write_bytes(data[: second + 2000])
    assert pictures(file)[:25] == clip.pictures[:25]


def test_a_folder_that_cannot_be_made_ends_only_the_file(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file, not a folder")
    disk = Disk()
    stream = Stream(Track(96))
    recorder = Recorder("cam", {**path_defaults(), "recordPath": f"{tmp_path}/blocked/%path/%s-%f"}, stream, disk)
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    recorder.close()
    disk.close()
    assert (tmp_path / "blocked").is_file()
