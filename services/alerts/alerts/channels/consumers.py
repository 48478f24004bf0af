"""Events in: cities that leave."""

from __future__ import annotations

from alerts.channels.usecases import Channels
from chassis.bus import Bus
from gtvision.events import Event, TenantRemoved


class ChannelEvents:
    """What `identity` says of cities."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name="channels_tenant_removed")

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """The city's channels go with their secrets."""
        await self._channels.delete_channels_of_city("channels_tenant_removed", event)
