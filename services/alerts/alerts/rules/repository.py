"""Rows of rules to nouns and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from alerts.rules.domain import Rule, Version
from alerts.rules.tables import rule_versions, rules
from chassis.db import UnitOfWork
from chassis.logs import get_logger
from gtvision.errors import Conflict
from gtvision.events import Severity
from gtvision.rules import RuleCondition

_rule, _version = rules.c, rule_versions.c
_FIELDS = [each.name for each in fields(Rule)]

log = get_logger(__name__)


class PostgresRules:
    """Rules of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def count(self) -> int:
        return int(await self._session.scalar(select(func.count()).where(_rule.tenant_id == self._tenant_id)) or 0)

    async def add(self, rule: Rule, changed_by: UUID) -> None:
        """Raises: Conflict, where the name is taken."""
        added = insert(rules).values(_row(rule)).on_conflict_do_nothing().returning(_rule.rule_id)
        if (await self._session.execute(added)).first() is None:
            raise Conflict("There is a rule of that name.")
        await self._keep_version(rule, changed_by)

    async def save(self, rule: Rule, changed_by: UUID) -> None:
        """Raises: Conflict, where the name is taken."""
        mine = update(rules).where(_rule.tenant_id == self._tenant_id, _rule.rule_id == rule.rule_id)
        try:
            async with self._session.begin_nested():
                await self._session.execute(mine.values(_row(rule)))
        except IntegrityError:
            raise Conflict("There is a rule of that name.") from None
        await self._keep_version(rule, changed_by)

    async def _keep_version(self, rule: Rule, changed_by: UUID) -> None:
        row = _row(rule)
        await self._session.execute(insert(rule_versions).values(row | {"changed_by": changed_by, "changed_at": row.pop("updated_at")}))

    async def get(self, rule_id: UUID, *, lock: bool = False) -> Rule | None:
        found = select(rules).where(_rule.tenant_id == self._tenant_id, _rule.rule_id == rule_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read(dict(row._mapping)) if row else None

    async def list_all(self) -> list[Rule]:
        """Returns all of the tenant in order of id; there are few."""
        found = select(rules).where(_rule.tenant_id == self._tenant_id).order_by(_rule.rule_id)
        return [_read(dict(row._mapping)) for row in await self._session.execute(found)]

    async def list_versions(self, rule_id: UUID, limit: int) -> list[Version]:
        """Returns versions of a rule, the newest first."""
        found = select(rule_versions).where(_version.tenant_id == self._tenant_id, _version.rule_id == rule_id)
        rows = await self._session.execute(found.order_by(_version.version.desc()).limit(limit))
        return [Version(_read({**row._mapping, "updated_at": row.changed_at}), row.changed_by, row.changed_at) for row in rows]

    async def enabled_versions(self) -> dict[UUID, int]:
        """Returns the version of each rule that is switched on: by it the copy in memory is known to be right."""
        found = select(_rule.rule_id, _rule.version).where(_rule.tenant_id == self._tenant_id, _rule.enabled)
        return {row.rule_id: row.version for row in await self._session.execute(found)}

    async def load(self, rule_ids: Collection[UUID]) -> list[Rule]:
        """Returns rules to judge by; one that cannot be read (a newer release wrote it) is left out, and logged."""
        found = select(rules).where(_rule.tenant_id == self._tenant_id, _rule.rule_id.in_(rule_ids))
        readable = []
        for row in await self._session.execute(found):
            try:
                readable.append(_read(dict(row._mapping)))
            except ValidationError as error:
                log.error("rule_not_readable", rule_id=str(row.rule_id), tenant_id=str(row.tenant_id), cause=str(error))
        return readable

    async def delete(self, rule_id: UUID) -> None:
        """Deletes a rule with its versions."""
        for table in (rule_versions, rules):
            await self._session.execute(delete(table).where(table.c.tenant_id == self._tenant_id, table.c.rule_id == rule_id))

    async def channels_of(self, rule_id: UUID) -> tuple[UUID, ...] | None:
        found = await self._session.scalar(select(_rule.channel_ids).where(_rule.tenant_id == self._tenant_id, _rule.rule_id == rule_id))
        return None if found is None else tuple(found)


def _row(rule: Rule) -> dict[str, Any]:
    row = {name: getattr(rule, name) for name in _FIELDS}
    channels = None if rule.channel_ids is None else list(rule.channel_ids)
    return row | {"condition": rule.condition.model_dump(mode="json", by_alias=True), "channel_ids": channels}


def _read(row: Mapping[str, Any]) -> Rule:
    """Raises: ValidationError."""
    condition = RuleCondition.model_validate(row["condition"])
    channels = None if row["channel_ids"] is None else tuple(row["channel_ids"])
    values = {name: row[name] for name in _FIELDS}
    return Rule(**values | {"condition": condition, "channel_ids": channels, "severity": Severity(row["severity"])})
