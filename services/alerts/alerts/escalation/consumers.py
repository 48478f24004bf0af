"""Events in: cities that leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from alerts.alerts.domain import AlertQuery, AlertState
from chassis.bus import Bus
from chassis.db import UnitOfWork, UowFactory
from gtvision.events import Event, TenantRemoved

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts

_CONSUMER = "escalation_tenant_removed"
_AT_ONCE = 500
_UNRESOLVED = frozenset({AlertState.OPEN, AlertState.ACKNOWLEDGED})


class EscalationEvents:
    """What `identity` says of cities."""

    def __init__(
        self,
        uow: UowFactory,
        alert_rows: Callable[[UnitOfWork], PostgresAlerts],
        forgets: Sequence[Callable[[UnitOfWork], Awaitable[None]]],
    ) -> None:
        self._uow, self._alert_rows, self._forgets = uow, alert_rows, forgets

    def subscribe(self, bus: Bus) -> None:
        """Binds the handler to its queue."""
        bus.subscribe(TenantRemoved, self.on_tenant_removed, name=_CONSUMER)

    async def on_tenant_removed(self, event: Event[TenantRemoved]) -> None:
        """Its alerts stay and are over, and nobody is told; who was told, and how to reach them, is forgotten. A repeat changes nothing."""
        async with self._uow(event.tenant_id) as uow:
            if await uow.seen(_CONSUMER, event.event_id):
                return
            alerts = self._alert_rows(uow)
            change = await alerts.next_change()
            for forget in self._forgets:
                await forget(uow)
            while found := await alerts.list_newest(AlertQuery(limit=_AT_ONCE, states=_UNRESOLVED)):
                for alert in found:
                    over = replace(alert, state=AlertState.RESOLVED, resolved_at=event.occurred_at, snoozed_until=None, change=change)
                    await alerts.save(over)
                    change = await alerts.next_change()
