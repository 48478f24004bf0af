"""Rows of API keys and signing keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, text, update

from identity.keys.domain import ApiKey, SigningKey
from identity.keys.tables import api_key, signing_key
from identity.schema import Repository


class PostgresApiKeys(Repository):
    """API keys of the unit of work's tenant."""

    async def find_api_key(self, key_hash: str) -> ApiKey | None:
        """Of any tenant."""
        return await self._first(ApiKey, text("SELECT * FROM find_api_key(:wanted)"), wanted=key_hash)

    async def add_api_key(self, key: ApiKey) -> None:
        await self._add(api_key, key)

    async def api_key(self, key_id: UUID, *, lock: bool = False) -> ApiKey | None:
        statement = select(api_key).where(api_key.c.id == key_id)
        return await self._first(ApiKey, statement.with_for_update() if lock else statement)

    async def api_keys(self, after: UUID | None, limit: int) -> list[ApiKey]:
        """In order of id, which is the order of creation; the revoked ones too."""
        statement = select(api_key).order_by(api_key.c.id).limit(limit)
        return await self._all(ApiKey, statement if after is None else statement.where(api_key.c.id > after))

    async def revoke_api_key(self, key_id: UUID, at: datetime) -> None:
        await self._session.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at=at))

    async def unrevoked_key_ids(self) -> list[UUID]:
        """Of the tenant's keys that are not revoked; those past their end too, as a live view may have outlasted its key."""
        return list(await self._session.scalars(select(api_key.c.id).where(api_key.c.revoked_at.is_(None)).order_by(api_key.c.id)))

    async def lock_api_keys(self) -> None:
        """Until the transaction ends nobody exchanges or revokes a key of the tenant."""
        await self._session.execute(select(api_key.c.id).order_by(api_key.c.id).with_for_update())

    async def erase_api_keys(self) -> int:
        """Delete every key of the tenant. Returns how many."""
        return len((await self._session.execute(delete(api_key).returning(api_key.c.id))).all())

    async def use_api_key(self, key_id: UUID, at: datetime, address: str) -> None:
        """Set when and from where the key was used last."""
        await self._session.execute(update(api_key).where(api_key.c.id == key_id).values(last_used_at=at, last_used_address=address))


class PostgresSigningKeys(Repository):
    """Signing keys, which belong to no tenant."""

    async def lock_signing_keys(self) -> None:
        """Until the transaction ends no other process adds one, or publishes what it read before."""
        await self._session.execute(text("SELECT pg_advisory_xact_lock(26996, 1)"))

    async def add_signing_key(self, key: SigningKey) -> None:
        await self._add(signing_key, key)

    async def signing_keys(self) -> list[SigningKey]:
        """Newest first."""
        return await self._all(SigningKey, select(signing_key).order_by(signing_key.c.created_at.desc(), signing_key.c.kid.desc()))

    async def retire_signing_keys(self, but: str, at: datetime) -> None:
        """Let every key other than `but` retire at `at`, unless it does so before."""
        later = signing_key.c.retires_at.is_(None) | (signing_key.c.retires_at > at)
        await self._session.execute(update(signing_key).where(signing_key.c.kid != but, later).values(retires_at=at))

    async def erase_retired_keys(self, now: datetime) -> int:
        """Forget the private halves of retired keys. Returns how many."""
        retired = update(signing_key).where(signing_key.c.retires_at <= now, signing_key.c.private_sealed.is_not(None))
        return len((await self._session.execute(retired.values(private_sealed=None).returning(signing_key.c.kid))).all())
