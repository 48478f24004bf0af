"""Events in: cities that leave."""

from __future__ import annotations

from alerts.maintenance.usecases import Maintenance
from chassis.bus import Bus
from gtvision.events import Event, TenantRemoved


class MaintenanceEvents:
    """What `identity` says of cities."""

    def __init__(self, maintenance: Maintenance) -> None:
        self._maintenance = maintenance

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name="maintenance")

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        await self._maintenance.forget_city("maintenance", event)
