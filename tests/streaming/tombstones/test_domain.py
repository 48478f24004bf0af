"""Tests of what is left of recordings that went."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.ids import derived_id
from streaming.recordings.domain import GENESIS, Segment, next_link, segment_id_of
from streaming.tombstones.domain import Policy, Reason, Tombstone, bury

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CITY, CAMERA = derived_id("tenant", "city"), derived_id("camera", "camera")


def segment(minute: float, camera_id: UUID = CAMERA, first: datetime = datetime(2026, 4, 30, 23, 50, tzinfo=UTC)) -> Segment:
    start = first + timedelta(minutes=minute)
    path = PurePosixPath(f"cam_{camera_id}", f"{minute}.mp4")
    sha256 = f"{int(minute * 10):064x}"
    return Segment(
        segment_id_of(path),
        CITY,
        camera_id,
        str(path),
        start,
        start + timedelta(minutes=1),
        10,
        sha256,
        GENESIS,
        next_link(GENESIS, sha256),
    )


def test_adjoining_recordings_of_a_day_are_one_tombstone() -> None:
    policy, ids = Policy(Reason.DAYS, 90), iter(derived_id("tombstone", str(number)) for number in range(9))
    tombstones: list[Tombstone] = []
    bury(tombstones, [segment(minute) for minute in (0, 1, 2.02, 5, 9.5, 10.5)], policy, NOW, lambda: next(ids))
    assert [(each.segments, each.size_bytes, each.started_at.minute, each.ended_at.minute) for each in tombstones] == [
        (3, 30, 50, 53),
        (1, 10, 55, 56),
        (1, 10, 59, 0),
        (1, 10, 0, 1),
    ], "a gap of two minutes, and midnight"
    link = GENESIS
    for minute in (0, 1, 2.02):
        link = next_link(link, segment(minute).sha256)
    assert tombstones[0].sha256 == link
    later = NOW + timedelta(minutes=1)
    bury(tombstones, [segment(11.5)], policy, later, lambda: next(ids))
    assert (len(tombstones), tombstones[-1].segments, tombstones[-1].deleted_at, tombstones[0].deleted_at) == (4, 2, later, NOW)
