"""Tests of streaming's events, each delivered twice, and out of order."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.cameras.conftest import Case

from cameras.cameras.consumers import CityEvents, StreamEvents
from cameras.cameras.domain import CameraSettings
from cameras.layouts.domain import Arrangement
from cameras.layouts.repository import PostgresLayouts
from cameras.layouts.usecases import Layouts
from chassis.envelope import wrap
from gtvision.camera import CameraState
from gtvision.errors import NotFound
from gtvision.events import CameraRemoved, StreamCause, StreamDegraded, StreamWentOffline, StreamWentOnline, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch

Delivery = Callable[[], Awaitable[None]]
pytestmark = pytest.mark.db

URL = "rtsp://10.0.0.5/s"


class Stream:
    """Makes the events of one camera and delivers each twice."""

    def __init__(self, case: Case, tenant_id: Any, camera_id: Any) -> None:
        self._house, self._tenant_id, self._camera_id = case, tenant_id, camera_id
        self._to = StreamEvents(case.cameras)

    def _twice(self, handler: Callable[[Any], Awaitable[None]], data: Any, after_s: float) -> Delivery:
        event = wrap(data, tenant_id=self._tenant_id, occurred_at=self._house.clock.now() + timedelta(seconds=after_s))

        async def deliver() -> None:
            await handler(event)
            await handler(event)

        return deliver

    def online(self, revision: int, after_s: float = 0) -> Delivery:
        data = StreamWentOnline(camera_id=self._camera_id, revision=revision, read_url="rtsp://media/cam")
        return self._twice(self._to.on_stream_went_online, data, after_s)

    def offline(self, revision: int, cause: StreamCause = StreamCause.UNREACHABLE, after_s: float = 0) -> Delivery:
        data = StreamWentOffline(camera_id=self._camera_id, revision=revision, cause=cause)
        return self._twice(self._to.on_stream_went_offline, data, after_s)

    def degraded(self, revision: int, after_s: float = 0) -> Delivery:
        data = StreamDegraded(camera_id=self._camera_id, revision=revision, cause=StreamCause.NO_PROGRESS)
        return self._twice(self._to.on_stream_degraded, data, after_s)


async def registered(case: Case) -> tuple[Any, Any, Stream]:
    caller = case.caller()
    camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
    case.live.published.clear()
    return caller, camera, Stream(case, caller.tenant_id, camera.id)


async def test_an_event_is_kept_and_shown_once(case: Case) -> None:
    caller, camera, stream = await registered(case)
    await stream.online(1)()
    seen = (await case.cameras.get_camera(caller, camera.id)).shown_sighting()
    assert (seen.state, seen.since, seen.cause) == (CameraState.ONLINE, case.clock.now(), None)
    [(tenant_id, topic, message)] = case.live.published
    assert (tenant_id, topic) == (caller.tenant_id, "cameras")
    assert message.keys() == {"camera_id", "name", "state", "since"}
    assert message["state"] == "online"
    await stream.offline(2)()
    assert case.live.published[-1][2]["cause"] == "unreachable"
    assert (await case.cameras.get_camera(caller, camera.id)).revision == camera.revision


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_newest_event_wins_in_every_order(case: Case, order: tuple[int, ...]) -> None:
    caller, camera, stream = await registered(case)
    words = [stream.online(1), stream.degraded(2, after_s=10), stream.offline(3, after_s=20)]
    for index in order:
        await words[index]()
    seen = (await case.cameras.get_camera(caller, camera.id)).shown_sighting()
    assert (seen.state, seen.cause, seen.revision) == (CameraState.OFFLINE, StreamCause.UNREACHABLE, 3)
    assert seen.since == case.clock.now() + timedelta(seconds=20)


async def test_since_moves_with_the_state_only(case: Case) -> None:
    caller, camera, stream = await registered(case)
    await stream.offline(1)()
    await stream.offline(2, StreamCause.MEDIA_SERVER_DOWN, after_s=30)()
    seen = (await case.cameras.get_camera(caller, camera.id)).shown_sighting()
    assert (seen.cause, seen.since) == (StreamCause.MEDIA_SERVER_DOWN, case.clock.now())


async def test_switched_off_is_a_state_of_its_own(case: Case) -> None:
    caller, _, stream = await registered(case)
    await stream.offline(1, StreamCause.DISABLED)()
    assert case.live.published[-1][2]["state"] == "unknown"  # the camera is enabled again by now, so the late event changes nothing
    assert (await case.cameras.fleet_health(caller)).offline == 0


async def test_a_camera_that_is_gone_or_unknown_changes_nothing(case: Case) -> None:
    caller, camera, stream = await registered(case)
    await case.cameras.remove_camera(caller, camera.id)
    case.live.published.clear()
    await stream.online(1)()
    await Stream(case, caller.tenant_id, new_id()).online(1)()
    await Stream(case, new_id(), camera.id).online(1)()
    assert case.live.published == []


async def test_a_settings_change_keeps_what_was_seen(case: Case) -> None:
    caller, camera, stream = await registered(case)
    await stream.online(1)()
    await case.cameras.update_camera(caller, camera.id, Patch({"name": "Rua"}))
    seen = await case.cameras.get_camera(caller, camera.id)
    assert (seen.settings.name, seen.sighting.state) == ("Rua", CameraState.ONLINE)


async def test_a_city_that_left_leaves_no_camera(case: Case) -> None:
    caller, other = case.caller(), case.caller()
    made = [(await case.cameras.register_camera(caller, CameraSettings(f"Praça {number}"), URL))[0] for number in range(3)]
    kept, _ = await case.cameras.register_camera(other, CameraSettings("Praça"), URL)
    layouts = Layouts(case.db.uow, PostgresLayouts, case.clock)
    for each in (caller, case.caller(caller.tenant_id), other):
        await layouts.create_layout(each, Arrangement("Parede", 4, (), None))
    for each in (caller, other):
        await case.groups.create_group(each, "Centro")
    event = wrap(TenantRemoved(name="Vila", revision=7), tenant_id=caller.tenant_id, occurred_at=case.clock.now())
    leaving = CityEvents(case.cameras, case.groups.remove_groups_of_city, layouts.remove_layouts_of_city)
    for _ in range(2):
        await leaving.on_tenant_removed(event)
    async with case.db.uow(caller.tenant_id) as uow:
        assert await PostgresLayouts(uow, None).by_name() == []
    for each, left in ((caller, 0), (other, 1)):
        assert len(await case.groups.list_groups(each, None, 10)) == left
    assert len(await layouts.list_layouts(other)) == 1
    removed = [data for data in await case.emitted(caller.tenant_id) if isinstance(data, CameraRemoved)]
    assert sorted(each.camera_id for each in removed) == sorted(camera.id for camera in made)
    for camera in made:
        with pytest.raises(NotFound):
            await case.cameras.get_camera(caller, camera.id)
    assert [each.data.action for each in await case.recorded(caller.tenant_id)].count("camera.removed") == 3
    assert [each.data.action for each in await case.recorded(caller.tenant_id)].count("group.removed") == 1
    assert (await case.cameras.get_camera(other, kept.id)).id == kept.id
