"""Tests of finding a file's parts: on files of ffmpeg, torn ones, ones that are being written, and hostile ones."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.streaming.gateways.test_recordings_folder import later

from gtvision.errors import Invalid
from streaming.recordings.parts import Group, Parts, read_parts

pytestmark = pytest.mark.media

PICTURES = ["-c:v", "libx264", "-preset", "ultrafast", "-bf", "0"]


def film(path: Path, *options: str, seconds: int = 20, gop: int = 10, sound: bool = False, part_ms: int = 1_000) -> Path:
    """A file of 10 frames a second in parts of about a second, as the media server writes it: a part begins at any frame."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size=160x90:rate=10:duration={seconds}"]
    inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", "aac"] if sound else []
    flags = ["-movflags", "empty_moov+default_base_moof", "-frag_duration", str(part_ms * 1_000)]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *PICTURES, "-g", str(gop), *options, *flags, str(path)], check=True)
    return path


def parts_of(data: bytes) -> Parts:
    return read_parts(io.BytesIO(data), len(data))


def keys_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(each.dts * each.time_base) for each in container.demux(video=0) if each.dts is not None and each.is_keyframe]


def pictures_in(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.mark.parametrize(("gop", "sound", "part_ms"), [(10, False, 1_000), (25, True, 1_000), (7, True, 400), (40, False, 1_000)])
def test_groups_begin_with_a_key_frame_and_leave_nothing_out(tmp_path: Path, gop: int, sound: bool, part_ms: int) -> None:
    path = film(tmp_path / "film.mp4", gop=gop, sound=sound, part_ms=part_ms)
    data, found = path.read_bytes(), parts_of(path.read_bytes())
    assert found.groups[0].offset == found.init_size
    assert all(before.offset + before.size == after.offset for before, after in zip(found.groups, found.groups[1:], strict=False))
    assert all(before.end_ms == after.start_ms for before, after in zip(found.groups, found.groups[1:], strict=False))
    assert found.groups[0].start_ms == 0
    assert found.groups[-1].end_ms == pytest.approx(20_000, abs=30)
    keys = [round(key * 1_000) for key in keys_of(path)]
    assert all(group.start_ms + group.key_ms in keys for group in found.groups)
    assert all(2_000 <= group.duration_ms <= 6_000 for group in found.groups[:-1])
    init = data[: found.init_size]
    assert all(pictures_in(init + data[group.offset : group.offset + group.size]) for group in found.groups)
    assert sum(group.size for group in found.groups) + found.init_size <= len(data)
    assert found.codecs == (("avc1", "mp4a") if sound else ("avc1",))


def test_a_long_way_between_key_frames_makes_a_long_group(tmp_path: Path) -> None:
    found = parts_of(film(tmp_path / "film.mp4", gop=90).read_bytes())
    assert [group.duration_ms for group in found.groups] == [9_000, 9_000, 2_000]


def test_a_key_frame_inside_a_part_is_told(tmp_path: Path) -> None:
    found = parts_of(film(tmp_path / "film.mp4", gop=35).read_bytes())
    assert [(group.start_ms, group.key_ms) for group in found.groups[:2]] == [(0, 0), (3_000, 500)]


@pytest.mark.parametrize(
    "options",
    [("-c:v", "libx265", "-tag:v", "hvc1", "-x265-params", "log-level=none"), ("-c:v", "mjpeg", "-strict", "-2")],
    ids=["h265", "mjpeg"],
)
def test_other_codecs(tmp_path: Path, options: tuple[str, ...]) -> None:
    found = parts_of(film(tmp_path / "film.mp4", *options, seconds=8).read_bytes())
    assert found.codecs == ("hvc1" if "hvc1" in options else "mp4v",)
    assert found.groups[-1].end_ms == 8_000


def test_pictures_that_come_after_the_sound_begin_late(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4", seconds=6)
    later(path, timedelta(seconds=7))
    found = parts_of(path.read_bytes())
    assert [(group.start_ms, group.end_ms) for group in found.groups] == [(7_000, 10_000), (10_000, 13_000)]
    assert Parts.decoded(found.encoded()) == found


def test_a_torn_file_gives_what_is_whole(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4").read_bytes()
    whole = parts_of(data)
    for cut in range(whole.init_size, len(data), len(data) // 97):
        found = parts_of(data[:cut])
        assert all(group.offset + group.size <= cut for group in found.groups)
        assert found.groups[:-1] == whole.groups[: max(0, len(found.groups) - 1)]
    lost_power = data[: whole.groups[3].offset] + bytes(100_000)
    assert parts_of(lost_power).groups == whole.groups[:3]


def test_a_file_that_is_being_written_only_gains(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4", gop=20).read_bytes()
    whole, before = parts_of(data), 0
    for cut in range(whole.init_size, len(data), 5_000):
        closed = parts_of(data[:cut]).groups[:-1]
        assert (closed, len(closed) >= before) == (whole.groups[: len(closed)], True)
        before = len(closed)
    assert before >= 4


@pytest.mark.parametrize("cut", [0, 4, 30, 200])
def test_a_file_without_a_whole_beginning_is_refused(tmp_path: Path, cut: int) -> None:
    with pytest.raises(Invalid):
        parts_of(film(tmp_path / "film.mp4", seconds=2).read_bytes()[:cut])


def test_a_file_of_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=2", "-movflags", "empty_moov", str(path)], check=True)
    with pytest.raises(Invalid):
        parts_of(path.read_bytes())


def test_a_file_that_is_not_in_parts_has_no_groups(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=duration=2", *PICTURES, str(path)], check=True)
    assert parts_of(path.read_bytes()).groups == ()


# --- hostile ------------------------------------------------------------------------------------------------------------


def box(kind: bytes, *content: bytes, size: int | None = None) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8 if size is None else size, kind) + body


@pytest.fixture(scope="module")
def init(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    data = film(tmp_path_factory.mktemp("init") / "film.mp4", seconds=1).read_bytes()
    return data[: parts_of(data).init_size]


def moof(*runs: bytes) -> bytes:
    return box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">2I", 0, 1)), *runs)) + box(b"mdat", b"x")


@pytest.mark.parametrize(
    "tail",
    [
        moof(box(b"trun", struct.pack(">2I", 0x100, 2**32 - 1))),
        box(b"moof", box(b"traf", size=2**31)) + box(b"mdat"),
        box(b"moof", box(b"traf", box(b"tfhd", b"\0"))) + box(b"mdat"),
        box(b"moof", bytes(2_000_000)) + box(b"mdat"),
        moof(box(b"tfdt", struct.pack(">IQ", 1 << 24, 2**63)), box(b"trun", struct.pack(">3I", 0x4, 1, 0))),
        box(b"free") * 500_000,
    ],
    ids=["claims samples", "leaves its box", "cut short", "too large", "far future", "many boxes"],
)
def test_hostile_files_are_refused(init: bytes, tail: bytes) -> None:
    with pytest.raises(Invalid):
        parts_of(init + tail)


def test_a_claim_of_samples_that_are_all_alike_is_not_counted_through(init: bytes) -> None:
    run = box(b"trun", struct.pack(">3I", 0x4, 2**32 - 1, 0))
    traf = box(b"traf", box(b"tfhd", struct.pack(">3I", 0x8, 1, 2**32 - 1)), run)
    with pytest.raises(Invalid):
        parts_of(init + (box(b"moof", traf) + box(b"mdat", b"x")) * 1_000)


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(init: bytes, data: st.DataObject) -> None:
    run = struct.pack(">2I", 0x305, 3) + struct.pack(">8I", 0, 0, 1_000, 5, 1_000, 5, 1_000, 5)
    whole = bytearray(init + moof(box(b"tfdt", struct.pack(">2I", 0, 0)), box(b"trun", run)) * 3)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parts_of(bytes(whole))
    except Invalid:
        return
    assert Parts.decoded(found.encoded()) == found


# --- encoded ------------------------------------------------------------------------------------------------------------

LENGTHS = st.integers(0, 2**40)


@given(
    init_size=LENGTHS,
    codecs=st.lists(st.sampled_from(["avc1", "hvc1", "mp4a", "Opus", "ipcm", ".mp3"])),
    rows=st.lists(st.tuples(LENGTHS, LENGTHS, LENGTHS, LENGTHS)),
    lead=LENGTHS,
)
def test_what_is_encoded_is_decoded(init_size: int, codecs: list[str], rows: list[Any], lead: int) -> None:
    groups, offset = [], init_size + (lead if rows else 0)
    for size, start_ms, duration_ms, key_ms in rows:
        groups.append(Group(offset, size, start_ms, duration_ms, key_ms))
        offset += size
    whole = Parts(init_size, tuple(codecs), tuple(groups))
    assert Parts.decoded(whole.encoded()) == whole


@given(st.binary(max_size=60))
def test_what_is_no_encoding_is_refused(data: bytes) -> None:
    try:
        Parts.decoded(data)
    except Invalid:
        return
    assert data[0] == 1


def test_an_hour_is_a_few_kilobytes(tmp_path: Path) -> None:
    minute = parts_of(film(tmp_path / "film.mp4", seconds=60).read_bytes())
    assert len(minute.groups) == 20
    assert len(minute.encoded()) <= 200
    assert json.dumps([group.duration_ms for group in minute.groups]) == json.dumps([3_000] * 20)
