"""Tests of how long recordings will be kept."""

from gtvision.ids import derived_id
from gtvision.time import FakeClock
from streaming.forecast.domain import CityDemand, LowMarks, Pace, days_kept, room_for_days
from streaming.forecast.usecases import StorageWatch
from streaming.usage.domain import Room

CITY, TOWN = derived_id("tenant", "city"), derived_id("tenant", "town")
CAMERA, OTHER, RURAL = (derived_id("camera", name) for name in ("camera", "other", "rural"))


def test_cameras_keep_their_days_where_there_is_room() -> None:
    city = CityDemand([Pace(CAMERA, 10, 30), Pace(OTHER, 20, 10), Pace(RURAL, 0, 10)])
    assert days_kept({CITY: city}, 500) == {CAMERA: 30, OTHER: 10}
    assert days_kept({CITY: city}, 400) == {CAMERA: 20, OTHER: 10}, "a city's cameras go by age alone"
    assert days_kept({CITY: city}, 150) == {CAMERA: 5, OTHER: 5}
    assert days_kept({CITY: city}, -1) == {CAMERA: 0, OTHER: 0}


def test_a_limit_of_the_city_and_what_is_held_leave_fewer_days() -> None:
    paces = [Pace(CAMERA, 10, 30)]
    assert days_kept({CITY: CityDemand(paces, max_bytes=200)}, 500) == {CAMERA: 20}
    assert days_kept({CITY: CityDemand(paces, max_bytes=200, fixed_bytes=50)}, 500) == {CAMERA: 15}
    assert days_kept({CITY: CityDemand(paces, fixed_bytes=250)}, 500) == {CAMERA: 25}


def test_a_small_city_keeps_its_days_beside_a_large_one() -> None:
    cities = {CITY: CityDemand([Pace(CAMERA, 100, 30)]), TOWN: CityDemand([Pace(RURAL, 1, 30)]), None: CityDemand((), None, 70)}
    assert days_kept(cities, 1_100) == {CAMERA: 10, RURAL: 30}


def test_a_limit_is_reached_at_a_pace_or_never() -> None:
    assert room_for_days(100, 300, 50) == 4
    assert room_for_days(400, 300, 50) == 0
    assert room_for_days(100, None, 50) is None
    assert room_for_days(100, 300, 0) is None


def test_a_disk_is_low_by_its_free_share_or_by_its_days_until_there_is_clearly_room() -> None:
    clock = FakeClock()
    watch = StorageWatch("media-1", LowMarks(free=0.15, days=7), clock)

    def told(free: int, days: float | None) -> bool | None:
        news = watch.news(CITY, Room(100, free, days))
        if news is not None:
            watch.told(CITY, news)
        return news.is_low if news else None

    assert told(40, None) is False, "told at our start, in case it was low before"
    assert [told(15, None), told(14, None), told(16, None)] == [None, True, None]
    assert [told(18, 7.5), told(18, 8.1)] == [None, False]
    assert [told(40, 6.9), told(40, 6.9)] == [True, None]
    clock.advance(600)
    assert [told(40, 6.9), told(40, None)] == [True, False]
    clock.advance(600)
    assert told(40, None) is None
    assert watch.news(TOWN, Room(100, 40, None)) is not None, "each city is told by itself"
