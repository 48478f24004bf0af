"""Rows of changes of state to nouns and back. One instance lives as long as its unit of work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select

from cameras.history.domain import KEPT, HistoryQuery, StateChange
from cameras.history.tables import state_change as table
from chassis.db import UnitOfWork
from gtvision.camera import CameraState
from gtvision.events import StreamCause

_c = table.c
_NEXT = timedelta(microseconds=1)


class PostgresHistory:
    """The histories of one tenant's cameras."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, change: StateChange) -> None:
        """Keeps a change, unless the camera is in that state for that cause already, and forgets what is older than `KEPT`.

        The camera is locked by the caller's transaction. Clocks of two machines may differ: a change is never earlier than the one before.
        """
        mine = (_c.tenant_id == self._tenant_id) & (_c.camera_id == change.camera_id)
        row = (await self._session.execute(select(table).where(mine).order_by(_c.at.desc()).limit(1))).first()
        last = None if row is None else _change(row)
        if last is not None:
            if (last.state, last.cause) == (change.state, change.cause):
                return
            change = replace(change, at=max(change.at, last.at + _NEXT))
        cause = None if change.cause is None else str(change.cause)
        values = {"tenant_id": self._tenant_id, "camera_id": change.camera_id, "at": change.at, "state": str(change.state), "cause": cause}
        await self._session.execute(insert(table).values(values))
        await self._session.execute(delete(table).where(mine, _c.at < change.at - KEPT))

    async def page(self, camera_id: UUID, query: HistoryQuery) -> list[StateChange]:
        """Returns changes, newest first."""
        found = select(table).where(_c.tenant_id == self._tenant_id, _c.camera_id == camera_id)
        if query.start is not None:
            found = found.where(_c.at >= query.start)
        for end in (query.end, query.before):
            if end is not None:
                found = found.where(_c.at < end)
        return [_change(row) for row in await self._session.execute(found.order_by(_c.at.desc()).limit(query.limit))]

    async def forget(self, camera_id: UUID) -> None:
        await self._session.execute(delete(table).where(_c.tenant_id == self._tenant_id, _c.camera_id == camera_id))


def _change(row: Row[Any]) -> StateChange:
    return StateChange(row.camera_id, row.at, CameraState(row.state), None if row.cause is None else StreamCause(row.cause))
