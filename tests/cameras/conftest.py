"""Fixtures: the verbs of cameras on PostgreSQL, with clock, DNS names, tenants' settings and live messages of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import encryption_keys

from cameras.cameras.repository import PostgresCameraList, PostgresCameras
from cameras.cameras.usecases.cameras import Cameras
from cameras.cameras.usecases.fleets import RecentFleets
from cameras.cameras.usecases.urls import UrlGuard
from cameras.reads import Reads
from chassis.db import Database
from chassis.envelope import parse
from chassis.fakes import FakeLive
from chassis.redis import connect_redis
from chassis.vault import Vault
from city.tenants import KnownTenant, TenantDirectory
from gtvision.addresses import AddressPolicy, IpAddress
from gtvision.events import AuditRecorded, Event, event_types
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Quotas, Role, TenantSettings
from gtvision.time import FakeClock, SystemClock

_OUTBOX = text("SELECT key, body FROM outbox WHERE tenant_id = :tenant_id ORDER BY created_at, id")


@dataclass
class Case:
    """The verbs of cameras, and what they have stored and emitted."""

    db: Database
    reads: Reads
    clock: FakeClock
    live: FakeLive = field(default_factory=FakeLive)
    vault: Vault = field(default_factory=lambda: Vault(encryption_keys()))
    tenants: TenantDirectory = field(default_factory=lambda: TenantDirectory(connect_redis("redis://127.0.0.1:1/0")))
    """Never connected to Redis: it knows the settings that the test gives it."""
    names: dict[str, list[str]] = field(default_factory=lambda: {"camera.example": ["10.0.0.5"]})

    def __post_init__(self) -> None:
        self.cameras = Cameras(
            uow=self.db.uow,
            repository=PostgresCameras,
            listed=PostgresCameraList(self.reads),
            tenants=self.tenants,
            guard=UrlGuard(self.resolve, AddressPolicy()),
            vault=self.vault,
            live=self.live,
            clock=self.clock,
            fleets=RecentFleets(self.clock),
        )

    async def resolve(self, host: str, port: int) -> list[IpAddress]:
        return [ip_address(each) for each in self.names.get(host, [])]

    async def events(self, tenant_id: UUID) -> list[Event[Any]]:
        """Returns all events that were committed for a tenant, in order."""
        async with self.db.uow(None) as uow:
            rows = await uow.session.execute(_OUTBOX, {"tenant_id": tenant_id})
            return [parse(event_types()[row.key], row.body.encode()) for row in rows]

    async def emitted(self, tenant_id: UUID) -> list[Any]:
        """Returns the data of those events, without audit entries."""
        return [event.data for event in await self.events(tenant_id) if not isinstance(event.data, AuditRecorded)]

    async def recorded(self, tenant_id: UUID) -> list[Event[AuditRecorded]]:
        """Returns the audit entries among those events."""
        return [event for event in await self.events(tenant_id) if isinstance(event.data, AuditRecorded)]

    async def raw(self, tenant_id: UUID) -> str:
        """Returns every row of the tenant as text."""
        async with self.db.uow(tenant_id) as uow:
            found = [await uow.session.execute(text(f"SELECT * FROM {table}")) for table in ("outbox", "camera")]
            return "".join(str(row) for rows in found for row in rows)

    def caller(self, tenant_id: UUID | None = None, groups: frozenset[UUID] | None = None) -> Caller:
        scopes = frozenset(map(str, ROLE_SCOPES[Role.ADMIN]))
        return Caller(tenant_id or new_id(), new_id(), Role.ADMIN, scopes, new_id(), groups)

    def allow(self, caller: Caller, cameras: int) -> None:
        """Gives the caller's tenant a quota."""
        settings = TenantSettings(quotas=Quotas(cameras=cameras))
        self.tenants.learn(caller.tenant_id, KnownTenant(name="Vila", revision=1, settings=settings))


@pytest.fixture
async def case(database_for: DatabaseFor) -> AsyncIterator[Case]:
    clock = FakeClock(SystemClock().now())
    settings = await database_for("cameras")
    async with Database(settings, clock) as db, Reads(settings) as reads:
        yield Case(db, reads, clock)
