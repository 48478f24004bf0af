"""Rows of API keys to nouns and back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text

from gtvision.tenancy import Role
from identity import tables
from identity.domain.api_keys import ApiKey
from identity.repository.rows import SqlRows, grouped, listed


class SqlApiKeys(SqlRows):
    """`ports.ApiKeyRows`."""

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        row = await self._one(text("SELECT * FROM find_api_key(:wanted)"), {"wanted": key_hash})
        return None if row is None else _api_key(row)

    async def add_api_key(self, key: ApiKey) -> None:
        values = {
            "tenant_id": key.tenant_id,
            "id": key.id,
            "name": key.name,
            "role": str(key.role),
            "key_hash": key.key_hash,
            "camera_groups": listed(key.camera_groups),
            "created_at": key.created_at,
        }
        await self._session.execute(insert(tables.api_key).values(values))

    async def api_key(self, key_id: UUID) -> ApiKey | None:
        row = await self._one(select(tables.api_key).where(tables.api_key.c.id == key_id))
        return None if row is None else _api_key(row)


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        role=Role(row.role),
        key_hash=row.key_hash,
        created_at=row.created_at,
        camera_groups=grouped(row.camera_groups),
        revoked_at=row.revoked_at,
    )
