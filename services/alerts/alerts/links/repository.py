"""Rows of used links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from alerts.links.tables import used_links
from chassis.db import UnitOfWork


class PostgresLinks:
    """Links of one tenant that were used, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def is_used(self, delivery_id: UUID) -> bool:
        mine = (used_links.c.tenant_id == self._tenant_id, used_links.c.delivery_id == delivery_id)
        return (await self._session.execute(select(used_links.c.used_at).where(*mine))).first() is not None

    async def use(self, delivery_id: UUID, at: datetime) -> None:
        values = {"tenant_id": self._tenant_id, "delivery_id": delivery_id, "used_at": at}
        await self._session.execute(insert(used_links).values(values).on_conflict_do_nothing())

    async def forget_city(self) -> None:
        await self._session.execute(delete(used_links).where(used_links.c.tenant_id == self._tenant_id))
