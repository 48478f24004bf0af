"""Rules of ingest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.making import frame, seen

from gtvision.errors import InvalidPlate
from gtvision.ids import new_id
from ingest.domain.detections import PlateMatch, PlateSought, Refusal, Window, detections_of
from ingest.domain.grabbing import Backoff, Pacer, StreamClock, share_of
from ingest.domain.topics import Kind, Topic, UnknownTopic

NOW = datetime(2026, 11, 20, 23, 58, tzinfo=UTC)


class TestDetections:
    def test_a_redelivered_frame_gives_the_same_ids(self) -> None:
        data = frame(NOW, seen(), seen("ABC1234")).data
        first, again = detections_of(data), detections_of(data.model_copy())
        assert [row.detection_id for row in first] == [row.detection_id for row in again]
        assert len({row.detection_id for row in first}) == 2

    def test_another_camera_or_moment_gives_other_ids(self) -> None:
        camera = new_id()
        rows = [
            detections_of(frame(moment, camera_id=each).data)[0]
            for each in (camera, new_id())
            for moment in (NOW, NOW + timedelta(microseconds=1))
        ]
        assert len({row.detection_id for row in rows}) == 4

    @pytest.mark.parametrize(
        ("captured_at", "refusal"),
        [
            (NOW, None),
            (NOW - timedelta(days=30), None),
            (NOW - timedelta(days=30, microseconds=1), Refusal.TOO_OLD),
            (NOW + timedelta(minutes=5), None),
            (NOW + timedelta(minutes=5, microseconds=1), Refusal.FROM_THE_FUTURE),
        ],
    )
    def test_the_window(self, captured_at: datetime, refusal: Refusal | None) -> None:
        assert Window.around(NOW, timedelta(days=30)).refusal(captured_at) is refusal

    def test_there_is_a_day_for_everything_inside_the_window(self) -> None:
        window = Window.around(NOW, timedelta(days=3))
        days = window.days()
        assert window.oldest.date() in days
        assert window.newest.date() in days
        assert days[-1] >= (window.newest + timedelta(days=1)).date()


class TestPlates:
    def test_era_finds_by_the_neutral_key(self) -> None:
        assert PlateSought("abc-1c34").value == PlateSought("ABC1234").value
        assert PlateSought("abc-1c34", PlateMatch.EXACT).value == "ABC1C34"

    @pytest.mark.parametrize("text", ["", "ABC", "ABC12345", "1234567", "ABC1234" * 9, "ABC%234"])
    def test_what_is_no_plate_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidPlate):
            PlateSought(text)


class TestSharing:
    @given(st.lists(st.text(min_size=1, max_size=8), unique=True, min_size=1, max_size=6), st.lists(st.uuids(), unique=True, max_size=40))
    def test_every_camera_has_exactly_one_grabber(self, names: list[str], cameras: list[UUID]) -> None:
        shares = [share_of(name, names, cameras) for name in names]
        assert sum(len(share) for share in shares) == len(cameras)
        assert set().union(*shares) == set(cameras)

    def test_when_one_dies_only_its_cameras_move(self) -> None:
        cameras = [new_id() for _ in range(300)]
        before = {name: share_of(name, "abc", cameras) for name in "abc"}
        assert all(50 < len(share) < 150 for share in before.values())
        for name in "ab":
            assert before[name] <= share_of(name, "ab", cameras)


class TestPacer:
    def test_a_camera_at_the_asked_rate_loses_nothing_to_jitter(self) -> None:
        pacer = Pacer(1.0)
        times = [second + (0.12 if second % 2 else -0.05) for second in range(1, 30)]
        assert all(pacer.wants(time, time) for time in times)

    def test_a_faster_camera_is_thinned_out(self) -> None:
        pacer = Pacer(1.0)
        taken = [pacer.wants(each / 10, each / 10) for each in range(100)]
        assert 9 <= sum(taken) <= 13

    def test_a_stream_clock_that_lies_does_not_flood(self) -> None:
        pacer = Pacer(1.0)
        assert sum(pacer.wants(each * 5.0, each / 100) for each in range(1000)) <= 17

    def test_a_clock_that_goes_back_is_followed(self) -> None:
        pacer = Pacer(1.0)
        assert pacer.wants(100.0, 0.0)
        assert pacer.wants(3.0, 1.0)


class TestStreamClock:
    def test_waiting_in_a_buffer_is_told_from_the_least_delay(self) -> None:
        clock = StreamClock()
        clock.place(1000.0, 10.0)
        assert clock.place(1001.0, 11.8).age_s == pytest.approx(0.8, abs=0.01)
        assert clock.place(1002.0, 12.0).age_s == pytest.approx(0.0, abs=0.01)

    def test_a_burst_at_the_start_is_put_right(self) -> None:
        clock = StreamClock()
        clock.place(0.0, 3.0)  # it waited 3 s while the stream was opened
        clock.place(3.0, 3.1)
        assert clock.place(4.0, 4.1).age_s == pytest.approx(0.0, abs=0.01)

    @pytest.mark.parametrize("leap", [3600.0, -3600.0, 6.0, -6.0])
    def test_a_leap_takes_the_arrival_and_carries_the_skew_then_is_believed(self, leap: float) -> None:
        clock = StreamClock()
        for second in range(5):
            clock.place(second, second)
        placed = clock.place(5 + leap, 5.0)
        assert placed.age_s == 0.0
        assert placed.skew_s == pytest.approx(leap, abs=0.05)
        for second in range(6, 9):
            clock.place(second + leap, second)
        assert clock.place(9 + leap, 9.0).skew_s is None

    @given(st.lists(st.tuples(st.floats(-1e5, 1e5), st.floats(0, 30)), max_size=30))
    def test_a_frame_is_never_placed_after_its_arrival_nor_long_before(self, steps: list[tuple[float, float]]) -> None:
        clock, arrived = StreamClock(), 0.0
        for stream_s, later in steps:
            arrived += later
            assert 0.0 <= clock.place(stream_s, arrived).age_s <= 5.0


def test_backoff_grows_and_starts_over() -> None:
    backoff = Backoff()
    waits = [backoff.after(0.0) for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[-1] == 5.0
    assert backoff.after(60.0) == 0.5


class TestTopics:
    def test_a_topic_reads_as_it_is_written(self) -> None:
        camera = new_id()
        assert Topic.parse(f"detections:{camera}") == Topic(Kind.DETECTIONS, camera)
        assert str(Topic.parse(f"detections:{camera}")) == f"detections:{camera}"
        assert Topic.parse("alerts") == Topic(Kind.ALERTS)

    @pytest.mark.parametrize("text", ["", "nothing", "detections:", "detections:x", "alerts:018f0000-0000-7000-8000-000000000000", "*"])
    def test_anything_else_is_unknown(self, text: str) -> None:
        with pytest.raises(UnknownTopic):
            Topic.parse(text)
