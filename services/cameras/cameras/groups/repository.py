"""Rows of groups to nouns and back. One instance lives as long as its unit of work."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from cameras.groups.domain import Group, GroupNameTaken
from cameras.groups.tables import camera_group as table
from chassis.db import UnitOfWork

_c = table.c


class PostgresGroups:
    """The groups of one tenant."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, group: Group) -> None:
        """Raises: GroupNameTaken."""
        values = {
            "tenant_id": group.tenant_id,
            "id": group.id,
            "name": group.name,
            "name_key": group.name_key,
            "created_at": group.created_at,
        }
        added = insert(table).values(values).on_conflict_do_nothing().returning(_c.id)
        if (await self._session.execute(added)).first() is None:
            raise GroupNameTaken

    async def get(self, group_id: UUID, *, lock: bool = False) -> Group | None:
        found = select(table).where(_c.tenant_id == self._tenant_id, _c.id == group_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return None if row is None else _group(row)

    async def page(self, only: frozenset[UUID] | None, after: str | None, limit: int) -> list[Group]:
        """Returns groups in order of name, those in `only` where it is given. `after` is the `name_key` of the last one before."""
        found = select(table).where(_c.tenant_id == self._tenant_id).order_by(_c.name_key).limit(limit)
        if only is not None:
            found = found.where(_c.id.in_(sorted(only)))
        if after is not None:
            found = found.where(_c.name_key > after)
        return [_group(row) for row in await self._session.execute(found)]

    async def save(self, group: Group) -> None:
        """Raises: GroupNameTaken."""
        mine = update(table).where(_c.tenant_id == self._tenant_id, _c.id == group.id)
        try:
            async with self._session.begin_nested():
                await self._session.execute(mine.values(name=group.name, name_key=group.name_key))
        except IntegrityError:
            raise GroupNameTaken from None

    async def delete(self, group_id: UUID) -> None:
        await self._session.execute(delete(table).where(_c.tenant_id == self._tenant_id, _c.id == group_id))

    async def delete_all(self) -> list[Group]:
        """Returns what there was."""
        gone = delete(table).where(_c.tenant_id == self._tenant_id).returning(table)
        return [_group(row) for row in await self._session.execute(gone)]


def _group(row: Row[Any]) -> Group:
    return Group(row.id, row.tenant_id, row.name, row.created_at)
