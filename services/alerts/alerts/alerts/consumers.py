"""Events in: what was stored, and recordings that stopped. Events of the cameras go to `city.cameras`."""

from __future__ import annotations

from alerts.alerts.usecases import Alerts
from chassis.bus import Bus
from gtvision.events import DetectionsStored, Event, RecordingStopped


class AlertEvents:
    """Turns stored detections, and recordings that stopped, into alerts."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def subscribe(self, bus: Bus) -> None:
        """Binds each handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored)
        bus.subscribe(RecordingStopped, self.on_recording_stopped)

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        await self._alerts.raise_alerts(event.tenant_id, event.event_id, event.data.detections)

    async def on_recording_stopped(self, event: Event[RecordingStopped]) -> None:
        await self._alerts.raise_recording_alert(event.tenant_id, event.event_id, event.data)
