"""Fixtures: the verbs of the service on PostgreSQL, with clock, DNS names, tenants' settings and live messages of the test; and the whole
service on real servers, through its HTTP API and through the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.chassis.waiting import all_listen
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint, encryption_keys

from cameras.app import create_api
from cameras.cameras.repository import PostgresCameraList, PostgresCameras
from cameras.cameras.usecases.cameras import Cameras
from cameras.cameras.usecases.fleets import RecentFleets
from cameras.cameras.usecases.urls import UrlGuard
from cameras.groups.repository import PostgresGroups
from cameras.groups.usecases import Groups
from cameras.history.repository import PostgresHistory
from cameras.reads import Reads
from cameras.settings import Settings
from chassis.bus import Bus
from chassis.db import Database
from chassis.envelope import parse
from chassis.fakes import FakeLive
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import CameraAddressSettings, RabbitSettings, RedisSettings, VaultSettings
from chassis.vault import Vault
from city.tenants import KnownTenant, TenantDirectory, publish_tenants
from gtvision.addresses import AddressPolicy, IpAddress
from gtvision.events import AuditRecorded, CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Event, event_types
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
            history=PostgresHistory,
            listed=PostgresCameraList(self.reads),
            tenants=self.tenants,
            guard=UrlGuard(self.resolve, AddressPolicy()),
            vault=self.vault,
            live=self.live,
            clock=self.clock,
            fleets=RecentFleets(self.clock),
        )
        self.groups = Groups(self.db.uow, PostgresGroups, self.cameras, self.clock)

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


PATH = "/api/v1/cameras"
NEW = {"name": "Praça da Sé", "url": "rtsp://admin:hunter2-canary@10.0.0.5:554/s?channel=1"}


@dataclass
class Running:
    """The running service, a client in front of it, and a listener behind the broker."""

    service: Service
    http: httpx.AsyncClient
    mint: TokenMint
    settings: Settings
    bus: Bus
    heard: list[Event[Any]]
    small_city: UUID
    """A tenant with a quota of one camera."""

    async def new(self, headers: dict[str, str], **changes: object) -> httpx.Response:
        return await self.http.post(PATH, json=NEW | changes, headers=headers)

    async def hears(self, kind: type, camera_id: str) -> Any:
        async with asyncio.timeout(120):
            while True:
                for event in self.heard:
                    if isinstance(event.data, kind) and str(event.camera_id) == camera_id:
                        return event.data
                await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def running(database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings) -> AsyncIterator[Running]:
    settings = Settings(
        db=await database_for("cameras"),
        rabbit=rabbitmq,
        redis=redis_state,
        vault=VaultSettings(keys=SecretStr(encryption_keys())),
        addresses=CameraAddressSettings(),
    )
    mint, state = TokenMint(), connect_redis(redis_state.state_url)
    await mint.publish(state)
    small_city = new_id()
    await publish_tenants(state, {small_city: KnownTenant(name="Vila", revision=1, settings=TenantSettings(quotas=Quotas(cameras=1)))})
    heard: list[Event[Any]] = []

    async def listen(event: Event[Any]) -> None:
        heard.append(event)

    bus = Bus(rabbitmq, "listener", SystemClock())
    for kind in (CameraRegistered, CameraUpdated, CameraRemoved, CamerasAnnounced):
        bus.subscribe(kind, listen)
    service = create_api(settings)
    async with bus, service.started():
        transport = httpx.ASGITransport(service.api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            await all_listen(service, bus)
            yield Running(service, http, mint, settings, bus, heard, small_city)
    await state.aclose()


def code(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]
