"""Tests of alerts over HTTP, on real servers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.alerts.conftest import API, Running, seen
from tests.ledger import audit_entries

from chassis.http import encode_cursor
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role

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


async def three_alerts(running: Running) -> tuple[Caller, list[dict[str, Any]]]:
    """Raises an alert of each severity, at a camera each; returns them in the order in which they were raised."""
    caller = running.tenant()
    for plate, severity in (("AAA1234", "critical"), ("BBB1234", "warning"), ("CCC1C34", "info")):
        await running.watch(caller, plate, severity=severity)
        await running.store(caller.tenant_id, seen(plate), times=1)
    return caller, list(reversed(await running.alerts(caller)))


class TestFilters:
    async def test_each_narrows_the_list(self, running: Running) -> None:
        caller, (first, second, third) = await three_alerts(running)
        for params, wanted in (
            ({"severity": "critical"}, [first]),
            ({"severity": ["info", "warning"]}, [third, second]),
            ({"camera_id": second["camera_id"]}, [second]),
            ({"camera_id": [first["camera_id"], third["camera_id"]]}, [third, first]),
            ({"camera_id": str(new_id())}, []),
            ({"watchlist_id": second["watchlist_id"]}, [second]),
            ({"watchlist_id": [first["watchlist_id"], third["watchlist_id"]]}, [third, first]),
            ({"watchlist_id": str(new_id())}, []),
            ({"plate": "ccc-1c34"}, [third]),
            ({"plate": "CCC1234"}, []),
            ({"from": second["raised_at"]}, [third, second]),
            ({"to": second["raised_at"]}, [first]),
            ({"severity": "info", "camera_id": first["camera_id"]}, []),
            ({"state": "open", "severity": "warning", "plate": "BBB1234"}, [second]),
        ):
            assert await running.alerts(caller, **params) == wanted, params

    async def test_pages_of_a_filter_follow_each_other(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        params: dict[str, Any] = {"severity": ["info", "critical"], "limit": "1"}
        page = (await running.send(caller, "GET", "/alerts", params=params)).json()
        then = (await running.send(caller, "GET", "/alerts", params=params | {"cursor": page["next"]})).json()
        assert page["items"] + then["items"] == [alerts[2], alerts[0]]

    @pytest.mark.parametrize(
        ("params", "code"),
        [
            ({"plate": "ABC"}, "invalid_plate"),
            ({"severity": "loud"}, "invalid"),
            ({"camera_id": "1"}, "invalid"),
            ({"watchlist_id": "1"}, "invalid"),
            ({"from": "2026-01-01T00:00:00"}, "invalid"),
        ],
    )
    async def test_wrong_ones_are_refused(self, running: Running, params: dict[str, str], code: str) -> None:
        answer = await running.send(running.tenant(), "GET", "/alerts", params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


class TestOne:
    async def test_an_alert_is_shown_as_in_the_list(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        answer = await running.send(caller, "GET", f"/alerts/{alerts[1]['alert_id']}")
        assert (answer.status_code, answer.json()) == (200, alerts[1])

    async def test_one_outside_of_the_callers_groups_is_not_found(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        limited = running.mint.caller(Role.OPERATOR, tenant_id=caller.tenant_id, groups=[new_id()])
        assert (await running.send(limited, "GET", f"/alerts/{alerts[1]['alert_id']}")).status_code == 404


class TestSummary:
    async def test_it_counts_what_is_open_by_severity(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        await running.watch(caller, "DDD1234", severity="critical")
        await running.store(caller.tenant_id, *(seen("DDD1234") for _ in range(3)), times=1)
        newest, *_ = await running.alerts(caller)
        summary = (await running.send(caller, "GET", "/alerts/summary")).json()
        assert summary == {"open": {"critical": 4, "warning": 1, "info": 1, "total": 6}, "newest_open": newest}
        ids = [newest["alert_id"], alerts[1]["alert_id"]]
        assert (await running.send(caller, "POST", "/alerts/acknowledge", json={"alert_ids": ids})).status_code == 200
        summary = (await running.send(caller, "GET", "/alerts/summary")).json()
        assert summary["open"] == {"critical": 3, "warning": 0, "info": 1, "total": 4}
        assert summary["newest_open"]["alert_id"] not in ids

    async def test_of_nothing(self, running: Running) -> None:
        answer = await running.send(running.tenant(Role.VIEWER), "GET", "/alerts/summary")
        assert answer.json() == {"open": {"critical": 0, "warning": 0, "info": 0, "total": 0}, "newest_open": None}

    async def test_it_counts_only_what_the_caller_may_see(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        group = new_id()
        await running.register(caller.tenant_id, alerts[0]["camera_id"], group)
        limited = running.mint.caller(Role.OPERATOR, tenant_id=caller.tenant_id, groups=[group])
        summary = (await running.send(limited, "GET", "/alerts/summary")).json()
        assert summary == {"open": {"critical": 1, "warning": 0, "info": 0, "total": 1}, "newest_open": alerts[0]}


class TestAcknowledgeSeveral:
    async def test_they_are_acknowledged_together_and_each_is_on_record(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        first, second, third = (str(alert["alert_id"]) for alert in alerts)
        before = (await running.send(caller, "POST", f"/alerts/{second}/acknowledge")).json()
        missing = str(new_id())
        body = {"alert_ids": [third, missing, second, first, third]}
        answer = (await running.send(caller, "POST", "/alerts/acknowledge", json=body)).json()
        assert [each["alert_id"] for each in answer["acknowledged"]] == [third, second, first]
        assert {(each["state"], each["acknowledged_by"]) for each in answer["acknowledged"]} == {("acknowledged", str(caller.user_id))}
        assert answer["acknowledged"][1] == before, "as it was"
        assert answer["not_found"] == [missing]
        assert await running.alerts(caller, state="open") == []
        recorded = [each for each in await audit_entries(running.db, caller.tenant_id) if each.data.action == "alert.acknowledged"]
        assert sorted(str(each.data.object_id) for each in recorded) == sorted([first, second, third])

    async def test_what_the_caller_may_not_see_is_not_found_and_stays_open(self, running: Running) -> None:
        caller, alerts = await three_alerts(running)
        group = new_id()
        await running.register(caller.tenant_id, alerts[0]["camera_id"], group)
        ids = [str(alert["alert_id"]) for alert in alerts]
        limited = running.mint.caller(Role.OPERATOR, tenant_id=caller.tenant_id, groups=[group])
        for asking, seen_ids in ((running.tenant(), []), (limited, ids[:1])):
            answer = (await running.send(asking, "POST", "/alerts/acknowledge", json={"alert_ids": ids})).json()
            assert [each["alert_id"] for each in answer["acknowledged"]] == seen_ids
            assert answer["not_found"] == ids[len(seen_ids) :]
        assert [alert["alert_id"] for alert in await running.alerts(caller, state="open")] == [ids[2], ids[1]]

    @pytest.mark.parametrize("ids", [[], ["1"], [str(new_id()) for _ in range(501)]], ids=["none", "no id", "too many"])
    async def test_wrong_lists_are_refused(self, running: Running, ids: list[str]) -> None:
        answer = await running.send(running.tenant(), "POST", "/alerts/acknowledge", json={"alert_ids": ids})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    async def test_a_viewer_may_not(self, running: Running) -> None:
        answer = await running.send(running.tenant(Role.VIEWER), "POST", "/alerts/acknowledge", json={"alert_ids": [str(new_id())]})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
