"""The alerts service on real servers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest_asyncio
from tests.chassis.waiting import all_listen
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import TokenMint

from alerts.app import create_api
from alerts.consumers import AlertEvents
from alerts.repository import camera_copy
from alerts.settings import ApiSettings
from alerts.usecases import Store
from chassis.bus import Bus
from chassis.db import Database
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import RabbitSettings, RedisSettings
from city.cameras import CameraEvents
from gtvision.time import SystemClock


@dataclass
class Running:
    service: Service
    http: httpx.AsyncClient
    mint: TokenMint
    events: AlertEvents
    cameras: CameraEvents
    bus: Bus
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
    settings = ApiSettings(service_name="alerts", db=await database_for("alerts"), rabbit=rabbitmq, redis=redis_state)
    service = create_api(settings)
    transport = httpx.ASGITransport(app=service.api, client=("203.0.113.9", 4711))
    db = Database(settings.db, SystemClock())
    bus = Bus(rabbitmq, "test", SystemClock())
    async with db, bus, service.started(), httpx.AsyncClient(transport=transport, base_url="http://alerts") as http:
        store: Store = service.api.state.store
        events = AlertEvents(store, min_confidence=settings.rules.min_confidence, cooldown=settings.rules.cooldown)
        await all_listen(service, bus)
        yield Running(service, http, mint, events, CameraEvents(db.uow, camera_copy), bus, db)
    await redis.aclose()
