"""City halls: who joins, and what each decides for itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Once, claim
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound, PreconditionRequired, StaleRevision
from gtvision.events import TenantCreated, TenantUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope, TenantSettings
from gtvision.time import Clock
from identity.cities.domain import (
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
from identity.cities.ports import Pictures, TenantBoard
from identity.people.domain.passwords import generated_password
from identity.people.domain.users import User, email_key
from identity.people.ports import Passwords
from identity.ports.store import Store, StoreOf
from identity.sessions.ports import Chance


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is asked of the settings: `apply` gives the new ones, and what it raises undoes everything."""

    apply: Callable[[TenantSettings], TenantSettings]
    named: Limits = field(default_factory=dict)
    """Limits that the request names."""
    whole: bool = False
    """Whether the settings are replaced, and not changed in part."""


PictureCheck = Callable[[bytes], object]
"""Raises: InvalidImage, TooLarge."""

_PAGE = 100


@dataclass(frozen=True, slots=True)
class NewTenant:
    """Who joins."""

    name: str
    admin_email: str
    settings: TenantSettings = field(default_factory=TenantSettings)
    limits: Limits = field(default_factory=dict)
    """Those that the settings name: they are the city's ceiling."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A new tenant and its first administrator; the password is shown this once."""

    tenant: Tenant
    admin: User
    password: str


@dataclass(frozen=True, slots=True)
class Making:
    """What a first administrator is made with."""

    passwords: Passwords
    chance: Chance


class Founding:
    """The platform's verb: a city joins."""

    def __init__(self, uow: UowFactory, store: StoreOf, board: TenantBoard, making: Making, clock: Clock) -> None:
        self._uow, self._store, self._board, self._making, self._clock = uow, store, board, making, clock

    async def create_tenant(self, who: Caller, asked: NewTenant, once: Once | None = None) -> Joined:
        """With its first administrator, who must choose a password at the first login. On record in the new tenant's ledger.

        Raises: NameTaken, EmailTaken, InvalidEmail, LogoByUpload, RateLimited, IdempotencyKeyReused, TenantAlreadyMade.
        """
        email_key(asked.admin_email)
        if asked.settings.logo_key is not None:
            raise LogoByUpload
        password = generated_password(self._making.chance)
        password_hash = await self._making.passwords.hash(password)
        now = self._clock.now()
        tenant = set_by_platform(Tenant(new_id(), asked.name, 1, now), asked.settings, asked.limits, whole=True)
        admin = User(new_id(), tenant.id, asked.admin_email.strip(), Role.ADMIN, password_hash, now, must_change_password=True)
        async with self._uow(tenant.id) as work:
            store = self._store(work)
            earlier = await claim(work, who, once, tenant.id, now)
            if earlier is not None:
                raise TenantAlreadyMade(earlier)
            await store.add_tenant(tenant)
            await store.add_user(admin)
            work.emit(TenantCreated(name=tenant.name, revision=1, settings=tenant.settings))
            announce(work, self._board, tenant)
            record(work, Action.TENANT_CREATED, who, AuditEntry("tenant", tenant.id, details={"name": tenant.name, "admin": admin.email}))
        return Joined(tenant, admin, password)


class Tenants:
    """Tenants and their settings. A tenant's own people reach their own; the platform's administrators reach all."""

    def __init__(self, uow: UowFactory, store: StoreOf, board: TenantBoard, pictures: Pictures, check: PictureCheck) -> None:
        self._uow, self._store, self._board, self._pictures, self._check = uow, store, board, pictures, check

    async def list_tenants(self, after: UUID | None, limit: int) -> list[Tenant]:
        """All of them, in order of creation."""
        async with self._uow(None) as work:
            return await self._store(work).tenants(after, limit)

    async def tenant(self, who: Caller, tenant_id: UUID) -> Tenant:
        """Raises: NotFound."""
        check_reach(who, tenant_id, Scope.TENANTS_READ)
        async with self._uow(tenant_id) as work:
            return _found(await self._store(work).tenant(tenant_id))

    async def change_settings(self, who: Caller, tenant_id: UUID, revision: int | None, change: SettingsChange) -> Tenant:
        """What changes nothing makes no new revision. `revision` is the one that the change is based on.

        What the platform's administrators set is the ceiling of what the city may set.
        Raises: NotFound, LimitedToGroups, PreconditionRequired (it is None), StaleRevision, LogoByUpload, AboveCeiling, and what `change`
        raises.
        """
        check_reach(who, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(who)
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            before = _found(await store.tenant(tenant_id, lock=True))
            if revision is None:
                raise PreconditionRequired("Send If-Match with the ETag of the settings that your change is based on.")
            if before.revision != revision:
                raise StaleRevision
            asked = change.apply(before.settings)
            if asked.logo_key not in {None, before.settings.logo_key}:
                raise LogoByUpload
            asked = asked.model_copy(update={"logo_key": before.settings.logo_key})
            if Scope.TENANTS_WRITE in who.scopes:
                return await self._save(work, store, who, before, set_by_platform(before, asked, change.named, whole=change.whole))
            return await self._save(work, store, who, before, set_by_city(before, asked))

    async def set_logo(self, who: Caller, tenant_id: UUID, data: bytes) -> Tenant:
        """The picture is stored before it is named: a crash in between leaves an object that nobody shows.

        Raises: NotFound, LimitedToGroups, TooLarge, InvalidImage, Unavailable.
        """
        check_reach(who, tenant_id, Scope.TENANTS_WRITE)
        check_whole_city(who)
        check_logo_size(len(data))
        self._check(data)
        key = logo_key(tenant_id, data)
        await self.tenant_exists(tenant_id)
        await self._pictures.put(key, data)
        async with self._uow(tenant_id) as work:
            store = self._store(work)
            before = _found(await store.tenant(tenant_id, lock=True))
            with_logo = replace(before, settings=before.settings.model_copy(update={"logo_key": key}))
            return await self._save(work, store, who, before, with_logo)

    async def logo(self, who: Caller, tenant_id: UUID) -> tuple[str, bytes]:
        """Its object key and the picture. Raises: NotFound, Unavailable."""
        key = (await self.tenant(who, tenant_id)).settings.logo_key
        if key is None:
            raise NotFound("This tenant has no logo.")
        return key, await self._pictures.get(key)

    async def tenant_exists(self, tenant_id: UUID) -> None:
        """Raises: NotFound."""
        async with self._uow(tenant_id) as work:
            _found(await self._store(work).tenant(tenant_id))

    async def _save(self, work: UnitOfWork, store: Store, who: Caller, before: Tenant, wanted: Tenant) -> Tenant:
        changed = differences(before, wanted)
        if not changed:
            return before
        after = replace(wanted, revision=before.revision + 1)
        await store.set_settings(after)
        announce(work, self._board, after)
        record(work, Action.SETTINGS_CHANGED, who, AuditEntry("tenant", after.id, details=changed))
        return after


class Announcements:
    """Tells every service of every city again, so that a listener that lost everything is whole without asking anyone."""

    def __init__(self, uow: UowFactory, store: StoreOf, board: TenantBoard) -> None:
        self._uow, self._store, self._board = uow, store, board

    async def is_whole(self) -> bool:
        """Raises: Unavailable."""
        return await self._board.is_whole()

    async def publish(self, *, with_events: bool) -> int:
        """What every service reads, and the events too. Returns how many cities. Raises: Unavailable."""
        after: UUID | None = None
        told = 0
        while True:
            async with self._uow(None) as work:
                page = await self._store(work).tenants(after, _PAGE)
            await self._board.publish(page)
            if with_events:
                for tenant in page:
                    async with self._uow(tenant.id) as work:
                        work.emit(_event(tenant))
            told += len(page)
            if len(page) < _PAGE:
                return told
            after = page[-1].id


def announce(work: UnitOfWork, board: TenantBoard, tenant: Tenant) -> None:
    """The event with the commit, and at once after it what every service reads."""
    work.emit(_event(tenant))
    work.after_commit(lambda: board.publish([tenant]))


def _event(tenant: Tenant) -> TenantUpdated:
    return TenantUpdated(name=tenant.name, revision=tenant.revision, settings=tenant.settings)


def _found(tenant: Tenant | None) -> Tenant:
    if tenant is None:
        raise NotFound
    return tenant
