"""Tests of what is told again, and by which replica, on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.cameras.conftest import Case

from cameras.announcing.repository import PostgresLeases
from cameras.announcing.usecases import Announcer
from cameras.cameras.domain import CameraSettings
from cameras.cameras.repository import PostgresCameras
from chassis.fakes import FakeUow
from gtvision.events import CameraRegistered, CamerasAnnounced
from gtvision.ids import new_id

pytestmark = pytest.mark.db

URL = "rtsp://admin:hunter2-canary@10.0.0.5/s"


class TestAnnounce:
    def announcer(self, case: Case) -> Announcer:
        return Announcer(case.db.uow, PostgresCameras, PostgresLeases, case.clock, new_id())

    async def test_tells_every_living_camera_and_the_list(self, case: Case) -> None:
        caller = case.caller()
        kept = [(await case.cameras.register_camera(caller, CameraSettings(f"C{n}"), URL))[0].id for n in range(3)]
        await case.cameras.remove_camera(caller, kept.pop())
        before = len(await case.emitted(caller.tenant_id))
        case.clock.advance(3600)
        assert await self.announcer(case).announce_cameras(caller.tenant_id) == 2
        told = (await case.emitted(caller.tenant_id))[before:]
        registered = [event for event in told if isinstance(event, CameraRegistered)]
        [listed] = [event for event in told if isinstance(event, CamerasAnnounced)]
        assert {event.camera_id for event in registered} == set(listed.camera_ids) == set(kept)
        assert all(event.revision == 1 for event in registered)
        assert listed.as_of <= case.clock.now() - timedelta(seconds=30)  # a camera that commits meanwhile must not look removed

    async def test_an_empty_list_is_told_too(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("C"), URL)
        await case.cameras.remove_camera(caller, camera.id)
        case.clock.advance(3600)
        announcer = self.announcer(case)
        async with announcer.leasing():
            assert await announcer.announce_when_due()
        [listed] = [event for event in await case.emitted(caller.tenant_id) if isinstance(event, CamerasAnnounced)]
        assert listed.camera_ids == ()

    async def test_one_replica_at_a_time_when_it_takes_over_and_every_ten_minutes(self, case: Case) -> None:
        await case.cameras.register_camera(case.caller(), CameraSettings("C"), URL)
        case.clock.advance(2 * 3600)
        leader, other = self.announcer(case), self.announcer(case)
        assert await leader.announce_when_due()
        assert not await leader.announce_when_due()
        assert not await other.announce_when_due()
        for _ in range(60):
            case.clock.advance(10)
            announced = await leader.announce_when_due()
        assert announced
        case.clock.advance(31)
        assert await other.announce_when_due(), "the leader's lease has run out"
        assert not await leader.announce_when_due()
        async with leader.leasing():
            pass  # no longer the leader, so releasing changes nothing
        assert not await leader.announce_when_due()
        async with other.leasing():
            pass
        assert await leader.announce_when_due(), "the process that takes over announces"
        async with leader.leasing():
            pass

    async def test_a_database_that_is_away_at_the_end_holds_nothing_up(self, case: Case) -> None:
        uow = FakeUow(case.clock)
        uow.down = True
        async with Announcer(uow, PostgresCameras, PostgresLeases, case.clock, new_id()).leasing():
            pass
