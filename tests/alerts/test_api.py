"""Watchlists and alerts over HTTP, on real servers."""

from datetime import timedelta
from uuid import UUID

import pytest
from tests.alerts.conftest import Running
from tests.alerts.test_domain import seen

from chassis.envelope import wrap
from chassis.http import encode_cursor
from gtvision.events import CameraRegistered, DetectionsStored, StoredDetection
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]

API = "http://alerts/api/v1"


async def watch(running: Running, caller: Caller, plate: str, name: str | None = None) -> dict[str, str]:
    headers = running.mint.headers(caller)
    made = await running.http.post(f"{API}/watchlists", headers=headers, json={"name": name or f"Lista {new_id()}", "severity": "critical"})
    assert made.status_code == 201, made.text
    watchlist = made.json()["watchlist_id"]
    entry = await running.http.post(f"{API}/watchlists/{watchlist}/entries", headers=headers, json={"plate": plate, "reason": "furto"})
    assert entry.status_code == 201, entry.text
    result: dict[str, str] = entry.json()
    return result


async def store_detections(running: Running, tenant: UUID, *sightings: StoredDetection, times: int = 2) -> None:
    """Deliver the event as often as the broker might."""
    event = wrap(DetectionsStored(detections=sightings), tenant_id=tenant, occurred_at=SystemClock().now())
    for _ in range(times):
        await running.events.on_detections_stored(event)


async def alerts_of(running: Running, caller: Caller, **params: str) -> list[dict[str, object]]:
    answer = await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


def tenant(running: Running, role: Role = Role.ADMIN) -> Caller:
    return running.mint.caller(role, tenant_id=new_id())


class TestSightings:
    async def test_a_watched_plate_raises_one_alert_however_often_it_is_delivered(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234")
        await store_detections(running, caller.tenant_id, seen("ABC1C34"), seen("XYZ9A99"))
        [alert] = await alerts_of(running, caller)
        assert (alert["plate"], alert["state"], alert["sightings"], alert["reason"]) == ("ABC1C34", "open", 1, "furto")

    async def test_repeats_within_the_cooldown_are_counted_not_raised(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234")
        first = seen("ABC1234")
        again = first.model_copy(update={"detection_id": new_id(), "captured_at": first.captured_at + timedelta(seconds=59)})
        later = first.model_copy(update={"detection_id": new_id(), "captured_at": first.captured_at + timedelta(seconds=300)})
        await store_detections(running, caller.tenant_id, first)
        await store_detections(running, caller.tenant_id, again)
        await store_detections(running, caller.tenant_id, later)
        assert [alert["sightings"] for alert in await alerts_of(running, caller)] == [1, 2]

    async def test_another_camera_is_another_alert(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234")
        await store_detections(running, caller.tenant_id, seen("ABC1234"), seen("ABC1234"))
        assert len(await alerts_of(running, caller)) == 2

    async def test_the_camera_is_named_whatever_order_its_events_come_in(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234")
        sighting = seen("ABC1234")
        for revision, name in ((2, "Avenida Brasil"), (1, "Nome antigo")):
            data = CameraRegistered(camera_id=sighting.camera_id, revision=revision, name=name, url_encrypted="x")
            event = wrap(data, tenant_id=caller.tenant_id, occurred_at=SystemClock().now())
            await running.cameras.on_camera_registered(event)
            await running.cameras.on_camera_registered(event)
        await store_detections(running, caller.tenant_id, sighting)
        [alert] = await alerts_of(running, caller)
        assert str(alert["title"]).endswith("vista em Avenida Brasil")

    async def test_nobody_sees_another_city_hall(self, running: Running) -> None:
        caller, stranger = tenant(running), tenant(running)
        entry = await watch(running, caller, "ABC1234")
        await store_detections(running, caller.tenant_id, seen("ABC1234"))
        [alert] = await alerts_of(running, caller)
        assert await alerts_of(running, stranger) == []
        headers = running.mint.headers(stranger)
        for method, path in (
            ("POST", f"/alerts/{alert['alert_id']}/acknowledge"),
            ("GET", f"/watchlists/{entry['watchlist_id']}/entries"),
            ("DELETE", f"/watchlists/{entry['watchlist_id']}"),
            ("DELETE", f"/watchlists/{entry['watchlist_id']}/entries/{entry['entry_id']}"),
        ):
            answer = await running.http.request(method, API + path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path

    async def test_camera_groups_limit_what_is_seen(self, running: Running) -> None:
        admin = tenant(running)
        group = new_id()
        await watch(running, admin, "ABC1234")
        inside, outside = seen("ABC1234"), seen("ABC1234")
        data = CameraRegistered(camera_id=inside.camera_id, revision=1, name="A", url_encrypted="x", groups=(group,))
        await running.cameras.on_camera_registered(wrap(data, tenant_id=admin.tenant_id, occurred_at=SystemClock().now()))
        await store_detections(running, admin.tenant_id, inside, outside)
        limited = running.mint.caller(Role.OPERATOR, tenant_id=admin.tenant_id, groups=[group])
        assert [alert["camera_id"] for alert in await alerts_of(running, limited)] == [str(inside.camera_id)]
        hidden = next(alert for alert in await alerts_of(running, admin) if alert["camera_id"] == str(outside.camera_id))
        answer = await running.http.post(f"{API}/alerts/{hidden['alert_id']}/acknowledge", headers=running.mint.headers(limited))
        assert answer.status_code == 404


class TestAcknowledge:
    async def test_once_and_for_all(self, running: Running) -> None:
        caller = tenant(running, Role.ADMIN)
        await watch(running, caller, "ABC1234")
        await store_detections(running, caller.tenant_id, seen("ABC1234"))
        [alert] = await alerts_of(running, caller)
        url, headers = f"{API}/alerts/{alert['alert_id']}/acknowledge", running.mint.headers(caller)
        first, second = await running.http.post(url, headers=headers), await running.http.post(url, headers=headers)
        assert (first.status_code, first.json()["state"]) == (200, "acknowledged")
        assert second.json()["acknowledged_at"] == first.json()["acknowledged_at"]
        assert await alerts_of(running, caller, state="open") == []

    async def test_a_viewer_may_not(self, running: Running) -> None:
        caller = tenant(running, Role.VIEWER)
        answer = await running.http.post(f"{API}/alerts/{new_id()}/acknowledge", headers=running.mint.headers(caller))
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


class TestInput:
    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            ({"plate": "AB"}, 422, "invalid_plate"),
            ({"plate": "ABC1234", "color": "red"}, 422, "invalid"),
            ({"plate": "ABC1234", "valid_until": "2026-01-01T00:00:00"}, 422, "invalid"),
            ({}, 422, "invalid"),
        ],
    )
    async def test_wrong_entries_are_refused_by_name(self, running: Running, body: dict[str, str], status: int, code: str) -> None:
        caller = tenant(running)
        entry = await watch(running, caller, "ABC1234")
        url = f"{API}/watchlists/{entry['watchlist_id']}/entries"
        answer = await running.http.post(url, headers=running.mint.headers(caller), json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    async def test_the_same_plate_is_the_same_entry(self, running: Running) -> None:
        caller = tenant(running)
        entry = await watch(running, caller, "ABC1234")
        url = f"{API}/watchlists/{entry['watchlist_id']}/entries"
        again = await running.http.post(url, headers=running.mint.headers(caller), json={"plate": "abc-1234", "reason": "recuperada"})
        assert (again.json()["entry_id"], again.json()["reason"]) == (entry["entry_id"], "recuperada")

    async def test_a_name_is_taken_once(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234", name="Furtados")
        answer = await running.http.post(f"{API}/watchlists", headers=running.mint.headers(caller), json={"name": "Furtados"})
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    async def test_pages_follow_each_other(self, running: Running) -> None:
        caller = tenant(running)
        await watch(running, caller, "ABC1234")
        await store_detections(running, caller.tenant_id, *(seen("ABC1234") for _ in range(5)), times=1)
        ids, cursor = [], ""
        while True:
            params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params=params)).json()
            ids += [item["alert_id"] for item in page["items"]]
            if not (cursor := page["next"]):
                break
        assert len(ids) == len(set(ids)) == 5

    async def test_a_stranger_cursor_is_refused(self, running: Running) -> None:
        caller = tenant(running)
        answer = await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params={"cursor": "zzz"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")

    async def test_a_cursor_without_a_time_zone_is_refused(self, running: Running) -> None:
        caller = tenant(running)
        cursor = encode_cursor(at="2026-01-01T00:00:00", id=str(new_id()))
        answer = await running.http.get(f"{API}/alerts", headers=running.mint.headers(caller), params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")

    async def test_what_postgresql_cannot_hold_is_refused(self, running: Running) -> None:
        caller = tenant(running)
        headers = running.mint.headers(caller)
        for name in ("a\0b", " ", "\n"):
            made = await running.http.post(f"{API}/watchlists", headers=headers, json={"name": name})
            assert (made.status_code, made.json()["code"]) == (422, "invalid")
        made = await running.http.post(f"{API}/watchlists", headers=headers, json={"name": " Furtos "})
        assert made.json()["name"] == "Furtos"
        entries = f"{API}/watchlists/{made.json()['watchlist_id']}/entries"
        entry = await running.http.post(entries, headers=headers, json={"plate": "ABC1234", "reason": "a\0b"})
        assert (entry.status_code, entry.json()["code"]) == (422, "invalid")
