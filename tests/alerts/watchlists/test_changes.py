"""Tests of changing watchlists and their plates over HTTP, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.alerts.conftest import NOW, Running, seen
from tests.ledger import audit_entries

from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def changes(running: Running, caller: Caller) -> list[tuple[str, str]]:
    """Returns the changes on record, each with the names of what was changed."""
    found = await audit_entries(running.db, caller.tenant_id)
    return [(each.data.action, each.data.details["changed"]) for each in found if each.data.action.endswith(".changed")]


class TestWatchlists:
    async def test_one_is_renamed_and_its_next_alerts_have_the_new_severity(self, running: Running) -> None:
        caller = running.tenant()
        entry = await running.watch(caller, "ABC1234", "Furtados", "warning")
        path = f"/watchlists/{entry['watchlist_id']}"
        first = seen("ABC1234")
        await running.store(caller.tenant_id, first)
        changed = await running.send(caller, "PATCH", path, json={"name": " Roubados ", "severity": "critical"})
        assert changed.status_code == 200
        assert {name: changed.json()[name] for name in ("name", "severity", "entries")} == {
            "name": "Roubados",
            "severity": "critical",
            "entries": 1,
        }
        assert (await running.send(caller, "GET", path)).json() == changed.json()
        await running.store(caller.tenant_id, seen("ABC1234"))
        assert [alert["severity"] for alert in await running.alerts(caller)] == ["critical", "warning"]
        assert await changes(running, caller) == [("watchlist.changed", "name, severity")]

    async def test_what_changes_nothing_is_not_on_record(self, running: Running) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller, 'Furtados')}"
        for body in ({}, {"name": "Furtados"}, {"severity": "critical"}):
            assert (await running.send(caller, "PATCH", path, json=body)).status_code == 200
        assert await changes(running, caller) == []

    async def test_a_name_that_is_taken_is_refused(self, running: Running) -> None:
        caller = running.tenant()
        await running.watchlist(caller, "Furtados")
        path = f"/watchlists/{await running.watchlist(caller, 'Roubados')}"
        answer = await running.send(caller, "PATCH", path, json={"name": "Furtados", "severity": "info"})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert (await running.send(caller, "GET", path)).json()["severity"] == "critical"

    @pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"severity": None}, {"severity": "loud"}, {"colour": "red"}])
    async def test_wrong_changes_are_refused(self, running: Running, body: dict[str, Any]) -> None:
        caller = running.tenant()
        answer = await running.send(caller, "PATCH", f"/watchlists/{await running.watchlist(caller)}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    async def test_an_operator_may_read_and_not_change(self, running: Running) -> None:
        admin = running.tenant()
        path = f"/watchlists/{await running.watchlist(admin)}"
        operator = running.mint.caller(Role.OPERATOR, tenant_id=admin.tenant_id)
        assert (await running.send(operator, "GET", path)).status_code == 200
        assert (await running.send(operator, "PATCH", path, json={"name": "Outra"})).status_code == 403


class TestEntries:
    async def test_reason_match_and_validity_change_and_the_plate_stays(self, running: Running) -> None:
        caller = running.tenant()
        entry = await running.watch(caller, "ABC1234")
        path = f"/watchlists/{entry['watchlist_id']}/entries/{entry['entry_id']}"
        body = {"reason": "mandado", "match": "exact", "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2100-01-01T00:00:00Z"}
        changed = await running.send(caller, "PATCH", path, json=body)
        assert (changed.status_code, changed.json()) == (200, entry | body)
        cleared = await running.send(caller, "PATCH", path, json={"valid_until": None})
        assert cleared.json() == entry | body | {"valid_until": None}
        assert await changes(running, caller) == [
            ("watchlist_entry.changed", "match, reason, valid_until, valid_from"),
            ("watchlist_entry.changed", "valid_until"),
        ]

    @pytest.mark.parametrize(
        "body",
        [
            {"reason": None},
            {"match": None},
            {"plate": "ABC1D23"},
            {"valid_until": "2020-01-01T00:00:00Z"},
            {"valid_from": "2101-01-01T00:00:00Z", "valid_until": "2100-01-01T00:00:00Z"},
            {"valid_from": "2100-06-01T00:00:00Z"},
        ],
    )
    async def test_wrong_changes_are_refused(self, running: Running, body: dict[str, Any]) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller)}/entries"
        made = (await running.send(caller, "POST", path, json={"plate": "ABC1234", "valid_until": "2100-06-01T00:00:00Z"})).json()
        answer = await running.send(caller, "PATCH", f"{path}/{made['entry_id']}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
        assert (await running.send(caller, "GET", path)).json()["items"] == [made]

    async def test_an_entry_of_another_list_is_not_found(self, running: Running) -> None:
        caller = running.tenant()
        entry = await running.watch(caller, "ABC1234")
        for watchlist, entry_id in ((await running.watchlist(caller), entry["entry_id"]), (entry["watchlist_id"], new_id())):
            answer = await running.send(caller, "PATCH", f"/watchlists/{watchlist}/entries/{entry_id}", json={"reason": "x"})
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_a_watch_begins_at_its_instant(self, running: Running) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller)}/entries"
        body = {"plate": "ABC1234", "valid_from": isoformat(NOW)}
        assert (await running.send(caller, "POST", path, json=body)).status_code == 201
        early = seen("ABC1234").model_copy(update={"captured_at": NOW - timedelta(seconds=1)})
        await running.store(caller.tenant_id, early)
        assert await running.alerts(caller) == []
        in_time = seen("ABC1234")
        await running.store(caller.tenant_id, in_time)
        assert [alert["detection_id"] for alert in await running.alerts(caller)] == [str(in_time.detection_id)]

    async def test_a_watch_for_both_spellings_begins_with_the_earlier_one(self, running: Running) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller)}/entries"
        early, late = "2100-01-01T00:00:00Z", "2101-01-01T00:00:00Z"
        for plate, asked, begins in (("ABC1234", late, late), ("ABC1C34", early, early), ("ABC1C34", late, early), ("ABC1234", None, None)):
            body = {"plate": plate, "match": "exact", "valid_from": asked}
            assert (await running.send(caller, "POST", path, json=body)).json()["valid_from"] == begins, body

    async def test_they_are_found_by_the_beginning_of_the_plate(self, running: Running) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller)}/entries"
        for plate in ("ABC1234", "ABC1Z99", "ABC2D34", "ABD1234", "AAZ9Z99", "ZZZ9Z99"):
            assert (await running.send(caller, "POST", path, json={"plate": plate})).status_code == 201
        for beginning, plates in (
            ("A", ["ABC1234", "ABC1Z99", "ABC2D34", "ABD1234", "AAZ9Z99"]),
            ("abc-1", ["ABC1234", "ABC1Z99"]),
            ("ABC2D34", ["ABC2D34"]),
            ("ZZZ", ["ZZZ9Z99"]),
            ("XYZ", []),
        ):
            answer = await running.send(caller, "GET", path, params={"q": beginning})
            assert [each["plate"] for each in answer.json()["items"]] == plates, beginning
        page = (await running.send(caller, "GET", path, params={"q": "ABC", "limit": "2"})).json()
        rest = (await running.send(caller, "GET", path, params={"q": "ABC", "limit": "2", "cursor": page["next"]})).json()
        assert [each["plate"] for each in page["items"] + rest["items"]] == ["ABC1234", "ABC1Z99", "ABC2D34"]

    @pytest.mark.parametrize("beginning", ["*", "AB?", "-", "ABC1234X", "Á"])
    async def test_what_begins_no_plate_is_refused(self, running: Running, beginning: str) -> None:
        caller = running.tenant()
        path = f"/watchlists/{await running.watchlist(caller)}/entries"
        answer = await running.send(caller, "GET", path, params={"q": beginning})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_plate")
