"""Rows of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, text, update

from gtvision.tenancy import Role
from identity.people.domain.users import EVERYONE, EmailTaken, User, UserSearch, email_key
from identity.people.tables import account
from identity.schema import Repository, noun_of, values_of
from identity.second_factors.domain import SecondFactor


class PostgresUsers(Repository):
    """Users of the unit of work's tenant."""

    async def find_login(self, email_key: str) -> User | None:
        """Across tenants: the user who logs in with this address."""
        found = await self._users(text("SELECT * FROM find_login(:wanted)"), wanted=email_key)
        return found[0] if found else None

    async def add_user(self, user: User) -> None:
        """Raises: EmailTaken."""
        claimed = await self._session.scalar(
            text("SELECT claim_login(:wanted, :tenant, :account)"),
            {"wanted": email_key(user.email), "tenant": user.tenant_id, "account": user.id},
        )
        if not claimed:
            raise EmailTaken
        await self._session.execute(insert(account).values(_values(user)))

    async def user(self, user_id: UUID, *, lock: bool = False) -> User | None:
        statement = select(account).where(account.c.id == user_id)
        found = await self._users(statement.with_for_update() if lock else statement)
        return found[0] if found else None

    async def save_user(self, user: User) -> None:
        """Everything but the e-mail address, which never changes."""
        await self._session.execute(update(account).where(account.c.id == user.id).values(_values(user)))

    async def lock_admins(self) -> list[User]:
        """Those who run the tenant, locked in order of id until the transaction ends, so that no two can remove each other."""
        roles = [str(Role.ADMIN), str(Role.PLATFORM_ADMIN)]
        wanted = select(account).where(account.c.role.in_(roles), account.c.disabled_at.is_(None), account.c.camera_groups.is_(None))
        return await self._users(wanted.order_by(account.c.id).with_for_update())

    async def users(self, after: UUID | None, limit: int, search: UserSearch = EVERYONE) -> list[User]:
        """In order of id, which is the order of creation."""
        wanted = select(account).where(*_fits(search)).order_by(account.c.id).limit(limit)
        return await self._users(wanted if after is None else wanted.where(account.c.id > after))

    async def note_login(self, user_id: UUID, at: datetime) -> None:
        """Set when the user logged in last, and nothing else: the caller's copy of the row may be older."""
        await self._session.execute(update(account).where(account.c.id == user_id).values(last_login_at=at))

    async def count_enabled(self) -> int:
        """How many of the tenant are not disabled."""
        return int(await self._session.scalar(select(func.count()).select_from(account).where(account.c.disabled_at.is_(None))) or 0)

    async def has_platform_admin(self) -> bool:
        """Whether a user of the tenant who is not disabled runs the platform."""
        them = select(account.c.id).where(account.c.role == str(Role.PLATFORM_ADMIN), account.c.disabled_at.is_(None))
        return (await self._session.execute(them.limit(1))).first() is not None

    async def enabled_ids(self) -> list[UUID]:
        """Of the tenant's users who are not disabled."""
        return list(await self._session.scalars(select(account.c.id).where(account.c.disabled_at.is_(None)).order_by(account.c.id)))

    async def lock_users(self) -> None:
        """Until the transaction ends nobody of the tenant logs in."""
        await self._session.execute(select(account.c.id).order_by(account.c.id).with_for_update())

    async def erase_users(self) -> int:
        """Delete every user of the tenant, with second factors, outside identities and the names they log in with. Returns how many."""
        await self._session.execute(select(func.release_login(account.c.tenant_id, account.c.id)))
        return len((await self._session.execute(delete(account).returning(account.c.id))).all())

    async def write_nothing(self) -> None:
        """Takes as long as the record of a refused login, for a login of no known user."""
        await self._session.execute(text("SELECT write_nothing()"))

    async def _users(self, statement: Any, **parameters: object) -> list[User]:
        return [_user(row._mapping) for row in await self._session.execute(statement, parameters)]


def _fits(search: UserSearch) -> Iterator[ColumnElement[bool]]:
    if search.text is not None:
        shown = func.lower(account.c.email + " " + func.coalesce(account.c.name, ""))
        yield func.strpos(shown, func.lower(search.text)) > 0
    if search.role is not None:
        yield account.c.role == str(search.role)
    if search.disabled is not None:
        yield account.c.disabled_at.is_not(None) if search.disabled else account.c.disabled_at.is_(None)


def _values(user: User) -> dict[str, Any]:
    factor = user.second_factor
    kept = {name: value for name, value in values_of(account, user).items() if name != "last_login_at"}  # `note_login` sets it
    return kept | {
        "factor_sealed": factor.sealed if factor else None,
        "factor_confirmed_at": factor.confirmed_at if factor else None,
        "factor_last_step": factor.last_step if factor else 0,
    }


def _user(row: Mapping[Any, Any]) -> User:
    sealed = row["factor_sealed"]
    factor = SecondFactor(sealed, row["factor_confirmed_at"], row["factor_last_step"]) if sealed else None
    return noun_of(User, {**row, "second_factor": factor})
