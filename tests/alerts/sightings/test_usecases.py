"""Tests from a stored plate to a possible or a certain alert, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.alerts.conftest import NOW, Running, seen

from gtvision.detection import PlateCandidate
from gtvision.events import StoredDetection
from gtvision.ids import new_id
from gtvision.tenancy import Caller

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def watch(running: Running, caller: Caller, plate: str, **more: Any) -> dict[str, Any]:
    path = f"/watchlists/{await running.watchlist(caller)}/entries"
    made = await running.send(caller, "POST", path, json={"plate": plate} | more)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def later(detection: StoredDetection, plate: str, seconds: int) -> StoredDetection:
    """Returns a detection by the same camera."""
    return seen(plate).model_copy(update={"camera_id": detection.camera_id, "captured_at": NOW + timedelta(seconds=seconds)})


async def test_a_similar_plate_is_possible_and_a_certain_one_makes_it_certain(running: Running) -> None:
    caller = running.tenant()
    await watch(running, caller, "ABC1234", match="similar", priority="critical")
    first = seen("ABC1Z34")
    await running.store(caller.tenant_id, first, seen("XBC1Z34"))
    [possible] = await running.alerts(caller)
    assert (possible["is_possible"], possible["plate"], possible["alternatives"]) == (True, "ABC1234", ["ABC1Z34"])
    assert (possible["severity"], possible["sightings"]) == ("warning", 1)
    await running.store(caller.tenant_id, later(first, "ABC1C34", 5))
    [certain] = await running.alerts(caller)
    assert (certain["alert_id"], certain["is_possible"], certain["severity"]) == (possible["alert_id"], False, "critical")
    assert (certain["plate"], certain["sightings"]) == ("ABC1C34", 2)


async def test_a_stored_alternate_is_a_possible_match(running: Running) -> None:
    caller = running.tenant()
    await watch(running, caller, "OUN4297")
    read = seen("DUN4297")
    meant = (PlateCandidate(text="OUN4297", confidence=0.03),)
    await running.store(caller.tenant_id, read.model_copy(update={"object": read.object.model_copy(update={"plate_alternates": meant})}))
    [alert] = await running.alerts(caller)
    assert (alert["is_possible"], alert["plate"], alert["alternatives"]) == (True, "OUN4297", ["DUN4297"])


async def test_a_plate_is_looked_for_where_when_and_as_long_as_it_is_told(running: Running) -> None:
    caller, group = running.tenant(), new_id()
    inside, outside = seen("ABC1234"), seen("ABC1234")
    await running.register(caller.tenant_id, inside.camera_id, group)
    day = {"days": [0, 1, 2, 3, 5, 6], "from": "00:00", "to": "00:00"}  # NOW is a Friday
    await watch(running, caller, "ABC1234", group_ids=[str(group)], reason="bairro")
    await watch(running, caller, "ABC1234", hours=day)
    await watch(running, caller, "ABC1234", enabled=False)
    off = await watch(running, caller, "ABC1234")
    assert (await running.send(caller, "PATCH", f"/watchlists/{off['watchlist_id']}", json={"enabled": False})).status_code == 200
    await running.store(caller.tenant_id, inside, outside)
    assert [(each["camera_id"], each["reason"]) for each in await running.alerts(caller)] == [(str(inside.camera_id), "bairro")]


async def test_what_is_told_of_lists_and_entries_is_kept_and_may_be_taken_back(running: Running) -> None:
    caller, channel, camera = running.tenant(), str(new_id()), str(new_id())
    more = {"channel_ids": [channel], "legal_basis": "Decreto 1", "description": "x", "enabled": False}
    made = await running.send(caller, "POST", "/watchlists", json={"name": "Uma"} | more)
    assert {name: made.json()[name] for name in more} == more
    path = f"/watchlists/{made.json()['watchlist_id']}"
    assert (await running.send(caller, "PATCH", path, json={"channel_ids": None})).json()["channel_ids"] is None
    where = {
        "hours": {"days": [0, 4], "from": "22:00", "to": "06:00"},
        "priority": "info",
        "camera_ids": [camera],
        "legal_basis": "Ofício 2",
    }
    entry = (await running.send(caller, "POST", f"{path}/entries", json={"plate": "ABC1234", "match": "similar"} | where)).json()
    assert {name: entry[name] for name in where} == where
    back: dict[str, Any] = {"hours": None, "priority": None, "camera_ids": [], "match": "exact"}
    changed = await running.send(caller, "PATCH", f"{path}/entries/{entry['entry_id']}", json=back)
    assert changed.json() == entry | back
    for wrong in (
        {"hours": {"days": [7], "from": "22:00", "to": "06:00"}},
        {"hours": {"days": [1], "from": "25:00", "to": "06:00"}},
        {"camera_ids": None},
    ):
        answer = await running.send(caller, "PATCH", f"{path}/entries/{entry['entry_id']}", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), wrong
