"""Rows of signing keys to nouns and back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, text, update

from identity.keys import tables
from identity.keys.domain.signing import SigningKey
from identity.repository.rows import SqlRows


class SqlSigningKeys(SqlRows):
    """`ports.SigningKeyRows`."""

    async def lock_signing_keys(self) -> None:
        await self._session.execute(text("SELECT pg_advisory_xact_lock(26996, 1)"))

    async def add_signing_key(self, key: SigningKey) -> None:
        values = {
            "kid": key.kid,
            "private_sealed": key.private_sealed,
            "public_jwk": key.public_jwk,
            "created_at": key.created_at,
            "activates_at": key.activates_at,
            "retires_at": key.retires_at,
        }
        await self._session.execute(insert(tables.signing_key).values(values))

    async def signing_keys(self) -> list[SigningKey]:
        table = tables.signing_key
        found = await self._session.execute(select(table).order_by(table.c.created_at.desc(), table.c.kid.desc()))
        return [SigningKey(row.kid, row.private_sealed, row.public_jwk, row.created_at, row.activates_at, row.retires_at) for row in found]

    async def retire_signing_keys(self, but: str, at: datetime) -> None:
        table = tables.signing_key
        later = table.c.retires_at.is_(None) | (table.c.retires_at > at)
        await self._session.execute(update(table).where(table.c.kid != but, later).values(retires_at=at))

    async def erase_retired_keys(self, now: datetime) -> int:
        table = tables.signing_key
        erased = update(table).where(table.c.retires_at <= now, table.c.private_sealed.is_not(None)).values(private_sealed=None)
        return len((await self._session.execute(erased.returning(table.c.kid))).all())
