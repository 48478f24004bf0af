"""Messages are written in the transaction that changes the alert; people look at them and have them sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from alerts.alerts.domain import Alert, Notice
from alerts.deliveries.domain import (
    GIVEN_UP_AFTER,
    MACHINES,
    Delivery,
    DeliveryQuery,
    DeliveryState,
    Recipient,
    Try,
    new_delivery,
    plan_ending,
)
from alerts.deliveries.ports import Carrier
from chassis.db import UnitOfWork, UowFactory
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Conflict, NotFound
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.deliveries.repository import PostgresDeliveries


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The messages of a tenant. `woken` is set after each commit that wrote one, so that it leaves at once."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresDeliveries]
    alerts: Callable[[UnitOfWork], PostgresAlerts]
    channels: Carrier
    clock: Clock
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    # --- written in the transaction that changes the alert ---

    async def tell(
        self, uow: UnitOfWork, alert: Alert, notice: Notice, recipients: Iterable[Recipient], at: datetime, occasion: str = ""
    ) -> None:
        """Writes a message to each. The same occasion again (the change of the alert, where none is given) writes nothing."""
        rows = [new_delivery(alert, notice, each, at, occasion or str(alert.change)) for each in dict.fromkeys(recipients)]
        if await self.repository(uow).add(rows):
            uow.after_commit(self._wake)
        if notice is Notice.WORSENED:  # what quiet hours hold back would come late, and say less
            await self.repository(uow).replace_held(alert.alert_id, {row.recipient: row.delivery_id for row in rows})

    async def told(self, uow: UnitOfWork, alert_id: UUID) -> list[Recipient]:
        """Returns who was told of an alert, or has a message about it waiting."""
        return await self.repository(uow).told(alert_id)

    async def tell_acknowledged(self, uow: UnitOfWork, alert: Alert, at: datetime) -> None:
        """Tells the programs that were told of the alert; people need not know."""
        machines = {each.channel_id for each in await self.channels.list_enabled(uow) if each.kind in MACHINES}
        told = [each for each in await self.told(uow, alert.alert_id) if each.channel_id in machines]
        await self.tell(uow, alert, Notice.ACKNOWLEDGED, told, at)

    async def tell_over(self, uow: UnitOfWork, alert: Alert, at: datetime) -> None:
        """Tells all who were told, or would be, that it is over. What was never tried tells of beginning and end in one."""
        rows = self.repository(uow)
        plan = plan_ending(await rows.of_alert(alert.alert_id))
        await rows.change_notice(plan.combined.values(), Notice.RESOLVED, alert.title)
        ends = {each: new_delivery(alert, Notice.RESOLVED, each, at, str(alert.change)).delivery_id for each in plan.told} | dict(
            plan.combined
        )
        await self.tell(uow, alert, Notice.RESOLVED, plan.told, at)
        await rows.replace({row: ends[recipient] for row, recipient in plan.replaced.items() if recipient in ends})

    async def _wake(self) -> None:
        self.woken.set()

    # --- people ---

    async def list_deliveries(self, caller: Caller, query: DeliveryQuery) -> list[Delivery]:
        """Returns messages, newest first; without the title where the alert is not the caller's to see."""
        async with self.uow(caller.tenant_id) as uow:
            return await self._shown(uow, caller, await self.repository(uow).list_newest(query))

    async def show_delivery(self, caller: Caller, delivery_id: UUID) -> tuple[Delivery, list[Try]]:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            [row] = await self._shown(uow, caller, [_found(await self.repository(uow).get(delivery_id))])
            return row, await self.repository(uow).tries(delivery_id)

    async def replay_delivery(self, caller: Caller, delivery_id: UUID) -> Delivery:
        """Sends a message again under its id. Raises: NotFound, Conflict where it has not ended."""
        now = self.clock.now()
        async with self.uow(caller.tenant_id) as uow:
            rows = self.repository(uow)
            row = _found(await rows.get(delivery_id, lock=True))
            if row.state not in {DeliveryState.FAILED, DeliveryState.DELIVERED}:
                raise Conflict("Only a message that was delivered or has failed can be sent again.")
            await rows.replay(delivery_id, now, now + GIVEN_UP_AFTER)
            record(uow, Action.DELIVERY_REPLAYED, caller, AuditEntry("delivery", delivery_id, details={"channel": row.channel_id}))
            uow.after_commit(self._wake)
            [row] = await self._shown(uow, caller, [_found(await rows.get(delivery_id))])
        return row

    async def channel_names(self, caller: Caller) -> dict[UUID, str]:
        """Returns the names of the tenant's channels."""
        async with self.uow(caller.tenant_id) as uow:
            return await self.channels.names(uow)

    async def _shown(self, uow: UnitOfWork, caller: Caller, rows: list[Delivery]) -> list[Delivery]:
        if caller.camera_groups is None:
            return rows
        seen = await self.alerts(uow).find({row.alert_id for row in rows if row.alert_id}, caller.camera_groups)
        return [row if row.alert_id is None or row.alert_id in seen else replace(row, title="") for row in rows]


def _found(row: Delivery | None) -> Delivery:
    if row is None:
        raise NotFound("There is no such delivery.")
    return row
