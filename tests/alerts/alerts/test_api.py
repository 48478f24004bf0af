"""Tests of alerts over HTTP, on real servers."""

from __future__ import annotations

import pytest
from tests.alerts.conftest import API, Running, seen

from chassis.http import encode_cursor
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker]


async def test_pages_follow_each_other(running: Running) -> None:
    caller = running.tenant()
    await running.watch(caller, "ABC1234")
    await running.store(caller.tenant_id, *(seen("ABC1234") for _ in range(5)), times=1)
    ids, cursor = [], ""
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params=params)).json()
        ids += [item["alert_id"] for item in page["items"]]
        if not (cursor := page["next"]):
            break
    assert len(ids) == len(set(ids)) == 5


async def test_a_cursor_of_another_list_is_refused(running: Running) -> None:
    caller = running.tenant()
    answer = await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params={"cursor": "zzz"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_cursor_without_a_time_zone_is_refused(running: Running) -> None:
    caller = running.tenant()
    cursor = encode_cursor(at="2026-01-01T00:00:00", id=str(new_id()))
    answer = await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")
