"""Rows of tenants to nouns and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text

from identity import tables
from identity.domain.tenants import Tenant
from identity.repository.rows import SqlRows


class SqlTenants(SqlRows):
    """`ports.TenantRows`."""

    async def find_tenant(self, name: str) -> Tenant | None:
        row = await self._one(text("SELECT * FROM find_tenant(:wanted)"), {"wanted": name})
        return None if row is None else _tenant(row)

    async def add_tenant(self, tenant: Tenant) -> None:
        values = {"tenant_id": tenant.id, "name": tenant.name, "revision": tenant.revision, "created_at": tenant.created_at}
        await self._session.execute(insert(tables.tenant).values(values))

    async def tenant(self, tenant_id: UUID) -> Tenant | None:
        row = await self._one(select(tables.tenant).where(tables.tenant.c.tenant_id == tenant_id))
        return None if row is None else _tenant(row)


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(row.tenant_id, row.name, row.revision, row.created_at)
