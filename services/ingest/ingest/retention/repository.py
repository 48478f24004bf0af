"""PostgreSQL out: what is held."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from ingest.retention.domain import HeldRange, Hold
from ingest.retention.tables import known_holds

_HELD = text("SELECT tenant_id, camera_id, since, until FROM held_ranges(:now)")
_TENANTS = text("SELECT tenant_id FROM known_tenants()")


class PostgresHolds:
    """The copy of holds, in one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def put(self, hold: Hold) -> None:
        """Stores it. A hold that is known to be lifted stays so."""
        put = insert(known_holds).values(tenant_id=self._tenant_id, **asdict(hold))
        lifted_at = func.coalesce(put.excluded.lifted_at, known_holds.c.lifted_at)
        await self._session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "hold_id"], set_={"lifted_at": lifted_at}))

    async def held(self, now: datetime) -> list[HeldRange]:
        """What every tenant holds at this time, through a function of the schema's owner."""
        rows = await self._session.execute(_HELD, {"now": now})
        return [HeldRange.around(row.tenant_id, row.camera_id, row.since, row.until) for row in rows]

    async def tenants(self) -> list[UUID]:
        """Every tenant that has or had cameras, through a function of the schema's owner."""
        return list((await self._session.execute(_TENANTS)).scalars())
