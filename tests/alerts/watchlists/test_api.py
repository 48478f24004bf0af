"""Watchlists over HTTP, on real servers."""

from __future__ import annotations

import pytest
from tests.alerts.conftest import API, Running

pytestmark = [pytest.mark.db, pytest.mark.broker]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"plate": "AB"}, 422, "invalid_plate"),
        ({"plate": "ABC1234", "color": "red"}, 422, "invalid"),
        ({"plate": "ABC1234", "valid_until": "2026-01-01T00:00:00"}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
async def test_wrong_entries_are_refused_by_name(running: Running, body: dict[str, str], status: int, code: str) -> None:
    caller = running.tenant()
    entry = await running.watch(caller, "ABC1234")
    url = f"{API}/watchlists/{entry['watchlist_id']}/entries"
    answer = await running.http.post(url, headers=running.mint.headers(caller), json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_same_plate_is_the_same_entry(running: Running) -> None:
    caller = running.tenant()
    entry = await running.watch(caller, "ABC1234")
    url = f"{API}/watchlists/{entry['watchlist_id']}/entries"
    again = await running.http.post(url, headers=running.mint.headers(caller), json={"plate": "abc-1234", "reason": "recuperada"})
    assert (again.json()["entry_id"], again.json()["reason"]) == (entry["entry_id"], "recuperada")


async def test_a_name_is_taken_once(running: Running) -> None:
    caller = running.tenant()
    await running.watch(caller, "ABC1234", name="Furtados")
    answer = await running.http.post(f"{API}/watchlists", headers=running.mint.headers(caller), json={"name": "Furtados"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_what_postgresql_cannot_hold_is_refused(running: Running) -> None:
    caller = running.tenant()
    headers = running.mint.headers(caller)
    for name in ("a\0b", " ", "\n"):
        made = await running.http.post(f"{API}/watchlists", headers=headers, json={"name": name})
        assert (made.status_code, made.json()["code"]) == (422, "invalid")
    made = await running.http.post(f"{API}/watchlists", headers=headers, json={"name": " Furtos "})
    assert made.json()["name"] == "Furtos"
    entries = f"{API}/watchlists/{made.json()['watchlist_id']}/entries"
    entry = await running.http.post(entries, headers=headers, json={"plate": "ABC1234", "reason": "a\0b"})
    assert (entry.status_code, entry.json()["code"]) == (422, "invalid")
