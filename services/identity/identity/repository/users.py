"""Rows of people to nouns and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update

from gtvision.tenancy import Role
from identity import tables
from identity.domain.users import EmailTaken, User, email_key
from identity.repository.rows import SqlRows, grouped, listed


class SqlUsers(SqlRows):
    """`ports.UserRows`."""

    async def find_login(self, email_key: str) -> User | None:
        row = await self._one(text("SELECT * FROM find_login(:wanted)"), {"wanted": email_key})
        return None if row is None else _user(row)

    async def add_user(self, user: User) -> None:
        claimed = await self._session.scalar(
            text("SELECT claim_login(:wanted, :tenant, :account)"),
            {"wanted": email_key(user.email), "tenant": user.tenant_id, "account": user.id},
        )
        if not claimed:
            raise EmailTaken
        values = {
            "tenant_id": user.tenant_id,
            "id": user.id,
            "email": user.email,
            "role": str(user.role),
            "password_hash": user.password_hash,
            "camera_groups": listed(user.camera_groups),
            "created_at": user.created_at,
            "disabled_at": user.disabled_at,
        }
        await self._session.execute(insert(tables.account).values(values))

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None:
        statement = select(tables.account).where(tables.account.c.id == user_id)
        row = await self._one(statement.with_for_update() if lock else statement)
        return None if row is None else _user(row)

    async def set_disabled(self, user_id: UUID, at: datetime | None) -> None:
        await self._session.execute(update(tables.account).where(tables.account.c.id == user_id).values(disabled_at=at))

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        statement = select(tables.account).order_by(tables.account.c.id).limit(limit)
        if after is not None:
            statement = statement.where(tables.account.c.id > after)
        return [_user(row) for row in await self._session.execute(statement)]


def _user(row: Row[Any]) -> User:
    return User(
        id=row.id,
        tenant_id=row.tenant_id,
        email=row.email,
        role=Role(row.role),
        password_hash=row.password_hash,
        created_at=row.created_at,
        camera_groups=grouped(row.camera_groups),
        disabled_at=row.disabled_at,
    )
