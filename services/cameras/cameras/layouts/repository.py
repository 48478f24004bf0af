"""Rows of layouts to nouns and back. One instance lives as long as its unit of work."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from cameras.layouts.domain import Arrangement, Layout
from cameras.layouts.tables import layout as table
from chassis.db import UnitOfWork

_c = table.c


class PostgresLayouts:
    """The layouts of one user; of all of the tenant where it is None."""

    def __init__(self, uow: UnitOfWork, user_id: UUID | None) -> None:
        self._session, city = uow.session, _c.tenant_id == uow.tenant_id
        self._mine = city if user_id is None else and_(city, _c.user_id == user_id)

    async def by_name(self) -> list[Layout]:
        """Returns all, in order of name."""
        rows = await self._session.execute(select(table).where(self._mine).order_by(func.lower(_c.name), _c.id))
        return [_layout(row) for row in rows]

    async def count(self) -> int:
        return int(await self._session.scalar(select(func.count()).select_from(table).where(self._mine)) or 0)

    async def get(self, layout_id: UUID, *, lock: bool = False) -> Layout | None:
        found = select(table).where(self._one(layout_id))
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return None if row is None else _layout(row)

    async def add(self, layout: Layout) -> None:
        values = asdict(layout.arrangement) | {"id": layout.id, "tenant_id": layout.tenant_id, "user_id": layout.user_id}
        await self._session.execute(insert(table).values(values | {"created_at": layout.created_at, "updated_at": layout.updated_at}))

    async def save(self, layout: Layout) -> None:
        values = asdict(layout.arrangement) | {"updated_at": layout.updated_at}
        await self._session.execute(update(table).where(self._one(layout.id)).values(values))

    async def delete(self, layout_id: UUID) -> bool:
        """Returns False where there is none."""
        return (await self._session.execute(delete(table).where(self._one(layout_id)).returning(_c.id))).first() is not None

    async def delete_all(self) -> None:
        await self._session.execute(delete(table).where(self._mine))

    def _one(self, layout_id: UUID) -> ColumnElement[bool]:
        return and_(self._mine, _c.id == layout_id)


def _layout(row: Row[Any]) -> Layout:
    arrangement = Arrangement(row.name, row.tiles, tuple(row.cameras), row.patrol_s)
    return Layout(row.id, row.tenant_id, row.user_id, arrangement, row.created_at, row.updated_at)
