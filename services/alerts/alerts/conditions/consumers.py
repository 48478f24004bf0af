"""Events in: what lasts until it is over."""

from __future__ import annotations

from alerts.conditions.usecases import CameraConditions, Installation, RecordingConditions
from chassis.bus import Bus
from gtvision.events import (
    BudgetExhausted,
    CameraRemoved,
    CamerasAnnounced,
    CameraUpdated,
    Event,
    ProviderSwitched,
    RecordingResumed,
    RecordingStopped,
    StorageRanLow,
    StreamCause,
    StreamDegraded,
    StreamWentOffline,
    StreamWentOnline,
    TenantRemoved,
)

_OWN_QUEUE = "conditions"


class ConditionEvents:
    """Turns what is not as it should be into alerts."""

    def __init__(self, cameras: CameraConditions, recordings: RecordingConditions, installation: Installation) -> None:
        self._cameras, self._recordings, self._installation = cameras, recordings, installation

    def subscribe(self, bus: Bus) -> None:
        """Binds each handler to its queue."""
        bus.subscribe(StreamWentOffline, self.on_stream_went_offline)
        bus.subscribe(StreamWentOnline, self.on_stream_went_online)
        bus.subscribe(StreamDegraded, self.on_stream_degraded)
        bus.subscribe(RecordingStopped, self.on_recording_stopped)
        bus.subscribe(RecordingResumed, self.on_recording_resumed)
        bus.subscribe(StorageRanLow, self.on_storage_ran_low)
        bus.subscribe(BudgetExhausted, self.on_budget_exhausted)
        bus.subscribe(ProviderSwitched, self.on_provider_switched)
        bus.subscribe(CameraUpdated, self.on_camera_updated, name=f"{_OWN_QUEUE}_camera_updated")
        bus.subscribe(CameraRemoved, self.on_camera_removed, name=f"{_OWN_QUEUE}_camera_removed")
        bus.subscribe(CamerasAnnounced, self.on_cameras_announced, name=f"{_OWN_QUEUE}_cameras_announced")
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name=f"{_OWN_QUEUE}_tenant_removed")

    async def on_stream_went_offline(self, event: Event[StreamWentOffline]) -> None:
        """A camera that was disabled is not lost."""
        camera_id, revision, cause = event.data.camera_id, event.data.revision, event.data.cause
        if cause is StreamCause.DISABLED:
            await self._cameras.regain_camera(event, camera_id, revision, cause)
        else:
            await self._cameras.lose_camera(event, camera_id, revision, cause)

    async def on_stream_went_online(self, event: Event[StreamWentOnline]) -> None:
        await self._cameras.regain_camera(event, event.data.camera_id, event.data.revision)

    async def on_stream_degraded(self, event: Event[StreamDegraded]) -> None:
        """Its bytes advance: it is not lost."""
        await self._cameras.regain_camera(event, event.data.camera_id, event.data.revision)

    async def on_recording_stopped(self, event: Event[RecordingStopped]) -> None:
        await self._recordings.stop_recording(event)

    async def on_recording_resumed(self, event: Event[RecordingResumed]) -> None:
        await self._recordings.resume_recording(event)

    async def on_camera_updated(self, event: Event[CameraUpdated]) -> None:
        if not (event.data.enabled and event.data.recording.enabled):
            await self._recordings.drop_camera(event, "A câmera não deve mais ser gravada.")

    async def on_camera_removed(self, event: Event[CameraRemoved]) -> None:
        await self._recordings.drop_camera(event, "A câmera foi removida.")
        await self._cameras.forget_camera(event, event.data.camera_id)

    async def on_cameras_announced(self, event: Event[CamerasAnnounced]) -> None:
        await self._cameras.keep_cameras(event, frozenset(event.data.camera_ids), event.data.as_of)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """Its alerts stay, as those of a removed watchlist do."""
        await self._cameras.forget_city(event)

    async def on_storage_ran_low(self, event: Event[StorageRanLow]) -> None:
        await self._installation.judge_storage(event)

    async def on_budget_exhausted(self, event: Event[BudgetExhausted]) -> None:
        await self._installation.spend_budget(event)

    async def on_provider_switched(self, event: Event[ProviderSwitched]) -> None:
        await self._installation.switch_provider(event)
