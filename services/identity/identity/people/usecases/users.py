"""The people of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock
from identity.cities.domain import Tenant
from identity.keys.domain.api_keys import ApiKey
from identity.people.domain.passwords import check_password
from identity.people.domain.users import LastAdmin, OwnAccount, User, check_reach, email_key
from identity.people.ports import Passwords
from identity.people.usecases.quotas import check_room
from identity.ports.store import Store, StoreOf
from identity.sessions.usecases.opening import Ending


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is asked for. The password is hashed at once and kept nowhere."""

    email: str
    password: str
    role: Role
    camera_groups: frozenset[UUID] | None = None
    name: str | None = None
    must_change_password: bool = True
    """Somebody else chose it for them."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a user; what is not in `given` stays."""

    given: frozenset[str]
    role: Role | None = None
    camera_groups: frozenset[UUID] | None = None
    name: str | None = None
    disabled: bool | None = None

    def of(self, user: User, now: datetime) -> User:
        """The user as they will be."""
        changed = user
        if self.role is not None:
            changed = replace(changed, role=self.role)
        if "camera_groups" in self.given:
            changed = replace(changed, camera_groups=self.camera_groups)
        if "name" in self.given:
            changed = replace(changed, name=self.name)
        if self.disabled is not None and self.disabled != user.is_disabled:
            changed = replace(changed, disabled_at=now if self.disabled else None)
        return changed


class Users:
    """Users of the caller's tenant; another tenant's do not exist."""

    def __init__(self, uow: UowFactory, store: StoreOf, passwords: Passwords, ending: Ending, clock: Clock) -> None:
        self._uow, self._store, self._passwords, self._ending, self._clock = uow, store, passwords, ending, clock

    async def who_am_i(self, who: Caller) -> tuple[User | ApiKey, Tenant]:
        """The caller as a person or a program, and their tenant. Raises: NotFound."""
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            subject = await store.user(who.user_id) or await store.api_key(who.user_id)
            tenant = await store.tenant(who.tenant_id)
        if subject is None or tenant is None:
            raise NotFound
        return subject, tenant

    async def list_users(self, who: Caller, after: UUID | None, limit: int) -> list[User]:
        """At most `limit`, in order of creation."""
        async with self._uow(who.tenant_id) as work:
            return await self._store(work).users(after, limit)

    async def list_users_of(self, tenant: str) -> list[User]:
        """All of a tenant by its name, for an operator of the machine itself. Raises: NotFound."""
        async with self._uow(None) as work:
            found = await self._store(work).find_tenant(tenant)
        if found is None:
            raise NotFound(f"There is no tenant {tenant}.")
        async with self._uow(found.id) as work:
            return await self._store(work).users(None, _MOST_LISTED)

    async def user(self, who: Caller, user_id: UUID) -> User:
        """Raises: NotFound."""
        async with self._uow(who.tenant_id) as work:
            user = await self._store(work).user(user_id)
        if user is None:
            raise NotFound
        return user

    async def create_user(self, who: Caller, asked: NewUser, once: Once | None = None) -> User:
        """Raises: InvalidEmail, WeakPassword, EmailTaken, QuotaReached, Forbidden, RateLimited, IdempotencyKeyReused, Gone."""
        email_key(asked.email)
        check_reach(who, asked.role, asked.camera_groups)
        async with self._uow(who.tenant_id) as work:
            tenant = await self._store(work).tenant(who.tenant_id)
        check_password(asked.password, asked.email, tenant.name if tenant else "")
        user = User(
            id=new_id(),
            tenant_id=who.tenant_id,
            email=asked.email.strip(),
            role=asked.role,
            password_hash=await self._passwords.hash(asked.password),
            created_at=self._clock.now(),
            camera_groups=asked.camera_groups,
            name=asked.name,
            must_change_password=asked.must_change_password,
        )
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            earlier = await claim(work, who, once, user.id, user.created_at)
            if earlier is not None:
                return _still(await store.user(earlier))
            await check_room(store, who.tenant_id)
            await store.add_user(user)
            record(work, Action.USER_CREATED, who, AuditEntry("user", user.id, details=_shown(user)))
        return user

    async def change_user(self, who: Caller, user_id: UUID, change: Change) -> User:
        """Change what a user may do, their name, or whether they may come in. A change of rights, or disabling, ends all their sessions,
        so that it holds at once. Idempotent.

        Raises: NotFound, OwnAccount, Forbidden, LastAdmin, QuotaReached (somebody is let in again).
        """
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            admins = await store.lock_admins()
            user = await store.user(user_id, lock=True)
            if user is None:
                raise NotFound
            check_reach(who, user.role, user.camera_groups)
            changed = change.of(user, self._clock.now())
            if changed == user:
                return user
            _check_change(who, user, changed, admins)
            if user.is_disabled and not changed.is_disabled:
                await check_room(store, who.tenant_id)
            await self._save(work, store, user, changed)
            record(work, Action.USER_CHANGED, who, AuditEntry("user", user.id, details=_difference(user, changed)))
        return changed

    async def _save(self, work: UnitOfWork, store: Store, user: User, changed: User) -> None:
        await store.save_user(changed)
        if changed.is_disabled and not user.is_disabled:
            work.emit(UserDisabled(user_id=user.id))
        if _rights(user) != _rights(changed):
            await self._ending.end_all(work, user)


_MOST_LISTED = 100_000


def _still(user: User | None) -> User:
    if user is None:
        raise Gone
    return user


def _check_change(who: Caller, user: User, changed: User, admins: list[User]) -> None:
    """Raises: OwnAccount, Forbidden, LastAdmin."""
    if _rights(user) == _rights(changed):
        return
    if user.id == who.user_id:
        raise OwnAccount
    check_reach(who, changed.role, changed.camera_groups)
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
