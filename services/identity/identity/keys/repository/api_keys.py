"""Rows of API keys to nouns and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update

from gtvision.tenancy import Role
from identity.keys import tables
from identity.keys.domain.api_keys import ApiKey
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
            "scopes": None if key.scopes is None else sorted(key.scopes),
            "hint": key.hint,
            "expires_at": key.expires_at,
            "created_by": key.created_by,
        }
        await self._session.execute(insert(tables.api_key).values(values))

    async def api_key(self, key_id: UUID, *, lock: bool = False) -> ApiKey | None:
        statement = select(tables.api_key).where(tables.api_key.c.id == key_id)
        row = await self._one(statement.with_for_update() if lock else statement)
        return None if row is None else _api_key(row)

    async def api_keys(self, after: UUID | None, limit: int) -> list[ApiKey]:
        statement = select(tables.api_key).order_by(tables.api_key.c.id).limit(limit)
        if after is not None:
            statement = statement.where(tables.api_key.c.id > after)
        return [_api_key(row) for row in await self._session.execute(statement)]

    async def revoke_api_key(self, key_id: UUID, at: datetime) -> None:
        await self._session.execute(update(tables.api_key).where(tables.api_key.c.id == key_id).values(revoked_at=at))

    async def use_api_key(self, key_id: UUID, at: datetime, address: str) -> None:
        used = {"last_used_at": at, "last_used_address": address}
        await self._session.execute(update(tables.api_key).where(tables.api_key.c.id == key_id).values(used))


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
        scopes=None if row.scopes is None else frozenset(row.scopes),
        hint=row.hint,
        expires_at=row.expires_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        last_used_address=row.last_used_address,
    )
