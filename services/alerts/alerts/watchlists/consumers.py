"""Events in: cities that leave."""

from __future__ import annotations

from alerts.watchlists.usecases import Watchlists
from chassis.bus import Bus
from gtvision.events import Event, TenantRemoved


class CityEvents:
    """What `identity` says of cities."""

    def __init__(self, watchlists: Watchlists) -> None:
        self._watchlists = watchlists

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(TenantRemoved, self.on_tenant_removed)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """The city's watchlists go with their plates; its alerts stay, as those of a removed list do."""
        await self._watchlists.delete_watchlists_of_city("tenant_removed", event)
