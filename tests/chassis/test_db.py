"""Tests of the unit of work, real and fake, of row-level security, and of a database that goes down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.workplace import TestServers

from chassis.db import Database, UowFactory
from chassis.fakes import FakeUow
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable
from gtvision.events import Event, TenantCreated, UserDisabled
from gtvision.ids import new_id
from gtvision.time import FakeClock, SystemClock
from servers import Postgres

from .freezing import frozen
from .waiting import until, works

SAMPLE = Path(__file__).parent / "sample"
TENANT, OTHER = new_id(), new_id()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("sample", migrations=SAMPLE)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with Database(settings, SystemClock()) as database:
        yield database


async def stored_events(db: Database) -> list[Event[Any]]:
    async with db.uow(None) as uow:
        rows = (await uow.session.execute(text("DELETE FROM outbox RETURNING key, body"))).all()
    return sorted(
        (Event[TenantCreated].model_validate_json(row.body) for row in rows if row.key == TenantCreated.key),
        key=lambda event: event.data.revision,
    )


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.db)])
def open_uow(request: pytest.FixtureRequest) -> UowFactory:
    factory: UowFactory = FakeUow() if request.param == "fake" else request.getfixturevalue("db").uow
    return factory


class Boom(Exception):
    pass


class TestUnitOfWork:
    """Runs on FakeUow and on PostgreSQL through PgBouncer."""

    async def test_remembers_an_event_once_committed(self, open_uow: UowFactory) -> None:
        event = new_id()
        async with open_uow(TENANT) as uow:
            assert not await uow.seen("sample.x", event)
            assert await uow.seen("sample.x", event)
        async with open_uow(TENANT) as uow:
            assert await uow.seen("sample.x", event)
            assert not await uow.seen("sample.y", event)

    async def test_forgets_an_event_when_rolled_back(self, open_uow: UowFactory) -> None:
        event = new_id()
        with pytest.raises(Boom):
            async with open_uow(TENANT) as uow:
                await uow.seen("sample.x", event)
                raise Boom
        async with open_uow(TENANT) as uow:
            assert not await uow.seen("sample.x", event)

    async def test_runs_lossy_actions_after_the_commit_only(self, open_uow: UowFactory) -> None:
        done: list[str] = []

        async def fail() -> None:
            done.append("fail")
            raise Boom

        async def succeed() -> None:
            done.append("succeed")

        with pytest.raises(Boom):
            async with open_uow(TENANT) as uow:
                uow.after_commit(succeed)
                raise Boom
        assert done == []
        async with open_uow(TENANT) as uow:
            uow.after_commit(fail)
            uow.after_commit(succeed)
            assert done == []
        assert done == ["fail", "succeed"]

    async def test_event_is_an_envelope_of_the_tenant(self, open_uow: UowFactory) -> None:
        chosen, correlation = new_id(), new_id()
        async with open_uow(TENANT) as uow:
            uow.emit(UserDisabled(user_id=new_id()), event_id=chosen, correlation_id=correlation)
            [event] = uow.emitted
            assert uow.tenant_id == TENANT
        assert (event.event_id, event.correlation_id, event.tenant_id) == (chosen, correlation, TENANT)
        assert (event.type, event.version) == ("user.disabled.v1", 1)

    async def test_event_needs_a_tenant(self, open_uow: UowFactory) -> None:
        with pytest.raises(ValueError, match="tenant"):
            async with open_uow(None) as uow:
                uow.emit(TenantCreated(name="x", revision=1))


async def test_fake_keeps_events_of_commits_only() -> None:
    open_uow = FakeUow(FakeClock())
    async with open_uow(TENANT) as uow:
        uow.emit(TenantCreated(name="kept", revision=1))
    with pytest.raises(Boom):
        async with open_uow(TENANT) as uow:
            uow.emit(TenantCreated(name="lost", revision=2))
            raise Boom
    assert [event.data.name for event in open_uow.emitted] == ["kept"]
    open_uow.down = True
    with pytest.raises(Unavailable):
        async with open_uow(TENANT):
            pass


@pytest.mark.db
class TestPostgres:
    async def test_rollback_emits_nothing(self, db: Database) -> None:
        await stored_events(db)
        with pytest.raises(Boom):
            async with db.uow(TENANT) as uow:
                uow.emit(TenantCreated(name="lost", revision=1))
                raise Boom
        db.outbox_filled.clear()
        async with db.uow(TENANT) as uow:
            uow.emit(TenantCreated(name="kept", revision=2))
            uow.emit(TenantCreated(name="kept", revision=3))
        assert db.outbox_filled.is_set()
        assert [event.data.revision for event in await stored_events(db)] == [2, 3]

    async def test_events_of_one_transaction_are_sent_in_their_order(self, db: Database) -> None:
        await stored_events(db)
        async with db.uow(TENANT) as uow:
            for revision in range(1, 51):
                uow.emit(TenantCreated(name="x", revision=revision))
        async with db.uow(None) as uow:
            rows = await uow.session.execute(text("SELECT body FROM outbox ORDER BY id"))
            sent = [Event[TenantCreated].model_validate_json(row.body).data.revision for row in rows]
        assert sent == list(range(1, 51))
        await stored_events(db)

    async def test_tenants_see_their_own_rows_only(self, db: Database) -> None:
        mine = new_id()
        async with db.uow(TENANT) as uow:
            await insert_thing(uow.session, TENANT, mine)
        async with db.uow(OTHER) as uow:
            assert await count(uow.session, "thing") == 0
            changed = await uow.session.execute(text("UPDATE thing SET name = 'stolen' RETURNING 1"))
            assert changed.all() == []
        async with db.uow(None) as uow:
            assert await count(uow.session, "thing") == 0
        async with db.uow(TENANT) as uow:
            assert await count(uow.session, "thing") == 1

    async def test_writing_for_another_tenant_is_refused(self, db: Database) -> None:
        with pytest.raises(ProgrammingError) as refused:
            async with db.uow(OTHER) as uow:
                await insert_thing(uow.session, TENANT, new_id())
        assert getattr(refused.value.orig, "sqlstate", None) == "42501"

    async def test_the_tenant_does_not_outlive_its_transaction(self, db: Database) -> None:
        """Many more tasks than connections: no unit of work sees the tenant of the one that used its connection before."""

        async def one(number: int) -> None:
            tenant = TENANT if number % 3 else None
            async with db.uow(tenant) as uow:
                found = await uow.session.scalar(text("SELECT nullif(current_setting('app.tenant', true), '')"))
                assert found == (str(tenant) if tenant else None)

        await asyncio.gather(*(one(number) for number in range(60)))

    async def test_partitions_hide_other_tenants_rows(self, db: Database) -> None:
        async with db.uow(None) as uow:
            made = await uow.session.scalar(text("SELECT make_reading_partitions('2026-03-01', 3)"))
            again = await uow.session.scalar(text("SELECT make_reading_partitions('2026-03-01', 4)"))
        assert (made, again) == (3, 1)
        row = {"tenant": TENANT, "id": new_id()}
        insert = text(
            "INSERT INTO reading (tenant_id, captured_at, id, value) "
            "VALUES (:tenant, '2026-03-02 23:59:59+00', :id, 7) ON CONFLICT DO NOTHING"
        )
        async with db.uow(TENANT) as uow:
            await uow.session.execute(insert, row)
            await uow.session.execute(insert, row)
            assert await count(uow.session, "reading") == 1
        async with db.uow(OTHER) as uow:
            assert await count(uow.session, "reading") == 0
        for tenant in (TENANT, OTHER):
            with pytest.raises(ProgrammingError, match="permission denied"):
                async with db.uow(tenant) as uow:
                    await count(uow.session, "reading_20260302")

    async def test_partitions_are_made_side_by_side_and_dropped(self, db: Database) -> None:
        async def make() -> int:
            while True:
                with suppress(Unavailable):  # on a slow machine the others may hold the lock for longer than this one waits
                    async with db.uow(None) as uow:
                        return int(await uow.session.scalar(text("SELECT make_reading_partitions('2026-05-01', 4)")) or 0)

        assert sum(await asyncio.gather(make(), make(), make())) == 4
        async with db.uow(None) as uow:
            assert await uow.session.scalar(text("SELECT drop_reading_partitions('2026-05-03')")) >= 2
            assert await uow.session.scalar(text("SELECT to_regclass('reading_20260502')")) is None
            assert await uow.session.scalar(text("SELECT to_regclass('reading_20260503')")) is not None

    async def test_definer_function_sees_every_tenant(self, db: Database) -> None:
        async with db.uow(TENANT) as uow:
            await insert_thing(uow.session, TENANT, new_id(), name="wanted")
        async with db.uow(None) as uow:
            assert await uow.session.scalar(text("SELECT count_things('wanted')")) == 1

    async def test_only_listed_tables_have_no_policy(self, db: Database) -> None:
        statement = text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'sample'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relrowsecurity AND NOT relispartition ORDER BY 1"
        )
        async with db.uow(None) as uow:
            assert (await uow.session.scalars(statement)).all() == ["alembic_version", "inbox", "outbox"]

    async def test_inbox_is_pruned(self, db: Database, settings: DatabaseSettings) -> None:
        clock = FakeClock()
        async with Database(settings, clock) as early:
            async with early.uow(None) as uow:
                await uow.seen("sample.old", new_id())
            assert await early.prune_inbox() == 0
            clock.advance(8 * 86_400)
            assert await early.prune_inbox() == 1


@pytest.mark.db
class TestUnavailable:
    async def test_a_closed_port(self) -> None:
        settings = DatabaseSettings(url=SecretStr("postgresql+asyncpg://a:b@127.0.0.1:1/none"))
        async with Database(settings, SystemClock()) as db:
            with pytest.raises(Unavailable):
                await db.check()
            with pytest.raises(Unavailable):
                async with db.uow(TENANT):
                    pass

    async def test_connection_cut_under_a_statement(self, db: Database, postgres: Postgres) -> None:
        admin = await postgres.connect()
        try:
            with pytest.raises(Unavailable):
                async with db.uow(TENANT) as uow:
                    pid = await uow.session.scalar(text("SELECT pg_backend_pid()"))
                    await admin.execute("SELECT pg_terminate_backend($1)", pid)
                    await uow.session.execute(text("SELECT pg_sleep(5)"))
        finally:
            await admin.close()
        async with db.uow(TENANT) as uow:
            assert await uow.session.scalar(text("SELECT 1")) == 1

    async def test_cancelled_statement_leaves_the_pool_whole(self, db: Database) -> None:
        async def slow() -> None:
            async with db.uow(TENANT) as uow:
                await uow.session.execute(text("SELECT pg_sleep(20)"))

        for _ in range(12):  # more attempts than connections in the pool
            task = asyncio.create_task(slow())
            await asyncio.sleep(0.02)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with db.uow(TENANT) as uow:
            assert await uow.session.scalar(text("SELECT 1")) == 1

    @pytest.mark.fault
    @pytest.mark.parametrize("server", ["pgbouncer", "postgres"])
    async def test_frozen_server_is_unavailable_and_thaws(self, settings: DatabaseSettings, servers: TestServers, server: str) -> None:
        async with Database(settings.model_copy(update={"timeout_s": 2.0}), SystemClock()) as db:  # a service's own default
            await self._freeze_and_thaw(db, servers, server)

    async def _freeze_and_thaw(self, db: Database, servers: TestServers, server: str) -> None:
        async def one() -> None:
            async with db.uow(TENANT) as uow:
                await uow.session.execute(text("SELECT 1"))

        await until(lambda: works(one))
        with frozen(servers.runner.pid(server)):
            async with asyncio.timeout(120):
                outcomes = await asyncio.gather(*(one() for _ in range(15)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        await until(lambda: works(one))

    async def test_errors_of_the_program_stay_what_they_are(self, db: Database) -> None:
        with pytest.raises(ProgrammingError):
            async with db.uow(TENANT) as uow:
                await uow.session.execute(text("SELECT nonsense"))


async def insert_thing(session: Any, tenant: UUID, thing: UUID, name: str = "thing") -> None:
    await session.execute(
        text("INSERT INTO thing (tenant_id, id, name) VALUES (:tenant, :id, :name)"), {"tenant": tenant, "id": thing, "name": name}
    )


async def count(session: Any, table: str) -> int:
    return int(await session.scalar(text(f"SELECT count(*) FROM {table}")))
