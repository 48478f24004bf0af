"""The people of a tenant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from chassis.db import UowFactory
from gtvision.errors import NotFound
from gtvision.events import UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock
from identity.domain.api_keys import ApiKey
from identity.domain.passwords import check_password
from identity.domain.tenants import Tenant
from identity.domain.users import OwnAccount, User, check_groups, check_role, email_key
from identity.ports.sessions import Registry
from identity.ports.store import StoreOf
from identity.ports.users import Passwords
from identity.usecases.sessions import revoke


@dataclass(frozen=True, slots=True)
class NewUser:
    """What is asked for. The password is hashed at once and kept nowhere."""

    email: str
    password: str
    role: Role
    camera_groups: frozenset[UUID] | None = None


class Users:
    """Users of the caller's tenant; another tenant's do not exist."""

    def __init__(self, uow: UowFactory, store: StoreOf, passwords: Passwords, registry: Registry, clock: Clock) -> None:
        self._uow, self._store, self._passwords, self._registry, self._clock = uow, store, passwords, registry, clock

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

    async def create_user(self, who: Caller, asked: NewUser) -> User:
        """Raises: InvalidEmail, WeakPassword, EmailTaken, Forbidden, RateLimited."""
        email_key(asked.email)
        check_password(asked.password, asked.email)
        check_role(who.role, asked.role)
        check_groups(who.camera_groups, asked.camera_groups)
        password_hash = await self._passwords.hash(asked.password)
        now = self._clock.now()
        user = User(new_id(), who.tenant_id, asked.email.strip(), asked.role, password_hash, now, asked.camera_groups)
        async with self._uow(who.tenant_id) as work:
            await self._store(work).add_user(user)
        return user

    async def set_user_disabled(self, who: Caller, user_id: UUID, disabled: bool) -> User:
        """Disable a user, which ends all their sessions, or let them in again. Idempotent. Raises: NotFound, OwnAccount, Forbidden."""
        if user_id == who.user_id:
            raise OwnAccount
        now = self._clock.now()
        async with self._uow(who.tenant_id) as work:
            store = self._store(work)
            user = await store.user(user_id, lock=True)
            if user is None:
                raise NotFound
            check_role(who.role, user.role)
            if user.is_disabled == disabled:
                return user
            await store.set_disabled(user_id, now if disabled else None)
            if disabled:
                work.emit(UserDisabled(user_id=user_id))
                for session in await store.sessions_of(user_id, now):
                    await revoke(work, store, self._registry, session, now)
        return replace(user, disabled_at=now if disabled else None)
