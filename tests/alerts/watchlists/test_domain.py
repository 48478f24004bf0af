"""Tests of the rules by which a plate matches a watchlist."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from tests.alerts.conftest import NOW

from alerts.watchlists.domain import Entry, Match, valid_plate
from gtvision.errors import InvalidPlate
from gtvision.ids import new_id


def entry(plate: str = "ABC1234", match: Match = Match.ERA, valid_until: datetime | None = None) -> Entry:
    return Entry(new_id(), new_id(), new_id(), plate, match, "furtada", valid_until, NOW)


class TestEntry:
    @pytest.mark.parametrize(
        ("match", "plate", "fits"), [(Match.ERA, "ABC1C34", True), (Match.EXACT, "ABC1C34", False), (Match.EXACT, "ABC1234", True)]
    )
    def test_compares_as_it_was_told(self, match: Match, plate: str, fits: bool) -> None:
        assert entry(match=match).fits(plate, NOW) is fits

    def test_ends_when_it_is_over(self) -> None:
        assert entry(valid_until=NOW + timedelta(seconds=1)).fits("ABC1234", NOW)
        assert not entry(valid_until=NOW).fits("ABC1234", NOW)


@pytest.mark.parametrize("text", ["", "AB", "ABC12345", "1234567", "ABC-12", "ABCDEFG"])
def test_what_is_no_plate_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlate):
        valid_plate(text)


def test_a_plate_may_be_typed_as_people_type() -> None:
    assert valid_plate(" abc-1d23 ") == "ABC1D23"
