"""Events in: legal holds. They are kept, so that an event that comes twice or late changes nothing."""

from __future__ import annotations

from chassis.bus import Bus
from gtvision.events import Event, HoldLifted, HoldPlaced
from ingest.retention.domain import Hold
from ingest.retention.usecases import Retention


class HoldEvents:
    """What streaming announces of holds."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention

    def subscribe(self, bus: Bus) -> None:
        """Bind every handler to its queue."""
        bus.subscribe(HoldPlaced, self.on_hold_placed)
        bus.subscribe(HoldLifted, self.on_hold_lifted)

    async def on_hold_placed(self, event: Event[HoldPlaced]) -> None:
        data = event.data
        await self._retention.learn(event.tenant_id, Hold(data.hold_id, data.camera_id, data.range_from, data.range_to, data.until))

    async def on_hold_lifted(self, event: Event[HoldLifted]) -> None:
        data = event.data
        hold = Hold(data.hold_id, data.camera_id, data.range_from, data.range_to, data.until, data.lifted_at)
        await self._retention.learn(event.tenant_id, hold)
