"""What is done with stored plates: they are compared with the watchlists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.sightings.domain import SightingRules, cameras_of, hits_of, occurrence, sightings_of
from chassis.db import UnitOfWork, UowFactory
from city.tenants import TenantDirectory
from gtvision.events import StoredDetection
from gtvision.time import zone_of

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.alerts.usecases import Alerts
    from alerts.watchlists.repository import PostgresWatchlists

_REMOVED = "câmera removida"


@dataclass(frozen=True, slots=True)
class Sightings:
    """Plates of a tenant as they are stored."""

    uow: UowFactory
    watchlists: Callable[[UnitOfWork], PostgresWatchlists]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    alerts: Alerts
    tenants: TenantDirectory
    rules: SightingRules

    async def compare(self, tenant_id: UUID, event_id: UUID, detections: Sequence[StoredDetection]) -> int:
        """Compares stored plates with the watchlists. Returns how many alerts were new; a repeat of the event does nothing."""
        sightings = sightings_of(detections, self.rules)
        if not sightings:
            return 0
        zone, raised = zone_of(self.tenants.settings(tenant_id).timezone), 0
        async with self.uow(tenant_id) as uow:
            watched = await self.watchlists(uow).matching([each.read for each in sightings])
            hits = hits_of(sightings, watched, zone)
            # Only what is looked for is remembered: of the other events, nearly all, a repeat does nothing anyway.
            if not hits or await uow.seen("detections_stored", event_id):
                return 0
            cameras = {each: await self.cameras(uow).camera(each) for each in cameras_of(hits)}
            for hit in hits:
                camera = cameras[hit.sighting.seen.camera_id]
                if hit.entry.covers(hit.sighting.seen.camera_id, camera.groups if camera else ()):
                    told = occurrence(hit, camera.name if camera else _REMOVED, self.rules.cooldown)
                    raised += (await self.alerts.raise_alert(uow, told)).is_new
        return raised
