"""Tests of audit entries of watchlists and alerts: one for each change, with caller and address; none for what failed."""

from __future__ import annotations

import pytest
from tests.alerts.conftest import API, NOW, Running, seen
from tests.ledger import audit_entries

from city.tenants import KnownTenant, TenantDirectory
from gtvision.ids import new_id
from gtvision.tenancy import Purposes, TenantSettings

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def test_watchlists_from_their_making_to_their_end(running: Running) -> None:
    caller, correlation = running.tenant(), new_id()
    entry = await running.watch(caller, "abc-1234", name="Furtados")
    watchlist, headers = entry["watchlist_id"], running.mint.headers(caller) | {"x-correlation-id": str(correlation), "x-purpose": "crime"}
    for path in (f"/watchlists/{watchlist}/entries/{entry['entry_id']}", f"/watchlists/{watchlist}"):
        assert (await running.http.delete(API + path, headers=headers)).status_code == 204
    found = await audit_entries(running.db, caller.tenant_id)
    assert [(record.data.action, record.data.object_id) for record in found] == [
        ("watchlist.created", watchlist),
        ("watchlist_entry.added", entry["entry_id"]),
        ("watchlist_entry.removed", entry["entry_id"]),
        ("watchlist.removed", watchlist),
    ]
    for record in found:
        assert (record.data.actor_id, record.data.actor_role, record.data.session_id) == (caller.user_id, "admin", caller.session_id)
        assert (record.data.address, record.data.service) == ("203.0.113.9", "alerts")
    assert (found[0].data.details, found[3].data.details) == ({"name": "Furtados", "severity": "critical"},) * 2
    assert found[1].data.details == {"watchlist": watchlist, "plate": "ABC1234", "match": "era", "valid_until": "always"}
    assert found[2].data.details == found[1].data.details
    assert {(record.correlation_id, record.data.purpose) for record in found[2:]} == {(correlation, "crime")}


async def test_an_alert_is_acknowledged_once(running: Running) -> None:
    caller = running.tenant()
    await running.watch(caller, "ABC1234")
    sighting = seen("ABC1234")
    await running.store(caller.tenant_id, sighting)
    [alert] = await running.alerts(caller)
    for _ in range(2):
        answer = await running.http.post(f"{API}/alerts/{alert['alert_id']}/acknowledge", headers=running.mint.headers(caller))
        assert answer.status_code == 200
    [record] = [record for record in await audit_entries(running.db, caller.tenant_id) if record.data.object_kind == "alert"]
    assert (record.data.action, record.data.object_id, record.camera_id) == ("alert.acknowledged", alert["alert_id"], sighting.camera_id)


async def test_a_search_for_a_plate_is_for_a_purpose_and_on_record(running: Running) -> None:
    caller, camera = running.tenant(), str(new_id())
    city = KnownTenant(name="Cidade", revision=1, settings=TenantSettings(purposes=Purposes(codes=("crime",), required=True)))
    running.service.api.state.provided[TenantDirectory].learn(caller.tenant_id, city)
    assert await running.alerts(caller) == [], "without a plate it is no search"
    for sent, code in ((None, "purpose_required"), ("curiosity", "purpose_unknown")):
        headers = running.mint.headers(caller) | ({"x-purpose": sent} if sent else {})
        answer = await running.http.get(f"{API}/alerts", params={"plate": "ABC1234"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await audit_entries(running.db, caller.tenant_id) == []
    headers = running.mint.headers(caller) | {"x-purpose": "crime"}
    params = {"plate": "abc-1234", "camera_id": camera, "to": "2026-05-01T12:00:00Z"}
    assert (await running.http.get(f"{API}/alerts", params=params, headers=headers)).status_code == 200
    [record] = await audit_entries(running.db, caller.tenant_id)
    assert (record.data.action, record.data.object_kind, record.data.object_id) == ("plate.searched", "plate", "ABC1234")
    assert (record.data.purpose, str(record.camera_id), record.data.details) == ("crime", camera, {"in": "alerts", "found": "0"})
    assert record.data.range_to == NOW


async def test_what_is_refused_is_not_on_record(running: Running) -> None:
    caller, stranger = running.tenant(), running.tenant()
    entry = await running.watch(caller, "ABC1234", name="Uma")
    before = len(await audit_entries(running.db, caller.tenant_id))
    for asking, method, path, body in (
        (caller, "POST", "/watchlists", {"name": "Uma"}),
        (caller, "POST", f"/watchlists/{entry['watchlist_id']}/entries", {"plate": "AB"}),
        (caller, "POST", f"/watchlists/{new_id()}/entries", {"plate": "ABC1234"}),
        (stranger, "DELETE", f"/watchlists/{entry['watchlist_id']}", None),
        (stranger, "DELETE", f"/watchlists/{entry['watchlist_id']}/entries/{entry['entry_id']}", None),
        (stranger, "POST", f"/alerts/{new_id()}/acknowledge", None),
    ):
        answer = await running.http.request(method, API + path, json=body, headers=running.mint.headers(asking))
        assert answer.status_code in {404, 409, 422}, path
    assert len(await audit_entries(running.db, caller.tenant_id)) == before
    assert await audit_entries(running.db, stranger.tenant_id) == []
