"""Rows of tenants to nouns and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gtvision.tenancy import TenantSettings
from identity.cities import tables
from identity.cities.domain import NameTaken, Tenant
from identity.repository.rows import SqlRows


class SqlTenants(SqlRows):
    """`ports.TenantRows`."""

    async def find_tenant(self, name: str) -> Tenant | None:
        row = await self._one(text("SELECT * FROM find_tenant(:wanted)"), {"wanted": name})
        return None if row is None else _tenant(row)

    async def tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        found = await self._session.execute(text("SELECT * FROM list_tenants(:after, :most)"), {"after": after, "most": limit})
        return [_tenant(row) for row in found]

    async def add_tenant(self, tenant: Tenant) -> None:
        values = {
            "tenant_id": tenant.id,
            "name": tenant.name,
            "revision": tenant.revision,
            "created_at": tenant.created_at,
            "settings": tenant.settings.model_dump(mode="json"),
            "ceiling": dict(tenant.ceiling),
        }
        # the policy hides the tenant that has the name already: only the index knows
        made = insert(tables.tenant).values(values).on_conflict_do_nothing().returning(tables.tenant.c.tenant_id)
        if (await self._session.execute(made)).first() is None:
            raise NameTaken

    async def tenant(self, tenant_id: UUID, *, lock: bool = False) -> Tenant | None:
        statement = select(tables.tenant).where(tables.tenant.c.tenant_id == tenant_id)
        row = await self._one(statement.with_for_update() if lock else statement)
        return None if row is None else _tenant(row)

    async def set_settings(self, tenant: Tenant) -> None:
        settings = tenant.settings.model_dump(mode="json")
        values = {"revision": tenant.revision, "settings": settings, "ceiling": dict(tenant.ceiling)}
        await self._session.execute(update(tables.tenant).where(tables.tenant.c.tenant_id == tenant.id).values(values))


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(row.tenant_id, row.name, row.revision, row.created_at, TenantSettings.model_validate(row.settings), row.ceiling)
