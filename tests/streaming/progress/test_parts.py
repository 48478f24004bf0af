"""Tests of how far a file has grown: on files of ffmpeg, that are read on from where they were read before."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from tests.streaming.recordings.test_parts import film

from gtvision.errors import Invalid
from streaming.progress.parts import Growth, read_on

pytestmark = pytest.mark.media

SECOND = timedelta(seconds=1)


class Reader(io.BytesIO):
    """Bytes that note where somebody read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.first: int | None = None

    def read(self, size: int | None = -1) -> bytes:
        self.first = self.tell() if self.first is None else min(self.first, self.tell())
        return super().read(size)


@pytest.mark.parametrize(("gop", "sound"), [(10, False), (25, True), (40, False)])
def test_a_file_that_grows_is_read_on_and_is_the_same_as_read_at_once(tmp_path: Path, gop: int, sound: bool) -> None:
    data = film(tmp_path / "film.mp4", gop=gop, sound=sound).read_bytes()
    whole, known = read_on(io.BytesIO(data), len(data), Growth()), Growth()
    for size in [*range(0, len(data), 5_000), len(data)]:
        reader = Reader(data[:size])
        grown = read_on(reader, size, known)
        assert grown.pictures >= known.pictures
        assert reader.first == known.end
        known = grown
    assert known == whole
    assert abs(whole.pictures - 20 * SECOND) < SECOND / 10
    assert abs(whole.keyless - gop * SECOND / 10) <= SECOND


def test_a_key_frame_long_ago_is_told(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4", gop=1_000).read_bytes()
    assert abs(read_on(io.BytesIO(data), len(data), Growth()).keyless - 20 * SECOND) <= SECOND


def test_pictures_of_one_instant_are_no_time(tmp_path: Path) -> None:
    frozen = ["-vf", "setpts=1", "-fps_mode", "passthrough"]
    data = film(tmp_path / "film.mp4", *frozen, gop=10, seconds=5).read_bytes()
    assert read_on(io.BytesIO(data), len(data), Growth()).pictures < SECOND / 5


def test_a_jump_of_the_clock_is_a_part_of_ten_seconds_at_most(tmp_path: Path) -> None:
    jump = ["-vf", "setpts='PTS+gt(N,50)*600/TB'", "-fps_mode", "passthrough"]
    data = film(tmp_path / "film.mp4", *jump, seconds=10).read_bytes()
    assert read_on(io.BytesIO(data), len(data), Growth()).pictures <= 21 * SECOND


def test_a_file_that_was_replaced_by_a_shorter_one_is_read_anew(tmp_path: Path) -> None:
    long = film(tmp_path / "long.mp4").read_bytes()
    short = film(tmp_path / "short.mp4", seconds=3).read_bytes()
    known = read_on(io.BytesIO(long), len(long), Growth())
    assert read_on(io.BytesIO(short), len(short), known) == read_on(io.BytesIO(short), len(short), Growth())


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    data = film(tmp_path / "film.mp4", "-vn", sound=True).read_bytes()
    with pytest.raises(Invalid):
        read_on(io.BytesIO(data), len(data), Growth())
