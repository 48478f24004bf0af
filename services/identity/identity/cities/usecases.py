"""Verbs of city halls: a new tenant, its settings and logo, their announcement, and the installation's first tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Once, claim
from chassis.pictures import check_picture
from chassis.storage import ObjectStore
from chassis.vault import Vault
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound, PreconditionRequired, StaleRevision
from gtvision.events import TenantCreated, TenantUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope, TenantSettings
from gtvision.time import Clock
from identity.cities.domain import (
    LOGO_MAX_PIXELS,
    Limits,
    LogoByUpload,
    Tenant,
    TenantAlreadyMade,
    check_logo_size,
    check_reach,
    check_whole_city,
    differences,
    logo_key,
    set_by_city,
    set_by_platform,
)
from identity.keys.domain import ApiKey, SigningKey, hash_secret
from identity.people.domain.passwords import check_password, generated_password
from identity.people.domain.users import User, email_key

if TYPE_CHECKING:
    from identity.gateways.argon2 import Argon2Passwords
    from identity.gateways.signing import RsaKeyMaker
    from identity.gateways.tenant_board import RedisTenantBoard
    from identity.people.usecases.credentials import CredentialChecker
    from identity.repository import PostgresRows, RowsOf


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is asked of the settings: `apply` gives the new ones, and what it raises undoes everything."""

    apply: Callable[[TenantSettings], TenantSettings]
    named: Limits = field(default_factory=dict)
    """Limits that the request names."""
    whole: bool = False
    """Whether the settings are replaced, and not changed in part."""


_PAGE = 100
_ANNOUNCE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class NewTenant:
    """The tenant that is asked for."""

    name: str
    admin_email: str
    settings: TenantSettings = field(default_factory=TenantSettings)
    limits: Limits = field(default_factory=dict)
    """Those that the settings name: they are the city's ceiling."""


@dataclass(frozen=True, slots=True)
class CreatedTenant:
    """A new tenant and its first administrator; the password is shown this once."""

    tenant: Tenant
    admin: User
    password: str


class Tenants:
    """Tenants and their settings. A tenant's users reach their own tenant; the platform's administrators reach all."""

    def __init__(
        self, uow: UowFactory, rows: RowsOf, board: RedisTenantBoard, pictures: ObjectStore, checker: CredentialChecker, clock: Clock
    ) -> None:
        self._uow, self._rows, self._board, self._pictures, self._checker, self._clock = uow, rows, board, pictures, checker, clock
        self._announced_at: float | None = None

    async def create_tenant(self, caller: Caller, asked: NewTenant, once: Once | None = None) -> CreatedTenant:
        """Add a tenant with its first administrator, who must choose a password at the first login. On record in the new tenant's ledger.

        Raises: NameTaken, EmailTaken, InvalidEmail, LogoByUpload, RateLimited, IdempotencyKeyReused, TenantAlreadyMade.
        """
        email_key(asked.admin_email)
        if asked.settings.logo_key is not None:
            raise LogoByUpload
        password = generated_password(self._checker.random_bytes)
        password_hash = await self._checker.passwords.hash(password)
        now = self._clock.now()
        tenant = set_by_platform(Tenant(new_id(), asked.name, 1, now), asked.settings, asked.limits, whole=True)
        admin = User(new_id(), tenant.id, asked.admin_email.strip(), Role.ADMIN, password_hash, now, must_change_password=True)
        async with self._uow(tenant.id) as uow:
            rows = self._rows(uow)
            earlier = await claim(uow, caller, once, tenant.id, now)
            if earlier is not None:
                raise TenantAlreadyMade(earlier)
            await rows.add_tenant(tenant)
            await rows.add_user(admin)
            uow.emit(TenantCreated(name=tenant.name, revision=1, settings=tenant.settings))
            self._announce(uow, tenant)
            record(uow, Action.TENANT_CREATED, caller, AuditEntry("tenant", tenant.id, details={"name": tenant.name, "admin": admin.email}))
        return CreatedTenant(tenant, admin, password)

    async def list_tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        """All of them, in order of creation."""
        async with self._uow(None) as uow:
            return await self._rows(uow).tenants(after, limit)

    async def tenant(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """Raises: NotFound."""
        check_reach(caller, tenant_id, Scope.TENANTS_READ)
        async with self._uow(tenant_id) as uow:
            return _found(await self._rows(uow).tenant(tenant_id))

    async def change_settings(self, caller: Caller, tenant_id: UUID, revision: int | None, change: SettingsChange) -> Tenant:
        """What changes nothing makes no new revision. `revision` is the one that the change is based on.

        What the platform's administrators set is the ceiling of what the city may set.
        Raises: NotFound, LimitedToGroups, PreconditionRequired (it is None), StaleRevision, LogoByUpload, AboveCeiling, and what `change`
        raises.
        """
        check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(caller)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            before = await rows.lock_tenant(tenant_id)
            if revision is None:
                raise PreconditionRequired("Send If-Match with the ETag of the settings that your change is based on.")
            if before.revision != revision:
                raise StaleRevision
            asked = change.apply(before.settings)
            if asked.logo_key not in {None, before.settings.logo_key}:
                raise LogoByUpload
            asked = asked.model_copy(update={"logo_key": before.settings.logo_key})
            if Scope.TENANTS_WRITE in caller.scopes:
                return await self._save(uow, rows, caller, before, set_by_platform(before, asked, change.named, whole=change.whole))
            return await self._save(uow, rows, caller, before, set_by_city(before, asked))

    async def set_logo(self, caller: Caller, tenant_id: UUID, data: bytes) -> Tenant:
        """The picture is stored before the settings name it: a crash in between leaves an object that is shown nowhere.

        Raises: NotFound, LimitedToGroups, TooLarge, InvalidImage, Unavailable.
        """
        check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(caller)
        check_logo_size(len(data))
        check_picture(data, max_pixels=LOGO_MAX_PIXELS)
        key = logo_key(tenant_id, data)
        await self.tenant_exists(tenant_id)
        await self._pictures.put(key, data)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            before = await rows.lock_tenant(tenant_id)
            with_logo = replace(before, settings=before.settings.model_copy(update={"logo_key": key}))
            return await self._save(uow, rows, caller, before, with_logo)

    async def logo(self, caller: Caller, tenant_id: UUID) -> tuple[str, bytes]:
        """Its object key and the picture. Raises: NotFound, Unavailable."""
        key = (await self.tenant(caller, tenant_id)).settings.logo_key
        if key is None:
            raise NotFound("This tenant has no logo.")
        return key, await self._pictures.get(key)

    async def tenant_exists(self, tenant_id: UUID) -> None:
        """Raises: NotFound."""
        async with self._uow(tenant_id) as uow:
            _found(await self._rows(uow).tenant(tenant_id))

    async def _save(self, uow: UnitOfWork, rows: PostgresRows, caller: Caller, before: Tenant, wanted: Tenant) -> Tenant:
        changed = differences(before, wanted)
        if not changed:
            return before
        after = replace(wanted, revision=before.revision + 1)
        await rows.save_tenant(after)
        self._announce(uow, after)
        record(uow, Action.SETTINGS_CHANGED, caller, AuditEntry("tenant", after.id, details=changed))
        return after

    async def announce_if_needed(self) -> bool:
        """Tell every service of every tenant: by event at start and every ten minutes, to the state store also whenever it lost something.
        Returns whether it did. Raises: Unavailable.
        """
        due = self._announced_at is None or self._clock.monotonic() - self._announced_at >= _ANNOUNCE_EVERY_S
        if not due and await self._board.is_whole():
            return False
        announced = await self._announce_all(with_events=due)
        if due and announced:
            self._announced_at = self._clock.monotonic()
        return True

    async def _announce_all(self, *, with_events: bool) -> int:
        after: UUID | None = None
        announced = 0
        while True:
            async with self._uow(None) as uow:
                page = await self._rows(uow).tenants(after, _PAGE)
            await self._board.publish(page)
            if with_events:
                for tenant in page:
                    async with self._uow(tenant.id) as uow:
                        uow.emit(_event(tenant))
            announced += len(page)
            if len(page) < _PAGE:
                return announced
            after = page[-1].id

    def _announce(self, uow: UnitOfWork, tenant: Tenant) -> None:
        """Emit the event with the commit, and at once after it write what every service reads."""
        uow.emit(_event(tenant))
        uow.after_commit(lambda: self._board.publish([tenant]))


def _event(tenant: Tenant) -> TenantUpdated:
    return TenantUpdated(name=tenant.name, revision=tenant.revision, settings=tenant.settings)


def _found(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise NotFound
    return tenant


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
