"""When a sighting becomes an alert."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.domain import Entry, Match, Watchlist, confident_plates, raise_alert, valid_plate, within_cooldown
from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.errors import InvalidPlate
from gtvision.events import Severity, StoredDetection
from gtvision.geometry import Box
from gtvision.ids import new_id

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def entry(plate: str = "ABC1234", match: Match = Match.ERA, valid_until: datetime | None = None) -> Entry:
    return Entry(new_id(), new_id(), new_id(), plate, match, "furtada", valid_until, NOW)


def seen(plate: str | None = "ABC1234", confidence: float = 0.9) -> StoredDetection:
    read = PlateCandidate(text=plate, confidence=confidence) if plate else None
    thing = DetectedObject(object_class=ObjectClass.CAR, confidence=0.8, box=Box(x1=0, y1=0, x2=1, y2=1), plate=read)
    return StoredDetection(detection_id=new_id(), camera_id=new_id(), captured_at=NOW, object=thing)


class TestEntry:
    @pytest.mark.parametrize(
        ("match", "plate", "fits"), [(Match.ERA, "ABC1C34", True), (Match.EXACT, "ABC1C34", False), (Match.EXACT, "ABC1234", True)]
    )
    def test_compares_as_it_was_told(self, match: Match, plate: str, fits: bool) -> None:
        assert entry(match=match).fits(plate, NOW) is fits

    def test_ends_when_it_is_over(self) -> None:
        assert entry(valid_until=NOW + timedelta(seconds=1)).fits("ABC1234", NOW)
        assert not entry(valid_until=NOW).fits("ABC1234", NOW)


def test_only_plates_read_well_enough_count() -> None:
    good = seen(confidence=0.6)
    assert confident_plates([good, seen(confidence=0.59), seen(plate=None)], 0.6) == [good]


def test_the_same_sighting_is_the_same_alert() -> None:
    watched, sighting = entry(), seen("ABC1C34")
    watchlist = Watchlist(watched.watchlist_id, watched.tenant_id, "Furtados", Severity.CRITICAL, NOW)
    first = raise_alert(watchlist, watched, sighting, "Avenida", NOW)
    assert first == raise_alert(watchlist, watched, sighting, "Avenida", NOW)
    assert (first.plate, first.severity, first.title) == (
        "ABC1C34",
        Severity.CRITICAL,
        "Placa ABC1C34 da lista “Furtados” vista em Avenida",
    )


@pytest.mark.parametrize(("seconds", "joined"), [(59, True), (-59, True), (60, False), (-61, False)])
def test_cooldown_holds_in_both_directions(seconds: int, joined: bool) -> None:
    assert within_cooldown(NOW, NOW + timedelta(seconds=seconds), timedelta(seconds=60)) is joined


@pytest.mark.parametrize("text", ["", "AB", "ABC12345", "1234567", "ABC-12", "ABCDEFG"])
def test_what_is_no_plate_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlate):
        valid_plate(text)


def test_a_plate_may_be_typed_as_people_type() -> None:
    assert valid_plate(" abc-1d23 ") == "ABC1D23"
