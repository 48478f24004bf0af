"""The installation as a whole: its first tenant and keys, and what every service must know of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chassis.db import UowFactory
from gtvision.events import TenantCreated
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import Clock
from identity.cities.domain import Tenant
from identity.keys.domain.api_keys import ApiKey
from identity.keys.domain.signing import SigningKey
from identity.keys.ports.signing import KeyMaker, Sealer
from identity.people.domain.passwords import check_password
from identity.people.domain.users import User, email_key
from identity.people.ports import Passwords
from identity.ports.store import StoreOf
from identity.sessions.domain import hash_secret


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a fresh installation should have. Nothing has a default: there is no default password."""

    tenant: str
    admin_email: str
    admin_password: str
    tool_key: str | None = None
    must_change: bool = False
    """Whether the administrator has to choose another password: nobody chose the one that was generated."""


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What is there now, and what was new."""

    tenant_id: UUID
    admin_id: UUID
    tenant_created: bool
    admin_created: bool
    tool_key_created: bool
    signing_key_created: bool


class Bootstrap:
    """Makes a fresh installation usable. Repeating it changes nothing that is there."""

    def __init__(self, uow: UowFactory, store: StoreOf, clock: Clock) -> None:
        self._uow, self._store, self._clock = uow, store, clock

    async def ensure_signing_key(self, maker: KeyMaker, sealer: Sealer) -> bool:
        """Make the first signing key where there is none. Whether it did."""
        async with self._uow(None) as work:
            if await self._store(work).signing_keys():
                return False
        kid, private_pem, public_jwk = await maker.make()
        async with self._uow(None) as work:
            store = self._store(work)
            await store.lock_signing_keys()
            if await store.signing_keys():
                return False  # another process was first
            now = self._clock.now()
            await store.add_signing_key(SigningKey(kid, sealer.seal(private_pem), public_jwk, now, now))
        return True

    async def bootstrap(self, wanted: Wanted, passwords: Passwords, signing_key_created: bool) -> Bootstrapped:
        """The tenant, its administrator and the tools' key. An administrator who is there keeps their password.

        Raises: InvalidEmail, WeakPassword.
        """
        login = email_key(wanted.admin_email)
        check_password(wanted.admin_password, wanted.admin_email, wanted.tenant)
        key_hash = hash_secret(wanted.tool_key) if wanted.tool_key else None
        async with self._uow(None) as work:
            store = self._store(work)
            admin = await store.find_login(login)
            tenant = await store.find_tenant(wanted.tenant)
            is_first = not await store.tenants(None, 1)
            known_key = key_hash is None or await store.find_api_key(key_hash) is not None
        tenant_id = admin.tenant_id if admin else tenant.id if tenant else new_id()
        tenant_created = admin is None and tenant is None
        now = self._clock.now()
        fresh = admin or User(
            id=new_id(),
            tenant_id=tenant_id,
            email=wanted.admin_email.strip(),
            # whoever comes first also runs the platform: nobody else could make a second tenant
            role=Role.PLATFORM_ADMIN if is_first else Role.ADMIN,
            password_hash=await passwords.hash(wanted.admin_password),
            created_at=now,
            must_change_password=wanted.must_change,
        )
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            if tenant_created:
                await store.add_tenant(Tenant(tenant_id, wanted.tenant, 1, now))
                work.emit(TenantCreated(name=wanted.tenant, revision=1))
            if admin is None:
                await store.add_user(fresh)
            if key_hash is not None and not known_key:
                await store.add_api_key(ApiKey(new_id(), tenant_id, "tools", Role.ADMIN, key_hash, now))
        return Bootstrapped(tenant_id, fresh.id, tenant_created, admin is None, not known_key, signing_key_created)
