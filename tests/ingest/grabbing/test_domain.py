"""Tests of the rules of grabbing."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtvision.ids import new_id
from ingest.grabbing.domain import Pacer, StreamClock, share_of


class TestSharing:
    @given(st.lists(st.text(min_size=1, max_size=8), unique=True, min_size=1, max_size=6), st.lists(st.uuids(), unique=True, max_size=40))
    def test_every_camera_has_exactly_one_grabber(self, names: list[str], cameras: list[UUID]) -> None:
        shares = [share_of(name, names, cameras) for name in names]
        assert sum(len(share) for share in shares) == len(cameras)
        assert set().union(*shares) == set(cameras)

    def test_a_lone_grabber_reads_everything_even_before_it_is_listed(self) -> None:
        cameras = [new_id() for _ in range(5)]
        assert len(share_of("me", [], cameras)) == 5
        assert len(share_of("me", ["other"], cameras)) + len(share_of("other", ["me"], cameras)) == 5

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
        clock.place(0.0, 3.0)  # the grabber had waited 3 s for the stream to open
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
