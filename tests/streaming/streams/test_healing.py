"""Tests of when the path of a camera that is not written is made anew."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.events import StreamCause
from streaming.streams.domain import StreamView
from streaming.streams.usecases.healing import Healing

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CAMERA, TENANT = UUID("018f0000-0000-7000-8000-000000000001"), UUID("018f0000-0000-7000-8000-000000000002")
SECOND = timedelta(seconds=1)


def times(healing: Healing, since: datetime, lasts_s: int, cause: StreamCause | None) -> list[int]:
    """Returns after how many seconds the path was made anew, where the stream is looked at each second."""
    state = CameraState.DEGRADED if cause else CameraState.ONLINE
    stream = StreamView(CAMERA, TENANT, state=state, cause=cause, since=since)
    return [second for second in range(lasts_s) if healing.due([stream], since + second * SECOND)]


def test_the_pauses_grow() -> None:
    assert times(Healing(), NOW, 800, StreamCause.NOT_RECORDED) == [15, 45, 105, 405, 705]


def test_a_clock_that_was_set_is_mended_so_within_a_minute() -> None:
    assert times(Healing(), NOW, 60, StreamCause.CLOCK_JUMPED) == [15, 45]


def test_a_clock_that_jumps_all_day_does_not_end_all_day_what_is_watched() -> None:
    healing = Healing()
    assert times(healing, NOW, 3_600, StreamCause.CLOCK_JUMPED) == [15, 45, 105]
    times(healing, NOW + 3_600 * SECOND, 601, None)
    assert times(healing, NOW + 4_300 * SECOND, 20, StreamCause.CLOCK_JUMPED) == [15]


def test_a_disk_that_takes_nothing_is_not_mended_so() -> None:
    assert times(Healing(), NOW, 800, StreamCause.DISK_FULL) == []


def test_a_camera_that_sends_a_picture_now_and_then_is_not_made_anew_each_time() -> None:
    healing, found = Healing(), []
    for minute in range(20):
        since = NOW + timedelta(minutes=minute)
        found.append(len(times(healing, since, 40, StreamCause.NOT_RECORDED)))
        times(healing, since + 40 * SECOND, 20, None)
    assert found == [1, 1] + [0] * 18


def test_a_camera_that_was_well_for_long_begins_anew() -> None:
    healing = Healing()
    assert times(healing, NOW, 200, StreamCause.NOT_RECORDED) == [15, 45, 105]
    times(healing, NOW + 200 * SECOND, 601, None)
    assert times(healing, NOW + 900 * SECOND, 20, StreamCause.NOT_RECORDED) == [15]
