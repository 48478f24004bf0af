"""Tests of the rules by which a sighting becomes an alert."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.alerts.conftest import NOW, seen

from alerts.alerts.domain import confident_plates, raise_alert, within_cooldown
from alerts.watchlists.domain import Entry, Match, Watchlist
from gtvision.events import Severity
from gtvision.ids import new_id


def test_only_plates_read_well_enough_count() -> None:
    good = seen(confidence=0.6)
    assert confident_plates([good, seen(confidence=0.59), seen(plate=None)], 0.6) == [good]


def test_the_same_sighting_is_the_same_alert() -> None:
    watched, sighting = Entry(new_id(), new_id(), new_id(), "ABC1234", Match.ERA, "furtada", None, NOW), seen("ABC1C34")
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
