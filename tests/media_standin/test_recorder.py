"""Pictures to files, without any camera."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import pytest

from media_standin import mp4_reader
from media_standin.options import path_defaults
from media_standin.recorder import Recorder, Shelf
from media_standin.stream import Stream, Track


def record(folder: Path, pictures: list[list[bytes]], **options: str) -> list[Path]:
    shelf = Shelf()
    stream = Stream(Track(96))
    merged = {**path_defaults(), "recordPath": f"{folder}/%path/%Y-%m-%d_%H-%M-%S-%f", **options}
    recorder = Recorder("cam", merged, stream, shelf)
    for number, packets in enumerate(pictures):
        stream.push(packets, 1, 1_700_000_000 + number / 25)
    recorder.close()
    shelf.close()
    return sorted((folder / "cam").iterdir())


def times(file: Path) -> list[float]:
    with av.open(str(file)) as container:
        return [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]


def test_one_segment_with_parts(clip: Any, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(), recordPartDuration="1s")
    assert file.name == "2023-11-14_22-13-20-000000.mp4"
    assert times(file) == pytest.approx([number / 25 for number in range(75)])
    assert file.read_bytes().count(b"moof") == 3
    header, seconds = mp4_reader.seconds(file)
    assert (header.sps, header.pps, seconds) == (clip.sps, clip.pps, 3.0)


def test_segments_are_cut_at_key_pictures(clip: Any, tmp_path: Path) -> None:
    files = record(tmp_path, clip.packets(), recordSegmentDuration="500ms")
    assert [len(times(file)) for file in files] == [25, 25, 25]


def test_recording_waits_for_a_key_picture(clip: Any, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(start=10))
    assert len(times(file)) == 50


def test_a_jump_of_the_cameras_clock_starts_a_new_segment(clip: Any, tmp_path: Path) -> None:
    pictures = clip.packets(end=25) + [
        [
            packet[:8] + struct.pack(">I", struct.unpack_from(">I", packet, 8)[0] + 90_000 * 600 & 0xFFFFFFFF) + packet[12:]
            for packet in packets
        ]
        for packets in clip.packets(start=25, first_sequence=65_500 + sum(len(one) for one in clip.packets(end=25)))
    ]
    files = record(tmp_path, pictures)
    assert [len(times(file)) for file in files] == [25, 50]
    assert all(mp4_reader.seconds(file)[1] < 3 for file in files)


def test_a_file_cut_off_anywhere_plays_up_to_its_last_part(clip: Any, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets(), recordPartDuration="1s")
    data = file.read_bytes()
    second = data.index(b"moof", data.index(b"moof") + 4) - 4
    file.write_bytes(data[: second + 200])
    with file.open("rb") as opened:
        header = mp4_reader.read_header(opened)
        assert [len(run.samples) for run in mp4_reader.runs(opened, header)] == [25]


def test_a_folder_that_cannot_be_made_ends_only_the_file(clip: Any, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file, not a folder")
    shelf = Shelf()
    stream = Stream(Track(96))
    recorder = Recorder("cam", {**path_defaults(), "recordPath": f"{tmp_path}/blocked/%path/%s-%f"}, stream, shelf)
    for packets in clip.packets():
        stream.push(packets, 1, 0.0)
    recorder.close()
    shelf.close()
    assert (tmp_path / "blocked").is_file()


def test_what_is_no_recording_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(b"\0\0\0\x10ftypnonsense")
    with pytest.raises(mp4_reader.Damaged):
        mp4_reader.seconds(file)
