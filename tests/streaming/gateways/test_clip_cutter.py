"""Tests of the cut itself, on files as cameras and media servers make them: leaps, freezes, B-frames, other codecs, torn ends."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from tests.streaming.clips.conftest import FRAMES_A_S, PARTS, make_film, probe

from streaming.clips.domain import CannotCut, Failure, Made, Piece, Span, Stopped
from streaming.gateways.clip_cutter import Cut

pytestmark = pytest.mark.media

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def cut(root: Path, span: tuple[float, float], *files: tuple[Path, float, float], max_bytes: int = 10**9) -> Cut:
    """`files`: path, and the seconds between which it shows something."""
    pieces = [Piece(PurePosixPath(path.name), at(begin), at(end), path.stat().st_size) for path, begin, end in files]
    return Cut(root, root / "clip.mp4", pieces, Span(at(span[0]), at(span[1])), max_bytes=max_bytes, free_floor=0.0)


def spans(made: Made) -> Sequence[tuple[float, float]]:
    return [((span.since - START).total_seconds(), (span.until - START).total_seconds()) for span in made.spans]


def film(path: Path, *arguments: str) -> Path:
    flags = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-bf", "0", "-fps_mode", "passthrough", "-movflags", PARTS]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, *flags, str(path)], check=True)
    return path


def paused(path: Path, seconds: int) -> Path:
    """Two seconds of pictures, so many seconds of nothing in the timestamps, and two seconds more; five pictures a second."""
    source = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=5:duration=4", "-vf", f"setpts=PTS+if(gte(N\\,10)\\,{seconds}/TB\\,0)"]
    return film(path, *source)


def test_a_leap_of_the_cameras_clock_is_no_gap_and_no_still(tmp_path: Path) -> None:
    leapt = paused(tmp_path / "leapt.mp4", 600)
    made = cut(tmp_path, (0, 4), (leapt, 0, 6)).run()  # written within four seconds, so the ten minutes have never been
    assert probe(tmp_path / "clip.mp4").duration_s == pytest.approx(4, abs=0.3)
    assert spans(made) == [(0, pytest.approx(4, abs=0.3))]


def test_a_freeze_on_the_same_connection_is_a_gap_that_is_closed(tmp_path: Path) -> None:
    frozen = paused(tmp_path / "frozen.mp4", 30)
    made = cut(tmp_path, (0, 40), (frozen, 0, 36)).run()
    assert probe(tmp_path / "clip.mp4").duration_s == pytest.approx(4, abs=0.3)
    assert spans(made) == [(0, pytest.approx(2, abs=0.3)), (32, pytest.approx(34, abs=0.3))]
    second = cut(tmp_path, (33, 40), (frozen, 0, 36)).run()
    assert spans(second) == [(33, pytest.approx(34, abs=0.3))]
    assert probe(tmp_path / "clip.mp4").frames == 5


def test_a_range_that_begins_in_a_gap_begins_with_what_follows(tmp_path: Path) -> None:
    before, after = make_film(tmp_path / "a.mp4"), make_film(tmp_path / "b.mp4")
    made = cut(tmp_path, (6, 12), (before, 0, 10), (after, 10, 16)).run()
    assert spans(made) == [(10, 12)]
    assert probe(tmp_path / "clip.mp4").frames == 2 * FRAMES_A_S
    gap = made.manifest(at(6), at(12))["gaps"]
    assert gap == [{"from": "2026-05-01T12:00:06Z", "to": "2026-05-01T12:00:10Z"}]


@pytest.mark.parametrize(
    ("options", "codec"),
    [
        pytest.param("-bf 2", "h264", id="b-frames"),
        pytest.param("-bf 2 -x264-params open-gop=1", "h264", id="open-gop"),
        pytest.param("-c:v libx265 -x265-params log-level=error", "hevc", id="hevc"),
    ],
)
def test_pictures_that_are_coded_out_of_order(tmp_path: Path, options: str, codec: str) -> None:
    files = [make_film(tmp_path / f"{number}.mp4", options=options) for number in range(2)]
    made = cut(tmp_path, (1.5, 6.5), (files[0], 0, 4), (files[1], 4, 10)).run()
    found = probe(tmp_path / "clip.mp4")
    assert found.codecs == ["aac", codec]
    assert found.complaints == ""
    assert 5.5 * FRAMES_A_S - 3 <= found.frames <= 5.5 * FRAMES_A_S + 5
    assert spans(made) == [(1, pytest.approx(6.5, abs=0.4))]


def test_hevc_has_the_tag_that_apples_players_ask_for(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", options="-c:v libx265 -x265-params log-level=error")
    cut(tmp_path, (0, 4), (source, 0, 6)).run()
    assert b"hvc1" in (tmp_path / "clip.mp4").read_bytes()


def test_sound_that_players_do_not_know_is_left_out(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    inputs = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=15:duration=2", "-f", "lavfi", "-i", "sine=sample_rate=8000:duration=2"]
    film(source, *inputs, "-c:a", "alac")
    made = cut(tmp_path, (0, 2), (source, 0, 4)).run()
    assert made.audio is None
    assert probe(tmp_path / "clip.mp4").codecs == ["h264"]


def test_a_camera_that_was_given_sound_in_between(tmp_path: Path) -> None:
    mute, loud = make_film(tmp_path / "a.mp4", sound=False), make_film(tmp_path / "b.mp4")
    made = cut(tmp_path, (0, 8), (mute, 0, 4), (loud, 4, 10)).run()
    found = probe(tmp_path / "clip.mp4")
    assert (made.audio, found.codecs, found.frames, found.complaints) == ("aac", ["aac", "h264"], 8 * FRAMES_A_S, "")


def test_files_that_cannot_be_read_are_gaps(tmp_path: Path) -> None:
    good, torn, empty = make_film(tmp_path / "a.mp4"), tmp_path / "b.mp4", tmp_path / "c.mp4"
    torn.write_bytes(good.read_bytes()[:900])  # not even its head
    empty.write_bytes(b"")
    job = cut(tmp_path, (0, 16), (good, 0, 4), (torn, 4, 8), (empty, 8, 12), (good, 12, 18))
    assert spans(job.run()) == [(0, 4), (12, 16)]
    gone = cut(tmp_path, (0, 8), (good, 0, 4), (torn, 4, 10))
    torn.unlink()
    assert spans(gone.run()) == [(0, 4)]


def test_what_is_cut_short_counts_up_to_its_last_whole_picture(tmp_path: Path) -> None:
    whole = make_film(tmp_path / "whole.mp4")
    torn = tmp_path / "torn.mp4"
    size = whole.stat().st_size
    for share in (0.95, 0.8, 0.6, 0.5):
        torn.write_bytes(whole.read_bytes()[: int(size * share)])
        made = cut(tmp_path, (0, 4), (torn, 0, 6)).run()
        assert probe(tmp_path / "clip.mp4").complaints == ""
        assert spans(made)[0][1] <= 4


def test_a_change_of_the_format_is_said_with_its_instant(tmp_path: Path) -> None:
    first, second = make_film(tmp_path / "a.mp4"), make_film(tmp_path / "b.mp4", size="640x360")
    with pytest.raises(CannotCut) as refused:
        cut(tmp_path, (0, 8), (first, 0, 4), (second, 4, 10)).run()
    assert (refused.value.reason, refused.value.at) == (Failure.FORMAT_CHANGED, at(4))
    assert not (tmp_path / "clip.mp4").exists()


def test_too_much_is_refused_before_or_while_it_is_copied(tmp_path: Path) -> None:
    files = [make_film(tmp_path / f"{number}.mp4") for number in range(2)]
    size = files[0].stat().st_size
    for most, is_read in ((size - 1_000, False), (size + 30_000, True)):
        job = cut(tmp_path, (0, 8), (files[0], 0, 4), (files[1], 4, 8), max_bytes=most)
        with pytest.raises(CannotCut) as refused:
            job.run()
        assert refused.value.reason is Failure.TOO_LARGE
        assert (job.bytes_read > 0) == is_read
        assert not (tmp_path / "clip.mp4").exists()


def test_a_cut_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4")
    job = cut(tmp_path, (0, 4), (source, 0, 4))
    job.stop()
    with pytest.raises(Stopped):
        job.run()
    assert not (tmp_path / "clip.mp4").exists()


def test_progress_ends_at_one(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4")
    job = cut(tmp_path, (0, 4), (source, 0, 4))
    assert job.progress == 0
    job.run()
    assert job.progress == pytest.approx(1, abs=0.1)


def test_a_range_without_files_has_no_recording(tmp_path: Path) -> None:
    with pytest.raises(CannotCut) as refused:
        cut(tmp_path, (0, 4)).run()
    assert refused.value.reason is Failure.NO_RECORDING
