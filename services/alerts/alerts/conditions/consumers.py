"""Events in: recordings that stopped."""

from __future__ import annotations

from alerts.conditions.usecases import Conditions
from chassis.bus import Bus
from gtvision.events import Event, RecordingStopped


class ConditionEvents:
    """Turns what is not as it should be into alerts."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions

    def subscribe(self, bus: Bus) -> None:
        """Binds each handler to its queue."""
        bus.subscribe(RecordingStopped, self.on_recording_stopped)

    async def on_recording_stopped(self, event: Event[RecordingStopped]) -> None:
        await self._conditions.recording_stopped(event.tenant_id, event.event_id, event.data)
