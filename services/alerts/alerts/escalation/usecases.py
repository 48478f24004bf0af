"""What is done with escalation: an alert is told and told again until a person answers; people write down who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts import metrics
from alerts.alerts.domain import Alert, AlertState, Entry, Notice, Step
from alerts.deliveries.domain import Recipient
from alerts.deliveries.ports import Carrier
from alerts.escalation.domain import (
    REMINDER,
    Due,
    Group,
    Policy,
    Shift,
    check_group,
    check_steps,
    first_match,
    later_steps,
    reachable,
    recipients,
    shifts,
)
from alerts.escalation.ports import Chosen
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from city.tenants import TenantDirectory
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import AlertEscalated, Severity
from gtvision.ids import derived_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock, zone_of

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.channels.domain import Channel
    from alerts.deliveries.usecases import Deliveries
    from alerts.escalation.repository import PostgresEscalation

Noun = TypeVar("Noun", Policy, Group)

AT_ONCE = 50
"""Steps of a tenant that are taken in one transaction."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Sees to it that people are told: the Notifier of alerts."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresEscalation]
    alert_rows: Callable[[UnitOfWork], PostgresAlerts]
    deliveries: Deliveries
    channels: Carrier
    tenants: TenantDirectory
    clock: Clock
    chosen: Chosen

    async def note(self, uow: UnitOfWork, alert: Alert, notice: Notice, at: datetime) -> None:
        """Writes down who has to be told, in the transaction that changed the alert."""
        rows = self.repository(uow)
        if notice is Notice.RESOLVED:
            await rows.drop(alert.alert_id)
            await self.deliveries.tell_over(uow, alert, self.clock.now())
        elif notice is Notice.ACKNOWLEDGED:
            await rows.drop(alert.alert_id)
            await self.deliveries.tell_acknowledged(uow, alert, at)
        else:
            policy = first_match(await rows.policies(), alert)
            if notice is Notice.WORSENED:  # another policy may hold now: its steps count from this moment
                await rows.drop(alert.alert_id)
            await self.deliveries.tell(uow, alert, notice, await self._first(uow, alert, notice, policy, at), at)
            await rows.schedule(later_steps(policy, alert, at))

    async def _first(self, uow: UnitOfWork, alert: Alert, notice: Notice, policy: Policy | None, at: datetime) -> list[Recipient]:
        """Returns whom the first step tells: the channels of the list or rule, else the policy's, else every channel that wants it.

        Where those are all off or gone, every channel that wants it: an alert must reach someone.
        """
        channels = await self.channels.list_enabled(uow)
        wanted = [Recipient(channel_id) for channel_id in await self.chosen(uow, alert) or ()]
        if not wanted and policy is not None:
            wanted = await self._of_step(uow, alert.tenant_id, policy, 0, at)
        enabled = [each.channel_id for each in channels]
        return reachable(wanted, enabled, alert) or reachable(_willing(channels, alert, notice), enabled, alert)

    async def _of_step(self, uow: UnitOfWork, tenant_id: UUID, policy: Policy, number: int, at: datetime) -> list[Recipient]:
        groups = {each.group_id: each for each in await self.repository(uow).groups()}
        return recipients(policy.steps[number], groups, at, self._zone(tenant_id)) if number < len(policy.steps) else []

    def _zone(self, tenant_id: UUID) -> ZoneInfo:
        return zone_of(self.tenants.settings(tenant_id).timezone)

    # --- clock ---

    async def take_due(self) -> int:
        """Takes the steps whose time has come, of every tenant. Returns how many."""
        async with self.uow(None) as uow:
            tenants = await self.repository(uow).tenants_due(self.clock.now())
        taken = 0
        for tenant_id in tenants:
            async with self.uow(tenant_id) as uow:
                await self.alert_rows(uow).next_change()  # no alert of the tenant changes, and no other process takes steps, until the end
                now = self.clock.now()
                due = await self.repository(uow).due(now, AT_ONCE)
                found = await self.alert_rows(uow).find({step.alert_id for step in due}, None)
                for step in due:
                    await self._take(uow, step, found.get(step.alert_id), now)
                taken += len(due)
        return taken

    async def _take(self, uow: UnitOfWork, step: Due, alert: Alert | None, now: datetime) -> None:
        rows = self.repository(uow)
        if alert is None or alert.state is not AlertState.OPEN:
            await rows.drop(step.alert_id)
        elif alert.snoozed_until is not None and alert.snoozed_until > now:
            await rows.postpone(step, alert.snoozed_until)
        elif step.step == REMINDER:
            await self._remind(uow, step, alert, now)
        else:
            await self._escalate(uow, step, alert, now)

    async def _remind(self, uow: UnitOfWork, step: Due, alert: Alert, now: datetime) -> None:
        """Tells a critical alert again to all who were told of it; where nobody was, to whom the first step would tell it now."""
        if alert.severity is not Severity.CRITICAL or step.repeat_h is None:
            await self.repository(uow).drop(alert.alert_id, step.step)
            return
        enabled = [each.channel_id for each in await self.channels.list_enabled(uow)]
        told = reachable(await self.deliveries.told(uow, alert.alert_id), enabled, alert)
        if not told:
            policy = first_match(await self.repository(uow).policies(), alert)
            told = await self._first(uow, alert, Notice.REMINDER, policy, now)
        await self.deliveries.tell(uow, alert, Notice.REMINDER, told, now, f"{step.due_at.timestamp()}")
        await self.repository(uow).postpone(step, now + timedelta(hours=step.repeat_h))

    async def _escalate(self, uow: UnitOfWork, step: Due, alert: Alert, now: datetime) -> None:
        rows = self.repository(uow)
        policy = await rows.policy(step.policy_id) if step.policy_id else None
        wanted = await self._of_step(uow, alert.tenant_id, policy, step.step, now) if policy else []
        channels = {each.channel_id: each.name for each in await self.channels.list_enabled(uow)}
        told = reachable(wanted, channels, alert)
        await self.deliveries.tell(uow, alert, Notice.ESCALATED, told, now, f"{step.step} {step.due_at.timestamp()}")
        names = ", ".join(channels[each.channel_id] + (f" ({each.to})" if each.to else "") for each in told)
        text = f"Etapa {step.step}: {names}" if names else f"Etapa {step.step}: sem canal que possa avisar"
        await self.alert_rows(uow).write_history(alert.alert_id, Entry(now, Step.ESCALATED, text=text))
        event_id = derived_id("escalated", alert.alert_id, step.step, step.due_at.timestamp())
        told_of = AlertEscalated(alert_id=alert.alert_id, step=step.step, escalated_at=now)
        uow.emit(told_of, camera_id=alert.camera_id, event_id=event_id)
        await rows.drop(alert.alert_id, step.step)
        metrics.escalations.inc()


def _willing(channels: list[Channel], alert: Alert, notice: Notice) -> list[Recipient]:
    return [Recipient(each.channel_id) for each in channels if each.wants(alert, notice)]


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies and groups of a tenant, as people write them down."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresEscalation]
    tenants: TenantDirectory
    clock: Clock

    async def list_policies(self, caller: Caller) -> list[Policy]:
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow).policies()

    async def create_policy(self, caller: Caller, policy: Policy, once: Once | None) -> Policy:
        """Raises: Invalid."""
        check_steps(policy.steps)
        async with self.uow(caller.tenant_id) as uow:
            rows = self.repository(uow)
            if (earlier := await claim(uow, caller, once, policy.policy_id, self.clock.now())) is not None:
                if (made := await rows.policy(earlier)) is None:
                    raise Gone
                return made
            await rows.put_policy(policy)
            _changed(uow, caller, "escalation_policy", policy.policy_id, policy.name, "created")
        return policy

    async def change_policy(self, caller: Caller, policy_id: UUID, patch: Patch) -> Policy:
        """Raises: NotFound, Invalid."""
        async with self.uow(caller.tenant_id) as uow:
            rows = self.repository(uow)
            policy = patch.apply(_there(await rows.policy(policy_id, lock=True)))
            check_steps(policy.steps)
            await rows.put_policy(policy)
            _changed(uow, caller, "escalation_policy", policy_id, policy.name, ", ".join(patch))
        return policy

    async def delete_policy(self, caller: Caller, policy_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            policy = _there(await self.repository(uow).delete_policy(policy_id))
            _changed(uow, caller, "escalation_policy", policy_id, policy.name, "removed")

    async def list_groups(self, caller: Caller) -> list[Group]:
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow).groups()

    async def create_group(self, caller: Caller, group: Group, once: Once | None) -> Group:
        """Raises: Invalid."""
        check_group(group)
        async with self.uow(caller.tenant_id) as uow:
            rows = self.repository(uow)
            if (earlier := await claim(uow, caller, once, group.group_id, self.clock.now())) is not None:
                if (made := await rows.group(earlier)) is None:
                    raise Gone
                return made
            await rows.put_group(group)
            _changed(uow, caller, "on_call_group", group.group_id, group.name, "created")
        return group

    async def change_group(self, caller: Caller, group_id: UUID, patch: Patch) -> Group:
        """Raises: NotFound, Invalid."""
        async with self.uow(caller.tenant_id) as uow:
            rows = self.repository(uow)
            group = patch.apply(_there(await rows.group(group_id, lock=True)))
            check_group(group)
            await rows.put_group(group)
            _changed(uow, caller, "on_call_group", group_id, group.name, ", ".join(patch))
        return group

    async def delete_group(self, caller: Caller, group_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            group = _there(await self.repository(uow).delete_group(group_id))
            _changed(uow, caller, "on_call_group", group_id, group.name, "removed")

    async def list_shifts(self, caller: Caller, weeks: int) -> list[Shift]:
        """Returns who is on call, of each group, from now on."""
        now, zone = self.clock.now(), zone_of(self.tenants.settings(caller.tenant_id).timezone)
        return [shift for group in await self.list_groups(caller) for shift in shifts(group, now, now + timedelta(weeks=weeks), zone)]


def _changed(uow: UnitOfWork, caller: Caller, kind: str, object_id: UUID, name: str, what: str) -> None:
    record(uow, Action.ESCALATION_CHANGED, caller, AuditEntry(kind, object_id, details={"name": name, "changed": what}))


def _there(found: Noun | None) -> Noun:
    if found is None:
        raise NotFound("There is no such policy or group.")
    return found
