"""Tests of what is wrong with what is written: files that grow look by look, with every trouble that cameras make."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

import pytest

from gtvision.events import StreamCause
from streaming.progress.domain import Written
from streaming.progress.parts import Growth
from streaming.recordings.domain import SegmentFile
from streaming.recordings.parts import Fragment, Init

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CAMERA = UUID("018f0000-0000-7000-8000-000000000001")
INIT = Init(1, 90_000, ("avc1",))


@dataclass
class Recorder:
    """A media server that writes a part a second, looked at every two seconds."""

    written: Written = field(default_factory=Written)
    now: datetime = NOW
    file: SegmentFile | None = None
    growth: Growth = field(default_factory=Growth)
    finished: list[tuple[SegmentFile, Growth]] = field(default_factory=list)
    seen: list[StreamCause | None] = field(default_factory=list)
    parts: int = 0

    def begin(self) -> None:
        if self.file is not None:
            self.finished.append((self.file, self.growth))
        self.file = SegmentFile(PurePosixPath(f"cam/{self.now}.mp4"), CAMERA, self.now, 0, self.now)
        self.growth = Growth(init=INIT)

    def passes(self, seconds: int, *, gop: int = 1, clock: float = 1.0, writes: bool = True) -> list[StreamCause | None]:
        """Returns what was said at each look. `gop` in seconds; `clock` is how fast the camera's runs."""
        said = []
        for _ in range(seconds):
            self.now += SECOND
            if writes and self.file is not None:
                key = 0 if self.parts % gop == 0 else None
                start = (self.now - SECOND - self.file.started_at) // SECOND * 90_000
                self.growth = self.growth.with_part(Fragment(start, int(90_000 * clock), key), INIT, self.growth.end + 1)
                self.file = replace(self.file, modified_at=self.now)
                self.parts += 1
            if (self.now - NOW) // SECOND % 2 == 0:
                grown = [*self.finished, *([(self.file, self.growth)] if self.file else [])]
                self.written.look(grown, self.now)
                self.finished = []
                ailment = self.written.ailment(self.now)
                said.append(ailment[0] if ailment else None)
        return said


@pytest.fixture
def recorder() -> Recorder:
    found = Recorder()
    found.begin()
    return found


@pytest.mark.parametrize("gop", [1, 4, 10])
def test_a_camera_is_well_whose_key_frames_come_every_ten_seconds_or_sooner(recorder: Recorder, gop: int) -> None:
    said = []
    for _ in range(4):
        said += recorder.passes(60, gop=gop)
        recorder.begin()
    assert set(said) == {None}


@pytest.mark.parametrize("gop", [15, 90, 600])
def test_key_frames_too_far_apart_are_told_and_the_camera_does_not_get_well_with_each(recorder: Recorder, gop: int) -> None:
    said = []
    for _ in range(6):
        said += recorder.passes(max(60, gop), gop=gop)
        recorder.begin()
    first = said.index(StreamCause.NO_KEYFRAMES)
    assert first * 2 <= 14
    assert set(said[first:]) == {StreamCause.NO_KEYFRAMES}


def test_a_camera_gets_well_with_a_minute_of_key_frames(recorder: Recorder) -> None:
    assert recorder.passes(30, gop=600)[-1] is StreamCause.NO_KEYFRAMES
    assert set(recorder.passes(56, gop=1)) == {StreamCause.NO_KEYFRAMES}
    assert recorder.passes(6, gop=1)[-1] is None


def test_a_camera_that_varies_how_often_it_sends_key_frames_does_not_get_well_with_each_short_interval(recorder: Recorder) -> None:
    said = []
    for seconds in [12, 6] * 10:
        recorder.parts = 0
        said += recorder.passes(seconds, gop=600)
    first = said.index(StreamCause.NO_KEYFRAMES)
    assert first * 2 <= 12
    assert set(said[first:]) == {StreamCause.NO_KEYFRAMES}


def test_sound_before_the_first_picture_is_no_hole(recorder: Recorder) -> None:
    recorder.passes(6, writes=False)
    recorder.passes(54)
    recorder.begin()
    assert set(recorder.passes(60)) == {None}


def test_a_clock_that_stands_still_writes_nothing_that_counts(recorder: Recorder) -> None:
    recorder.passes(20)
    advanced_at = recorder.written.advanced_at
    recorder.passes(20, clock=0)
    assert recorder.written.advanced_at == advanced_at == NOW + 20 * SECOND
    recorder.passes(4)
    assert recorder.written.advanced_at == recorder.now


def test_a_clock_that_is_set_once_is_told_for_a_minute(recorder: Recorder) -> None:
    recorder.passes(20)
    recorder.passes(3, writes=False)
    recorder.begin()
    said = recorder.passes(100)
    assert said[1:20] == [StreamCause.CLOCK_JUMPED] * 19
    assert set(said[31:]) == {None}


def test_a_clock_that_is_set_forward_is_told_too(recorder: Recorder) -> None:
    recorder.passes(19)
    recorder.passes(1, clock=600)
    recorder.passes(3, writes=False)
    recorder.begin()
    recorder.passes(3)
    assert recorder.written.ailment(recorder.now) == (StreamCause.CLOCK_JUMPED, NOW + 20 * SECOND)


def test_a_jump_is_no_time_without_key_frames(recorder: Recorder) -> None:
    recorder.passes(19, gop=4)
    recorder.passes(1, gop=4, clock=600)
    recorder.passes(3, writes=False)
    recorder.begin()
    assert set(recorder.passes(30)) == {StreamCause.CLOCK_JUMPED}


def test_it_is_told_from_where_the_recording_broke_off(recorder: Recorder) -> None:
    recorder.passes(20)
    recorder.passes(3, writes=False)
    recorder.begin()
    recorder.passes(10)
    assert recorder.written.ailment(recorder.now) == (StreamCause.CLOCK_JUMPED, NOW + 20 * SECOND)


def test_a_clock_that_jumps_all_the_time_is_told_steadily_until_a_minute_is_whole(recorder: Recorder) -> None:
    said = []
    for _ in range(20):
        said += recorder.passes(3)
        said += recorder.passes(3, writes=False)
        recorder.begin()
    first = said.index(StreamCause.CLOCK_UNSTEADY)
    assert first * 2 <= 40
    assert set(said[first:]) == {StreamCause.CLOCK_UNSTEADY}
    assert recorder.passes(80)[-1] is None


def test_an_ordinary_reconnection_is_no_ailment_of_the_recording(recorder: Recorder) -> None:
    recorder.passes(60)
    recorder.passes(11, writes=False)
    recorder.begin()
    assert set(recorder.passes(60)) == {None}


def test_a_recorder_agent_that_starts_in_the_middle_of_a_file_takes_nothing_for_missing() -> None:
    recorder = Recorder()
    recorder.begin()
    recorder.passes(40)
    recorder.written = Written()
    assert set(recorder.passes(60)) == {None}


def test_what_was_there_at_the_first_look_is_not_written_now(recorder: Recorder) -> None:
    recorder.passes(20)
    recorder.written = Written()
    recorder.passes(10, clock=0)
    assert recorder.written.advanced_at is None
    recorder.passes(4)
    assert recorder.written.advanced_at == recorder.now


def test_files_that_nobody_saw_end_are_no_jump(recorder: Recorder) -> None:
    """As when the database was away, and the recorder agent could not look."""
    recorder.passes(54)
    recorder.now += 6 * SECOND
    recorder.begin()
    recorder.finished = []
    recorder.now += 40 * SECOND
    recorder.passes(2)
    assert recorder.written.advanced_at == recorder.now
    assert set(recorder.passes(60)) == {None}


def test_files_of_which_the_disk_took_no_picture_are_no_jump(recorder: Recorder) -> None:
    recorder.passes(20)
    recorder.now += SECOND
    recorder.begin()
    recorder.now += 4 * SECOND
    recorder.begin()
    assert set(recorder.passes(60)) == {None}
