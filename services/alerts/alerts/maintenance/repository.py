"""Rows of planned work and holidays to nouns and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from alerts.maintenance.domain import Holiday, Window
from alerts.maintenance.tables import holidays, windows
from chassis.db import UnitOfWork

_window, _holiday = windows.c, holidays.c


class PostgresMaintenance:
    """Planned work and holidays of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, window: Window) -> None:
        await self._session.execute(insert(windows).values(asdict(window)))

    async def get(self, window_id: UUID, *, lock: bool = False) -> Window | None:
        found = select(windows).where(_window.tenant_id == self._tenant_id, _window.window_id == window_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read(row) if row else None

    async def save(self, window: Window) -> None:
        mine = update(windows).where(_window.tenant_id == self._tenant_id, _window.window_id == window.window_id)
        await self._session.execute(mine.values(asdict(window)))

    async def delete(self, window_id: UUID) -> None:
        await self._session.execute(delete(windows).where(_window.tenant_id == self._tenant_id, _window.window_id == window_id))

    async def list_before(self, before: UUID | None, limit: int) -> list[Window]:
        """Returns windows, the newest first."""
        query = select(windows).where(_window.tenant_id == self._tenant_id)
        if before is not None:
            query = query.where(_window.window_id < before)
        return [_read(row) for row in await self._session.execute(query.order_by(_window.window_id.desc()).limit(limit))]

    async def not_ended(self, at: datetime) -> list[Window]:
        """Returns the windows that end after an instant."""
        found = select(windows).where(_window.tenant_id == self._tenant_id, _window.ends_at > at)
        return [_read(row) for row in await self._session.execute(found)]

    async def holidays(self) -> list[Holiday]:
        found = select(_holiday.day, _holiday.name).where(_holiday.tenant_id == self._tenant_id).order_by(_holiday.day)
        return [Holiday(row.day, row.name) for row in await self._session.execute(found)]

    async def put_holidays(self, days: Sequence[Holiday]) -> None:
        """Replaces them all."""
        await self._session.execute(delete(holidays).where(_holiday.tenant_id == self._tenant_id))
        if days:
            await self._session.execute(insert(holidays), [{"tenant_id": self._tenant_id, **asdict(each)} for each in days])

    async def delete_all(self) -> list[Window]:
        """Deletes every window and holiday. Returns what the windows were."""
        await self.put_holidays(())
        gone = delete(windows).where(_window.tenant_id == self._tenant_id).returning(windows)
        return [_read(row) for row in await self._session.execute(gone)]


def _read(row: Row[Any]) -> Window:
    return Window(**{**row._mapping, "camera_ids": tuple(row.camera_ids), "group_ids": tuple(row.group_ids)})
