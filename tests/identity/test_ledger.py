"""The ledger on real PostgreSQL: one chain a city whatever happens beside it, append-only for everybody, sealed and dropped."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import insert, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.db import Database
from chassis.envelope import parse
from chassis.migrations import metadata_differences
from chassis.servers import Postgres
from chassis.settings import DatabaseSettings
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock
from identity.domain.ledger import FIELDS, GENESIS
from identity.domain.searches import Sought
from identity.domain.tenants import LimitedToGroups
from identity.domain.verification import Wrong
from identity.repository.anchors import SqlAnchors
from identity.repository.audit import SqlAuditUpkeep, SqlLedger
from identity.tables import audit_anchor, audit_entry, audit_head, metadata
from identity.usecases.auditing import Auditing

from .ledgers import City, database_name

pytestmark = pytest.mark.db

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: Callable[..., Any]) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("identity")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def city(settings: DatabaseSettings, postgres: Postgres, tmp_path: Path) -> AsyncIterator[City]:
    clock = FakeClock(START)
    async with Database(settings, clock) as db:
        yield City(db, clock, postgres, database_name(settings), tmp_path)


async def test_the_tables_are_those_of_the_migration(settings: DatabaseSettings, city: City) -> None:
    """Partitions included: they are nobody's model."""
    await city.record(1)
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        assert await connection.run_sync(metadata_differences, metadata, "identity") == []
    await engine.dispose()


# --- one chain ---------------------------------------------------------------------------------------------------------


class TestChaining:
    async def test_entries_say_what_was_recorded(self, city: City) -> None:
        actor, camera = new_id(), new_id()
        told = city.event(actor_id=actor, actor_role="operator", object_kind="camera", details={"ação": "x"}, range_from=START)
        told = told.model_copy(update={"camera_id": camera})
        city.clock.advance(3)
        await city.ledger.chain_records([told])
        (row,) = await city.rows()
        entry = row.entry
        assert (entry.seq, entry.event_id, entry.camera_id, entry.actor_id) == (1, told.event_id, camera, actor)
        assert (entry.occurred_at, entry.recorded_at) == (START, START + timedelta(seconds=3))
        assert (entry.details, entry.range_from, entry.correlation_id) == ({"ação": "x"}, START, told.correlation_id)
        assert row.prev_hash == GENESIS
        assert (await city.verify()).is_right

    async def test_names_people_of_the_same_city_only(self, city: City) -> None:
        mine, theirs, key = new_id(), new_id(), new_id()
        async with city.intruder() as connection:
            for tenant_id, account_id, email in ((city.tenant_id, mine, "ana@a.example"), (new_id(), theirs, "bia@b.example")):
                await connection.execute(
                    "INSERT INTO account (tenant_id, id, email, role, password_hash, created_at) VALUES ($1, $2, $3, 'viewer', 'x', now())",
                    *(tenant_id, account_id, email),
                )
            await connection.execute(
                "INSERT INTO api_key (tenant_id, id, name, role, key_hash, created_at) VALUES ($1, $2, 'radar', 'partner', $3, now())",
                *(city.tenant_id, key, str(key)),
            )
        await city.ledger.chain_records([city.event(actor_id=each) for each in (mine, theirs, key)])
        assert {row.entry.actor_id: row.entry.actor_name for row in await city.rows()} == {
            mine: "ana@a.example",
            theirs: None,
            key: "radar",
        }

    async def test_a_repeat_is_dropped_within_a_batch_and_across(self, city: City) -> None:
        events = await city.record(5)
        await city.ledger.chain_records([*events, *events])
        fresh = city.event()
        await city.ledger.chain_records([fresh, events[2], fresh])
        assert [row.entry.seq for row in await city.rows()] == [1, 2, 3, 4, 5, 6]
        assert [row.entry.event_id for row in await city.rows()] == [*(each.event_id for each in events), fresh.event_id]

    async def test_thousands_are_walked_and_exported_page_by_page(self, city: City) -> None:
        """Pages end in the middle of the chain: nothing is lost or doubled where they meet."""
        await city.record(1_203)
        progress: list[tuple[int, int]] = []
        report = await city.verification.verify(city.tenant_id, progress=lambda rows, seq: progress.append((rows, seq)))
        assert (report.is_right, report.rows, progress) == (True, 1_203, [(500, 500), (1_000, 1_000), (1_203, 1_203)])
        auditing = Auditing(city.db.uow, SqlLedger, SqlAnchors, city.clock)
        pages = await auditing.export(None, city.tenant_id, Sought(START, START + timedelta(days=1)), "json")
        assert [row.entry.seq async for page in pages for row in page] == list(range(1, 1_204))
        for seq in (500, 501, 1_000):
            await city.tamper("UPDATE audit_entry SET seq = -seq WHERE tenant_id = $1 AND seq = $2", seq)
            assert await city.found() == (Wrong.INSERTED, -seq)
            await city.tamper("UPDATE audit_entry SET seq = -seq WHERE tenant_id = $1 AND seq = -$2::bigint", seq)
            assert await city.found() == (None, None)
            await city.tamper('UPDATE audit_entry SET details = \'{"x": "y"}\' WHERE tenant_id = $1 AND seq = $2', seq)
            assert await city.found() == (Wrong.ALTERED, seq)
            await city.tamper("UPDATE audit_entry SET details = '{}' WHERE tenant_id = $1 AND seq = $2", seq)

    async def test_who_is_limited_to_groups_reads_no_ledger(self, city: City) -> None:
        """It tells of cameras outside of their groups, and of who looked at them."""
        await city.record(3)
        who = Caller(city.tenant_id, new_id(), Role.AUDITOR, frozenset(), new_id(), frozenset({new_id()}))
        auditing = Auditing(city.db.uow, SqlLedger, SqlAnchors, city.clock)
        with pytest.raises(LimitedToGroups):
            await auditing.search(who, Sought(), None, 10)
        with pytest.raises(LimitedToGroups):
            await auditing.export(who, city.tenant_id, Sought(START, START + timedelta(days=1)), "csv")

    async def test_an_export_does_not_look_through_later_months(self, city: City) -> None:
        """Also an entry that arrived long after it occurred is in it; what nobody asked for is not even walked over."""
        late = city.event()
        await city.record(5)
        city.clock.advance(timedelta(days=70))
        await city.record(2)
        await city.ledger.chain_records([late])
        await city.record(4)
        month = Sought(START, START + timedelta(days=30))
        async with city.db.uow(city.tenant_id) as work:
            assert await SqlLedger(work).last(10**9, month) == 8
            assert await SqlLedger(work).last(7, month) == 5
            assert await SqlLedger(work).last(10**9, Sought(START - timedelta(days=9), START)) == 0
        auditing = Auditing(city.db.uow, SqlLedger, SqlAnchors, city.clock)
        pages = await auditing.export(None, city.tenant_id, month, "json")
        assert [row.entry.seq async for page in pages for row in page] == [1, 2, 3, 4, 5, 8]

    async def test_what_is_past_the_citys_retention_is_not_shown(self, city: City) -> None:
        """Its month may still be kept, for a city that keeps its own for longer."""
        who = Caller(city.tenant_id, new_id(), Role.AUDITOR, frozenset(), new_id())
        auditing = Auditing(city.db.uow, SqlLedger, SqlAnchors, city.clock)
        async with city.intruder() as connection:
            await connection.execute(
                "INSERT INTO tenant (tenant_id, name, revision, created_at, settings) VALUES ($1, $2, 1, now(), $3)",
                *(city.tenant_id, str(city.tenant_id), json.dumps({"retention": {"audit_days": 365}})),
            )
        await city.record(3)
        city.clock.advance(timedelta(days=366))
        recent = await city.record(2)
        found = await auditing.search(who, Sought(), None, 10)
        assert [row.entry.event_id for row in found] == [each.event_id for each in reversed(recent)]
        pages = await auditing.export(who, city.tenant_id, Sought(START, START + timedelta(days=366)), "csv")
        assert [row.entry.seq async for page in pages for row in page] == []
        assert (await city.verify()).rows == 5
        await city.tamper("DELETE FROM tenant WHERE tenant_id = $1")

    async def test_order_of_arrival_does_not_matter(self, city: City) -> None:
        late = city.event()
        city.clock.advance(60)
        await city.record(2)
        await city.ledger.chain_records([late])
        rows = await city.rows()
        assert rows[2].entry.event_id == late.event_id
        assert rows[2].entry.occurred_at < rows[0].entry.occurred_at < rows[2].entry.recorded_at
        assert (await city.verify()).is_right

    async def test_recorded_time_stays_when_the_clock_jumps_back(self, city: City) -> None:
        await city.record(2)
        city.clock.advance(timedelta(hours=-1))
        await city.record(2)
        times = [row.entry.recorded_at for row in await city.rows()]
        assert times == sorted(times)
        assert (await city.verify()).is_right

    async def test_writers_side_by_side_do_not_fork_the_chain(self, city: City) -> None:
        """Two processes, several cities, hundreds of events, most of them delivered to both, in any order."""
        cities = [new_id() for _ in range(4)]
        events = [city.event(tenant_id) for tenant_id in cities for _ in range(120)]
        chance = random.Random(7)
        writers = []
        for _ in range(6):
            theirs = chance.sample(events, len(events))
            ledger = city.ledger
            batches = [theirs[first : first + 40] for first in range(0, len(theirs), 40)]
            writers.append(_in_turn(ledger.chain_records, batches))
        await asyncio.gather(*writers)
        for tenant_id in cities:
            rows = await city.rows(tenant_id)
            assert [row.entry.seq for row in rows] == list(range(1, 121))
            assert {row.entry.event_id for row in rows} == {each.event_id for each in events if each.tenant_id == tenant_id}
            assert (await city.verification.verify(tenant_id)).is_right

    async def test_a_batch_that_fails_leaves_nothing(self, city: City) -> None:
        events = await city.record(3)
        broken = city.event().model_copy(update={"correlation_id": None})
        with pytest.raises(Exception, match="correlation_id"):
            await city.ledger.chain_records([city.event(), broken])
        again = city.event()
        await city.ledger.chain_records([again])
        assert [row.entry.event_id for row in await city.rows()] == [*(each.event_id for each in events), again.event_id]

    async def test_the_month_that_begins_has_room(self, city: City) -> None:
        for _ in range(3):
            await city.record(1)
            city.clock.advance(timedelta(days=31))
        assert (await city.verify()).is_right


async def _in_turn(work: Callable[..., Any], batches: list[Any]) -> None:
    for batch in batches:
        await work(batch)


# --- nobody changes it -------------------------------------------------------------------------------------------------

CHANGES = [
    "UPDATE {table} SET hash = 'x'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "UPDATE {table} SET hash = 'x' WHERE false",
]
TABLES = ["audit_entry", "audit_anchor"]


class TestAppendOnly:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_service_may_not(self, city: City, table: str, change: str) -> None:
        await city.record(1)
        await city.seal()
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with city.db.uow(city.tenant_id) as work:
                await work.session.execute(text(change.format(table=table)))

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_owner_may_not(self, city: City, table: str, change: str) -> None:
        """By the table or by its partition: a trigger says no to who has every right."""
        await city.record(1)
        await city.seal()
        partitions = await _partitions(city, table)
        assert partitions
        for name in (table, *partitions):
            async with _as_owner(city) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await connection.execute(change.format(table=name))

    @pytest.mark.parametrize("table", TABLES)
    async def test_a_partition_is_nobodys(self, city: City, table: str) -> None:
        """A grant there would show other cities' rows."""
        await city.record(1)
        await city.seal()
        for partition in await _partitions(city, table):
            for statement in (
                f"SELECT * FROM {partition}",
                f"INSERT INTO {partition} SELECT * FROM {partition}",
                f"DELETE FROM {partition}",
            ):
                with pytest.raises(ProgrammingError, match="permission denied"):
                    async with city.db.uow(city.tenant_id) as work:
                        await work.session.execute(text(statement.format(partition)))

    async def test_heads_are_moved_and_never_removed(self, city: City) -> None:
        await city.record(1)
        for statement in ("DELETE FROM audit_head", "TRUNCATE audit_head"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                async with city.db.uow(city.tenant_id) as work:
                    await work.session.execute(text(statement))

    @pytest.mark.parametrize("table", ["audit_entry", "audit_anchor", "audit_head", "audit_copy_owed"])
    async def test_another_city_sees_nothing(self, city: City, table: str) -> None:
        """Without any filter of our own."""
        await city.record(2)
        async with city.db.uow(city.tenant_id) as work:
            anchor = "INSERT INTO audit_anchor VALUES (:t, 2, 'seal', :at, 'x', 'x', 'x')"
            await work.session.execute(text(anchor), {"t": city.tenant_id, "at": START})
            await work.session.execute(text("INSERT INTO audit_copy_owed VALUES (:t, 2, 'seal', :at)"), {"t": city.tenant_id, "at": START})
        for tenant_id, seen in ((city.tenant_id, True), (new_id(), False), (None, False)):
            async with city.db.uow(tenant_id) as work:
                found = (await work.session.execute(text(f"SELECT tenant_id FROM {table}"))).scalars().all()
                assert set(found) == ({city.tenant_id} if seen else set())

    async def test_nobody_writes_into_another_citys_ledger(self, city: City) -> None:
        await city.record(1)
        victim, (row,) = city.tenant_id, await city.rows()
        entry = {
            **{name: getattr(row.entry, name) for name in FIELDS},
            "seq": 2,
            "prev_hash": row.hash,
            "hash": "x",
            "mac": "x",
            "mac_kid": "x",
        }
        anchor = {"tenant_id": victim, "seq": 1, "kind": "cut", "anchored_at": START, "hash": "x", "kid": "x", "signature": "x"}
        head = {"tenant_id": victim, "seq": 0, "hash": "x", "recorded_at": START}
        for statement in (insert(audit_entry).values(entry), insert(audit_anchor).values(anchor), insert(audit_head).values(head)):
            with pytest.raises(ProgrammingError, match="row-level security"):
                async with city.db.uow(new_id()) as work:
                    await work.session.execute(statement)


async def _partitions(city: City, table: str) -> list[str]:
    async with city.intruder() as connection:
        rows = await connection.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass", table
        )
        return [row["relname"] for row in rows]


class _as_owner:  # noqa: N801 - reads as a function
    """A connection that acts as the schema's owner, as a migration does."""

    def __init__(self, city: City) -> None:
        self._city = city

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        self._connection = await self._city.postgres.connect(self._city.database)
        await self._connection.execute("SET ROLE identity_owner; SET search_path = identity")
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


# --- searching ---------------------------------------------------------------------------------------------------------


class TestSearching:
    async def test_filters(self, city: City) -> None:
        actor, camera = new_id(), new_id()
        wanted = city.event(
            action="live.viewed",
            actor_id=actor,
            object_kind="camera",
            object_id="x1",
            purpose="patrol",
            address="203.0.113.7",
            outcome="refused",
        ).model_copy(update={"camera_id": camera})
        city.clock.advance(60)
        await city.ledger.chain_records([wanted, *(city.event() for _ in range(5))])
        for sought in (
            Sought(actions=("live.viewed", "hold.placed")),
            Sought(actor_id=actor),
            Sought(camera_id=camera),
            Sought(object_kind="camera", object_id="x1"),
            Sought(outcome="refused"),
            Sought(correlation_id=wanted.correlation_id),
            Sought(address="203.0.113.7"),
            Sought(purpose="patrol"),
            Sought(since=START, until=START + timedelta(seconds=1)),
        ):
            async with city.db.uow(city.tenant_id) as work:
                found = await SqlLedger(work).newest(sought, None, 10)
            assert [row.entry.event_id for row in found] == [wanted.event_id], sought

    async def test_pages_are_whole_and_in_order(self, city: City) -> None:
        events = await city.record(25)
        seen, before = [], None
        while True:
            async with city.db.uow(city.tenant_id) as work:
                page = await SqlLedger(work).newest(Sought(), before, 10)
            seen += [row.entry.event_id for row in page]
            if not page:
                break
            before = (page[-1].entry.occurred_at, page[-1].entry.seq)
        assert seen == [each.event_id for each in reversed(events)]


# --- sealing and dropping ----------------------------------------------------------------------------------------------


class TestSealing:
    async def test_what_grew_is_anchored_once(self, city: City) -> None:
        await city.seal()
        await city.record(3)
        assert await city.seal() == 1
        assert await city.seal() == 0
        report = await city.verify()
        assert report.is_right
        assert report.last_anchor is not None
        assert (report.last_anchor.seq, report.unanchored, report.copies) == (3, 0, 1)
        copy = json.loads((city.objects / report.last_anchor.object_key).read_text())
        assert (copy["seq"], copy["hash"], copy["public_key"]) == (3, (await city.rows())[2].hash, city.keys.public_key("a1"))

    async def test_processes_side_by_side_make_one_anchor(self, city: City) -> None:
        await city.seal()
        await city.record(3)
        assert sum(await asyncio.gather(*(city.seal() for _ in range(4)))) == 1
        assert (await city.verify()).is_right

    async def test_rows_behind_the_anchor_are_told(self, city: City) -> None:
        await city.record(3)
        await city.seal()
        await city.record(2)
        assert (await city.verify()).unanchored == 2

    async def test_a_copy_is_owed_until_object_storage_takes_it(self, city: City) -> None:
        await city.record(3)
        folder = city.objects / "audit"
        folder.write_text("no folder: every write below fails")
        assert await city.seal() >= 1
        assert (await city.verify_rows()).is_right
        folder.unlink()
        await city.seal()
        report = await city.verify()
        assert report.is_right
        assert report.copies == 1

    async def test_old_months_are_dropped_and_the_rest_still_stands(self, city: City) -> None:
        """A cut says who dropped what; it is on record, and whoever has only the database cannot make one."""
        await city.record(5)
        await city.seal()
        city.clock.advance(timedelta(days=40))
        await city.record(3)
        await city.seal()
        city.clock.advance(timedelta(days=1_826 - 5))
        await city.record(2)
        assert await city.sealing.drop_expired(city.keys) > 0
        assert await city.sealing.drop_expired(city.keys) == 0
        assert [row.entry.seq for row in await city.rows()] == [6, 7, 8, 9, 10]
        await city.seal()
        report = await city.verify()
        assert (report.is_right, report.first, report.rows) == (True, 6, 5)
        async with city.db.uow(None) as work:
            bodies = await work.session.execute(text("SELECT body FROM outbox WHERE tenant_id = :t"), {"t": city.tenant_id})
            (event,) = [parse(AuditRecorded, row.body.encode()) for row in bodies]
        assert (event.data.action, event.data.details["through_seq"]) == ("audit.expired", "5")

    async def test_a_cut_of_a_months_last_night_is_kept_for_the_next_months_first_entry(self, city: City) -> None:
        await city.record(5)
        await city.seal()
        city.clock.advance(datetime(2031, 4, 30, 23, 59, 59, tzinfo=UTC) - city.clock.now())
        await city.sealing.make_months()
        assert await city.sealing.drop_expired(city.keys) > 0
        city.clock.advance(5)
        await city.record(1)
        city.clock.advance(datetime(2036, 5, 2, tzinfo=UTC) - city.clock.now())
        await city.sealing.make_months()
        await city.sealing.drop_expired(city.keys)
        report = await city.verify_rows()
        assert (report.is_right, report.first, report.rows) == (True, 6, 1)

    async def test_dropping_without_a_signature_is_noticed(self, city: City) -> None:
        await city.record(5)
        await city.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq < 3")
        await city.tamper(
            "INSERT INTO audit_anchor SELECT tenant_id, seq - 1, 'cut', recorded_at, prev_hash, 'a1', repeat('0', 128) "
            "FROM audit_entry WHERE tenant_id = $1 AND seq = 3"
        )
        assert await city.found() == (Wrong.MISSING, 1)

    async def test_a_crash_between_signing_and_dropping_changes_nothing(self, city: City) -> None:
        await city.record(5)
        city.clock.advance(timedelta(days=1_900))
        await city.record(1)

        class Crashing(SqlAuditUpkeep):
            async def drop_before(self, month: Any) -> int:
                raise RuntimeError

        sealing = city.sealing
        sealing._upkeep = Crashing(city.db.uow)
        with pytest.raises(RuntimeError):
            await sealing.drop_expired(city.keys)
        assert (await city.verify()).rows == 6
        assert await city.sealing.drop_expired(city.keys) > 0
        report = await city.verify()
        assert (report.is_right, report.rows, report.first) == (True, 1, 6)

    async def test_the_longest_retention_of_any_city_counts(self, city: City) -> None:
        upkeep = SqlAuditUpkeep(city.db.uow)
        assert await upkeep.longest_retention_days(1_826) == 1_826
        async with city.intruder() as connection:
            for days in (400, 3_000):
                settings = json.dumps({"retention": {"audit_days": days}})
                await connection.execute(
                    "INSERT INTO tenant (tenant_id, name, revision, created_at, settings) VALUES ($1, $2, 1, now(), $3)",
                    *(new_id(), f"c{days}", settings),
                )
            assert await upkeep.longest_retention_days(1_826) == 3_000
            await connection.execute("DELETE FROM tenant WHERE name = 'c3000'")
        assert await upkeep.longest_retention_days(1_826) == 400
