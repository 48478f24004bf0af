"""Rows of signing keys to nouns and back."""

from __future__ import annotations

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from identity import tables
from identity.domain.signing import SigningKey
from identity.repository.rows import SqlRows


class SqlSigningKeys(SqlRows):
    """`ports.SigningKeyRows`."""

    async def add_signing_key(self, key: SigningKey) -> bool:
        # Two bootstraps at once would each add a key: the lock lasts until the transaction ends.
        await self._session.execute(text("SELECT pg_advisory_xact_lock(26996, 1)"))
        if await self._session.scalar(select(func.count()).select_from(tables.signing_key)):
            return False
        values = {"kid": key.kid, "private_sealed": key.private_sealed, "public_jwk": key.public_jwk, "created_at": key.created_at}
        await self._session.execute(upsert(tables.signing_key).values(values).on_conflict_do_nothing())
        return True

    async def signing_keys(self) -> list[SigningKey]:
        statement = select(tables.signing_key).order_by(tables.signing_key.c.created_at.desc())
        return [SigningKey(row.kid, row.private_sealed, row.public_jwk, row.created_at) for row in await self._session.execute(statement)]
