"""Tests of the rules of detections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.ingest.making import frame, seen

from gtvision.errors import InvalidPlate
from gtvision.ids import new_id
from ingest.detections.domain import PlateMatch, PlateSearch, Refusal, Window, detections_of

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
        assert PlateSearch("abc-1c34").value == PlateSearch("ABC1234").value
        assert PlateSearch("abc-1c34", PlateMatch.EXACT).value == "ABC1C34"

    @pytest.mark.parametrize("text", ["", "ABC", "ABC12345", "1234567", "ABC1234" * 9, "ABC%234"])
    def test_what_is_no_plate_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidPlate):
            PlateSearch(text)
