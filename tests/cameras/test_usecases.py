"""Verbs of cameras, on fakes and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cameras.domain import ExternalIdTaken, Settings
from cameras.jobs import AnnounceJob
from cameras.usecases import Announcer, Patch
from chassis.health import Heartbeats
from gtvision.camera import AiSettings, RecordingSettings
from gtvision.errors import Forbidden, InvalidCameraUrl, NotFound, StaleRevision
from gtvision.events import CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated
from gtvision.ids import new_id

URL = "rtsp://admin:hunter2-canary@10.0.0.5/s"


class TestRegister:
    async def test_announces_the_desired_state_with_the_address_sealed(self, house: Any) -> None:
        who = house.caller()
        settings = Settings("Praça", "ext", frozenset({new_id()}), True, RecordingSettings(retention_days=7), AiSettings(fps=2))
        camera, is_new = await house.cameras.register_camera(who, settings, URL)
        assert is_new
        [event] = await house.emitted(who.tenant_id)
        assert isinstance(event, CameraRegistered)
        assert (event.camera_id, event.revision, event.name) == (camera.id, 1, "Praça")
        assert (frozenset(event.groups), event.recording, event.ai) == (settings.groups, settings.recording, settings.ai)
        assert house.vault.open(event.url_encrypted) == URL
        assert await house.cameras.get_camera(who, camera.id) == camera
        assert house.live.published[-1][1] == "cameras"
        assert house.live.published[-1][2]["state"] == "unknown"

    async def test_a_password_is_nowhere_in_clear(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
        await house.cameras.update_camera(who, camera.id, Patch(name="Rua"))
        said = await house.raw(who.tenant_id) + repr(camera) + str(house.live.published)
        assert "rtsp://10.0.0.5/s" in said
        assert "hunter2" not in said
        assert "admin:" not in said

    async def test_the_same_external_id_is_the_same_camera(self, house: Any) -> None:
        who = house.caller()
        first, _ = await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
        again, is_new = await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
        assert (again, is_new) == (first, False)
        assert len(await house.emitted(who.tenant_id)) == 1
        for settings, url in [(Settings("Other", "ext"), URL), (Settings("Praça", "ext"), "rtsp://10.0.0.6/s")]:
            with pytest.raises(ExternalIdTaken):
                await house.cameras.register_camera(who, settings, url)
        _, is_new = await house.cameras.register_camera(house.caller(), Settings("Praça", "ext"), URL)
        assert is_new  # of another tenant

    async def test_a_bad_address_leaves_nothing(self, house: Any) -> None:
        who = house.caller()
        for url in ("http://10.0.0.5/s", "rtsp://127.0.0.1/s", "rtsp://unknown.example/s"):
            with pytest.raises(InvalidCameraUrl):
                await house.cameras.register_camera(who, Settings("Praça"), url)
        assert await house.cameras.list_cameras(who, None, 10) == []
        assert await house.emitted(who.tenant_id) == []


class TestUpdate:
    async def test_the_revision_moves_with_each_change_only(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
        same = await house.cameras.update_camera(who, camera.id, Patch(name="Praça"), url_text=URL)
        assert same.revision == 1
        renamed = await house.cameras.update_camera(who, camera.id, Patch(name="Rua"), expected_revision=1)
        assert renamed.revision == 2
        with pytest.raises(StaleRevision):
            await house.cameras.update_camera(who, camera.id, Patch(name="Largo"), expected_revision=1)
        events = await house.emitted(who.tenant_id)
        assert [(type(event), event.revision) for event in events] == [(CameraRegistered, 1), (CameraUpdated, 2)]

    async def test_an_address_sent_back_as_shown_keeps_its_credentials(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
        same = await house.cameras.update_camera(who, camera.id, Patch(), url_text=camera.url_shown)
        assert house.vault.open(same.url_sealed) == URL
        elsewhere = await house.cameras.update_camera(who, camera.id, Patch(), url_text="rtsp://10.0.0.6/s")
        assert house.vault.open(elsewhere.url_sealed) == "rtsp://10.0.0.6/s"
        assert elsewhere.revision == 2

    async def test_an_external_id_stays_unique(self, house: Any) -> None:
        who = house.caller()
        await house.cameras.register_camera(who, Settings("A", "a"), URL)
        other, _ = await house.cameras.register_camera(who, Settings("B", "b"), URL)
        with pytest.raises(ExternalIdTaken):
            await house.cameras.update_camera(who, other.id, Patch(external_id="a"))
        assert (await house.cameras.update_camera(who, other.id, Patch(external_id=None))).settings.external_id is None

    async def test_two_writers_with_one_revision_cannot_both_win(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
        done = await asyncio.gather(
            *(house.cameras.update_camera(who, camera.id, Patch(name=name), expected_revision=1) for name in ("A", "B")),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["Camera", "StaleRevision"]


class TestRemove:
    async def test_leaves_a_tombstone_with_a_higher_revision(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
        with pytest.raises(StaleRevision):
            await house.cameras.remove_camera(who, camera.id, expected_revision=9)
        await house.cameras.remove_camera(who, camera.id)
        assert (await house.emitted(who.tenant_id))[-1] == CameraRemoved(camera_id=camera.id, revision=2)
        for verb in (house.cameras.get_camera, house.cameras.remove_camera):
            with pytest.raises(NotFound):
                await verb(who, camera.id)
        assert house.live.published[-1][2]["state"] == "removed"
        _, is_new = await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
        assert is_new


class TestVisibility:
    async def test_another_tenants_camera_does_not_exist(self, house: Any) -> None:
        camera, _ = await house.cameras.register_camera(house.caller(), Settings("Praça", "ext"), URL)
        stranger = house.caller()
        for attempt in (
            house.cameras.get_camera(stranger, camera.id),
            house.cameras.update_camera(stranger, camera.id, Patch(name="Mine")),
            house.cameras.remove_camera(stranger, camera.id),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert await house.cameras.list_cameras(stranger, None, 10) == []
        assert await house.cameras.find_by_external_id(stranger, "ext") == []

    async def test_a_group_limit_hides_the_others(self, house: Any) -> None:
        north, south, who = new_id(), new_id(), house.caller()
        mine, _ = await house.cameras.register_camera(who, Settings("N", "n", frozenset({north, new_id()})), URL)
        other, _ = await house.cameras.register_camera(who, Settings("S", "s", frozenset({south})), URL)
        limited = house.caller(who.tenant_id, frozenset({north}))
        assert [camera.id for camera in await house.cameras.list_cameras(limited, None, 10)] == [mine.id]
        assert (await house.cameras.fleet_health(limited)).total == 1
        assert await house.cameras.find_by_external_id(limited, "s") == []
        with pytest.raises(NotFound):
            await house.cameras.get_camera(limited, other.id)
        with pytest.raises(Forbidden):
            await house.cameras.register_camera(limited, Settings("X"), URL)
        with pytest.raises(Forbidden):
            await house.cameras.update_camera(limited, mine.id, Patch(groups=frozenset({south})))

    async def test_pages(self, house: Any) -> None:
        who = house.caller()
        made = [(await house.cameras.register_camera(who, Settings(f"C{n}"), URL))[0].id for n in range(5)]
        first = await house.cameras.list_cameras(who, None, 3)
        rest = await house.cameras.list_cameras(who, first[-1].id, 3)
        assert [camera.id for camera in first + rest] == sorted(made)


class TestAnnounce:
    def announcer(self, house: Any) -> Announcer:
        return Announcer(house.uow, house.store, house.clock, new_id())

    async def test_tells_every_living_camera_and_the_list(self, house: Any) -> None:
        who = house.caller()
        kept = [(await house.cameras.register_camera(who, Settings(f"C{n}"), URL))[0].id for n in range(3)]
        await house.cameras.remove_camera(who, kept.pop())
        before = len(await house.emitted(who.tenant_id))
        house.clock.advance(3600)
        assert await self.announcer(house).announce_cameras(who.tenant_id) == 2
        told = (await house.emitted(who.tenant_id))[before:]
        registered = [event for event in told if isinstance(event, CameraRegistered)]
        [listed] = [event for event in told if isinstance(event, CamerasAnnounced)]
        assert {event.camera_id for event in registered} == set(listed.camera_ids) == set(kept)
        assert all(event.revision == 1 for event in registered)
        assert listed.as_of <= house.clock.now() - timedelta(seconds=30)  # what commits meanwhile must not look removed

    async def test_an_empty_list_is_told_too(self, house: Any) -> None:
        who = house.caller()
        camera, _ = await house.cameras.register_camera(who, Settings("C"), URL)
        await house.cameras.remove_camera(who, camera.id)
        assert who.tenant_id in await self.announcer(house).tenants()
        await self.announcer(house).announce_cameras(who.tenant_id)
        [listed] = [event for event in await house.emitted(who.tenant_id) if isinstance(event, CamerasAnnounced)]
        assert listed.camera_ids == ()

    async def test_one_replica_at_a_time(self, house: Any) -> None:
        first, second = self.announcer(house), self.announcer(house)
        house.clock.advance(3600)
        assert await first.take_lease()
        assert await first.take_lease()
        assert not await second.take_lease()
        house.clock.advance(31)
        assert await second.take_lease()
        assert not await first.take_lease()
        await first.release_lease()  # not theirs to release
        assert not await first.take_lease()
        await second.release_lease()
        assert await first.take_lease()
        await first.release_lease()

    async def test_at_start_and_every_ten_minutes(self, house: Any) -> None:
        who = house.caller()
        await house.cameras.register_camera(who, Settings("C"), URL)
        house.clock.advance(2 * 3600)
        heartbeat = Heartbeats(house.clock).register("announce")
        announcers = [self.announcer(house) for _ in range(2)]
        leader, other = (AnnounceJob(each, house.clock) for each in announcers)
        assert await leader.turn(heartbeat)
        assert not await leader.turn(heartbeat)
        assert not await other.turn(heartbeat)
        for _ in range(60):
            house.clock.advance(10)
            announced = await leader.turn(heartbeat)
        assert announced
        house.clock.advance(31)
        assert await other.turn(heartbeat)  # the leader is gone
        await announcers[1].release_lease()  # a later test's clock may stand earlier


async def test_the_fleet_is_counted_as_it_is_shown(house: Any) -> None:
    who = house.caller()
    for n in range(3):
        await house.cameras.register_camera(who, Settings(f"C{n}", enabled=n > 0), URL)
    fleet = await house.cameras.fleet_health(who)
    assert (fleet.total, fleet.disabled, fleet.unknown) == (3, 1, 2)
