"""Events in: what was stored."""

from __future__ import annotations

from alerts.sightings.usecases import Sightings
from chassis.bus import Bus
from gtvision.events import DetectionsStored, Event


class SightingEvents:
    """Turns stored plates into alerts."""

    def __init__(self, sightings: Sightings) -> None:
        self._sightings = sightings

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored)

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        await self._sightings.compare(event.tenant_id, event.event_id, event.data.detections)
