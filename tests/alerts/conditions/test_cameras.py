"""Tests of lost cameras: one alert each, one for those that are lost together, and none where nobody needs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from tests.alerts.conditions.conftest import City

from alerts.alerts.domain import Alert, Notice
from gtvision.events import CameraRemoved, CamerasAnnounced, StreamCause, StreamWentOffline, StreamWentOnline, TenantRemoved
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker]


class TestOneCamera:
    async def test_it_is_told_once_when_the_window_has_ended_and_once_when_it_is_back(self, city: City) -> None:
        await city.has(20)
        gate = city.cameras[0]
        await city.lose(gate)
        await city.after(7)
        assert await city.alerts() == []
        await city.after(1)
        [alert] = await city.alerts()
        assert (alert["kind"], alert["severity"], alert["title"]) == ("camera_lost", "warning", "Câmera fora do ar: Câmera 001")
        assert (alert["camera_id"], alert["details"]["Causa"]) == (str(gate), "A câmera não responde na rede")
        city.clock.advance(30)
        await city.regain(gate)
        [alert] = await city.alerts()
        assert (alert["state"], alert["resolved_by"], alert["sightings"]) == ("resolved", None, 1)
        assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.RESOLVED]

    async def test_one_that_is_back_within_the_window_is_no_alert(self, city: City) -> None:
        await city.has(2)
        await city.lose(city.cameras[0])
        await city.after(5)
        await city.regain(city.cameras[0])
        await city.after(5)
        assert await city.alerts() == []

    async def test_only_a_newer_revision_counts(self, city: City) -> None:
        [camera] = await city.has(1)
        await city.twice(city.events.on_stream_went_online, StreamWentOnline(camera_id=camera, revision=2, read_url="rtsp://x"))
        late = StreamWentOffline(camera_id=camera, revision=1, cause=StreamCause.UNREACHABLE)
        await city.twice(city.events.on_stream_went_offline, late)
        await city.after(60)
        assert await city.alerts() == []

    async def test_it_gets_louder_when_it_does_not_come_back(self, city: City) -> None:
        await city.has(20)
        await city.lose(city.cameras[0])
        await city.after(8)
        await city.after(171)
        assert [alert["severity"] for alert in await city.alerts()] == ["warning"]
        await city.after(1)
        await city.after(600)
        [alert] = await city.alerts()
        assert (alert["severity"], alert["sightings"]) == ("critical", 2)
        assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.WORSENED]

    async def test_the_third_loss_within_half_an_hour_is_critical_and_says_so(self, city: City) -> None:
        await city.has(20)
        for _ in range(3):
            await city.lose(city.cameras[0])
            await city.after(8)
            await city.regain(city.cameras[0])
            await city.after(300)
        alerts = await city.alerts()
        assert [alert["severity"] for alert in alerts] == ["warning", "warning", "critical"]
        assert alerts[-1]["title"] == "Câmera instável: Câmera 001 caiu 3 vezes em 30 minutos"

    async def test_what_comes_and_goes_is_one_alert(self, city: City) -> None:
        await city.has(20)
        for _ in range(3):
            await city.lose(city.cameras[0])
            await city.after(8)
            told = [notice for notice, _ in city.told()]
            await city.regain(city.cameras[0])
            await city.after(10)
        assert len(await city.alerts()) == 1
        assert told == [Notice.RAISED, Notice.RESOLVED, Notice.WORSENED], "the third time it is unstable"

    async def test_what_was_not_told_when_the_process_ended_is_told_later(self, city: City) -> None:
        class Killed(Exception):
            pass

        class Ends:
            async def note(self, uow: object, alert: Alert, notice: Notice, at: datetime) -> None:
                raise Killed

        await city.has(2)
        await city.lose(city.cameras[0])
        city.clock.advance(8)
        with pytest.raises(Killed):
            await replace(city.lost, alerts=replace(city.lost.alerts, notifier=Ends())).tell_due()
        assert await city.alerts() == []
        await city.after(1)
        assert [notice for notice, _ in city.told()] == [Notice.RAISED]

    async def test_one_that_is_disabled_or_removed_is_not_lost(self, city: City) -> None:
        disabled, removed, unlisted, kept = await city.has(4)
        await city.has(36)
        for camera in (disabled, removed, unlisted, kept):
            await city.lose(camera)
            await city.after(8)  # one by one
            await city.after(60)
        await city.lose(disabled, cause=StreamCause.DISABLED)
        await city.twice(city.events.on_camera_removed, CameraRemoved(camera_id=removed, revision=9))
        living = tuple(each for each in city.cameras if each not in {removed, unlisted})
        await city.twice(city.events.on_cameras_announced, CamerasAnnounced(camera_ids=living, as_of=city.clock.now()))
        assert [alert["camera_id"] for alert in await city.alerts(state="open")] == [str(kept)]

    async def test_one_that_was_removed_before_its_alert_is_not_told(self, city: City) -> None:
        [camera] = await city.has(1)
        await city.lose(camera)
        await city.running.cameras.on_camera_removed(city.event(CameraRemoved(camera_id=camera, revision=9)))
        await city.after(8)
        assert await city.alerts() == []
        async with city.running.db.uow(None) as uow:
            assert city.tenant_id not in await city.lost.repository(uow).tenants_due(city.clock.now())


class TestTogether:
    async def test_thirty_cameras_behind_a_dead_switch_are_one_message_each_way(self, city: City) -> None:
        behind = await city.has(30, new_id())
        await city.has(270)
        for part in (behind[:10], behind[10:28]):
            await city.lose(*part)
            city.clock.advance(3)
        await city.after(5)
        await city.lose(*behind[28:])  # they were slower
        await city.after(40)
        [alert] = await city.alerts()
        assert (alert["severity"], alert["title"]) == ("warning", "30 câmeras fora do ar")
        assert set(alert["camera_ids"]) == {str(each) for each in behind}
        assert alert["details"]["Em comum"] == "Todas são de um mesmo grupo de câmeras"
        await city.regain(*behind[:18])
        [alert] = await city.alerts()
        assert (alert["title"], len(alert["camera_ids"])) == ("30 câmeras fora do ar (ainda 12)", 12)
        assert alert["details"]["Câmeras"].startswith("Câmera 019, ")
        await city.regain(*behind[18:])
        [alert] = await city.alerts()
        assert (alert["title"], alert["state"]) == ("30 câmeras fora do ar", "resolved")
        assert [notice for notice, _ in city.told()] == [Notice.RAISED, Notice.RESOLVED]

    async def test_a_switch_that_comes_and_goes_is_one_alert(self, city: City) -> None:
        await city.has(300)
        behind = city.cameras[:10]
        for lost in (behind, [*behind, city.cameras[10]], behind):
            await city.lose(*lost)
            await city.after(8)
            told = city.told()
            await city.regain(*lost)
            await city.after(60)
        [alert] = await city.alerts()
        assert alert["title"] == "10 câmeras fora do ar"
        assert [notice for notice, _ in told] == [Notice.RAISED, Notice.RESOLVED, Notice.WORSENED]
        assert told[-1][1] == "10 câmeras fora do ar, pela 3ª vez em 30 minutos"
        await city.after(300)
        await city.lose(*behind)
        await city.after(8)
        assert len(await city.alerts()) == 2, "later it is another one"

    async def test_more_than_a_tenth_of_the_city_is_critical_and_the_title_says_so(self, city: City) -> None:
        await city.has(40)
        await city.lose(*city.cameras[:30], cause=StreamCause.MEDIA_SERVER_DOWN)
        await city.after(8)
        [alert] = await city.alerts()
        assert (alert["severity"], alert["title"]) == ("critical", "30 de 40 câmeras fora do ar")
        assert alert["details"]["Causa"] == "O servidor de mídia não responde"
        system = [message for tenant, topic, message in city.live.published if (tenant, topic) == (city.tenant_id, "system")]
        assert system[-1] == {"kind": "cameras", "lost": 30, "total": 40}

    async def test_many_that_were_lost_one_by_one_are_an_alert_of_the_city_until_enough_are_back(self, city: City) -> None:
        await city.has(20)
        for camera in city.cameras[:3]:
            await city.lose(camera)
            await city.after(8)
            await city.after(60)
        [whole] = await city.alerts(kind="cameras_lost")
        assert (whole["severity"], whole["title"]) == ("critical", "3 de 20 câmeras da cidade fora do ar")
        await city.regain(city.cameras[0])
        [whole] = await city.alerts(kind="cameras_lost")
        assert whole["state"] == "resolved"
        assert len(await city.alerts(kind="camera_lost", state="open")) == 2

    async def test_planned_work_is_told_to_nobody_and_silences_nothing_else(self, city: City) -> None:
        planned = await city.has(6)
        await city.has(34)
        await city.plan(cameras=tuple(planned))
        await city.lose(*planned, city.cameras[30])
        await city.after(8)
        alerts = await city.alerts()
        assert sorted((alert["title"], alert["snoozed_until"] is None) for alert in alerts) == [
            ("6 de 40 câmeras fora do ar", False),
            ("Câmera fora do ar: Câmera 031", True),
        ]
        assert [title for _, title in city.told()] == ["Câmera fora do ar: Câmera 031"]
        assert await city.alerts(kind="cameras_lost") == []

    async def test_a_city_that_left_has_no_conditions(self, city: City) -> None:
        await city.has(5)
        await city.lose(*city.cameras)
        await city.twice(city.events.on_tenant_removed, TenantRemoved(name="Cidade", revision=2))
        await city.after(8)
        assert await city.alerts() == []
