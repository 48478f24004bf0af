"""Streaming on real servers, with a media server that tests can steer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from uuid import UUID

import httpx
import pytest_asyncio
from pydantic import SecretStr
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint, encryption_keys

from chassis.db import Database
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import RabbitSettings, RedisSettings, VaultSettings
from chassis.vault import Vault
from city.cameras import CameraEvents
from gtvision.addresses import AddressPolicy, IpAddress
from gtvision.errors import Invalid, Unavailable
from gtvision.time import FakeClock, SystemClock
from streaming.app import create_api
from streaming.domain import Change, ChangeKind, PathConfig, PathStatus
from streaming.jobs import NameKeeper, Reconciler
from streaming.repository import PostgresFleet, camera_copy
from streaming.settings import ApiSettings, MediaSettings
from streaming.usecases import Doorman, Store


@dataclass
class FakeMediaServer:
    """The control API in memory; `tests/contracts/media` holds the gateway against real servers."""

    configured: dict[str, PathConfig] = field(default_factory=dict)
    inbound: dict[str, int] = field(default_factory=dict)
    down: bool = False
    refuses: set[str] = field(default_factory=set)
    changes: int = 0

    async def paths(self) -> list[PathConfig]:
        if self.down:
            raise Unavailable
        return list(self.configured.values())

    async def apply(self, change: Change) -> None:
        if change.path.name in self.refuses:
            raise Invalid
        self.changes += 1
        if change.kind is ChangeKind.DELETE:
            self.configured.pop(change.path.name, None)
        else:
            self.configured[change.path.name] = change.path

    async def statuses(self) -> dict[str, PathStatus]:
        return {
            name: PathStatus(name=name, available=name in self.inbound, inbound_bytes=self.inbound.get(name, 0), codecs=("H264",))
            for name in self.configured
        }

    async def kick_readers(self, path: str) -> int:
        return 0


@dataclass
class FakeNames:
    """A name server whose answers a test sets; names that it does not know are not answered."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> list[IpAddress]:
        self.asked.append(host)
        if host not in self.answers:
            raise Unavailable
        return [ip_address(text) for text in self.answers[host]]


@dataclass
class FakeCertificates:
    """Cameras by address, and the certificate that each shows for its name."""

    shown: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, int, str]] = field(default_factory=list)

    async def fingerprint(self, address: IpAddress, port: int, name: str) -> str:
        self.asked.append((str(address), port, name))
        if str(address) not in self.shown:
            raise Unavailable
        return self.shown[str(address)]


@dataclass
class Running:
    service: Service
    http: httpx.AsyncClient
    hook: httpx.AsyncClient
    mint: TokenMint
    vault: Vault
    events: CameraEvents
    media: FakeMediaServer
    dns: FakeNames
    names: NameKeeper
    reconciler: Reconciler
    clock: FakeClock
    db: Database

    @property
    def store(self) -> Store:
        store: Store = self.service.api.state.store
        return store


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings) -> AsyncIterator[Running]:
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    keys = SecretStr(encryption_keys())
    database = await database_for("streaming")
    settings = ApiSettings(
        service_name="streaming",
        db=database,
        rabbit=rabbitmq,
        redis=redis_state,
        vault=VaultSettings(keys=keys),
        media=MediaSettings.model_validate(
            {
                "MEDIAMTX_API_URL": "http://127.0.0.1:1",  # nothing listens: the service must live without its media server
                "MEDIAMTX_RTSP_URL": "rtsp://127.0.0.1:8554",
                "MEDIAMTX_API_PASSWORD": "operator-password",
                "MEDIA_READER_PASSWORD": "reader-password",
            }
        ),
    )
    service = create_api(settings)
    service._loops.pop("reconciler")  # the test's own is the only one: the other would judge the same streams, by the machine's clock
    db = Database(database, SystemClock())
    media, clock, vault = FakeMediaServer(), FakeClock(SystemClock().now()), Vault(keys)
    store: Store = service.api.state.store
    doorman: Doorman = service.api.state.doorman

    def read_url(camera_id: UUID) -> str:
        return f"rtsp://media/cam_{camera_id}"

    dns = FakeNames()
    names = NameKeeper(dns, FakeCertificates(), AddressPolicy(), clock, 60)
    reconciler = Reconciler(
        store=store,
        fleet=PostgresFleet(db),
        media=media,
        vault=vault,
        sources=names,
        doorman=doorman,
        clock=clock,
        read_url=read_url,
        interval_s=1,
        stall_after=timedelta(seconds=10),
    )
    events = CameraEvents(db.uow, camera_copy, changed=reconciler.wake.set)
    public = httpx.ASGITransport(app=service.api, client=("203.0.113.9", 4711))
    private = httpx.ASGITransport(app=service.private)
    async with (
        db,
        service.started(),
        httpx.AsyncClient(transport=public, base_url="http://streaming/api/v1") as http,
        httpx.AsyncClient(transport=private, base_url="http://streaming") as hook,
    ):
        yield Running(service, http, hook, mint, vault, events, media, dns, names, reconciler, clock, db)
    await redis.aclose()
