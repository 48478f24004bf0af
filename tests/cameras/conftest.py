"""Cameras on fakes and on PostgreSQL: `house` is one or the other, so that each usecase test proves both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.fixtures.tokens import encryption_keys

from cameras.domain import Camera, ListedCamera, Sighting
from cameras.ports import Catalogue, Groups, Store
from cameras.repository.cameras import SqlCatalogue, SqlStore
from cameras.repository.reads import Reads
from cameras.usecases import Cameras, Tools, UrlGuard
from chassis.db import Database, UowFactory
from chassis.envelope import parse
from chassis.fakes import FakeLive, FakeUow
from chassis.vault import Vault
from gtvision.addresses import AddressPolicy, IpAddress
from gtvision.camera import CameraState
from gtvision.events import AuditRecorded, event_types
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, TenantSettings
from gtvision.time import FakeClock, SystemClock


@dataclass
class Rows:
    """What a MemoryStore keeps."""

    cameras: dict[UUID, Camera] = field(default_factory=dict)
    tombstones: dict[UUID, Camera] = field(default_factory=dict)
    leases: dict[str, tuple[UUID, int, datetime]] = field(default_factory=dict)


class MemoryStore:
    """`ports.Store` in memory."""

    def __init__(self, rows: Rows, tenant_id: UUID | None) -> None:
        self._rows, self._tenant_id = rows, tenant_id

    def _mine(self, groups: Groups = None) -> list[Camera]:
        mine = [each for each in self._rows.cameras.values() if each.tenant_id == self._tenant_id]
        return sorted((each for each in mine if groups is None or groups & each.settings.groups), key=lambda each: each.id)

    def _taken(self, camera: Camera) -> bool:
        wanted = camera.settings.external_id
        return wanted is not None and any(each.settings.external_id == wanted and each.id != camera.id for each in self._mine())

    async def lock_registrations(self) -> None:
        """One task at a time is inside anyway."""

    async def count(self) -> int:
        return len(self._mine())

    async def add(self, camera: Camera) -> bool:
        return await self.save(camera)

    async def camera(self, camera_id: UUID, *, lock: bool = False) -> Camera | None:
        return next((each for each in self._mine() if each.id == camera_id), None)

    async def by_external_id(self, external_id: str) -> Camera | None:
        return next((each for each in self._mine() if each.settings.external_id == external_id), None)

    async def save(self, camera: Camera) -> bool:
        if self._taken(camera):
            return False
        self._rows.cameras[camera.id] = camera
        return True

    async def remove(self, camera_id: UUID, revision: int, at: datetime) -> None:
        self._rows.tombstones[camera_id] = replace(self._rows.cameras.pop(camera_id), revision=revision)

    async def page(self, groups: Groups, after: UUID | None, limit: int) -> list[Camera]:
        return [each for each in self._mine(groups) if after is None or each.id > after][:limit]

    async def count_by_state(self, groups: Groups) -> dict[CameraState, int]:
        states = [each.shown_sighting().state for each in self._mine(groups)]
        return {state: states.count(state) for state in set(states)}

    async def observe(self, camera_id: UUID, seen: Sighting) -> Camera | None:
        camera = await self.camera(camera_id)
        if camera is None or camera.sighting.revision >= seen.revision:
            return None
        since = camera.sighting.since if camera.sighting.state is seen.state else seen.since
        self._rows.cameras[camera_id] = replace(camera, sighting=replace(seen, since=since))
        return self._rows.cameras[camera_id]

    async def tenants(self) -> list[UUID]:
        return sorted({each.tenant_id for each in [*self._rows.cameras.values(), *self._rows.tombstones.values()]})

    async def take_lease(self, name: str, holder: UUID, now: datetime, until: datetime) -> int | None:
        held = self._rows.leases.get(name)
        if held is not None and held[0] != holder and held[2] > now:
            return None
        fence = 1 if held is None else held[1] + (held[0] != holder)
        self._rows.leases[name] = (holder, fence, until)
        return fence

    async def release_lease(self, name: str, holder: UUID, now: datetime) -> None:
        held = self._rows.leases.get(name)
        if held is not None and held[0] == holder:
            self._rows.leases[name] = (holder, held[1], now)


class MemoryCatalogue:
    """`ports.Catalogue` over the same rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    async def page(self, tenant_id: UUID, groups: Groups, after: UUID | None, limit: int) -> list[ListedCamera]:
        return [_listed(each) for each in await MemoryStore(self._rows, tenant_id).page(groups, after, limit)]


def _listed(camera: Camera) -> ListedCamera:
    settings, seen = camera.settings, camera.sighting
    recording, ai = settings.recording.model_dump_json().encode(), settings.ai.model_dump_json().encode()
    what = (camera.id, settings.name, camera.url_shown, settings.external_id, sorted(settings.groups), settings.enabled)
    return ListedCamera(*what, recording, ai, seen.state, seen.since, seen.cause, camera.revision, camera.created_at, camera.updated_at)


class FakeResolver:
    """Knows the names that a test gives it."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {"camera.example": ["10.0.0.5"]}

    async def resolve(self, host: str, port: int) -> list[IpAddress]:
        return [ip_address(each) for each in self.known.get(host, [])]


class FakeCities:
    """Knows the settings that a test gives it."""

    def __init__(self) -> None:
        self.known: dict[UUID, TenantSettings] = {}

    def settings(self, tenant_id: UUID) -> TenantSettings:
        return self.known.get(tenant_id, TenantSettings())


@dataclass
class House:
    """The verbs of cameras, and what came out of them."""

    uow: UowFactory
    store: Callable[[Any], Store]
    catalogue: Catalogue
    clock: FakeClock
    events: Callable[[UUID], Any]
    """Everything that was committed for a tenant, in order."""
    raw: Callable[[UUID], Any]
    live: FakeLive = field(default_factory=FakeLive)
    vault: Vault = field(default_factory=lambda: Vault(encryption_keys()))
    resolver: FakeResolver = field(default_factory=FakeResolver)
    cities: FakeCities = field(default_factory=FakeCities)

    async def emitted(self, tenant_id: UUID) -> list[Any]:
        """What other services are told."""
        return [event.data for event in await self.events(tenant_id) if not isinstance(event.data, AuditRecorded)]

    async def deeds(self, tenant_id: UUID) -> list[Any]:
        """What goes on record."""
        return [event for event in await self.events(tenant_id) if isinstance(event.data, AuditRecorded)]

    @property
    def cameras(self) -> Cameras:
        guard = UrlGuard(self.resolver, AddressPolicy())
        return Cameras(Tools(self.uow, self.store, self.catalogue, self.cities, guard, self.vault, self.live, self.clock))

    def caller(self, tenant_id: UUID | None = None, groups: frozenset[UUID] | None = None) -> Caller:
        scopes = frozenset(map(str, ROLE_SCOPES[Role.ADMIN]))
        return Caller(tenant_id or new_id(), new_id(), Role.ADMIN, scopes, new_id(), groups)


def fake_house() -> House:
    clock, rows = FakeClock(), Rows()
    uow = FakeUow(clock)

    async def events(tenant_id: UUID) -> Sequence[Any]:
        return [event for event in uow.emitted if event.tenant_id == tenant_id]

    async def raw(tenant_id: UUID) -> str:
        return "".join(event.model_dump_json() for event in uow.emitted) + repr(rows)

    return House(uow, lambda work: MemoryStore(rows, work.tenant_id), MemoryCatalogue(rows), clock, events, raw)


@pytest.fixture
async def database_house(database_for: Callable[..., Any]) -> AsyncIterator[House]:
    clock = FakeClock(SystemClock().now())
    settings = await database_for("cameras")
    async with Database(settings, clock) as db, Reads(settings) as reads:

        async def events(tenant_id: UUID) -> Sequence[Any]:
            outbox = text("SELECT key, body FROM outbox WHERE tenant_id = :tenant_id ORDER BY created_at, id")
            async with db.uow(None) as work:
                rows = await work.session.execute(outbox, {"tenant_id": tenant_id})
                return [parse(event_types()[row.key], row.body.encode()) for row in rows]

        async def raw(tenant_id: UUID) -> str:
            async with db.uow(tenant_id) as work:
                found = [await work.session.execute(text(f"SELECT * FROM {table}")) for table in ("outbox", "camera")]
                return "".join(str(row) for rows in found for row in rows)

        yield House(db.uow, SqlStore, SqlCatalogue(reads), clock, events, raw)


@pytest.fixture(params=["fake", pytest.param("postgresql", marks=pytest.mark.db)])
def house(request: pytest.FixtureRequest) -> House:
    if request.param == "fake":
        return fake_house()
    found: House = request.getfixturevalue("database_house")
    return found
