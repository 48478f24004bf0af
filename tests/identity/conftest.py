"""Fixtures of identity: its use cases on PostgreSQL, the running service, and outside identity providers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.identity.federation.providers import Federation, running_federation
from tests.identity.running import Running, running_identity
from tests.identity.wiring import PASSWORD, Wiring, caller_of, patient, signing

from chassis.db import Database
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings
from gtvision.tenancy import Caller
from gtvision.time import FakeClock, SystemClock
from identity.people.domain.users import User
from identity.repository import PostgresRows


@pytest.fixture
async def wiring(database_for: Callable[..., Any]) -> AsyncIterator[Wiring]:
    clock = FakeClock(SystemClock().now())
    async with Database(patient(await database_for("identity")), clock) as db:

        async def emitted(tenant_id: UUID) -> Sequence[Any]:
            from chassis.envelope import parse
            from gtvision.events import event_types

            async with db.uow(None) as uow:
                rows = await uow.session.execute(text("SELECT key, body FROM outbox WHERE tenant_id = :t ORDER BY id"), {"t": tenant_id})
                return [parse(event_types()[row.key], row.body.encode()).data for row in rows]

        yield Wiring(db.uow, PostgresRows, clock, emitted, signing(clock))


@pytest.fixture
def password() -> str:
    return PASSWORD


@pytest.fixture
def as_caller() -> Callable[[User], Caller]:
    return caller_of


@pytest.fixture(scope="module")
async def running(
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Running]:
    objects = tmp_path_factory.mktemp("objects")
    async with running_identity(await database_for("identity"), rabbitmq, redis_state, objects) as service:
        yield service


@pytest.fixture
async def no_throttle_left(running: Running) -> AsyncIterator[None]:
    yield
    await running.forget_attempts()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def federation(
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Federation]:
    given = {
        "DATABASE_URL": (await database_for("identity")).url.get_secret_value(),
        "RABBITMQ_URL": rabbitmq.url.get_secret_value(),
        "REDIS_CACHE_URL": redis_state.cache_url.get_secret_value(),
        "REDIS_STATE_URL": redis_state.state_url.get_secret_value(),
    }
    async with running_federation(given, tmp_path_factory.mktemp("objects")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_federation(federation: Federation) -> AsyncIterator[None]:
    """Resets the providers and the counts of attempts before each test."""
    federation.begin()
    yield
    await federation.forget_attempts()
