"""Tests of watchlists over HTTP, on real servers."""

from __future__ import annotations

import httpx
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


async def test_a_vehicle_is_one_entry_in_whichever_era_its_plate_is_written(running: Running) -> None:
    caller = running.tenant()
    entry = await running.watch(caller, "ABC1234")
    path = f"/watchlists/{entry['watchlist_id']}/entries"
    other = await running.send(caller, "POST", path, json={"plate": "abc1c34", "match": "exact", "reason": "mandado"})
    assert other.status_code == 201
    assert other.json() == entry | {"reason": "mandado", "match": "era"}, "an entry for both spellings is kept"
    exact = await running.send(caller, "POST", path, json={"plate": "ABC1234", "match": "exact"})
    assert exact.json()["match"] == "era", "an entry that looks for both spellings is not narrowed"
    assert [each["entry_id"] for each in (await running.send(caller, "GET", path)).json()["items"]] == [entry["entry_id"]]


async def test_a_watch_for_both_spellings_ends_with_the_longer_one(running: Running) -> None:
    caller = running.tenant()
    path = f"/watchlists/{await running.watchlist(caller)}/entries"
    early, late = "2100-01-01T00:00:00Z", "2200-01-01T00:00:00Z"
    for plate, match, asked, ends, stays in (
        ("ABC1234", "exact", early, early, "exact"),
        ("ABC1234", "exact", late, late, "exact"),
        ("ABC1234", "exact", early, early, "exact"),
        ("ABC1C34", "exact", late, late, "era"),
        ("ABC1C34", "era", early, late, "era"),
        ("ABC1234", "exact", early, late, "era"),
        ("ABC1C34", "exact", None, None, "era"),
        ("ABC1C34", "era", early, None, "era"),
        ("ABC1234", "exact", early, None, "era"),
        ("ABC1234", "era", early, early, "era"),
    ):
        added = await running.send(caller, "POST", path, json={"plate": plate, "match": match, "valid_until": asked})
        assert (added.json()["valid_until"], added.json()["match"]) == (ends, stays), (plate, match, asked)


async def test_a_validity_in_the_past_is_refused_and_leaves_the_key_free(running: Running) -> None:
    caller, headers = running.tenant(), {"idempotency-key": "once"}
    path = f"{API}/watchlists/{await running.watchlist(caller)}/entries"

    async def post(valid_until: str) -> httpx.Response:
        body = {"plate": "ABC1234", "valid_until": valid_until}
        return await running.http.post(path, headers=running.mint.headers(caller) | headers, json=body)

    for past in ("2020-01-01T00:00:00Z", "1990-01-01T00:00:00Z"):
        refused = await post(past)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert refused.json()["detail"].startswith(f"valid_until is in the past ({past[:10]}T00:00:00")
    assert (await post("2100-01-01T00:00:00Z")).status_code == 201


async def test_a_name_is_accepted_as_people_type_it_or_refused_by_its_character(running: Running) -> None:
    caller = running.tenant()
    made = await running.send(caller, "POST", "/watchlists", json={"name": "Furtados\u00a0no Centro 🚨"})
    assert (made.status_code, made.json()["name"]) == (201, "Furtados no Centro 🚨")
    taken = await running.send(caller, "POST", "/watchlists", json={"name": "Furtados no Centro 🚨"})
    assert taken.status_code == 409
    refused = await running.send(caller, "POST", "/watchlists", json={"name": "Furtados\u200b"})
    assert refused.status_code == 422
    assert "U+200B (zero width space) as character 9" in refused.json()["errors"][0]["msg"]
