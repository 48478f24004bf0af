"""Events in: the desired cameras."""

from __future__ import annotations

import asyncio

from chassis.bus import Bus
from gtvision.events import CameraDesired, CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Event
from streaming.domain import DesiredCamera
from streaming.usecases import Store, forget_camera, forget_unlisted, keep_camera


class CameraEvents:
    """Keeps our copy of the cameras and wakes the reconciler when it changed."""

    def __init__(self, store: Store, wake: asyncio.Event) -> None:
        self._store = store
        self._wake = wake

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(CameraRegistered, self.on_camera_registered)
        bus.subscribe(CameraUpdated, self.on_camera_updated)
        bus.subscribe(CameraRemoved, self.on_camera_removed)
        bus.subscribe(CamerasAnnounced, self.on_cameras_announced)

    async def on_camera_registered(self, event: Event[CameraRegistered]) -> None:
        if await keep_camera(self._store, _camera_of(event, event.data), event.event_id, "camera_registered"):
            self._wake.set()

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        if await keep_camera(self._store, _camera_of(event, event.data), event.event_id, "camera_updated"):
            self._wake.set()

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        if await forget_camera(self._store, event.tenant_id, event.data.camera_id, event.data.revision, event.event_id):
            self._wake.set()

    async def on_cameras_announced(self, event: Event[CamerasAnnounced]) -> None:
        if await forget_unlisted(self._store, event.tenant_id, event.data.camera_ids, event.data.as_of, event.event_id):
            self._wake.set()


def _camera_of(event: Event[CameraRegistered] | Event[CameraUpdated], data: CameraDesired) -> DesiredCamera:
    return DesiredCamera(
        tenant_id=event.tenant_id,
        camera_id=data.camera_id,
        revision=data.revision,
        name=data.name,
        enabled=data.enabled,
        url_encrypted=data.url_encrypted,
        groups=frozenset(data.groups),
        recording=data.recording,
        announced_at=event.occurred_at,
    )
