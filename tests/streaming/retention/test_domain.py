"""Tests of which recordings have to go."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.streaming.looks import look_at

from gtvision.camera import RecordingSettings
from gtvision.ids import derived_id
from gtvision.tenancy import Quotas, TenantSettings
from gtvision.tenancy import Retention as RetentionSettings
from streaming.recordings.domain import CameraFiles, Look, SegmentFile
from streaming.retention.domain import (
    CityLimits,
    Doomed,
    Held,
    HeldSpans,
    HeldState,
    Limits,
    Rules,
    Spared,
    keep_days,
    to_delete,
)
from streaming.streams.domain import DesiredCamera
from streaming.tombstones.domain import Policy, Reason

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CITY, TOWN = derived_id("tenant", "city"), derived_id("tenant", "town")
CAMERA, OTHER, RURAL = (derived_id("camera", name) for name in ("camera", "other", "rural"))
ROOMY = Limits(max_bytes=10**15, free_floor=0.1)


def camera(camera_id: UUID, tenant: UUID = CITY, *, days: int = 3650, removed: bool = False) -> DesiredCamera:
    settings = RecordingSettings(retention_days=days)
    return DesiredCamera(tenant, camera_id, 1, "Avenida", True, "", frozenset(), settings, removed)


CAMERAS = (camera(CAMERA), camera(OTHER), camera(RURAL, TOWN))


def recording(camera_id: UUID, at: datetime, size_bytes: int = 10) -> SegmentFile:
    path = PurePosixPath(f"cam_{camera_id}") / f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4"
    return SegmentFile(path=path, camera_id=camera_id, started_at=at, size_bytes=size_bytes, modified_at=at + timedelta(minutes=1))


def minutes(camera_id: UUID, count: int, *, first: datetime = NOW - timedelta(hours=1), size_bytes: int = 10) -> list[SegmentFile]:
    return [recording(camera_id, first + timedelta(minutes=minute), size_bytes) for minute in range(count)]


def look(files: Iterable[SegmentFile], cameras: Iterable[DesiredCamera] = CAMERAS, now: datetime = NOW) -> Look:
    return look_at(files, cameras, now=now)


def plan(seen: Look, rules: Rules) -> list[Doomed]:
    return to_delete(seen, rules, 500)[0]


def gone(
    seen: Look, limits: Limits = ROOMY, missing: int = 0, cities: Mapping[UUID, CityLimits] = {}, most: int = 500
) -> list[SegmentFile]:
    return [doomed.file for doomed in to_delete(seen, Rules(limits, missing, cities), most)[0]]


def limited_to(max_bytes: int) -> Limits:
    return Limits(max_bytes=max_bytes, free_floor=0.0)


def test_quota_takes_the_oldest_and_never_what_is_being_written() -> None:
    files = [*minutes(CAMERA, 4), recording(OTHER, NOW - timedelta(days=1))]
    assert gone(look(files), limited_to(25)) == files[:3]
    assert gone(look(files), limited_to(0)) == files[:3]


def test_what_was_brought_back_outlives_its_days_and_goes_first_for_room() -> None:
    cameras = (camera(CAMERA, days=1), camera(OTHER), camera(RURAL, TOWN))
    back, own = minutes(CAMERA, 2, first=NOW - timedelta(minutes=30)), minutes(OTHER, 3)
    old_back = minutes(CAMERA, 2, first=NOW - timedelta(days=3))
    rural = minutes(RURAL, 3, first=NOW - timedelta(days=9))
    seen = look([*back, *old_back, *own, *rural, *minutes(CAMERA, 1, first=NOW)], cameras)
    came = [*back, *old_back]
    spared = Spared(stays=lambda file: file in came, brought_back=lambda: [file.path for file in came])
    assert plan(seen, Rules(ROOMY, spared=spared)) == []
    assert [each.file for each in plan(seen, Rules(ROOMY, 50, spared=spared))] == [*old_back, *back, own[0]]
    assert [each.file for each in plan(seen, Rules(ROOMY, 0, {CITY: CityLimits(max_bytes=55)}, spared=spared))] == [*old_back, back[0]]


def test_free_space_counts_like_the_quota() -> None:
    files = minutes(CAMERA, 4)
    assert gone(look(files), missing=11) == files[:2]


def test_what_others_want_of_the_disk_is_made_room_for_and_never_called_full() -> None:
    files = minutes(CAMERA, 4)
    assert [each.file for each in plan(look(files), Rules(ROOMY, 1, wanted_bytes=10))] == files[:2]
    kept = held(CITY, CAMERA, files[0], files[3])
    for missing, is_full in ((0, False), (1, True)):
        assert to_delete(look(files), Rules(ROOMY, missing, held=kept, wanted_bytes=10), 500)[1].is_full is is_full


def test_what_is_too_old_goes_first_and_makes_room() -> None:
    cameras = (camera(CAMERA, days=1), camera(OTHER))
    old, young = minutes(CAMERA, 3, first=NOW - timedelta(days=2)), minutes(OTHER, 3)
    [doomed, *_] = found = plan(look([*young, *old, *minutes(CAMERA, 1)], cameras), Rules(ROOMY, 30))
    assert [each.file for each in found] == old, "thirty bytes were missing, and thirty go by their age"
    assert doomed.policy == Policy(Reason.DAYS, 1)


def test_age_is_by_camera() -> None:
    cameras = (camera(CAMERA, days=1), camera(OTHER, days=5))
    files = [*minutes(CAMERA, 2), *minutes(OTHER, 2)]
    later = NOW + timedelta(days=2)
    assert gone(look(files, cameras, later)) == files[:2], "nothing is written any more to a file that was not written for a day"
    removed = (camera(CAMERA, days=1, removed=True), camera(OTHER, days=5, removed=True))
    assert gone(look(files, removed, later)) == files[:2]
    assert gone(look(files, removed, NOW + timedelta(days=6))) == [files[0], files[2], files[1], files[3]]


def test_the_newest_file_of_a_running_camera_stays_however_long_it_is() -> None:
    started = NOW - timedelta(days=3)
    long = replace(recording(CAMERA, started), modified_at=NOW)
    assert gone(look([long], (camera(CAMERA, days=1),))) == []
    assert gone(look([long], (camera(CAMERA, days=1, removed=True),))) == [long]


@pytest.mark.parametrize(
    ("own", "of_the_city", "removed", "policy"),
    [
        (10, 5, False, Policy(Reason.CITY_DAYS, 5)),
        (5, 10, False, Policy(Reason.DAYS, 5)),
        (5, None, False, Policy(Reason.DAYS, 5)),
        (5, 10, True, Policy(Reason.REMOVED, 5)),
        (10, 5, True, Policy(Reason.CITY_DAYS, 5)),
    ],
)
def test_the_shorter_of_the_camera_and_its_city_holds(own: int, of_the_city: int | None, removed: bool, policy: Policy) -> None:
    files = [recording(CAMERA, NOW - timedelta(days=days, minutes=minute)) for days in (11, 7, 3) for minute in (1, 0)]
    cities = {CITY: CityLimits(video_days=of_the_city)}
    cameras = {CAMERA: camera(CAMERA, days=own, removed=removed)}
    assert keep_days(cameras, cities) == {CAMERA: 5}
    found = plan(look(files, cameras.values()), Rules(ROOMY, 0, cities))
    assert ([each.file for each in found], {each.policy for each in found}) == (files[:4], {policy})


def test_settings_that_are_not_known_limit_nothing() -> None:
    assert CityLimits.of(None) == CityLimits()
    assert CityLimits.of(TenantSettings()) == CityLimits(video_days=90)
    settings = TenantSettings(retention=RetentionSettings(video_days=7), quotas=Quotas(storage_gb=2))
    assert CityLimits.of(settings) == CityLimits(video_days=7, max_bytes=2_000_000_000)


def test_a_city_with_a_limit_of_its_own_gives_its_oldest() -> None:
    files = [*minutes(OTHER, 3), *minutes(CAMERA, 3, first=NOW - timedelta(hours=2)), *minutes(RURAL, 3)]
    cities = {CITY: CityLimits(max_bytes=25), TOWN: CityLimits(max_bytes=1_000)}
    found = plan(look(files), Rules(ROOMY, 0, cities))
    assert [each.file for each in found] == [*files[3:5], *files[:2]], "the newest of each camera stays, though that is more than 25"
    assert {each.policy for each in found} == {Policy(Reason.CITY_QUOTA, 25 / 10**9)}


def test_a_full_disk_takes_from_the_city_that_takes_more() -> None:
    small = minutes(RURAL, 5, first=NOW - timedelta(days=30))
    large = minutes(CAMERA, 20)
    assert gone(look([*small, *large]), missing=50) == large[:5], "though the small one has the older"
    found = plan(look([*small, *large]), Rules(limited_to(100), 0))
    assert Counter(each.file.camera_id for each in found) == {CAMERA: 15}
    assert {each.policy.reason for each in found} == {Reason.QUOTA}
    found = plan(look([*small, *large]), Rules(limited_to(60), 0))
    assert Counter(each.file.camera_id for each in found) == {CAMERA: 17, RURAL: 2}, "three are left to each"


def test_no_more_goes_at_once_than_was_asked_for() -> None:
    old, young = minutes(CAMERA, 6, first=NOW - timedelta(days=5)), minutes(OTHER, 6)
    seen = look([*young, *old], (camera(CAMERA, days=1), camera(OTHER)))
    assert gone(seen, limited_to(0), most=4) == old[:4]
    assert gone(seen, limited_to(0), most=8) == [*old, *young[:2]], "the newest of a camera that is off for days is too old as well"


def test_files_of_cameras_that_are_not_known_go_for_room_only() -> None:
    unknown = minutes(derived_id("camera", "unknown"), 3, first=NOW - timedelta(days=5_000))
    assert gone(look(unknown)) == []
    assert gone(look(unknown), missing=15) == unknown[:2]


files_of = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5_000), st.integers(1, 30)), max_size=60, unique_by=lambda each: each[:2])


@given(files_of, st.integers(0, 800), st.integers(0, 400), st.integers(1, 60))
def test_no_city_gives_while_a_larger_one_can(found: list[tuple[int, int, int]], max_bytes: int, missing: int, most: int) -> None:
    """Six cameras of three cities. Replays the deletions: each is of the city that takes the most among those that have one to give."""
    ids = [derived_id("camera", str(number)) for number in range(6)]
    cameras = [camera(each, derived_id("tenant", str(number // 2))) for number, each in enumerate(ids)]
    files = [recording(ids[who], NOW - timedelta(minutes=minute), size) for who, minute, size in found]
    seen = look(files, cameras)
    doomed = gone(seen, limited_to(max_bytes), missing, most=most)
    newest = {each: max((file for file in files if file.camera_id == each), key=lambda file: file.started_at, default=None) for each in ids}
    left = list(files)
    for file in doomed:
        spare = [other for other in left if newest[other.camera_id] is not other]
        use = {tenant: _use(left, seen, tenant) for tenant in {_city(other, seen) for other in spare}}
        own = _city(file, seen)
        assert use[own] == max(use.values())
        assert file.started_at == min(other.started_at for other in spare if _city(other, seen) == own), "its oldest"
        share = sum(other.size_bytes for other in left) / len({_city(other, seen) for other in left})
        assert use[own] >= share or max(use.values()) < share, "more than an equal share, while one that takes that can give"
        left.remove(file)
    needed = max(sum(file.size_bytes for file in files) - max_bytes, missing)
    freed = sum(file.size_bytes for file in doomed)
    assert len(doomed) <= most
    assert freed >= needed or len(doomed) == most or all(newest[file.camera_id] is file for file in left)
    assert not doomed or freed - doomed[-1].size_bytes < needed, "and no file more"


def _city(file: SegmentFile, seen: Look) -> UUID:
    return seen.cameras[file.camera_id].tenant_id


def _use(files: Iterable[SegmentFile], seen: Look, tenant: UUID) -> int:
    return sum(file.size_bytes for file in files if _city(file, seen) == tenant)


def held(tenant: UUID, camera_id: UUID | None, first: SegmentFile, last: SegmentFile) -> HeldSpans:
    """What is held from the start of one file to the end of another, less a minute at both ends."""
    minute = timedelta(minutes=1)
    return HeldSpans([Held(tenant, camera_id, first.started_at + minute, last.modified_at - minute)])


spans_of = st.lists(st.tuples(st.integers(-30, 80), st.integers(0, 40)), max_size=4)


@given(spans_of, st.integers(0, 60), st.integers(1, 900))
def test_places_that_are_held_are_those_of_the_files_that_show_something_of_it(
    spans: list[tuple[int, int]], count: int, lasts_s: int
) -> None:
    """Files that follow one another, of which one in three leaves a gap."""
    begun = [NOW + timedelta(seconds=number * (lasts_s + 90 * (number % 3 == 0))) for number in range(count)]
    files = [replace(recording(CAMERA, at), modified_at=at + timedelta(seconds=lasts_s)) for at in sorted(set(begun))]
    kept = HeldSpans([Held(CITY, None, NOW + timedelta(minutes=at), NOW + timedelta(minutes=at + lasts)) for at, lasts in spans])
    own = look(files).files.get(CAMERA, CameraFiles(CAMERA))
    places = kept.places(CITY, own)
    assert [place for each in places for place in each] == [place for place, file in enumerate(own) if kept.cover(CITY, file)]


@pytest.mark.parametrize("of_all", [False, True])
def test_what_is_held_goes_for_no_reason(of_all: bool) -> None:
    files = [*minutes(CAMERA, 10, first=NOW - timedelta(days=9)), *minutes(OTHER, 10, first=NOW - timedelta(days=9))]
    cameras = (camera(CAMERA, days=1, removed=True), camera(OTHER, days=1, removed=True), camera(RURAL, TOWN))
    kept = held(CITY, None if of_all else CAMERA, files[2], files[5])
    rules = Rules(limited_to(0), 10**9, {CITY: CityLimits(1, 1)}, kept)
    doomed, held_state = to_delete(look(files, cameras), rules, 500)
    assert {each.file for each in doomed} == set(files) - set(files[2:6]) - (set(files[12:16]) if of_all else set())
    assert held_state == HeldState({CITY: 80 if of_all else 40}, is_full=True, full_cities={CITY})


def test_a_disk_is_full_of_what_is_held_when_nothing_else_is_left() -> None:
    files = minutes(CAMERA, 6)
    kept = held(CITY, CAMERA, files[0], files[2])
    for missing, is_full in ((20, False), (21, True)):
        doomed, held_state = to_delete(look(files), Rules(ROOMY, missing, {}, kept), 500)
        assert ([each.file for each in doomed], held_state.is_full) == (files[3:5], is_full)
    assert not to_delete(look(files), Rules(ROOMY, 60), 500)[1].is_full, "the newest is no hold's fault"


def test_what_a_city_holds_is_its_own_part_of_the_disk() -> None:
    files, others = minutes(CAMERA, 12), minutes(RURAL, 10)
    kept = held(CITY, CAMERA, files[0], files[6])
    found = plan(look([*files, *others]), Rules(ROOMY, 20, {}, kept))
    assert [each.file for each in found] == files[7:9], "though it can show the least of what it has"


def test_a_hold_of_another_city_or_camera_keeps_nothing() -> None:
    files = minutes(CAMERA, 4)
    for tenant, camera_id in ((TOWN, None), (CITY, OTHER)):
        kept = held(tenant, camera_id, files[0], files[3])
        assert [each.file for each in plan(look(files), Rules(ROOMY, 30, {}, kept))] == files[:3]


def test_a_file_of_a_camera_that_is_not_known_is_held_with_every_city() -> None:
    unknown = minutes(derived_id("camera", "unknown"), 3)
    assert plan(look(unknown), Rules(ROOMY, 30, {}, held(TOWN, None, unknown[0], unknown[2]))) == []
