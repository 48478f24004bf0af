"""Tests of the rules by which a stored plate is worth an alert."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.alerts.conftest import NOW, seen

from alerts.sightings.domain import Hit, SightingRules, hits_of, occurrence, sightings_of
from alerts.watchlists.domain import Certainty, Entry, Match, Watchlist
from gtvision.detection import PlateCandidate
from gtvision.events import Severity, StoredDetection
from gtvision.ids import new_id

RULES = SightingRules(0.6, 0.01, timedelta(minutes=1))
UTC = ZoneInfo("UTC")
LIST = Watchlist(new_id(), new_id(), "Furtados", Severity.CRITICAL, NOW)


def entry(plate: str, match: Match = Match.ERA, priority: Severity | None = None) -> Entry:
    return Entry(new_id(), LIST.tenant_id, LIST.watchlist_id, plate, match, "furtada", None, NOW, priority=priority)


def passing(plate: str, confidence: float = 0.9, **alternates: float) -> StoredDetection:
    meant = tuple(PlateCandidate(text=text, confidence=sure) for text, sure in alternates.items())
    stored = seen(plate, confidence)
    return stored.model_copy(update={"object": stored.object.model_copy(update={"plate_alternates": meant})})


def hits(watched: list[Entry], *passes: StoredDetection) -> list[Hit]:
    return hits_of(sightings_of(passes, RULES), [(LIST, each) for each in watched], UTC)


def certainties(watched: list[Entry], *passes: StoredDetection) -> list[tuple[str, Certainty]]:
    return [(hit.entry.plate, hit.certainty) for hit in hits(watched, *passes)]


def test_only_plates_read_well_enough_count() -> None:
    good = seen(confidence=0.6)
    assert [each.seen for each in sightings_of([good, seen(confidence=0.59), seen(plate=None)], RULES)] == [good]


def test_a_sighting_is_told_as_it_was_read() -> None:
    watched, passed = entry("ABC1234"), seen("ABC1C34")
    [hit] = hits([watched], passed)
    told = occurrence(hit, "Avenida", timedelta(minutes=1))
    assert (told.plate, told.severity, told.title, told.reason) == (
        "ABC1C34",
        Severity.CRITICAL,
        "Placa ABC1C34 da lista “Furtados” vista em Avenida",
        "furtada",
    )
    assert (told.subject, told.is_possible, told.alternatives) == (f"{watched.entry_id}/{passed.camera_id}", False, ())


def test_what_the_reader_may_have_meant_is_a_possible_match() -> None:
    """P2 of field-trouble.md: OUN4297 was watched, DUN4297 was read, with OUN4297 as its first alternate."""
    [hit] = hits([entry("OUN4297")], passing("DUN4297", 0.95, OUN4297=0.03, QUN4297=0.002))
    told = occurrence(hit, "Portão", timedelta(minutes=1))
    assert (told.is_possible, told.plate, told.alternatives, told.severity) == (True, "OUN4297", ("DUN4297",), Severity.WARNING)
    assert told.title == "Possível placa OUN-4297 (lida DUN-4297) da lista “Furtados” vista em Portão"


@pytest.mark.parametrize(
    ("match", "found"), [(Match.EXACT, []), (Match.ERA, [("OUN4297", "possible")]), (Match.SIMILAR, [("OUN4297", "possible")])]
)
def test_an_exact_entry_takes_no_alternate(match: Match, found: list[tuple[str, str]]) -> None:
    assert certainties([entry("OUN4297", match)], passing("DUN4297", 0.95, OUN4297=0.03)) == found


def test_a_doubtful_reading_is_possible_where_it_and_its_alternates_are_sure_together() -> None:
    assert certainties([entry("DUN4297")], passing("DUN4297", 0.5, OUN4297=0.3)) == [("DUN4297", "possible")]
    assert certainties([entry("OUN4297")], passing("DUN4297", 0.5, OUN4297=0.3)) == [("OUN4297", "possible")]
    assert certainties([entry("DUN4297")], passing("DUN4297", 0.5, OUN4297=0.05)) == []


def test_a_plate_that_is_on_the_list_is_not_possibly_another_one_of_it() -> None:
    both = [entry("ABC1234", Match.SIMILAR), entry("ABC1235", Match.SIMILAR)]
    assert certainties(both, passing("ABC1235")) == [("ABC1235", "certain")]
    assert certainties(both, passing("ABC1236")) == [("ABC1234", "possible"), ("ABC1235", "possible")]


@pytest.mark.parametrize(
    ("priority", "plate", "severity"),
    [
        (None, "ABC1235", Severity.WARNING),
        (Severity.INFO, "ABC1235", Severity.INFO),
        (Severity.WARNING, "ABC1235", Severity.INFO),
        (Severity.INFO, "ABC1234", Severity.INFO),
    ],
)
def test_an_entrys_priority_counts_and_a_possible_match_is_softer(priority: Severity | None, plate: str, severity: Severity) -> None:
    [hit] = hits([entry("ABC1234", Match.SIMILAR, priority)], passing(plate))
    assert occurrence(hit, "Portão", timedelta(minutes=1)).severity is severity
