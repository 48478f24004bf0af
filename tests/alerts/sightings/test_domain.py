"""Tests of the rules by which a stored plate is worth an alert."""

from __future__ import annotations

from datetime import timedelta

from tests.alerts.conftest import NOW, seen

from alerts.sightings.domain import confident_plates, sighting
from alerts.watchlists.domain import Entry, Match, Watchlist
from gtvision.events import Severity
from gtvision.ids import new_id


def test_only_plates_read_well_enough_count() -> None:
    good = seen(confidence=0.6)
    assert confident_plates([good, seen(confidence=0.59), seen(plate=None)], 0.6) == [good]


def test_a_sighting_is_told_as_it_was_read() -> None:
    watched, passing = Entry(new_id(), new_id(), new_id(), "ABC1234", Match.ERA, "furtada", None, NOW), seen("ABC1C34")
    watchlist = Watchlist(watched.watchlist_id, watched.tenant_id, "Furtados", Severity.CRITICAL, NOW)
    told = sighting(watchlist, watched, passing, "Avenida", timedelta(minutes=1))
    assert (told.plate, told.severity, told.title, told.reason) == (
        "ABC1C34",
        Severity.CRITICAL,
        "Placa ABC1C34 da lista “Furtados” vista em Avenida",
        "furtada",
    )
    assert told.subject == f"{watched.entry_id}/{passing.camera_id}"
