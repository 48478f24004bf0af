"""Events in: the state of streams. The cameras' own are the city's (`city.cameras`)."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import Event, StreamDegraded, StreamWentOffline, StreamWentOnline
from ingest.grabbing.usecases import Streams


class StreamEvents:
    """What streaming announces."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(StreamWentOnline, self.on_stream_went_online)
        bus.subscribe(StreamWentOffline, self.on_stream_went_offline)
        bus.subscribe(StreamDegraded, self.on_stream_degraded)

    async def on_stream_went_online(self, event: Event[StreamWentOnline]) -> None:
        await self._streams.learn_stream(event)

    async def on_stream_went_offline(self, event: Event[StreamWentOffline]) -> None:
        await self._streams.learn_stream(event)

    async def on_stream_degraded(self, event: Event[StreamDegraded]) -> None:
        await self._streams.learn_stream(event)
