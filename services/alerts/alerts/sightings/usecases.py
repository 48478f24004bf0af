"""What is done with stored plates: they are compared with the watchlists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.sightings.domain import confident_plates, sighting
from chassis.db import UnitOfWork, UowFactory
from gtvision.events import StoredDetection

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.watchlists.repository import PostgresWatchlists

_REMOVED = "câmera removida"


@dataclass(frozen=True, slots=True)
class Sightings:
    """Plates of a tenant as they are stored. `min_confidence` is 0..1; within `cooldown` a plate at a camera is one alert."""

    uow: UowFactory
    watchlists: Callable[[UnitOfWork], PostgresWatchlists]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    min_confidence: float
    cooldown: timedelta

    async def compare(self, tenant_id: UUID, event_id: UUID, detections: Sequence[StoredDetection]) -> int:
        """Compares stored plates with the watchlists. Returns how many alerts were new; a repeat of the event does nothing."""
        seen = confident_plates(detections, self.min_confidence)
        if not seen:
            return 0
        async with self.uow(tenant_id) as uow:
            if await uow.seen("detections_stored", event_id):
                return 0
            watched = await self.watchlists(uow).matching({each.object.plate.text for each in seen if each.object.plate})
            raised = 0
            for each in sorted(seen, key=lambda detection: detection.captured_at):
                for watchlist, entry in watched:
                    if each.object.plate is not None and entry.fits(each.object.plate.text, each.captured_at):
                        camera = await self.cameras(uow).camera(each.camera_id)
                        name = camera.name if camera else _REMOVED
                        raised += (await self.alerts.raise_alert(uow, sighting(watchlist, entry, each, name, self.cooldown))).is_new
        return raised
