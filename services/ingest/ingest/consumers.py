"""Events in: detections in batches, streams one by one. The cameras' own are the chassis's (`city.cameras`)."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import DetectionMade, Event, StreamDegraded, StreamWentOffline, StreamWentOnline
from ingest.usecases.cameras import Streams
from ingest.usecases.detections import Detections


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


class DetectionEvents:
    """What the analysis saw."""

    def __init__(self, detections: Detections) -> None:
        self._detections = detections

    async def on_detection_made(self, events: list[Event[DetectionMade]]) -> None:
        """Repeats need no inbox: ids derive from the frame."""
        await self._detections.store_detections(events)
