"""Events in: the state of streams. The cameras' own events are heard by `city.cameras`."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import Event, StreamDegraded, StreamWentOffline, StreamWentOnline
from ingest.grabbing.domain import KnownStream, StreamState
from ingest.grabbing.usecases import Cameras


class StreamEvents:
    """What streaming announces."""

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(StreamWentOnline, self.on_stream_went_online)
        bus.subscribe(StreamWentOffline, self.on_stream_went_offline)
        bus.subscribe(StreamDegraded, self.on_stream_degraded)

    async def on_stream_went_online(self, event: Event[StreamWentOnline]) -> None:
        stream = KnownStream(event.data.camera_id, event.data.revision, StreamState.ONLINE, event.data.read_url)
        await self._cameras.learn_stream(event, stream)

    async def on_stream_went_offline(self, event: Event[StreamWentOffline]) -> None:
        await self._cameras.learn_stream(event, KnownStream(event.data.camera_id, event.data.revision, StreamState.OFFLINE))

    async def on_stream_degraded(self, event: Event[StreamDegraded]) -> None:
        stream = KnownStream(event.data.camera_id, event.data.revision, StreamState.DEGRADED, event.data.read_url)
        await self._cameras.learn_stream(event, stream)
