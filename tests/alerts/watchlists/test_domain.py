"""Tests of the rules by which a plate matches a watchlist."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.alerts.conftest import NOW

from alerts.watchlists.domain import Certainty, Entry, Hours, Match, Read, valid_plate
from gtvision.errors import InvalidPlate
from gtvision.ids import new_id

UTC = ZoneInfo("UTC")


def entry(plate: str = "ABC1234", match: Match = Match.ERA, valid_until: datetime | None = None) -> Entry:
    return Entry(new_id(), new_id(), new_id(), plate, match, "furtada", valid_until, NOW)


class TestEntry:
    @pytest.mark.parametrize(
        ("match", "plate", "fits"), [(Match.ERA, "ABC1C34", True), (Match.EXACT, "ABC1C34", False), (Match.EXACT, "ABC1234", True)]
    )
    def test_compares_as_it_was_told(self, match: Match, plate: str, fits: bool) -> None:
        assert entry(match=match).compare(Read(plate)) is (Certainty.CERTAIN if fits else None)

    def test_ends_when_it_is_over(self) -> None:
        assert entry(valid_until=NOW + timedelta(seconds=1)).watches(NOW, UTC)
        assert not entry(valid_until=NOW).watches(NOW, UTC)


@pytest.mark.parametrize("text", ["", "AB", "ABC12345", "1234567", "ABC-12", "ABCDEFG"])
def test_what_is_no_plate_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlate):
        valid_plate(text)


def test_a_plate_may_be_typed_as_people_type() -> None:
    assert valid_plate(" abc-1d23 ") == "ABC1D23"


class TestSimilar:
    @pytest.mark.parametrize(
        ("read", "found"),
        [
            ("ABC1234", "certain"),
            ("ABC1C34", "certain"),
            ("ABC1235", "possible"),
            ("ABC1C35", "possible"),
            ("A8C1234", "possible"),
            ("ABC1Z34", "possible"),
            ("ABC1D34", "possible"),
            ("A8C1235", None),
            ("ABC123", None),
            ("XABC1234", None),
        ],
    )
    def test_one_wrong_character_is_a_possible_match_in_either_era(self, read: str, found: str | None) -> None:
        assert entry(match=Match.SIMILAR).compare(Read(read)) == found
        assert entry(match=Match.ERA).compare(Read(read)) == (found if found == "certain" else None)

    def test_a_doubtful_reading_with_a_wrong_character_is_none(self) -> None:
        assert entry(match=Match.SIMILAR).compare(Read("ABC1235", is_sure=False)) is None


class TestWhenAndWhere:
    @pytest.mark.parametrize(
        ("start", "end", "at", "covered"),
        [
            ("08:00", "18:00", "2026-05-04T08:00", True),
            ("08:00", "18:00", "2026-05-04T18:00", False),
            ("08:00", "18:00", "2026-05-05T09:00", False),
            ("22:00", "06:00", "2026-05-04T23:00", True),
            ("22:00", "06:00", "2026-05-05T05:59", True),
            ("22:00", "06:00", "2026-05-05T22:00", False),
            ("00:00", "00:00", "2026-05-04T12:00", True),
        ],
    )
    def test_hours_of_a_monday(self, start: str, end: str, at: str, covered: bool) -> None:
        hours = Hours((0,), time.fromisoformat(start), time.fromisoformat(end))
        assert hours.cover(datetime.fromisoformat(at)) is covered

    def test_hours_are_those_of_the_city(self) -> None:
        watched = replace(entry(), hours=Hours((4,), time(9), time(10)))  # Friday; NOW is 9:00 in São Paulo
        assert watched.watches(NOW, ZoneInfo("America/Sao_Paulo"))
        assert not watched.watches(NOW, UTC)
        assert not replace(watched, enabled=False).watches(NOW, ZoneInfo("America/Sao_Paulo"))

    def test_it_is_looked_for_at_its_cameras_and_those_of_its_groups(self) -> None:
        camera, group = new_id(), new_id()
        here = replace(entry(), camera_ids=(camera,), group_ids=(group,))
        found = [here.covers(camera, ()), here.covers(new_id(), [group]), here.covers(new_id(), [new_id()])]
        assert found == [True, True, False]
        assert entry().covers(camera, ())
