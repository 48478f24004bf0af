"""Events in: what was stored, and the cameras."""

from __future__ import annotations

from datetime import timedelta

from alerts.ports import CameraCopy
from alerts.usecases import Sightings, Store, forget_camera, keep_camera, raise_alerts
from chassis.bus import Bus
from gtvision.events import CameraRegistered, CameraRemoved, CameraUpdated, DetectionsStored, Event


class AlertEvents:
    """Turns stored detections into alerts."""

    def __init__(self, store: Store, *, min_confidence: float, cooldown: timedelta) -> None:
        self._store = store
        self._min_confidence = min_confidence
        self._cooldown = cooldown

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored)
        bus.subscribe(CameraRegistered, self.on_camera_registered)
        bus.subscribe(CameraUpdated, self.on_camera_updated)
        bus.subscribe(CameraRemoved, self.on_camera_removed)

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        batch = Sightings(event.tenant_id, event.data.detections, event.event_id, self._min_confidence, self._cooldown)
        await raise_alerts(self._store, batch)

    async def on_camera_registered(self, event: Event[CameraRegistered]) -> None:
        await keep_camera(self._store, event.tenant_id, _copy_of(event.data), event.event_id, "camera_registered")

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        await keep_camera(self._store, event.tenant_id, _copy_of(event.data), event.event_id, "camera_updated")

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        await forget_camera(self._store, event.tenant_id, event.data.camera_id, event.data.revision, event.event_id)


def _copy_of(data: CameraRegistered | CameraUpdated) -> CameraCopy:
    return CameraCopy(camera_id=data.camera_id, revision=data.revision, name=data.name, groups=frozenset(data.groups))
