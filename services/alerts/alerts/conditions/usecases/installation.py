"""What is no camera's: disks, money for cloud AI, providers, and the alarms of Alertmanager."""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.alerts.domain import Occurrence
from alerts.conditions.domain import PROMETHEUS, PROVIDER, STORAGE_LOW, Alarm, alarm_raised, budget_spent, provider_switched, storage_low
from chassis.db import UnitOfWork, UowFactory
from gtvision.errors import Unauthenticated, Unavailable
from gtvision.events import BudgetExhausted, Event, ProviderSwitched, StorageRanLow
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.alerts.usecases import Alerts
    from alerts.conditions.repository import PostgresConditions
    from alerts.maintenance.usecases import Maintenance

TenantOf = Callable[[str | None], UUID | None]
"""Returns the tenant that an alarm with this label is for; None where none is known yet."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Turns what the installation says of itself into alerts. `token` is what Alertmanager shows; None: nothing."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresConditions]
    alerts: Alerts
    maintenance: Maintenance
    clock: Clock
    tenant_of: TenantOf
    token: str | None = None

    async def judge_storage(self, event: Event[StorageRanLow]) -> None:
        """Told again and again while the disk is low. What is older than the last that is known, and a repeat, change nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen("storage", event.event_id):
                return
            if not await self.repository(uow).is_newer(STORAGE_LOW, event.data.node, event.occurred_at):
                return
            if event.data.is_low:
                await self._raise(uow, storage_low(event.data, event.occurred_at))
            else:
                await self.alerts.resolve_alert(uow, STORAGE_LOW, event.data.node, event.occurred_at, "Há espaço de novo.")

    async def spend_budget(self, event: Event[BudgetExhausted]) -> None:
        async with self.uow(event.tenant_id) as uow:
            if not await uow.seen("budget", event.event_id):
                await self._raise(uow, budget_spent(event.data, event.occurred_at))

    async def switch_provider(self, event: Event[ProviderSwitched]) -> None:
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen("provider", event.event_id):
                return
            if not await self.repository(uow).is_newer(PROVIDER, PROVIDER, event.occurred_at):
                return
            if event.data.is_fallback:
                await self._raise(uow, provider_switched(event.data, event.occurred_at))
            else:
                await self.alerts.resolve_alert(uow, PROVIDER, PROVIDER, event.occurred_at, "O provedor preferido voltou.")

    async def take_alarms(self, token: str, alarms: Sequence[Alarm]) -> None:
        """Raises and resolves; the same alarms again change nothing more. Raises: Unauthenticated, Unavailable (no tenant is known)."""
        if self.token is not None and not hmac.compare_digest(token.encode(), self.token.encode()):
            raise Unauthenticated("Alertmanager has to show the token of ALERTMANAGER_TOKEN.")
        by_tenant: defaultdict[UUID, list[Alarm]] = defaultdict(list)
        for alarm in alarms:
            tenant_id = self.tenant_of(alarm.labels.get("tenant"))
            if tenant_id is None:
                raise Unavailable("No tenant is known yet.")
            by_tenant[tenant_id].append(alarm)
        for tenant_id, own in by_tenant.items():
            async with self.uow(tenant_id) as uow:
                await self.repository(uow).lock()
                for alarm in own:
                    if alarm.is_firing:
                        await self._raise(uow, alarm_raised(alarm))
                    else:
                        await self.alerts.resolve_alert(uow, PROMETHEUS, alarm.fingerprint, alarm.ends_at or self.clock.now())

    async def _raise(self, uow: UnitOfWork, seen: Occurrence) -> None:
        """What is no camera's rests only while the whole city does."""
        muted_until = await self.maintenance.muted_until(uow, None, frozenset(), self.clock.now())
        await self.alerts.raise_alert(uow, replace(seen, muted_until=muted_until))
