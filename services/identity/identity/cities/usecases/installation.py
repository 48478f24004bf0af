"""Making a fresh installation usable: its first tenant and administrator, the tools' key and the signing key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chassis.db import UowFactory
from chassis.vault import Vault
from gtvision.events import TenantCreated
from gtvision.ids import new_id
from gtvision.tenancy import Role
from gtvision.time import Clock
from identity.cities.domain import Tenant
from identity.keys.domain import ApiKey, SigningKey, hash_secret
from identity.people.domain.passwords import check_password
from identity.people.domain.users import User, email_key

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.gateways.signing import RsaKeyMaker
    from identity.repository import RowsOf


class BootstrapRequest(BaseModel):
    """What a fresh installation should have. No secret has a default, so there is no default password."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str = Field(min_length=1, max_length=200)
    admin_email: str
    admin_password: SecretStr
    tool_key: SecretStr | None = Field(None, min_length=32, max_length=512)
    must_change: bool = False
    """Whether the administrator has to choose another password at the first login, because this one was generated."""


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """What is there now, and what was new."""

    tenant_id: UUID
    admin_id: UUID
    tenant_created: bool
    admin_created: bool
    tool_key_created: bool
    signing_key_created: bool


class Installation:
    """Makes a fresh installation usable. Repeating it changes nothing that is there."""

    def __init__(self, uow: UowFactory, rows: RowsOf, vault: Vault, clock: Clock) -> None:
        self._uow, self._rows, self._vault, self._clock = uow, rows, vault, clock

    async def ensure_signing_key(self, maker: RsaKeyMaker) -> bool:
        """Make the first signing key where there is none. Returns whether it did."""
        async with self._uow(None) as uow:
            if await self._rows(uow).signing_keys():
                return False
        kid, private_pem, public_jwk = await maker.make()
        async with self._uow(None) as uow:
            rows = self._rows(uow)
            await rows.lock_signing_keys()
            if await rows.signing_keys():
                return False  # another process was first
            now = self._clock.now()
            await rows.add_signing_key(SigningKey(kid, self._vault.seal(private_pem), public_jwk, now, now))
        return True

    async def bootstrap(self, wanted: BootstrapRequest, passwords: Argon2Passwords, signing_key_created: bool) -> Bootstrapped:
        """The tenant, its administrator and the tools' key. An administrator who exists keeps their password.

        Raises: InvalidEmail, WeakPassword.
        """
        login = email_key(wanted.admin_email)
        password = wanted.admin_password.get_secret_value()
        check_password(password, wanted.admin_email, wanted.tenant)
        key_hash = hash_secret(wanted.tool_key.get_secret_value()) if wanted.tool_key else None
        async with self._uow(None) as uow:
            rows = self._rows(uow)
            admin = await rows.find_login(login)
            tenant = await rows.find_tenant(wanted.tenant)
            is_first = not await rows.tenants(None, 1)
            known_key = key_hash is None or await rows.find_api_key(key_hash) is not None
        tenant_id = admin.tenant_id if admin else tenant.id if tenant else new_id()
        tenant_created = admin is None and tenant is None
        now = self._clock.now()
        fresh = admin or User(
            id=new_id(),
            tenant_id=tenant_id,
            email=wanted.admin_email.strip(),
            # the first administrator also runs the platform, because only the platform can add a second tenant
            role=Role.PLATFORM_ADMIN if is_first else Role.ADMIN,
            password_hash=await passwords.hash(password),
            created_at=now,
            must_change_password=wanted.must_change,
        )
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            if tenant_created:
                await rows.add_tenant(Tenant(tenant_id, wanted.tenant, 1, now))
                uow.emit(TenantCreated(name=wanted.tenant, revision=1))
            if admin is None:
                await rows.add_user(fresh)
            if key_hash is not None and not known_key:
                await rows.add_api_key(ApiKey(new_id(), tenant_id, "tools", Role.ADMIN, key_hash, now))
        return Bootstrapped(tenant_id, fresh.id, tenant_created, admin is None, not known_key, signing_key_created)
