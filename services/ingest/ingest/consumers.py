"""Events in: detections in batches, cameras and streams one by one."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import (
    CameraRegistered,
    CameraRemoved,
    CamerasAnnounced,
    CameraUpdated,
    DetectionMade,
    Event,
    StreamDegraded,
    StreamWentOffline,
    StreamWentOnline,
)
from ingest.usecases.cameras import Cameras
from ingest.usecases.detections import Detections


class CameraEvents:
    """What cameras and streaming announce."""

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(CameraRegistered, self.on_camera_registered)
        bus.subscribe(CameraUpdated, self.on_camera_updated)
        bus.subscribe(CameraRemoved, self.on_camera_removed)
        bus.subscribe(CamerasAnnounced, self.on_cameras_announced)
        bus.subscribe(StreamWentOnline, self.on_stream_went_online)
        bus.subscribe(StreamWentOffline, self.on_stream_went_offline)
        bus.subscribe(StreamDegraded, self.on_stream_degraded)

    async def on_camera_registered(self, event: Event[CameraRegistered]) -> None:
        await self._cameras.learn_camera(event)

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        await self._cameras.learn_camera(event)

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        await self._cameras.forget_camera(event)

    async def on_cameras_announced(self, event: Event[CamerasAnnounced]) -> None:
        await self._cameras.reconcile_cameras(event)

    async def on_stream_went_online(self, event: Event[StreamWentOnline]) -> None:
        await self._cameras.learn_stream(event)

    async def on_stream_went_offline(self, event: Event[StreamWentOffline]) -> None:
        await self._cameras.learn_stream(event)

    async def on_stream_degraded(self, event: Event[StreamDegraded]) -> None:
        await self._cameras.learn_stream(event)


class DetectionEvents:
    """What the analysis saw."""

    def __init__(self, detections: Detections) -> None:
        self._detections = detections

    async def on_detection_made(self, events: list[Event[DetectionMade]]) -> None:
        """Repeats need no inbox: ids derive from the frame."""
        await self._detections.store_detections(events)
