"""Rows of tenants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from gtvision.errors import NotFound
from identity.cities.domain import NameTaken, Tenant, TenantSearch
from identity.cities.tables import tenant as table
from identity.schema import Repository


class PostgresTenants(Repository):
    """Tenants."""

    async def find_tenant(self, name: str) -> Tenant | None:
        """Across tenants: the tenant of this name."""
        return await self._first(Tenant, text("SELECT tenant_id AS id, * FROM find_tenant(:wanted)"), wanted=name)

    async def tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        """Across tenants, in order of id, which is the order of creation."""
        return await self._all(Tenant, text("SELECT tenant_id AS id, * FROM list_tenants(:after, :most)"), after=after, most=limit)

    async def search_tenants(self, search: TenantSearch, after: UUID | None, limit: int) -> list[Tenant]:
        """Across tenants, in order of creation."""
        statement = text("SELECT tenant_id AS id, * FROM search_tenants(:after, :most, :part, :wanted)")
        wanted = str(search.state) if search.state else None
        return await self._all(Tenant, statement, after=after, most=limit, part=search.text, wanted=wanted)

    async def enabled_users(self, tenants: Sequence[UUID]) -> dict[UUID, int]:
        """Across tenants: how many users of each are not disabled; one that has none is not in it."""
        found = await self._session.execute(text("SELECT * FROM enabled_users(:wanted)"), {"wanted": list(tenants)})
        return {row.tenant_id: row.users for row in found}

    async def due_tenants(self, now: datetime) -> list[UUID]:
        """Across tenants: those that are to be deleted by now."""
        return list(await self._session.scalars(text("SELECT due_tenants(:moment)"), {"moment": now}))

    async def add_tenant(self, tenant: Tenant) -> None:
        """Raises: NameTaken."""
        values = {"tenant_id": tenant.id, "created_at": tenant.created_at, **_changeable(tenant)}
        # the policy hides the tenant that has the name already: only the index knows
        made = insert(table).values(values).on_conflict_do_nothing().returning(table.c.tenant_id)
        if (await self._session.execute(made)).first() is None:
            raise NameTaken

    async def tenant(self, tenant_id: UUID) -> Tenant | None:
        return await self._first(Tenant, _select(tenant_id))

    async def lock_tenant(self, tenant_id: UUID) -> Tenant:
        """Locked until the transaction ends, so that no two changes overlap and no two users take the last place. Rows of users are
        locked before that of their tenant, never after it. Raises: NotFound.
        """
        found = await self._first(Tenant, _select(tenant_id).with_for_update())
        if found is None:
            raise NotFound
        return found

    async def open_tenant(self, tenant_id: UUID) -> Tenant:
        """The tenant, which is not suspended until the transaction ends: a session that is opened in it is there when one suspends it.
        Raises: NotFound, CitySuspended.
        """
        found = await self._first(Tenant, _select(tenant_id).with_for_update(read=True))
        if found is None:
            raise NotFound
        found.check_open()
        return found

    async def save_tenant(self, tenant: Tenant) -> None:
        """Everything but the time of its creation. Raises: NameTaken."""
        statement = update(table).where(table.c.tenant_id == tenant.id).values(_changeable(tenant))
        try:
            async with self._session.begin_nested():
                await self._session.execute(statement)
        except IntegrityError:
            raise NameTaken from None


def _select(tenant_id: UUID) -> Select[Any]:
    return select(table, table.c.tenant_id.label("id")).where(table.c.tenant_id == tenant_id)


def _changeable(tenant: Tenant) -> dict[str, object]:
    settings = tenant.settings.model_dump(mode="json")
    ends = {"suspended_at": tenant.suspended_at, "deletes_at": tenant.deletes_at, "deleted_at": tenant.deleted_at}
    return {"name": tenant.name, "revision": tenant.revision, "settings": settings, "ceiling": dict(tenant.ceiling), **ends}
