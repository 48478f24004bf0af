"""Tests of hot reads: they see one tenant's rows, and their connections survive errors, cancellations and restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.chassis.freezing import frozen
from tests.chassis.waiting import until, works
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.workplace import TestServers

from cameras.reads import Reads
from chassis.db import Database
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import SystemClock
from servers import Postgres

pytestmark = pytest.mark.db

SAMPLE = Path(__file__).parents[1] / "chassis/sample"
NAMES = "SELECT * FROM list_things($1, $2) ORDER BY name"
EVERYTHING = "SELECT name FROM thing"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("sample", migrations=SAMPLE)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def reads(settings: DatabaseSettings) -> AsyncIterator[Reads]:
    async with Reads(settings) as opened:
        yield opened


async def _add(settings: DatabaseSettings, tenant: Any, *names: str) -> None:
    async with Database(settings, SystemClock()) as db, db.uow(tenant) as uow:
        for name in names:
            values = {"tenant_id": tenant, "id": new_id(), "name": name}
            await uow.session.execute(text("INSERT INTO thing (tenant_id, id, name) VALUES (:tenant_id, :id, :name)"), values)


async def test_a_tenant_sees_its_own_rows_though_the_function_asks_for_all(reads: Reads, settings: DatabaseSettings) -> None:
    mine, other = new_id(), new_id()
    await _add(settings, mine, "b", "a")
    await _add(settings, other, "c")
    assert [row["name"] for row in await reads.rows(NAMES, mine, None)] == ["a", "b"]
    assert [row["name"] for row in await reads.rows(NAMES, other, None)] == ["c"]
    assert await reads.rows(NAMES, new_id(), None) == []
    assert await reads.rows(NAMES, None, None) == []
    assert [row["name"] for row in await reads.rows(NAMES, mine, "b")] == ["b"]


async def test_the_tenant_is_forgotten_with_the_statement(reads: Reads, settings: DatabaseSettings) -> None:
    tenant = new_id()
    await _add(settings, tenant, "a")
    for _ in range(20):  # PgBouncer reuses the server connection that was used last
        assert len(await reads.rows(NAMES, tenant, None)) == 1
        assert await reads.rows(EVERYTHING) == []
        assert [row[0] for row in await reads.rows("SELECT current_setting('transaction_read_only')")] == ["off"]


async def test_many_at_once_never_mix_their_tenants(reads: Reads, settings: DatabaseSettings) -> None:
    tenants = {new_id(): f"of {number}" for number in range(8)}
    for tenant, name in tenants.items():
        await _add(settings, tenant, name)
    asked = list(tenants) * 25
    found = await asyncio.gather(*(reads.rows(NAMES, tenant, None) for tenant in asked))
    assert [[row["name"] for row in rows] for rows in found] == [[tenants[tenant]] for tenant in asked]


async def test_statements_that_take_turns_on_a_connection_never_answer_for_one_another(reads: Reads, settings: DatabaseSettings) -> None:
    # a prepared statement without a name is replaced by another client's on the same server connection
    tenant = new_id()
    await _add(settings, tenant, "a", "b")

    async def ask(number: int) -> None:
        match number % 3:
            case 0:
                assert [row[0] for row in await reads.rows(NAMES, tenant, None)] == ["a", "b"]
            case 1:
                assert [tuple(row) for row in await reads.rows("SELECT $1::int + 1, $2::text", number, "x")] == [(number + 1, "x")]
            case _:
                async with db.uow(tenant) as uow:
                    assert await uow.session.scalar(text("SELECT count(*) FROM thing")) == 2

    async with Database(settings, SystemClock()) as db:
        for _ in range(10):
            await asyncio.gather(*(ask(number) for number in range(30)))


async def test_it_cannot_write(reads: Reads) -> None:
    tenant = new_id()
    with pytest.raises(Unavailable):  # as from a server that is a standby after a failover
        await reads.rows("SELECT * FROM add_thing($1)", tenant)
    assert await reads.rows(NAMES, tenant, None) == []


async def test_it_is_not_for_a_transaction_that_has_a_tenant(reads: Reads, settings: DatabaseSettings) -> None:
    tenant = new_id()
    async with Database(settings, SystemClock()) as db:
        with pytest.raises(DBAPIError, match="has a tenant already"):
            async with db.uow(tenant) as uow:
                await uow.session.execute(text("SELECT * FROM list_things(:tenant, NULL)"), {"tenant": tenant})
    with pytest.raises(asyncpg.RaiseError):
        await reads.rows("SELECT * FROM list_things($1, NULL) UNION ALL SELECT * FROM list_things($2, NULL)", tenant, new_id())


async def test_an_error_of_the_program_stays_what_it_is_and_costs_no_connection(reads: Reads, settings: DatabaseSettings) -> None:
    for _ in range(2 * settings.pool_size):
        with pytest.raises(asyncpg.UndefinedTableError):
            await reads.rows("SELECT 1 FROM nowhere")
    assert [row[0] for row in await reads.rows("SELECT 1")] == [1]


async def test_a_cancelled_read_costs_no_connection(reads: Reads, settings: DatabaseSettings) -> None:
    for _ in range(2 * settings.pool_size):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reads.rows("SELECT pg_sleep(10)")
    assert [row[0] for row in await reads.rows("SELECT 1")] == [1]


async def test_connections_that_were_cut_are_replaced(reads: Reads, settings: DatabaseSettings, postgres: Postgres) -> None:
    await asyncio.gather(*(reads.rows("SELECT pg_sleep(0.1)") for _ in range(settings.pool_size)))
    admin = await postgres.connect()
    try:
        waiting = asyncio.create_task(reads.rows("SELECT pg_sleep(25), 'cut me'"))
        found = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%cut me%' AND pid <> pg_backend_pid()"
        async with asyncio.timeout(120):
            while not await admin.fetchval(found):
                await asyncio.sleep(0.02)
        with pytest.raises(Unavailable):
            await waiting
    finally:
        await admin.close()
    assert [row[0] for row in await reads.rows("SELECT 1")] == [1]


async def test_a_database_that_is_slow_but_lives_is_waited_for(settings: DatabaseSettings) -> None:
    async with Reads(settings.model_copy(update={"timeout_s": 10.0})) as reads:
        assert [row[0] for row in await reads.rows("SELECT 1 FROM pg_sleep(8.5)")] == [1]  # 0.8 timeout_s is for silent servers


@pytest.mark.fault
@pytest.mark.parametrize("server", ["pgbouncer", "postgres"])
async def test_a_frozen_database_is_unavailable_and_thaws(settings: DatabaseSettings, servers: TestServers, server: str) -> None:
    async with Reads(settings.model_copy(update={"timeout_s": 2.0})) as reads:  # a service's own default

        async def one() -> None:
            assert [row[0] for row in await reads.rows("SELECT 1")] == [1]

        await until(lambda: works(one))
        with frozen(servers.runner.pid(server)):
            async with asyncio.timeout(120):
                outcomes = await asyncio.gather(*(one() for _ in range(4 * settings.pool_size)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        await until(lambda: works(one))


async def test_a_closed_port() -> None:
    async with Reads(DatabaseSettings(url=SecretStr("postgresql+asyncpg://a:b@127.0.0.1:1/none"))) as reads:
        with pytest.raises(Unavailable):
            await reads.rows("SELECT 1")


async def test_before_it_is_entered_it_is_unavailable(settings: DatabaseSettings) -> None:
    with pytest.raises(Unavailable):
        await Reads(settings).rows("SELECT 1")
