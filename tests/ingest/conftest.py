"""Fixtures: the ingest service on real servers, with its ports open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest_asyncio
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint
from tests.ingest.making import frame

from chassis.bus import Bus
from chassis.db import Database
from chassis.live import LiveBus
from chassis.redis import connect_redis
from chassis.service import Service, serve
from chassis.settings import DatabaseSettings, ObjectsSettings, RabbitSettings, RedisSettings
from chassis.storage import ObjectStore
from gtvision.errors import Unavailable
from gtvision.time import SystemClock
from ingest.app import create_api
from ingest.settings import ApiSettings, LiveSettings
from servers import free_port


@dataclass
class Running:
    """The running service, with the clients, bus and tokens by which tests reach it."""

    service: Service
    settings: ApiSettings
    http: httpx.AsyncClient
    mint: TokenMint
    bus: Bus
    """A bus on which tests publish the events of other services."""
    live: LiveBus
    objects: ObjectStore
    db: Database

    @property
    def live_url(self) -> str:
        return f"ws://127.0.0.1:{self.settings.http_port}/ws/v1/live"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ingest_settings(
    database_for: DatabaseFor, rabbitmq: RabbitSettings, redis_state: RedisSettings, tmp_path_factory: object
) -> ApiSettings:
    folder: Path = tmp_path_factory.mktemp("objects")  # type: ignore[attr-defined]
    database: DatabaseSettings = await database_for("ingest")
    return ApiSettings(
        service_name="ingest",
        http_port=free_port(),
        private_port=free_port(),
        db=database,
        rabbit=rabbitmq.model_copy(update={"retry_steps_s": (0.1, 0.1)}),
        redis=redis_state,
        objects=ObjectsSettings(url=f"file://{folder}"),
        live=LiveSettings(connections=20, waiting_messages=50),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(ingest_settings: ApiSettings) -> AsyncIterator[Running]:
    settings, clock, mint = ingest_settings, SystemClock(), TokenMint()
    state, cache = connect_redis(settings.redis.state_url), connect_redis(settings.redis.cache_url)
    await mint.publish(state)
    service, stop = create_api(settings), asyncio.Event()
    serving = asyncio.create_task(serve(service, stop))
    bus = Bus(settings.rabbit, "tests", clock)
    async with (
        bus,
        Database(settings.db, clock) as db,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.http_port}", timeout=120) as http,
    ):
        async with asyncio.timeout(240):
            while not await _ready(settings.private_port):
                assert not serving.done(), serving.result()
                await asyncio.sleep(0.05)
            while not await _listens(bus):
                await asyncio.sleep(0.05)
            while not await cache.pubsub_numpat():  # a live message before the subscription would be lost
                await asyncio.sleep(0.05)
        yield Running(service, settings, http, mint, bus, LiveBus(cache), ObjectStore(settings.objects), db)
        stop.set()
        await serving
    await state.aclose()
    await cache.aclose()


async def _listens(bus: Bus) -> bool:
    """Returns whether the hot lane has declared its queue; a detection that is sent earlier reaches no queue."""
    try:
        await bus.publish(frame(SystemClock().now()))
    except Unavailable:  # raised also where no queue takes the message
        return False
    return True


async def _ready(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as http:
            return (await http.get(f"http://127.0.0.1:{port}/health/ready")).status_code == 200
    except httpx.TransportError:
        return False
