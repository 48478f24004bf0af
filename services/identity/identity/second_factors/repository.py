"""Rows of recovery codes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, update

from identity.schema import Repository
from identity.second_factors.tables import recovery_code


class PostgresRecoveryCodes(Repository):
    """Recovery codes of users of the unit of work's tenant."""

    async def replace_recovery_codes(self, tenant_id: UUID, user_id: UUID, code_hashes: list[str]) -> None:
        """The old ones are gone; with an empty list, all."""
        await self._session.execute(delete(recovery_code).where(recovery_code.c.account_id == user_id))
        rows = [{"tenant_id": tenant_id, "account_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
        if rows:
            await self._session.execute(insert(recovery_code), rows)

    async def use_recovery_code(self, user_id: UUID, code_hash: str, at: datetime) -> bool:
        """Returns whether the code was there and unused. Each is good once, also for two requests at the same time."""
        unused = (recovery_code.c.account_id == user_id) & (recovery_code.c.code_hash == code_hash) & recovery_code.c.used_at.is_(None)
        used = update(recovery_code).where(unused).values(used_at=at).returning(recovery_code.c.account_id)
        return (await self._session.execute(used)).first() is not None
