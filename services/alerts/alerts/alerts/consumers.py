"""Events in: what was stored. Events of the cameras go to `city.cameras`."""

from __future__ import annotations

from alerts.alerts.usecases import Alerts
from chassis.bus import Bus
from gtvision.events import DetectionsStored, Event


class AlertEvents:
    """Turns stored detections into alerts."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored)

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        await self._alerts.raise_alerts(event.tenant_id, event.event_id, event.data.detections)
