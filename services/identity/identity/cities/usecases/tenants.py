"""Verbs of city halls: a new tenant, its name, settings and logo, and their announcement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Once, claim
from chassis.pictures import check_picture
from chassis.storage import ObjectStore
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound, PreconditionRequired, StaleRevision
from gtvision.events import TenantCreated, TenantRemoved, TenantUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope, TenantSettings
from gtvision.time import Clock
from identity.cities.domain import (
    LOGO_MAX_PIXELS,
    Limits,
    LogoByUpload,
    Tenant,
    TenantAlreadyMade,
    TenantSearch,
    TenantState,
    check_logo_size,
    check_reach,
    check_whole_city,
    differences,
    logo_key,
    set_by_city,
    set_by_platform,
)
from identity.cities.usecases.suspensions import check_platform
from identity.people.domain.passwords import generated_password
from identity.people.domain.users import User, email_key

if TYPE_CHECKING:
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
    admin_name: str | None = None


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
        email, name = asked.admin_email.strip(), asked.admin_name
        admin = User(new_id(), tenant.id, email, Role.ADMIN, password_hash, now, name=name, must_change_password=True)
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

    async def list_tenants(self, search: TenantSearch, after: UUID | None, limit: int) -> list[tuple[Tenant, int]]:
        """In order of creation, each with how many users of it are not disabled."""
        async with self._uow(None) as uow:
            rows = self._rows(uow)
            found = await rows.search_tenants(search, after, limit)
            users = await rows.enabled_users([tenant.id for tenant in found])
        return [(tenant, users.get(tenant.id, 0)) for tenant in found]

    async def count_users(self, tenant_id: UUID) -> int:
        """How many users are not disabled."""
        async with self._uow(tenant_id) as uow:
            return await self._rows(uow).count_enabled()

    async def rename(self, caller: Caller, tenant_id: UUID, name: str) -> Tenant:
        """Only the platform's administrators do. Providers that name the city by its name have to learn the new one.

        Raises: NotFound, MissingScope, CityDeleted, NameTaken.
        """
        check_platform(caller, tenant_id)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            before = await rows.lock_tenant(tenant_id)
            before.check_there()
            if name == before.name:
                return before
            after = replace(before, name=name, revision=before.revision + 1)
            await rows.save_tenant(after)
            self._announce(uow, after)
            details = {"name": f"{before.name} -> {name}"}
            record(uow, Action.TENANT_CHANGED, caller, AuditEntry("tenant", tenant_id, details=details))
        return after

    async def tenant(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """Raises: NotFound."""
        check_reach(caller, tenant_id, Scope.TENANTS_READ)
        async with self._uow(tenant_id) as uow:
            return _found(await self._rows(uow).tenant(tenant_id))

    async def change_settings(self, caller: Caller, tenant_id: UUID, revision: int | None, change: SettingsChange) -> Tenant:
        """What changes nothing makes no new revision. `revision` is the one that the change is based on.

        What the platform's administrators set is the ceiling of what the city may set.
        Raises: NotFound, LimitedToGroups, CityDeleted, PreconditionRequired (it is None), StaleRevision, LogoByUpload, AboveCeiling, and
        what `change` raises.
        """
        check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(caller)
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            before = await rows.lock_tenant(tenant_id)
            before.check_there()
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

        Raises: NotFound, LimitedToGroups, CityDeleted, TooLarge, InvalidImage, Unavailable.
        """
        check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(caller)
        check_logo_size(len(data))
        check_picture(data, max_pixels=LOGO_MAX_PIXELS)
        key = logo_key(tenant_id, data)
        await self.tenant_exists(tenant_id)
        await self._pictures.put(key, data)
        return await self._name_logo(caller, tenant_id, key)

    async def remove_logo(self, caller: Caller, tenant_id: UUID) -> Tenant:
        """The picture stays in the store, where nothing shows it. Raises: NotFound, LimitedToGroups, CityDeleted."""
        check_reach(caller, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(caller)
        return await self._name_logo(caller, tenant_id, None)

    async def _name_logo(self, caller: Caller, tenant_id: UUID, key: str | None) -> Tenant:
        async with self._uow(tenant_id) as uow:
            rows = self._rows(uow)
            before = await rows.lock_tenant(tenant_id)
            before.check_there()
            named = replace(before, settings=before.settings.model_copy(update={"logo_key": key}))
            return await self._save(uow, rows, caller, before, named)

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


def _event(tenant: Tenant) -> TenantUpdated | TenantRemoved:
    if tenant.state is TenantState.DELETED:  # said again too: a service that missed it would keep the city's cameras and lists for good
        return TenantRemoved(name=tenant.name, revision=tenant.revision)
    return TenantUpdated(name=tenant.name, revision=tenant.revision, settings=tenant.settings)


def _found(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise NotFound
    return tenant
