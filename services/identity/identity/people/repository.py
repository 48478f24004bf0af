"""Rows of people to nouns and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text, update

from gtvision.tenancy import Role
from identity.people import tables
from identity.people.domain.second_factors import SecondFactor
from identity.people.domain.users import EmailTaken, User, email_key
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
            "created_at": user.created_at,
            **_changeable(user),
        }
        await self._session.execute(insert(tables.account).values(values))

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None:
        statement = select(tables.account).where(tables.account.c.id == user_id)
        row = await self._one(statement.with_for_update() if lock else statement)
        return None if row is None else _user(row)

    async def save_user(self, user: User) -> None:
        await self._session.execute(update(tables.account).where(tables.account.c.id == user.id).values(_changeable(user)))

    async def lock_admins(self) -> list[User]:
        table = tables.account.c
        roles = [str(Role.ADMIN), str(Role.PLATFORM_ADMIN)]
        wanted = select(tables.account).where(table.role.in_(roles), table.disabled_at.is_(None), table.camera_groups.is_(None))
        return [_user(row) for row in await self._session.execute(wanted.order_by(table.id).with_for_update())]

    async def replace_recovery_codes(self, user_id: UUID, code_hashes: list[str]) -> None:
        table = tables.recovery_code
        await self._session.execute(delete(table).where(table.c.account_id == user_id))
        if code_hashes:
            tenant_id = await self._session.scalar(select(tables.account.c.tenant_id).where(tables.account.c.id == user_id))
            rows = [{"tenant_id": tenant_id, "account_id": user_id, "code_hash": code_hash} for code_hash in code_hashes]
            await self._session.execute(insert(table), rows)

    async def use_recovery_code(self, user_id: UUID, code_hash: str, at: datetime) -> bool:
        table = tables.recovery_code
        mine = (table.c.account_id == user_id) & (table.c.code_hash == code_hash) & table.c.used_at.is_(None)
        used = await self._session.execute(update(table).where(mine).values(used_at=at).returning(table.c.account_id))
        return used.first() is not None

    async def recovery_codes_left(self, user_id: UUID) -> int:
        table = tables.recovery_code
        left = select(func.count()).select_from(table).where(table.c.account_id == user_id, table.c.used_at.is_(None))
        return int(await self._session.scalar(left) or 0)

    async def write_nothing(self) -> None:
        await self._session.execute(text("SELECT write_nothing()"))

    async def count_enabled(self) -> int:
        table = tables.account
        return int(await self._session.scalar(select(func.count()).select_from(table).where(table.c.disabled_at.is_(None))) or 0)

    async def users(self, after: UUID | None, limit: int) -> list[User]:
        statement = select(tables.account).order_by(tables.account.c.id).limit(limit)
        if after is not None:
            statement = statement.where(tables.account.c.id > after)
        return [_user(row) for row in await self._session.execute(statement)]


def _changeable(user: User) -> dict[str, Any]:
    factor = user.second_factor
    return {
        "role": str(user.role),
        "password_hash": user.password_hash,
        "camera_groups": listed(user.camera_groups),
        "disabled_at": user.disabled_at,
        "name": user.name,
        "must_change_password": user.must_change_password,
        "factor_sealed": factor.sealed if factor else None,
        "factor_confirmed_at": factor.confirmed_at if factor else None,
        "factor_last_step": factor.last_step if factor else 0,
    }


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
        name=row.name,
        must_change_password=row.must_change_password,
        second_factor=SecondFactor(row.factor_sealed, row.factor_confirmed_at, row.factor_last_step) if row.factor_sealed else None,
    )
