"""The people of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock
from identity.keys.domain import EndReason
from identity.people.domain.passwords import check_password
from identity.people.domain.users import LastAdmin, OwnAccount, User, UserSearch, check_reach, email_key

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.repository import PostgresRows, RowsOf
    from identity.sessions.usecases.issuing import SessionRevoker


@dataclass(frozen=True, slots=True)
class NewUser:
    """The user that is asked for. The password is hashed at once and kept nowhere."""

    email: str
    password: str
    role: Role
    camera_groups: frozenset[UUID] | None = None
    name: str | None = None
    must_change_password: bool = True
    """Because another person chose the password."""


class Users:
    """Users of the caller's tenant; another tenant's do not exist."""

    def __init__(self, uow: UowFactory, rows: RowsOf, passwords: Argon2Passwords, revoker: SessionRevoker, clock: Clock) -> None:
        self._uow, self._rows, self._passwords, self._revoker, self._clock = uow, rows, passwords, revoker, clock

    async def list_users(self, caller: Caller, search: UserSearch, after: UUID | None, limit: int) -> list[User]:
        """At most `limit`, in order of creation."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._rows(uow).users(after, limit, search)

    async def list_users_of(self, tenant: str) -> list[User]:
        """All users of a tenant by its name, for an operator on the machine itself. Raises: NotFound."""
        async with self._uow(None) as uow:
            found = await self._rows(uow).find_tenant(tenant)
        if found is None:
            raise NotFound(f"There is no tenant {tenant}.")
        async with self._uow(found.id) as uow:
            return await self._rows(uow).users(None, 100_000)

    async def user(self, caller: Caller, user_id: UUID) -> User:
        """Raises: NotFound."""
        async with self._uow(caller.tenant_id) as uow:
            user = await self._rows(uow).user(user_id)
        if user is None:
            raise NotFound
        return user

    async def create_user(self, caller: Caller, asked: NewUser, once: Once | None = None) -> User:
        """Raises: InvalidEmail, WeakPassword, EmailTaken, QuotaReached, Forbidden, RateLimited, IdempotencyKeyReused, Gone."""
        email_key(asked.email)
        check_reach(caller, asked.role, asked.camera_groups)
        async with self._uow(caller.tenant_id) as uow:
            tenant = await self._rows(uow).tenant(caller.tenant_id)
        check_password(asked.password, asked.email, tenant.name if tenant else "")
        user = User(
            id=new_id(),
            tenant_id=caller.tenant_id,
            email=asked.email.strip(),
            role=asked.role,
            password_hash=await self._passwords.hash(asked.password),
            created_at=self._clock.now(),
            camera_groups=asked.camera_groups,
            name=asked.name,
            must_change_password=asked.must_change_password,
        )
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            earlier = await claim(uow, caller, once, user.id, user.created_at)
            if earlier is not None:
                if (there := await rows.user(earlier)) is None:
                    raise Gone
                return there
            (await rows.lock_tenant(caller.tenant_id)).check_room(await rows.count_enabled())
            await rows.add_user(user)
            record(uow, Action.USER_CREATED, caller, AuditEntry("user", user.id, details=_shown(user)))
        return user

    async def change_user(self, caller: Caller, user_id: UUID, patch: Patch) -> User:
        """Change `role`, `camera_groups`, `name` or `disabled` of a user. A change of rights, or disabling, ends all their sessions, so
        that it holds at once. Idempotent.

        Raises: NotFound, OwnAccount, Forbidden, LastAdmin, QuotaReached (of a disabled user who is enabled again).
        """
        async with self._uow(caller.tenant_id) as uow:
            rows = self._rows(uow)
            admins = await rows.lock_admins()
            user = await rows.user(user_id, lock=True)
            if user is None:
                raise NotFound
            check_reach(caller, user.role, user.camera_groups)
            changed = _patched(user, patch, self._clock.now())
            if changed == user:
                return user
            _check_change(caller, user, changed, admins)
            if user.is_disabled and not changed.is_disabled:
                (await rows.lock_tenant(caller.tenant_id)).check_room(await rows.count_enabled())
            await self._save(uow, rows, user, changed)
            record(uow, Action.USER_CHANGED, caller, AuditEntry("user", user.id, details=_difference(user, changed)))
        return changed

    async def _save(self, uow: UnitOfWork, rows: PostgresRows, user: User, changed: User) -> None:
        await rows.save_user(changed)
        if changed.is_disabled and not user.is_disabled:
            uow.emit(UserDisabled(user_id=user.id))
        if _rights(user) != _rights(changed):
            await self._revoker.end_all(uow, user, EndReason.DISABLED if changed.is_disabled else EndReason.RIGHTS)


def _patched(user: User, patch: Patch, now: datetime) -> User:
    """A null role or `disabled` stays as it is."""
    disabled = patch.get("disabled")
    values = {name: patch.get(name) for name in patch if name != "disabled" and (name != "role" or patch.get(name) is not None)}
    if disabled is not None and disabled != user.is_disabled:
        values["disabled_at"] = now if disabled else None
    return Patch(values).apply(user)


def _check_change(caller: Caller, user: User, changed: User, admins: list[User]) -> None:
    """Raises: OwnAccount, Forbidden, LastAdmin."""
    if _rights(user) == _rights(changed):
        return
    if user.id == caller.user_id:
        raise OwnAccount
    check_reach(caller, changed.role, changed.camera_groups)
    if user.runs_the_tenant and not changed.runs_the_tenant and all(each.id == user.id for each in admins):
        raise LastAdmin


def _rights(user: User) -> tuple[object, ...]:
    return user.role, user.camera_groups, user.is_disabled


def _shown(user: User) -> Mapping[str, object]:
    groups = "all" if user.camera_groups is None else ",".join(sorted(map(str, user.camera_groups)))
    return {"email": user.email, "role": user.role, "camera_groups": groups, "disabled": user.is_disabled, "name": user.name or ""}


def _difference(before: User, after: User) -> Mapping[str, object]:
    old, new = _shown(before), _shown(after)
    return {name: f"{old[name]} -> {new[name]}" for name in new if old[name] != new[name]}
