"""Tests of measuring and cutting recordings, without HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import pytest
from tests.media_standin.conftest import Clip
from tests.media_standin.test_recorder import milliseconds, pictures, record

from media_standin.fmp4 import duration_offset
from media_standin.playback import _film, _joined, _measured
from media_standin.recordpath import Segment

START = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def segments(files: list[Path]) -> list[Segment]:
    return [Segment(START + timedelta(seconds=number), file) for number, file in enumerate(files)]


def test_a_recording_tells_its_length_closed_or_not(clip: Clip, tmp_path: Path) -> None:
    (file,) = record(tmp_path, clip.packets())
    closed = _measured(file)
    data = bytearray(file.read_bytes())
    at = duration_offset(bytes(data))
    data[at : at + 4] = bytes(4)
    file.write_bytes(data)
    assert milliseconds(file) == 0
    assert _measured(file) == closed
    assert closed[1] == 3.0
    assert clip.sps in closed[0]


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x10ftypnonsense"])
def test_what_is_no_recording_is_left_out(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.mp4"
    file.write_bytes(data)
    assert _joined([Segment(START, file), Segment(START, tmp_path / "deleted.mp4")]) == []


def test_a_film_begins_at_a_key_picture_and_goes_over_the_seam(clip: Clip, tmp_path: Path) -> None:
    (span,) = _joined(segments(record(tmp_path, clip.packets(), recordSegmentDuration="1s")))
    assert (span.start, span.end) == (START, START + timedelta(seconds=3))
    film = tmp_path / "film.mp4"
    film.write_bytes(b"".join(_film(span, START + timedelta(seconds=0.5), START + timedelta(seconds=1.4))))
    assert pictures(film) == clip.pictures[:35]
    with av.open(str(film)) as container:
        times = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]
    assert times == pytest.approx([number / 25 for number in range(35)])


def test_a_film_of_a_moment_that_is_not_recorded_is_empty(clip: Clip, tmp_path: Path) -> None:
    (span,) = _joined(segments(record(tmp_path, clip.packets())))
    assert list(_film(span, START + timedelta(seconds=5), START + timedelta(seconds=6))) == []
