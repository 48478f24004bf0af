"""What is done with what lasts until it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.alerts.domain import RECORDING_ALERT, Occurrence
from chassis.db import UnitOfWork, UowFactory
from gtvision.events import GapCause, RecordingStopped, Severity

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is not as it should be in a tenant."""

    uow: UowFactory
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts

    async def recording_stopped(self, tenant_id: UUID, event_id: UUID, stopped: RecordingStopped) -> bool:
        """Raises an alert for a recording that has stopped, or counts it to one that is there. A repeat of the event does nothing."""
        async with self.uow(tenant_id) as uow:
            if await uow.seen("recording_stopped", event_id):
                return False
            camera = await self.cameras(uow).camera(stopped.camera_id)
            name = camera.name if camera else "câmera removida"
            is_disk = stopped.cause is GapCause.DISK
            seen = Occurrence(
                kind=RECORDING_ALERT,
                subject="disk" if is_disk else str(stopped.camera_id),
                severity=Severity.CRITICAL,
                title="Gravação parada: o disco das gravações não aceita mais nada" if is_disk else f"Gravação parada em {name}",
                at=stopped.since,
                lasting=True,
                camera_id=None if is_disk else stopped.camera_id,
            )
            return (await self.alerts.raise_alert(uow, seen)).is_new
