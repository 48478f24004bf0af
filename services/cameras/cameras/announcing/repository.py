"""Rows of `lease`. One instance lives as long as its unit of work."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import case, update
from sqlalchemy.dialects.postgresql import insert

from cameras.announcing.tables import lease
from chassis.db import UnitOfWork


class PostgresLeases:
    """What one replica does at a time."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session = uow.session

    async def take_lease(self, name: str, holder: UUID, now: datetime, until: datetime) -> int | None:
        """Returns the fencing number, or None where another process holds the lease."""
        free = (lease.c.until <= now) | (lease.c.holder == holder)
        fence = lease.c.fence + case((lease.c.holder == holder, 0), else_=1)
        taken = insert(lease).values(name=name, holder=holder, fence=1, until=until)
        statement = taken.on_conflict_do_update(
            index_elements=[lease.c.name], set_={"holder": holder, "fence": fence, "until": until}, where=free
        ).returning(lease.c.fence)
        number: int | None = await self._session.scalar(statement)
        return number

    async def release_lease(self, name: str, holder: UUID, now: datetime) -> None:
        await self._session.execute(update(lease).where(lease.c.name == name, lease.c.holder == holder).values(until=now))
