"""Tests from a stored plate to an alert and its acknowledgement, on real servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.alerts.conftest import API, NOW, Running, seen

from alerts.alerts.domain import Alert, Notice, Occurrence
from chassis.envelope import wrap
from gtvision.events import CameraRegistered, Severity
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker]


class TestSightings:
    async def test_a_watched_plate_raises_one_alert_however_often_it_is_delivered(self, running: Running) -> None:
        caller = running.tenant()
        await running.watch(caller, "ABC1234")
        await running.store(caller.tenant_id, seen("ABC1C34"), seen("XYZ9A99"))
        [alert] = await running.alerts(caller)
        assert (alert["plate"], alert["state"], alert["sightings"], alert["reason"]) == ("ABC1C34", "open", 1, "furto")

    async def test_repeats_within_the_cooldown_are_counted_not_raised(self, running: Running) -> None:
        caller = running.tenant()
        await running.watch(caller, "ABC1234")
        first = seen("ABC1234")
        again = first.model_copy(update={"detection_id": new_id(), "captured_at": first.captured_at + timedelta(seconds=59)})
        later = first.model_copy(update={"detection_id": new_id(), "captured_at": first.captured_at + timedelta(seconds=300)})
        await running.store(caller.tenant_id, first)
        await running.store(caller.tenant_id, again)
        await running.store(caller.tenant_id, later)
        assert [alert["sightings"] for alert in await running.alerts(caller)] == [1, 2]

    async def test_a_vehicle_in_both_spellings_on_one_list_raises_one_alert_a_pass(self, running: Running) -> None:
        caller = running.tenant()
        for match in ("era", "exact"):
            path = f"/watchlists/{await running.watchlist(caller)}/entries"
            for plate in ("ABC1C34", "ABC1234"):
                assert (await running.send(caller, "POST", path, json={"plate": plate, "match": match})).status_code == 201
        first = seen("ABC1234")
        other = seen("ABC1C34").model_copy(update={"camera_id": first.camera_id})
        await running.store(caller.tenant_id, first, other)
        alerts = await running.alerts(caller)
        assert (len(alerts), len({alert["watchlist_id"] for alert in alerts})) == (2, 2), "one of each list"
        assert {alert["sightings"] for alert in alerts} == {2}

    async def test_another_camera_is_another_alert(self, running: Running) -> None:
        caller = running.tenant()
        await running.watch(caller, "ABC1234")
        await running.store(caller.tenant_id, seen("ABC1234"), seen("ABC1234"))
        assert len(await running.alerts(caller)) == 2

    async def test_the_camera_is_named_whatever_order_its_events_come_in(self, running: Running) -> None:
        caller = running.tenant()
        await running.watch(caller, "ABC1234")
        sighting = seen("ABC1234")
        for revision, name in ((2, "Avenida Brasil"), (1, "Nome antigo")):
            data = CameraRegistered(camera_id=sighting.camera_id, revision=revision, name=name, url_encrypted="x")
            event = wrap(data, tenant_id=caller.tenant_id, occurred_at=SystemClock().now())
            await running.cameras.on_camera_registered(event)
            await running.cameras.on_camera_registered(event)
        await running.store(caller.tenant_id, sighting)
        [alert] = await running.alerts(caller)
        assert str(alert["title"]).endswith("vista em Avenida Brasil")

    async def test_a_tenant_neither_sees_nor_changes_what_another_one_has(self, running: Running) -> None:
        caller, stranger = running.tenant(), running.tenant()
        entry = await running.watch(caller, "ABC1234")
        await running.store(caller.tenant_id, seen("ABC1234"))
        [alert] = await running.alerts(caller)
        assert await running.alerts(stranger) == []
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
        admin = running.tenant()
        group = new_id()
        await running.watch(admin, "ABC1234")
        inside, outside = seen("ABC1234"), seen("ABC1234")
        data = CameraRegistered(camera_id=inside.camera_id, revision=1, name="A", url_encrypted="x", groups=(group,))
        await running.cameras.on_camera_registered(wrap(data, tenant_id=admin.tenant_id, occurred_at=SystemClock().now()))
        await running.store(admin.tenant_id, inside, outside)
        limited = running.mint.caller(Role.OPERATOR, tenant_id=admin.tenant_id, groups=[group])
        assert [alert["camera_id"] for alert in await running.alerts(limited)] == [str(inside.camera_id)]
        hidden = next(alert for alert in await running.alerts(admin) if alert["camera_id"] == str(outside.camera_id))
        answer = await running.http.post(f"{API}/alerts/{hidden['alert_id']}/acknowledge", headers=running.mint.headers(limited))
        assert answer.status_code == 404


class TestAcknowledge:
    async def test_a_second_acknowledgement_changes_nothing(self, running: Running) -> None:
        caller = running.tenant(Role.ADMIN)
        await running.watch(caller, "ABC1234")
        await running.store(caller.tenant_id, seen("ABC1234"))
        [alert] = await running.alerts(caller)
        url, headers = f"{API}/alerts/{alert['alert_id']}/acknowledge", running.mint.headers(caller)
        first, second = await running.http.post(url, headers=headers), await running.http.post(url, headers=headers)
        assert (first.status_code, first.json()["state"]) == (200, "acknowledged")
        assert second.json()["acknowledged_at"] == first.json()["acknowledged_at"]
        assert await running.alerts(caller, state="open") == []

    async def test_a_viewer_may_not(self, running: Running) -> None:
        caller = running.tenant(Role.VIEWER)
        answer = await running.http.post(f"{API}/alerts/{new_id()}/acknowledge", headers=running.mint.headers(caller))
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


LOSS = Occurrence("camera_lost", "gate", Severity.WARNING, "Câmera fora do ar: Portão", NOW, lasting=True)


async def lose(running: Running, caller: Caller, seen: Occurrence) -> Alert:
    async with running.db.uow(caller.tenant_id) as uow:
        return (await running.alerts_of_sources.raise_alert(uow, seen)).alert


async def bring_back(running: Running, caller: Caller, subject: str = "gate") -> Alert | None:
    async with running.db.uow(caller.tenant_id) as uow:
        return await running.alerts_of_sources.resolve_alert(uow, "camera_lost", subject, SystemClock().now())


def told(running: Running, alert: Alert) -> list[Notice]:
    return [notice for notice, noted in running.notifier.noted if noted.alert_id == alert.alert_id]


class TestConditions:
    async def test_its_source_ends_it_and_people_are_told_of_both(self, running: Running) -> None:
        caller = running.tenant()
        alert = await lose(running, caller, LOSS)
        await lose(running, caller, replace(LOSS, at=NOW + timedelta(hours=1)))
        await bring_back(running, caller)
        assert await bring_back(running, caller) is None
        [shown] = await running.alerts(caller)
        assert (shown["state"], shown["sightings"], shown["resolved_by"]) == ("resolved", 2, None)
        assert told(running, alert) == [Notice.RAISED, Notice.RESOLVED]

    async def test_one_that_comes_and_goes_is_told_once(self, running: Running) -> None:
        caller = running.tenant()
        alert = await lose(running, caller, LOSS)
        for _ in range(5):
            await bring_back(running, caller)
            assert (await lose(running, caller, replace(LOSS, at=SystemClock().now()))).alert_id == alert.alert_id
        assert told(running, alert) == [Notice.RAISED, Notice.RESOLVED]
        assert (await running.send(caller, "GET", "/alerts/summary")).json()["open"]["total"] == 0, "not while it is quiet"

    async def test_two_replicas_that_see_it_at_once_raise_one(self, running: Running) -> None:
        caller = running.tenant()
        seen = [replace(LOSS, at=NOW + timedelta(seconds=second)) for second in range(8)]
        await asyncio.gather(*(lose(running, caller, each) for each in seen))
        [alert] = await running.alerts(caller)
        assert alert["sightings"] == 8


class TestPeople:
    async def test_a_person_comments_assigns_and_ends_it_and_that_is_its_history(self, running: Running) -> None:
        caller = running.tenant()
        alert = await lose(running, caller, LOSS)
        path = f"/alerts/{alert.alert_id}"
        assert (await running.send(caller, "POST", f"{path}/comments", json={"text": "eletricista a caminho"})).status_code == 201
        mine = await running.send(caller, "PUT", f"{path}/assignee", json={"user_id": str(caller.user_id)})
        assert mine.json()["assigned_to"] == str(caller.user_id)
        ended = await running.send(caller, "POST", "/alerts/resolve", json={"alert_ids": [str(alert.alert_id)], "comment": "trocada"})
        [resolved] = ended.json()["resolved"]
        assert (resolved["state"], resolved["resolved_by"], resolved["comments"]) == ("resolved", str(caller.user_id), 1)
        steps = (await running.send(caller, "GET", f"{path}/history")).json()["items"]
        assert [(step["what"], step["text"]) for step in steps] == [
            ("raised", LOSS.title),
            ("commented", "eletricista a caminho"),
            ("assigned", str(caller.user_id)),
            ("resolved", "trocada"),
        ]

    async def test_a_snoozed_alert_neither_counts_nor_is_told_until_then(self, running: Running) -> None:
        caller = running.tenant()
        alert = await lose(running, caller, replace(LOSS, muted_until=SystemClock().now() + timedelta(hours=1)))
        assert told(running, alert) == []
        assert (await running.send(caller, "GET", "/alerts/summary")).json()["open"]["total"] == 0
        past = await running.send(caller, "PUT", f"/alerts/{alert.alert_id}/snooze", json={"until": "2020-01-01T00:00:00Z"})
        assert (past.status_code, past.json()["code"]) == (422, "invalid")
        async with running.db.uow(caller.tenant_id) as uow:
            await uow.session.execute(text("UPDATE alerts SET snoozed_until = now() - interval '1 second'"))
        while not told(running, alert):  # the service's own loop may have been quicker, and tells its own notifier
            if not await running.alerts_of_sources.wake_snoozed():
                break
        assert (await running.send(caller, "GET", "/alerts/summary")).json()["open"]["total"] == 1


class TestChanges:
    async def test_what_changed_is_read_in_order_and_none_is_missed(self, running: Running) -> None:
        caller = running.tenant()
        start = (await running.send(caller, "GET", "/alerts/changes")).json()
        assert start["items"] == []
        ids = [str((await lose(running, caller, replace(LOSS, subject=f"camera {n}"))).alert_id) for n in range(5)]
        await running.send(caller, "POST", "/alerts/acknowledge", json={"alert_ids": ids[:3]})
        read: list[str] = []
        after = start["last"]
        while True:
            page = (await running.send(caller, "GET", "/alerts/changes", params={"after": after, "limit": 2})).json()
            read += [alert["alert_id"] for alert in page["items"]]
            after = page["last"]
            if len(page["items"]) < 2:
                break
        assert sorted(read) == sorted(ids)
        assert set(read[:2]) == set(ids[3:]), "those that did not change again come first"
        assert (await running.send(caller, "GET", "/alerts/changes", params={"after": after})).json() == {"items": [], "last": after}
