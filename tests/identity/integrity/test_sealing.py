"""What was chained is sealed by anchors, copied to object storage, and dropped when its time is over."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.identity.ledger.ledgers import City

from chassis.envelope import parse
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.time import SystemClock
from identity.integrity.domain import Wrong
from identity.ledger.repository import PostgresUpkeep

pytestmark = pytest.mark.db


def begin(city: City, at: datetime) -> None:
    """Five years ago and more: what drops months looks at the database's own clock too."""
    city.clock.advance(at - city.clock.now())


class TestSealing:
    async def test_what_grew_is_anchored_once(self, city: City) -> None:
        await city.seal()
        await city.record(3)
        assert await city.seal() == 1
        assert await city.seal() == 0
        report = await city.verify()
        assert report.right
        assert report.last_anchor is not None
        assert (report.last_anchor.seq, report.unanchored, report.copies) == (3, 0, 1)
        copy = json.loads((city.objects / report.last_anchor.object_key).read_text())
        assert (copy["seq"], copy["hash"], copy["public_key"]) == (3, (await city.rows())[2].hash, city.keys.public_key("a1"))

    async def test_processes_side_by_side_make_one_anchor(self, city: City) -> None:
        await city.seal()
        await city.record(3)
        assert sum(await asyncio.gather(*(city.seal() for _ in range(4)))) == 1
        assert (await city.verify()).right

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
        assert (await city.verify_rows()).right
        folder.unlink()
        await city.seal()
        report = await city.verify()
        assert report.right
        assert report.copies == 1

    async def test_old_months_are_dropped_and_the_rest_still_stands(self, city: City) -> None:
        """A cut says who dropped what; it is on record, and whoever has only the database cannot make one."""
        begin(city, SystemClock().now() - timedelta(days=40 + 1_826 - 5))
        await city.record(5)
        await city.seal()
        city.clock.advance(timedelta(days=40))
        await city.record(3)
        await city.seal()
        city.clock.advance(timedelta(days=1_826 - 5))
        await city.record(2)
        assert await city.sealing.drop_expired() > 0
        assert await city.sealing.drop_expired() == 0
        assert [row.entry.seq for row in await city.rows()] == [6, 7, 8, 9, 10]
        await city.seal()
        report = await city.verify()
        assert (report.right, report.first, report.rows) == (True, 6, 5)
        async with city.db.uow(None) as work:
            bodies = await work.session.execute(text("SELECT body FROM outbox WHERE tenant_id = :t"), {"t": city.tenant_id})
            (event,) = [parse(AuditRecorded, row.body.encode()) for row in bodies]
        assert (event.data.action, event.data.details["through_seq"]) == ("audit.expired", "5")

    async def test_a_cut_of_a_months_last_night_is_kept_for_the_next_months_first_entry(self, city: City) -> None:
        year = SystemClock().now().year - 7
        begin(city, datetime(year - 5, 3, 4, tzinfo=UTC))
        await city.record(5)
        await city.seal()
        city.clock.advance(datetime(year, 4, 30, 23, 59, 59, tzinfo=UTC) - city.clock.now())
        await PostgresUpkeep(city.db.uow).make_months(city.clock.now().date().replace(day=1), 3)
        assert await city.sealing.drop_expired() > 0
        city.clock.advance(5)
        await city.record(1)
        city.clock.advance(datetime(year + 5, 5, 2, tzinfo=UTC) - city.clock.now())
        await PostgresUpkeep(city.db.uow).make_months(city.clock.now().date().replace(day=1), 3)
        await city.sealing.drop_expired()
        report = await city.verify_rows()
        assert (report.right, report.first, report.rows) == (True, 6, 1)

    async def test_dropping_without_a_signature_is_noticed(self, city: City) -> None:
        await city.record(5)
        await city.tamper("DELETE FROM audit_entry WHERE tenant_id = $1 AND seq < 3")
        await city.tamper(
            "INSERT INTO audit_anchor SELECT tenant_id, seq - 1, 'cut', recorded_at, prev_hash, 'a1', repeat('0', 128) "
            "FROM audit_entry WHERE tenant_id = $1 AND seq = 3"
        )
        assert await city.found() == (Wrong.MISSING, 1)

    async def test_a_crash_between_signing_and_dropping_changes_nothing(self, city: City) -> None:
        begin(city, SystemClock().now() - timedelta(days=1_900))
        await city.record(5)
        city.clock.advance(timedelta(days=1_900))
        await city.record(1)

        class Crashing(PostgresUpkeep):
            async def drop_before(self, month: Any) -> int:
                raise RuntimeError

        sealing = city.sealing
        sealing._upkeep = Crashing(city.db.uow)
        with pytest.raises(RuntimeError):
            await sealing.drop_expired()
        assert (await city.verify()).rows == 6
        assert await city.sealing.drop_expired() > 0
        report = await city.verify()
        assert (report.right, report.rows, report.first) == (True, 1, 6)

    async def test_the_longest_retention_of_any_city_counts(self, city: City) -> None:
        upkeep = PostgresUpkeep(city.db.uow)
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
        assert await upkeep.longest_retention_days(1_826) == 1_826, "never less than five years"
