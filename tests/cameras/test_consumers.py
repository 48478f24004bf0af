"""What streaming says: each message twice, and out of order."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from cameras.consumers import StreamEvents
from cameras.domain import Settings
from chassis.envelope import wrap
from gtvision.camera import CameraState
from gtvision.events import StreamCause, StreamDegraded, StreamWentOffline, StreamWentOnline
from gtvision.ids import new_id

Delivery = Callable[[], Awaitable[None]]
URL = "rtsp://10.0.0.5/s"


class Stream:
    """Makes the events of one camera and delivers each twice."""

    def __init__(self, house: Any, tenant_id: Any, camera_id: Any) -> None:
        self._house, self._tenant_id, self._camera_id = house, tenant_id, camera_id
        self._to = StreamEvents(house.cameras)

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


async def registered(house: Any) -> tuple[Any, Any, Stream]:
    who = house.caller()
    camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
    house.live.published.clear()
    return who, camera, Stream(house, who.tenant_id, camera.id)


async def test_a_word_is_kept_and_shown_once(house: Any) -> None:
    who, camera, stream = await registered(house)
    await stream.online(1)()
    seen = (await house.cameras.get_camera(who, camera.id)).shown_sighting()
    assert (seen.state, seen.since, seen.cause) == (CameraState.ONLINE, house.clock.now(), None)
    [(tenant_id, topic, message)] = house.live.published
    assert (tenant_id, topic) == (who.tenant_id, "cameras")
    assert message.keys() == {"camera_id", "name", "state", "since"}
    assert message["state"] == "online"
    await stream.offline(2)()
    assert house.live.published[-1][2]["cause"] == "unreachable"
    assert (await house.cameras.get_camera(who, camera.id)).revision == camera.revision


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_the_newest_word_wins_in_every_order(house: Any, order: tuple[int, ...]) -> None:
    who, camera, stream = await registered(house)
    words = [stream.online(1), stream.degraded(2, after_s=10), stream.offline(3, after_s=20)]
    for index in order:
        await words[index]()
    seen = (await house.cameras.get_camera(who, camera.id)).shown_sighting()
    assert (seen.state, seen.cause, seen.revision) == (CameraState.OFFLINE, StreamCause.UNREACHABLE, 3)
    assert seen.since == house.clock.now() + timedelta(seconds=20)


async def test_since_moves_with_the_state_only(house: Any) -> None:
    who, camera, stream = await registered(house)
    await stream.offline(1)()
    await stream.offline(2, StreamCause.MEDIA_SERVER_DOWN, after_s=30)()
    seen = (await house.cameras.get_camera(who, camera.id)).shown_sighting()
    assert (seen.cause, seen.since) == (StreamCause.MEDIA_SERVER_DOWN, house.clock.now())


async def test_switched_off_is_a_state_of_its_own(house: Any) -> None:
    who, _, stream = await registered(house)
    await stream.offline(1, StreamCause.DISABLED)()
    assert house.live.published[-1][2]["state"] == "unknown"  # enabled again by now: a late word
    assert (await house.cameras.fleet_health(who)).offline == 0


async def test_a_camera_that_is_gone_or_unknown_changes_nothing(house: Any) -> None:
    who, camera, stream = await registered(house)
    await house.cameras.remove_camera(who, camera.id)
    house.live.published.clear()
    await stream.online(1)()
    await Stream(house, who.tenant_id, new_id()).online(1)()
    await Stream(house, new_id(), camera.id).online(1)()
    assert house.live.published == []


async def test_a_settings_change_keeps_what_was_seen(house: Any) -> None:
    from cameras.usecases import Patch

    who, camera, stream = await registered(house)
    await stream.online(1)()
    await house.cameras.update_camera(who, camera.id, Patch(name="Rua"))
    seen = await house.cameras.get_camera(who, camera.id)
    assert (seen.settings.name, seen.sighting.state) == ("Rua", CameraState.ONLINE)
