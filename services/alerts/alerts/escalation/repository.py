"""Rows of escalation to nouns and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.deliveries.domain import Recipient
from alerts.escalation.domain import Due, Group, Member, Override, Policy, PolicyStep, Rotation
from alerts.escalation.tables import escalation_policies, escalations, on_call_groups
from chassis.db import UnitOfWork
from gtvision.events import Severity
from gtvision.time import isoformat

_policy, _group, _due = escalation_policies.c, on_call_groups.c, escalations.c


class PostgresEscalation:
    """Policies, groups and waiting steps of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    # --- policies ---

    async def policies(self) -> list[Policy]:
        """Returns them in the order in which they are asked."""
        found = select(escalation_policies).where(_policy.tenant_id == self._tenant_id)
        rows = await self._session.execute(found.order_by(_policy.order, _policy.created_at, _policy.policy_id))
        return [_read_policy(row) for row in rows]

    async def policy(self, policy_id: UUID, *, lock: bool = False) -> Policy | None:
        found = select(escalation_policies).where(_policy.tenant_id == self._tenant_id, _policy.policy_id == policy_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read_policy(row) if row else None

    async def put_policy(self, policy: Policy) -> None:
        """Adds it, or writes it anew."""
        values = {**asdict(policy), "steps": [_step(each) for each in policy.steps]}
        values |= {name: list(values[name]) for name in ("severities", "kinds", "watchlist_ids", "rule_ids")}
        put = insert(escalation_policies).values(values)
        await self._session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "policy_id"], set_=values))

    async def delete_policy(self, policy_id: UUID) -> Policy | None:
        gone = delete(escalation_policies).where(_policy.tenant_id == self._tenant_id, _policy.policy_id == policy_id)
        row = (await self._session.execute(gone.returning(escalation_policies))).first()
        return _read_policy(row) if row else None

    # --- groups ---

    async def groups(self) -> list[Group]:
        found = select(on_call_groups).where(_group.tenant_id == self._tenant_id).order_by(_group.created_at, _group.group_id)
        return [_read_group(row) for row in await self._session.execute(found)]

    async def group(self, group_id: UUID, *, lock: bool = False) -> Group | None:
        found = select(on_call_groups).where(_group.tenant_id == self._tenant_id, _group.group_id == group_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read_group(row) if row else None

    async def put_group(self, group: Group) -> None:
        """Adds it, or writes it anew."""
        values = {
            "tenant_id": group.tenant_id,
            "group_id": group.group_id,
            "name": group.name,
            "created_at": group.created_at,
            "members": [_member(each) for each in group.members],
            "rotation": {"starts_on": str(group.rotation.starts_on), "at": f"{group.rotation.at:%H:%M}", "days": group.rotation.days},
            "overrides": [{"from": isoformat(each.start), "to": isoformat(each.end), "member": each.member} for each in group.overrides],
        }
        put = insert(on_call_groups).values(values)
        await self._session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "group_id"], set_=values))

    async def delete_group(self, group_id: UUID) -> Group | None:
        gone = delete(on_call_groups).where(_group.tenant_id == self._tenant_id, _group.group_id == group_id)
        row = (await self._session.execute(gone.returning(on_call_groups))).first()
        return _read_group(row) if row else None

    # --- waiting steps ---

    async def tenants_due(self, now: datetime) -> list[UUID]:
        return list(await self._session.scalars(text("SELECT tenants_with_due_escalations(:now)").bindparams(now=now)))

    async def schedule(self, steps: Sequence[Due]) -> None:
        """Adds steps that wait; one that waits already keeps its time."""
        if steps:
            values = [{"tenant_id": self._tenant_id, **asdict(step)} for step in steps]
            await self._session.execute(insert(escalations).values(values).on_conflict_do_nothing())

    async def due(self, now: datetime, limit: int) -> list[Due]:
        found = select(_due.alert_id, _due.step, _due.due_at, _due.policy_id, _due.repeat_h)
        found = found.where(_due.tenant_id == self._tenant_id, _due.due_at <= now).order_by(_due.due_at, _due.alert_id, _due.step)
        return [Due(*row) for row in await self._session.execute(found.limit(limit))]

    async def postpone(self, step: Due, due_at: datetime) -> None:
        mine = update(escalations).where(_due.tenant_id == self._tenant_id, _due.alert_id == step.alert_id, _due.step == step.step)
        await self._session.execute(mine.values(due_at=due_at))

    async def drop(self, alert_id: UUID, step: int | None = None) -> None:
        """Forgets a waiting step of an alert, or all of them."""
        mine = delete(escalations).where(_due.tenant_id == self._tenant_id, _due.alert_id == alert_id)
        await self._session.execute(mine.where(_due.step == step) if step is not None else mine)

    async def forget_city(self) -> None:
        for table in (escalation_policies, on_call_groups, escalations):
            await self._session.execute(delete(table).where(table.c.tenant_id == self._tenant_id))


def _step(step: PolicyStep) -> dict[str, object]:
    return {
        "after_min": step.after_min,
        "channel_ids": [str(each) for each in step.channel_ids],
        "group_ids": [str(each) for each in step.group_ids],
    }


def _member(member: Member) -> dict[str, object]:
    reach = [{"channel_id": str(each.channel_id), "to": each.to} for each in member.reach]
    return {"name": member.name, "user_id": str(member.user_id) if member.user_id else None, "reach": reach}


def _read_policy(row: Row[Any]) -> Policy:
    steps = tuple(
        PolicyStep(step["after_min"], tuple(map(UUID, step["channel_ids"])), tuple(map(UUID, step["group_ids"]))) for step in row.steps
    )
    values = {**row._mapping, "severities": tuple(Severity(each) for each in row.severities), "steps": steps}
    return Policy(**values | {name: tuple(values[name]) for name in ("kinds", "watchlist_ids", "rule_ids")})


def _read_group(row: Row[Any]) -> Group:
    members = tuple(
        Member(
            each["name"],
            UUID(each["user_id"]) if each["user_id"] else None,
            tuple(Recipient(UUID(way["channel_id"]), way["to"]) for way in each["reach"]),
        )
        for each in row.members
    )
    turns = row.rotation
    rotation = Rotation(date.fromisoformat(turns["starts_on"]), time.fromisoformat(turns["at"]), turns["days"])
    overrides = tuple(
        Override(datetime.fromisoformat(each["from"]), datetime.fromisoformat(each["to"]), each["member"]) for each in row.overrides
    )
    return Group(**{**row._mapping, "members": members, "rotation": rotation, "overrides": overrides})
