"""pytest plugin: real servers as fixtures, one set per pytest session, started when a test first asks for them.

| fixture | gives | fresh per |
|---|---|---|
| `servers` | `TestServers`: all of them, to kill, freeze and restart | session |
| `postgres`, `pgbouncer` | the running server | session |
| `database_for` | `await database_for("cameras")` -> DatabaseSettings of a migrated database, through PgBouncer | module |
| `rabbitmq` | RabbitSettings of an own virtual host with the stack's policies | module |
| `redis_state`, `redis_cache` | RedisSettings of both servers, emptied | module |
| `data_folder` | an empty folder that every server's user can reach | test |

The settings are more patient than a service's own (`PATIENCE_S`): with tests on every core a server is slow, and must not look down.
A test that wants a short patience says so itself.

A test whose server is not installed is skipped with the reason. Nothing is left behind; what a killed session left is swept by the
next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from chassis.bus.link import Link
from chassis.servers import BinaryMissing, PgBouncer, Postgres
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings
from chassis.testing.databases import PATIENCE_S, TestDatabases
from chassis.testing.workplace import TestServers
from gtvision.errors import Unavailable

_SERVERS = pytest.StashKey[TestServers]()

DatabaseFor = Callable[..., Awaitable[DatabaseSettings]]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SERVERS] = TestServers()


def pytest_collection_finish(session: pytest.Session) -> None:
    """RabbitMQ boots for seconds: let it do so while the first tests already run."""
    wanted = any("rabbitmq" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly:
        session.config.stash[_SERVERS].launch_early("rabbitmq")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _SERVERS in config.stash:
        config.stash[_SERVERS].close()


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> TestServers:
    """Every server of this session; none is running until something asks."""
    return pytestconfig.stash[_SERVERS]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres(servers: TestServers) -> Postgres:
    """The session's PostgreSQL, running."""
    await _running(servers, "postgres")
    return servers.postgres


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pgbouncer(servers: TestServers) -> PgBouncer:
    """The session's PgBouncer, in front of `postgres`."""
    await _running(servers, "postgres")
    await _running(servers, "pgbouncer")
    return servers.pgbouncer


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _databases(servers: TestServers) -> TestDatabases:
    await _running(servers, "postgres")
    await _running(servers, "pgbouncer")
    return TestDatabases(servers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database_for(_databases: TestDatabases) -> AsyncIterator[DatabaseFor]:
    """`await database_for(package_name)`; the same module and name give the same database.

    Its keyword `migrations` names a folder with `migrations/` for packages that are not importable.
    """
    made: dict[str, DatabaseSettings] = {}

    async def make(service: str, *, migrations: Path | None = None) -> DatabaseSettings:
        if service not in made:
            made[service] = await _databases.clone(service, migrations or importlib.import_module(service))
        return made[service]

    yield make
    await _databases.drop(made.values())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def rabbitmq(servers: TestServers) -> AsyncIterator[RabbitSettings]:
    """A virtual host of this module alone, with every policy of the stack."""
    await _running(servers, "rabbitmq")
    vhost = servers.next_name("vhost")
    await asyncio.to_thread(servers.rabbitmq.add_vhost, vhost)
    settings = RabbitSettings(url=SecretStr(f"{servers.rabbitmq.url(vhost)}?heartbeat={PATIENCE_S:.0f}"), publish_timeout_s=PATIENCE_S)
    await _furnished(settings)
    yield settings
    await _running(servers, "rabbitmq")  # a fault test may have killed it
    await asyncio.to_thread(servers.rabbitmq.delete_vhost, vhost)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def redis_state(servers: TestServers) -> RedisSettings:
    """Both Redis servers, emptied when a module begins."""
    for server in (servers.redis_state, servers.redis_cache):
        await _running(servers, server.name)
        async with server.client() as client:
            await client.flushall()
    patience = f"?socket_timeout={PATIENCE_S}&socket_connect_timeout={PATIENCE_S}"
    return RedisSettings(cache_url=SecretStr(servers.redis_cache.url + patience), state_url=SecretStr(servers.redis_state.url + patience))


@pytest.fixture(scope="module")
def redis_cache(redis_state: RedisSettings) -> RedisSettings:
    """The same settings: they name both servers."""
    return redis_state


@pytest.fixture
def data_folder(servers: TestServers) -> Iterator[Path]:
    """An empty folder, removed after the test."""
    folder = servers.make_folder(servers.next_name("data"))
    yield folder
    servers.remove_folder(folder)


async def _furnished(rabbit: RabbitSettings) -> None:
    """The first connection makes exchanges and queues, which on a busy machine may take longer than a service waits for one."""
    link = Link(rabbit.url, "furnishing")
    async with asyncio.timeout(2 * PATIENCE_S):
        while True:
            with contextlib.suppress(Unavailable):
                async with link.channel():
                    break
            await asyncio.sleep(0.1)
    await link.aclose()


async def _running(servers: TestServers, name: str) -> None:
    try:
        await servers.running(name)
    except BinaryMissing as missing:
        pytest.skip(str(missing))
