"""Tests of the ledger on real PostgreSQL: one chain for each tenant, also with parallel writers, and searches in it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine
from tests.fixtures.databases import metadata_differences
from tests.identity.ledger.ledgers import START, TenantLedger

from chassis.settings import DatabaseSettings
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import EARLIEST, LATEST
from identity.cities.domain import LimitedToGroups
from identity.integrity.domain import Wrong
from identity.ledger import tables as _ledger_tables  # noqa: F401 - fills the metadata
from identity.ledger.domain.entries import GENESIS, chain_hash
from identity.ledger.domain.searches import Search
from identity.ledger.repository import PostgresLedger
from identity.schema import metadata

pytestmark = pytest.mark.db


async def test_the_tables_are_those_of_the_migration(ledger_settings: DatabaseSettings, tenant: TenantLedger) -> None:
    """Partitions are compared too, which are in no model of the code."""
    await tenant.record(1)
    assert ledger_settings.migration_url is not None
    engine = create_async_engine(ledger_settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        assert await connection.run_sync(metadata_differences, metadata, "identity") == []
    await engine.dispose()


# Any value that `AuditRecorded` accepts, also those that PostgreSQL or a driver would change.
_WORDS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
_TIMES = st.one_of(
    st.none(),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), EARLIEST, LATEST]),
)
_TOLD = st.fixed_dictionaries(
    {
        **dict.fromkeys(("object_kind", "object_id", "purpose", "address", "user_agent", "service", "actor_role"), _WORDS),
        **dict.fromkeys(("range_from", "range_to"), _TIMES),
        "details": st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
            st.one_of(
                st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
                st.sampled_from(["-0", "NaN", "1e400", "\x00", "\ufeff", "e\u0301", "\u202e", "\U0010ffff", "x" * 10_000, "\u2028"]),
            ),
            max_size=5,
        ),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(told=st.lists(_TOLD, min_size=1, max_size=4))
async def test_what_is_hashed_is_what_is_read_back(tenant: TenantLedger, told: list[dict[str, Any]]) -> None:
    """Any accepted record has the same hash after it was stored in PostgreSQL and read back."""
    tenant_id = new_id()
    events = [tenant.event(tenant_id, **each) for each in told]
    await tenant.ledger.add_records(events)
    rows = await tenant.rows(tenant_id)
    given = {each.event_id: each.data for each in events}
    assert given.keys() == {row.entry.event_id for row in rows}
    for entry, data in ((row.entry, given[row.entry.event_id]) for row in rows):
        assert (entry.range_from, entry.range_to, entry.outcome) == (data.range_from, data.range_to, data.outcome)
        assert len(entry.details) == len(data.details) or "\x00" in "".join(data.details)
        assert entry.object_id == (None if data.object_id is None else data.object_id.replace("\x00", "\ufffd"))
    assert [chain_hash(row.prev_hash, row.entry.canonical()) for row in rows] == [row.hash for row in rows]


class TestChaining:
    async def test_entries_say_what_was_recorded(self, tenant: TenantLedger) -> None:
        actor, camera = new_id(), new_id()
        told = tenant.event(actor_id=actor, actor_role="operator", object_kind="camera", details={"ação": "x"}, range_from=START)
        told = told.model_copy(update={"camera_id": camera})
        tenant.clock.advance(3)
        await tenant.ledger.add_records([told])
        (row,) = await tenant.rows()
        entry = row.entry
        assert (entry.seq, entry.event_id, entry.camera_id, entry.actor_id) == (1, told.event_id, camera, actor)
        assert (entry.occurred_at, entry.recorded_at) == (START, START + timedelta(seconds=3))
        assert (entry.details, entry.range_from, entry.correlation_id) == ({"ação": "x"}, START, told.correlation_id)
        assert row.prev_hash == GENESIS
        assert (await tenant.verify()).right

    async def test_names_people_of_the_same_tenant_only(self, tenant: TenantLedger) -> None:
        mine, theirs, key = new_id(), new_id(), new_id()
        async with tenant.intruder() as connection:
            for tenant_id, account_id, email in ((tenant.tenant_id, mine, "ana@a.example"), (new_id(), theirs, "bia@b.example")):
                await connection.execute(
                    "INSERT INTO account (tenant_id, id, email, role, password_hash, created_at) VALUES ($1, $2, $3, 'viewer', 'x', now())",
                    *(tenant_id, account_id, email),
                )
            await connection.execute(
                "INSERT INTO api_key (tenant_id, id, name, role, key_hash, created_at) VALUES ($1, $2, 'radar', 'partner', $3, now())",
                *(tenant.tenant_id, key, str(key)),
            )
        await tenant.ledger.add_records([tenant.event(actor_id=each) for each in (mine, theirs, key)])
        assert {row.entry.actor_id: row.entry.actor_name for row in await tenant.rows()} == {
            mine: "ana@a.example",
            theirs: None,
            key: "radar",
        }

    async def test_a_repeat_is_dropped_within_a_batch_and_across(self, tenant: TenantLedger) -> None:
        events = await tenant.record(5)
        await tenant.ledger.add_records([*events, *events])
        fresh = tenant.event()
        await tenant.ledger.add_records([fresh, events[2], fresh])
        assert [row.entry.seq for row in await tenant.rows()] == [1, 2, 3, 4, 5, 6]
        assert [row.entry.event_id for row in await tenant.rows()] == [*(each.event_id for each in events), fresh.event_id]

    async def test_thousands_are_walked_and_exported_page_by_page(self, tenant: TenantLedger) -> None:
        """No row is lost or doubled between two pages of a verification or an export."""
        await tenant.record(1_203)
        progress: list[tuple[int, int]] = []
        report = await tenant.verification.verify(tenant.tenant_id, progress=lambda rows, seq: progress.append((rows, seq)))
        assert (report.right, report.rows, progress) == (True, 1_203, [(500, 500), (1_000, 1_000), (1_203, 1_203)])
        pages = await tenant.ledger.export(None, tenant.tenant_id, Search(START, START + timedelta(days=1)), "json")
        assert [row.entry.seq async for page in pages for row in page] == list(range(1, 1_204))
        for seq in (500, 501, 1_000):
            await tenant.tamper("UPDATE audit_entry SET seq = -seq WHERE tenant_id = $1 AND seq = $2", seq)
            assert await tenant.found() == (Wrong.INSERTED, -seq)
            await tenant.tamper("UPDATE audit_entry SET seq = -seq WHERE tenant_id = $1 AND seq = -$2::bigint", seq)
            assert await tenant.found() == (None, None)
            await tenant.tamper('UPDATE audit_entry SET details = \'{"x": "y"}\' WHERE tenant_id = $1 AND seq = $2', seq)
            assert await tenant.found() == (Wrong.ALTERED, seq)
            await tenant.tamper("UPDATE audit_entry SET details = '{}' WHERE tenant_id = $1 AND seq = $2", seq)

    async def test_who_is_limited_to_groups_reads_no_ledger(self, tenant: TenantLedger) -> None:
        """The ledger tells of cameras outside of the caller's groups, so a limited caller may not read it."""
        await tenant.record(3)
        who = Caller(tenant.tenant_id, new_id(), Role.AUDITOR, frozenset(), new_id(), frozenset({new_id()}))
        with pytest.raises(LimitedToGroups):
            await tenant.ledger.search(who, Search(), None, 10)
        with pytest.raises(LimitedToGroups):
            await tenant.ledger.export(who, tenant.tenant_id, Search(START, START + timedelta(days=1)), "csv")

    async def test_an_export_does_not_look_through_later_months(self, tenant: TenantLedger) -> None:
        """An export has an entry that arrived long after it occurred, and reads no months after the end of its time span."""
        late = tenant.event()
        await tenant.record(5)
        tenant.clock.advance(timedelta(days=70))
        await tenant.record(2)
        await tenant.ledger.add_records([late])
        await tenant.record(4)
        month = Search(START, START + timedelta(days=30))
        async with tenant.db.uow(tenant.tenant_id) as uow:
            assert await PostgresLedger(uow).last(10**9, month) == 8
            assert await PostgresLedger(uow).last(7, month) == 5
            assert await PostgresLedger(uow).last(10**9, Search(START - timedelta(days=9), START)) == 0
        pages = await tenant.ledger.export(None, tenant.tenant_id, month, "json")
        assert [row.entry.seq async for page in pages for row in page] == [1, 2, 3, 4, 5, 8]

    async def test_what_is_past_the_tenants_retention_is_not_shown(self, tenant: TenantLedger) -> None:
        """Entries past a tenant's retention are hidden, even where the month is kept for another tenant with a longer one."""
        who = Caller(tenant.tenant_id, new_id(), Role.AUDITOR, frozenset(), new_id())
        async with tenant.intruder() as connection:
            await connection.execute(
                "INSERT INTO tenant (tenant_id, name, revision, created_at, settings) VALUES ($1, $2, 1, now(), $3)",
                *(tenant.tenant_id, str(tenant.tenant_id), json.dumps({"retention": {"audit_days": 365}})),
            )
        await tenant.record(3)
        tenant.clock.advance(timedelta(days=366))
        recent = await tenant.record(2)
        found = await tenant.ledger.search(who, Search(), None, 10)
        assert [row.entry.event_id for row in found] == [each.event_id for each in reversed(recent)]
        pages = await tenant.ledger.export(who, tenant.tenant_id, Search(START, START + timedelta(days=366)), "csv")
        assert [row.entry.seq async for page in pages for row in page] == []
        assert (await tenant.verify()).rows == 5
        await tenant.tamper("DELETE FROM tenant WHERE tenant_id = $1")

    async def test_order_of_arrival_does_not_matter(self, tenant: TenantLedger) -> None:
        late = tenant.event()
        tenant.clock.advance(60)
        await tenant.record(2)
        await tenant.ledger.add_records([late])
        rows = await tenant.rows()
        assert rows[2].entry.event_id == late.event_id
        assert rows[2].entry.occurred_at < rows[0].entry.occurred_at < rows[2].entry.recorded_at
        assert (await tenant.verify()).right

    async def test_recorded_time_stays_when_the_clock_jumps_back(self, tenant: TenantLedger) -> None:
        await tenant.record(2)
        tenant.clock.advance(timedelta(hours=-1))
        await tenant.record(2)
        times = [row.entry.recorded_at for row in await tenant.rows()]
        assert times == sorted(times)
        assert (await tenant.verify()).right

    async def test_writers_side_by_side_do_not_fork_the_chain(self, tenant: TenantLedger) -> None:
        """Two processes record hundreds of events of several tenants, most of them delivered to both, in any order."""
        tenants = [new_id() for _ in range(4)]
        events = [tenant.event(tenant_id) for tenant_id in tenants for _ in range(120)]
        chance = random.Random(7)
        writers = []
        for _ in range(6):
            theirs = chance.sample(events, len(events))
            ledger = tenant.ledger
            batches = [theirs[first : first + 40] for first in range(0, len(theirs), 40)]
            writers.append(_in_turn(ledger.add_records, batches))
        await asyncio.gather(*writers)
        for tenant_id in tenants:
            rows = await tenant.rows(tenant_id)
            assert [row.entry.seq for row in rows] == list(range(1, 121))
            assert {row.entry.event_id for row in rows} == {each.event_id for each in events if each.tenant_id == tenant_id}
            assert (await tenant.verification.verify(tenant_id)).right

    async def test_a_batch_that_fails_leaves_nothing(self, tenant: TenantLedger) -> None:
        events = await tenant.record(3)
        broken = tenant.event().model_copy(update={"correlation_id": None})
        with pytest.raises(Exception, match="correlation_id"):
            await tenant.ledger.add_records([tenant.event(), broken])
        again = tenant.event()
        await tenant.ledger.add_records([again])
        assert [row.entry.event_id for row in await tenant.rows()] == [*(each.event_id for each in events), again.event_id]

    async def test_the_month_that_begins_has_room(self, tenant: TenantLedger) -> None:
        for _ in range(3):
            await tenant.record(1)
            tenant.clock.advance(timedelta(days=31))
        assert (await tenant.verify()).right


async def _in_turn(work: Callable[..., Any], batches: list[Any]) -> None:
    for batch in batches:
        await work(batch)


class TestSearching:
    async def test_filters(self, tenant: TenantLedger) -> None:
        actor, camera = new_id(), new_id()
        wanted = tenant.event(
            action="live.viewed",
            actor_id=actor,
            object_kind="camera",
            object_id="x1",
            purpose="patrol",
            address="203.0.113.7",
            outcome="refused",
        ).model_copy(update={"camera_id": camera})
        tenant.clock.advance(60)
        await tenant.ledger.add_records([wanted, *(tenant.event() for _ in range(5))])
        for sought in (
            Search(actions=("live.viewed", "hold.placed")),
            Search(actor_id=actor),
            Search(camera_id=camera),
            Search(object_kind="camera", object_id="x1"),
            Search(outcome="refused"),
            Search(correlation_id=wanted.correlation_id),
            Search(address="203.0.113.7"),
            Search(purpose="patrol"),
            Search(since=START, until=START + timedelta(seconds=1)),
        ):
            async with tenant.db.uow(tenant.tenant_id) as uow:
                found = await PostgresLedger(uow).newest(sought, None, 10)
            assert [row.entry.event_id for row in found] == [wanted.event_id], sought

    async def test_pages_are_whole_and_in_order(self, tenant: TenantLedger) -> None:
        events = await tenant.record(25)
        seen, before = [], None
        while True:
            async with tenant.db.uow(tenant.tenant_id) as uow:
                page = await PostgresLedger(uow).newest(Search(), before, 10)
            seen += [row.entry.event_id for row in page]
            if not page:
                break
            before = (page[-1].entry.occurred_at, page[-1].entry.seq)
        assert seen == [each.event_id for each in reversed(events)]
