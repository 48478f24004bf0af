"""Tests of anchors, of their copies in object storage, and of dropping months after the retention."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.identity.ledger.ledgers import TenantLedger

from chassis.envelope import parse
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.time import SystemClock
from identity.integrity.domain import Wrong
from identity.ledger.repository import PostgresUpkeep

pytestmark = pytest.mark.db


def begin(tenant: TenantLedger, at: datetime) -> None:
    """Moves the clock to a time before the retention, as the function that drops months compares with the database's own clock too."""
    tenant.clock.advance(at - tenant.clock.now())


class TestSealing:
    async def test_what_grew_is_anchored_once(self, tenant: TenantLedger) -> None:
        await tenant.seal()
        await tenant.record(3)
        assert await tenant.seal() == 1
        assert await tenant.seal() == 0
        report = await tenant.verify()
        assert report.right
        assert report.last_anchor is not None
        assert (report.last_anchor.seq, report.unanchored, report.copies) == (3, 0, 1)
        copy = json.loads((tenant.objects / report.last_anchor.object_key).read_text())
        assert (copy["seq"], copy["hash"], copy["public_key"]) == (3, (await tenant.rows())[2].hash, tenant.keys.public_key("a1"))

    async def test_processes_side_by_side_make_one_anchor(self, tenant: TenantLedger) -> None:
        await tenant.seal()
        await tenant.record(3)
        assert sum(await asyncio.gather(*(tenant.seal() for _ in range(4)))) == 1
        assert (await tenant.verify()).right

    async def test_rows_behind_the_anchor_are_told(self, tenant: TenantLedger) -> None:
        await tenant.record(3)
        await tenant.seal()
        await tenant.record(2)
        assert (await tenant.verify()).unanchored == 2

    async def test_a_copy_is_owed_until_object_storage_takes_it(self, tenant: TenantLedger) -> None:
        await tenant.record(3)
        folder = tenant.objects / "audit"
        folder.write_text("no folder: every write below fails")
        assert await tenant.seal() >= 1
        assert (await tenant.verify_rows()).right
        folder.unlink()
        await tenant.seal()
        report = await tenant.verify()
        assert report.right
        assert report.copies == 1

    async def test_old_months_are_dropped_and_the_rest_still_stands(self, tenant: TenantLedger) -> None:
        """A cut names the rows that retention dropped. It is on record, and cannot be made without the key."""
        begin(tenant, SystemClock().now() - timedelta(days=40 + 1_826 - 5))
        await tenant.record(5)
        await tenant.seal()
        tenant.clock.advance(timedelta(days=40))
        await tenant.record(3)
        await tenant.seal()
        tenant.clock.advance(timedelta(days=1_826 - 5))
        await tenant.record(2)
        assert await tenant.sealing.drop_expired() > 0
        assert await tenant.sealing.drop_expired() == 0
        assert [row.entry.seq for row in await tenant.rows()] == [6, 7, 8, 9, 10]
        await tenant.seal()
        report = await tenant.verify()
        assert (report.right, report.first, report.rows) == (True, 6, 5)
        async with tenant.db.uow(None) as uow:
            bodies = await uow.session.execute(text("SELECT body FROM outbox WHERE tenant_id = :t"), {"t": tenant.tenant_id})
            (event,) = [parse(AuditRecorded, row.body.encode()) for row in bodies]
        assert (event.data.action, event.data.details["through_seq"]) == ("audit.expired", "5")

    async def test_a_cut_of_a_months_last_night_is_kept_for_the_next_months_first_entry(self, tenant: TenantLedger) -> None:
        year = SystemClock().now().year - 7
        begin(tenant, datetime(year - 5, 3, 4, tzinfo=UTC))
        await tenant.record(5)
        await tenant.seal()
        tenant.clock.advance(datetime(year, 4, 30, 23, 59, 59, tzinfo=UTC) - tenant.clock.now())
        await PostgresUpkeep(tenant.db.uow).make_months(tenant.clock.now().date().replace(day=1), 3)
        assert await tenant.sealing.drop_expired() > 0
        tenant.clock.advance(5)
        await tenant.record(1)
        tenant.clock.advance(datetime(year + 5, 5, 2, tzinfo=UTC) - tenant.clock.now())
        await PostgresUpkeep(tenant.db.uow).make_months(tenant.clock.now().date().replace(day=1), 3)
        await tenant.sealing.drop_expired()
        report = await tenant.verify_rows()
        assert (report.right, report.first, report.rows) == (True, 6, 1)

    async def test_dropping_without_a_signature_is_noticed(self, tenant: TenantLedger) -> None:
        await tenant.record(5)
        await tenant.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq < 3")
        await tenant.tamper(
            "INSERT INTO audit_anchor SELECT tenant_id, seq - 1, 'cut', recorded_at, prev_hash, 'a1', repeat('0', 128) "
            "FROM audit_entry WHERE tenant_id = $1 AND seq = 3"
        )
        assert await tenant.found() == (Wrong.MISSING, 1)

    async def test_a_crash_between_signing_and_dropping_changes_nothing(self, tenant: TenantLedger) -> None:
        begin(tenant, SystemClock().now() - timedelta(days=1_900))
        await tenant.record(5)
        tenant.clock.advance(timedelta(days=1_900))
        await tenant.record(1)

        class Crashing(PostgresUpkeep):
            async def drop_before(self, month: Any) -> int:
                raise RuntimeError

        sealing = tenant.sealing
        sealing._upkeep = Crashing(tenant.db.uow)
        with pytest.raises(RuntimeError):
            await sealing.drop_expired()
        assert (await tenant.verify()).rows == 6
        assert await tenant.sealing.drop_expired() > 0
        report = await tenant.verify()
        assert (report.right, report.rows, report.first) == (True, 1, 6)

    async def test_the_longest_retention_of_any_tenant_counts(self, tenant: TenantLedger) -> None:
        upkeep = PostgresUpkeep(tenant.db.uow)
        assert await upkeep.longest_retention_days(1_826) == 1_826
        async with tenant.intruder() as connection:
            for days in (400, 3_000):
                settings = json.dumps({"retention": {"audit_days": days}})
                await connection.execute(
                    "INSERT INTO tenant (tenant_id, name, revision, created_at, settings) VALUES ($1, $2, 1, now(), $3)",
                    *(new_id(), f"c{days}", settings),
                )
            assert await upkeep.longest_retention_days(1_826) == 3_000
            await connection.execute("DELETE FROM tenant WHERE name = 'c3000'")
        assert await upkeep.longest_retention_days(1_826) == 1_826, "never less than five years"
