"""Tests of the rules of detections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.ingest.making import frame, seen

from gtvision.errors import Invalid, InvalidPlate
from gtvision.ids import new_id
from ingest.detections.domain import (
    InvalidPlateBeginning,
    Period,
    PlateMatch,
    PlateSearch,
    RangeTooLong,
    Refusal,
    Window,
    detections_of,
    thumbnail_area,
)

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
        assert PlateSearch("abc-1c34").span == PlateSearch("ABC1234").span
        assert PlateSearch("abc-1c34", PlateMatch.EXACT).span == ("ABC1C34", "ABC1C34")

    @pytest.mark.parametrize("match", [PlateMatch.ERA, PlateMatch.EXACT])
    @pytest.mark.parametrize("text", ["", "ABC", "ABC12345", "1234567", "ABC1234" * 9, "ABC%234", "ABC1234*", "ABC1?234"])
    def test_what_is_no_plate_is_refused(self, text: str, match: PlateMatch) -> None:
        with pytest.raises(InvalidPlate, match="mode=prefix") as refused:
            PlateSearch(text, match)
        assert refused.value.code == "invalid_plate"

    @pytest.mark.parametrize("text", ["", "A", "-A-", "*", "AB*", "AB?", "A_B", "AB 1", "ÀB", "A" * 17])
    def test_what_begins_no_plate_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidPlateBeginning, match="two letters or digits"):
            PlateSearch(text, PlateMatch.PREFIX)

    def test_a_beginning_is_every_text_from_the_first_to_the_last(self) -> None:
        first, last = PlateSearch("abc-1", PlateMatch.PREFIX).span
        assert all(first <= text <= last for text in ("ABC1", "ABC1000", "ABC1Z99", "ABC1ZZZZZZZZ"))
        assert not any(first <= text <= last for text in ("ABC", "ABC0Z99", "ABC2000", "ABCA123", "ABD1234"))


class TestPeriods:
    def test_hours_are_those_that_it_touches(self) -> None:
        assert Period(NOW, NOW + timedelta(minutes=2)).hours() == [NOW.replace(minute=0)]
        assert Period(NOW, NOW + timedelta(minutes=3)).hours() == [NOW.replace(minute=0), NOW + timedelta(minutes=2)]
        assert len(Period(NOW, NOW + timedelta(days=7)).hours()) == 7 * 24 + 1

    def test_one_that_is_empty_or_too_long_is_refused(self) -> None:
        with pytest.raises(Invalid):
            Period(NOW, NOW)
        with pytest.raises(RangeTooLong):
            Period(NOW, NOW + timedelta(days=7, microseconds=1))


class TestThumbnails:
    def test_it_shows_the_plate_with_its_surroundings_or_else_the_object(self) -> None:
        read, unread = seen("ABC1D23"), seen()
        assert read.plate_box is not None
        assert thumbnail_area(read) == read.plate_box.expanded(0.5)
        assert thumbnail_area(unread) == unread.box.expanded(0.1)
