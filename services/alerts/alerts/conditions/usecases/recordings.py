"""Recordings that stand still and go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.alerts.domain import RECORDING_ALERT, KnownCamera, Occurrence
from alerts.conditions.domain import DISK, RecordingCondition, camera_recording, disk_recording, names_of
from chassis.db import UnitOfWork, UowFactory
from gtvision.events import CameraRemoved, CameraUpdated, Event, GapCause, RecordingResumed, RecordingStopped
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.conditions.repository import PostgresConditions
    from alerts.maintenance.usecases import Maintenance


@dataclass(frozen=True, slots=True)
class RecordingConditions:
    """Turns recordings that stand still into alerts, at once; a disk that takes nothing is one alert of all its cameras."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresConditions]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    maintenance: Maintenance
    clock: Clock

    async def stop_recording(self, event: Event[RecordingStopped]) -> None:
        """A stop of before the last one that is known, and a repeat, change nothing."""
        stopped = event.data
        async with self.uow(event.tenant_id) as uow:
            recordings = await self._recordings(uow, event)
            if recordings is None:
                return
            before = recordings.get(stopped.camera_id)
            camera = (await self.cameras(uow).cameras([stopped.camera_id])).get(stopped.camera_id)
            if (before is not None and before.since >= stopped.since) or (camera is not None and camera.removed):
                return
            now_known = RecordingCondition(stopped.camera_id, stopped.since, is_stopped=True, is_disk=stopped.cause is GapCause.DISK)
            await self.repository(uow).put_recording(now_known)
            if before is not None and before.is_stopped and before.is_disk != now_known.is_disk:
                await self._leave(uow, before, "Agora por outra causa.")
            await self.alerts.raise_alert(uow, await self._occurrence(uow, stopped, camera, recordings))

    async def resume_recording(self, event: Event[RecordingResumed]) -> None:
        """May come before the stop that it ends."""
        camera_id, since = event.data.camera_id, event.data.since
        async with self.uow(event.tenant_id) as uow:
            recordings = await self._recordings(uow, event)
            if recordings is None:
                return
            before = recordings.get(camera_id)
            if before is None or before.since <= since:
                await self._end(uow, before, RecordingCondition(camera_id, since, is_stopped=False), "A gravação voltou.")

    async def drop_camera(self, event: Event[CameraUpdated] | Event[CameraRemoved], text: str) -> None:
        """Of a camera that is no longer to be recorded, streaming says nothing more: its recording does not stand still."""
        async with self.uow(event.tenant_id) as uow:
            recordings = await self._recordings(uow, event)
            before = recordings.get(event.data.camera_id) if recordings else None
            if before is not None and before.is_stopped:
                await self._end(uow, before, RecordingCondition(before.camera_id, before.since, is_stopped=False), text)

    async def _recordings(
        self, uow: UnitOfWork, event: Event[RecordingStopped] | Event[RecordingResumed] | Event[CameraUpdated] | Event[CameraRemoved]
    ) -> dict[UUID, RecordingCondition] | None:
        """Returns what is known of the city's recordings, locked; None where the event was handled before."""
        if await uow.seen(f"recordings {event.type}", event.event_id):
            return None
        await self.repository(uow).lock()
        return await self.repository(uow).recordings()

    async def _end(self, uow: UnitOfWork, before: RecordingCondition | None, ended: RecordingCondition, text: str) -> None:
        await self.repository(uow).put_recording(ended)
        if before is not None and before.is_stopped:
            await self._leave(uow, before, text)

    async def _leave(self, uow: UnitOfWork, before: RecordingCondition, text: str) -> None:
        """The camera leaves its alert; the last one of a full disk ends it."""
        recordings = await self.repository(uow).recordings()
        left = tuple(each.camera_id for each in recordings.values() if each.is_stopped and each.is_disk)
        subject = DISK if before.is_disk else str(before.camera_id)
        if not before.is_disk or not left:
            await self.alerts.resolve_alert(uow, RECORDING_ALERT, subject, self.clock.now(), text)
        elif (alert := await self.alerts.find_open(uow, RECORDING_ALERT, DISK)) is not None:
            details = dict(alert.details) | {"Câmeras": names_of(left, await self.cameras(uow).cameras(left))}
            await self.alerts.amend_alert(uow, RECORDING_ALERT, DISK, title=alert.title, camera_ids=left, details=details)

    async def _occurrence(
        self, uow: UnitOfWork, stopped: RecordingStopped, camera: KnownCamera | None, recordings: Mapping[UUID, RecordingCondition]
    ) -> Occurrence:
        now = self.clock.now()
        if stopped.cause is GapCause.DISK:
            there = [each.camera_id for each in recordings.values() if each.is_stopped and each.is_disk]
            affected: Sequence[UUID] = list(dict.fromkeys((*there, stopped.camera_id)))
            muted_until = await self.maintenance.muted_until(uow, None, frozenset(), now)
            return disk_recording(stopped, affected, await self.cameras(uow).cameras(affected), muted_until)
        muted_until = await self.maintenance.muted_until(uow, stopped.camera_id, camera.groups if camera else frozenset(), now)
        return camera_recording(stopped, camera, muted_until)
