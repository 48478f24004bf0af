"""Events in: what was stored. The cameras' own are the chassis's (`city.cameras`)."""

from __future__ import annotations

from datetime import timedelta

from alerts.usecases import Sightings, Store, raise_alerts
from chassis.bus import Bus
from gtvision.events import DetectionsStored, Event


class AlertEvents:
    """Turns stored detections into alerts."""

    def __init__(self, store: Store, *, min_confidence: float, cooldown: timedelta) -> None:
        self._store = store
        self._min_confidence = min_confidence
        self._cooldown = cooldown

    def subscribe(self, bus: Bus) -> None:
        """Bind the handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored)

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        batch = Sightings(event.tenant_id, event.data.detections, event.event_id, self._min_confidence, self._cooldown)
        await raise_alerts(self._store, batch)
