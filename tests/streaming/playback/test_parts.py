"""Tests of files without their sound: every player sees the same pictures, and every byte keeps its place."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.streaming.playback.conftest import encode

from streaming.playback.parts import silent, sound_marks
from streaming.recordings.parts import Parts, read_parts

pytestmark = pytest.mark.media


def with_g711(film: Path, path: Path) -> Path:
    """The film with the sound that the media server makes of G.711: uncompressed samples (`ipcm`)."""
    wave = (np.sin(np.arange(800) / 10) * 8_000).astype(np.int16).reshape(1, -1)
    flags = {"movflags": "empty_moov+default_base_moof", "frag_duration": "1000000", "strict": "-2"}
    with av.open(str(film)) as source, av.open(str(path), "w", format="mp4", options=flags) as made:
        pictures = made.add_stream_from_template(source.streams.video[0])
        sound = made.add_stream("pcm_s16be", rate=8_000, layout="mono")
        for number, packet in enumerate(each for each in source.demux(video=0) if each.dts is not None):
            packet.stream = pictures
            made.mux(packet)
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = 8_000, Fraction(1, 8_000), number * 800
            made.mux(sound.encode(frame))
    return path


def marks_of(data: bytes) -> list[int]:
    return sound_marks(io.BytesIO(data), len(data))


def parts_of(data: bytes) -> Parts:
    return read_parts(io.BytesIO(data), len(data))


def pictures(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.dts is not None]


@pytest.fixture(scope="module")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Files with AAC and with G.711."""
    folder = tmp_path_factory.mktemp("sound")
    films = [encode(folder / "aac.mp4", seconds=5, sound=True), with_g711(encode(folder / "film.mp4", seconds=5), folder / "g711.mp4")]
    return [film.read_bytes() for film in films]


def test_the_sound_is_gone_and_the_pictures_stay_where_they_are(sounding: list[bytes]) -> None:
    for data, codec in zip(sounding, ("mp4a", "ipcm"), strict=True):
        hidden = silent(data, 0, marks_of(data))
        before, after = parts_of(data), parts_of(hidden)
        assert (before.codecs, after.codecs) == (("avc1", codec), ("avc1",))
        assert (len(hidden), after.init_size, after.groups) == (len(data), before.init_size, before.groups)
        assert pictures(hidden) == pictures(data)
        with av.open(io.BytesIO(hidden)) as container:
            assert [stream.type for stream in container.streams] == ["video"]


def test_a_file_without_sound_is_as_it_was(tmp_path: Path) -> None:
    data = encode(tmp_path / "film.mp4", seconds=3).read_bytes()
    assert marks_of(data) == []


@given(data=st.binary(min_size=1, max_size=60), marks=st.lists(st.integers(0, 56), max_size=4, unique=True), cut=st.integers(1, 20))
def test_in_pieces_it_is_the_same(data: bytes, marks: list[int], cut: int) -> None:
    whole = silent(data, 0, marks)
    assert b"".join(silent(data[start : start + cut], start, marks) for start in range(0, len(data), cut)) == whole
    assert len(whole) == len(data)
