"""Events in: what was stored, and cities that leave."""

from __future__ import annotations

from alerts.rules.usecases import CONSUMER, Rules, RuleWatch
from chassis.bus import Bus
from gtvision.events import DetectionsStored, Event, TenantRemoved


class RuleEvents:
    """What rules hear of."""

    def __init__(self, rules: Rules, watch: RuleWatch) -> None:
        self._rules, self._watch = rules, watch

    def subscribe(self, bus: Bus) -> None:
        """Binds each handler to its queue."""
        bus.subscribe(DetectionsStored, self.on_detections_stored, name=CONSUMER, one_at_a_time=True)
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name="rules_tenant_removed")

    async def on_detections_stored(self, event: Event[DetectionsStored]) -> None:
        """Judged by the rules that are switched on."""
        await self._watch.judge_detections(event.tenant_id, event.event_id, event.data.detections)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """The city's rules go; its alerts stay."""
        await self._rules.forget_city("rules_tenant_removed", event)
