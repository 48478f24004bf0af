"""Events in: the states of the streams, and cities that leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from cameras.cameras.domain import Sighting
from cameras.cameras.usecases.cameras import Cameras
from chassis.bus import Bus
from gtvision.camera import CameraState
from gtvision.events import Event, StreamCause, StreamDegraded, StreamWentOffline, StreamWentOnline, TenantRemoved


class StreamEvents:
    """One handler per event of `streaming`."""

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    def subscribe(self, bus: Bus) -> None:
        """Binds the handlers to their queues, before the bus starts."""
        bus.subscribe(StreamWentOnline, self.on_stream_went_online)
        bus.subscribe(StreamWentOffline, self.on_stream_went_offline)
        bus.subscribe(StreamDegraded, self.on_stream_degraded)

    async def on_stream_went_online(self, event: Event[StreamWentOnline]) -> None:
        """The camera's picture moves."""
        await self._observe("stream_went_online", event, CameraState.ONLINE, None)

    async def on_stream_went_offline(self, event: Event[StreamWentOffline]) -> None:
        """The camera's picture stands still, or it was switched off."""
        state = CameraState.DISABLED if event.data.cause is StreamCause.DISABLED else CameraState.OFFLINE
        await self._observe("stream_went_offline", event, state, event.data.cause)

    async def on_stream_degraded(self, event: Event[StreamDegraded]) -> None:
        """The camera is up but not well."""
        await self._observe("stream_degraded", event, CameraState.DEGRADED, event.data.cause)

    async def _observe(self, consumer: str, event: Event[Any], state: CameraState, cause: StreamCause | None) -> None:
        await self._cameras.observe_stream(consumer, event, Sighting(state, event.occurred_at, cause, event.data.revision))


class CityEvents:
    """What `identity` says of cities."""

    def __init__(self, cameras: Cameras, *others: Callable[[UUID], Awaitable[None]]) -> None:
        """`others` remove what else a city has. A repeat changes nothing."""
        self._cameras, self._others = cameras, others

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue, before the bus starts."""
        bus.subscribe(TenantRemoved, self.on_tenant_removed)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """The city's cameras go; streaming, ingest and alerts hear of each. Then its groups and layouts do."""
        await self._cameras.remove_cameras_of_city("tenant_removed", event)
        for remove in self._others:
            await remove(event.tenant_id)
