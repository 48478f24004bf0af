"""Tests on PostgreSQL: partitions, row-level security, bulk insert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.fixtures.databases import metadata_differences
from tests.fixtures.plugin import DatabaseFor
from tests.ingest.making import detection

from chassis.db import Database
from gtvision.geometry import Box
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.detections.domain import PlateMatch, PlateSearch, Search, Window
from ingest.detections.repository import PostgresDetections
from ingest.detections.tables import metadata as detections_metadata
from ingest.grabbing.tables import metadata as grabbing_metadata
from ingest.retention.tables import metadata as retention_metadata

pytestmark = pytest.mark.db

CLOCK = SystemClock()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("ingest"), CLOCK) as database:
        window = Window.around(CLOCK.now(), timedelta(days=3))
        async with database.uow(None) as uow:
            await PostgresDetections(uow).make_days(window.days())
        yield database


async def _add(db: Database, tenant_id: UUID, *rows: object) -> set[UUID]:
    async with db.uow(tenant_id) as uow:
        return await PostgresDetections(uow).add(list(rows), CLOCK.now())  # type: ignore[arg-type]


class TestDetections:
    async def test_a_row_comes_back_as_it_went(self, db: Database) -> None:
        tenant, row = new_id(), detection(CLOCK.now(), plate="ABC1D23", alternates=[("ABC1023", 0.25)])
        assert await _add(db, tenant, row) == {row.detection_id}
        async with db.uow(tenant) as uow:
            found = await PostgresDetections(uow).find(row.detection_id, row.captured_at)
        assert found is not None
        assert found.seen == row.seen
        assert (found.camera_id, found.evidence_key, found.clock_skew_ms) == (row.camera_id, row.evidence_key, row.clock_skew_ms)

    async def test_a_box_too_narrow_for_a_real_number_still_reads(self, db: Database) -> None:
        tenant, row = new_id(), detection(CLOCK.now())
        narrow = Box(x1=0.9999999, y1=0.5, x2=1.0, y2=0.50000001)
        await _add(db, tenant, replace(row, seen=row.seen.model_copy(update={"box": narrow})))
        async with db.uow(tenant) as uow:
            [found] = await PostgresDetections(uow).newest(Search(limit=10))
        assert found.detection_id == row.detection_id

    async def test_the_same_row_again_is_not_new(self, db: Database) -> None:
        tenant, row = new_id(), detection(CLOCK.now())
        await _add(db, tenant, row)
        other = detection(CLOCK.now())
        assert await _add(db, tenant, row, other) == {other.detection_id}

    async def test_another_tenant_sees_nothing(self, db: Database) -> None:
        tenant, row = new_id(), detection(CLOCK.now(), plate="ABC1234")
        await _add(db, tenant, row)
        async with db.uow(new_id()) as uow:
            assert await PostgresDetections(uow).find(row.detection_id, row.captured_at) is None
            assert await PostgresDetections(uow).newest(Search(limit=10, plate=PlateSearch("ABC1234"))) == []

    async def test_partitions_cannot_be_read_by_name(self, db: Database) -> None:
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with db.uow(new_id()) as uow:
                await uow.session.execute(text(f"SELECT * FROM detections_{CLOCK.now():%Y%m%d}"))

    async def test_newest_first_and_page_by_page(self, db: Database) -> None:
        tenant, camera = new_id(), new_id()
        rows = [detection(CLOCK.now() - timedelta(hours=each * 9), camera) for each in range(7)]
        await _add(db, tenant, *reversed(rows))
        seen: list[UUID] = []
        after = None
        async with db.uow(tenant) as uow:
            while page := await PostgresDetections(uow).newest(Search(limit=3, camera_ids=frozenset({camera}), after=after)):
                seen += [row.detection_id for row in page]
                after = (page[-1].captured_at, page[-1].detection_id)
        assert seen == [row.detection_id for row in rows]

    async def test_a_plate_is_found_in_either_era_or_exactly(self, db: Database) -> None:
        tenant = new_id()
        old, new = detection(CLOCK.now(), plate="ABC1234"), detection(CLOCK.now() - timedelta(minutes=1), plate="ABC1C34")
        await _add(db, tenant, old, new)
        async with db.uow(tenant) as uow:
            both = await PostgresDetections(uow).newest(Search(limit=10, plate=PlateSearch("abc-1c34")))
            one = await PostgresDetections(uow).newest(Search(limit=10, plate=PlateSearch("abc-1c34", PlateMatch.EXACT)))
        assert [row.detection_id for row in both] == [old.detection_id, new.detection_id]
        assert [row.detection_id for row in one] == [new.detection_id]

    async def test_a_plate_is_found_by_its_beginning(self, db: Database) -> None:
        tenant, now = new_id(), CLOCK.now()
        plates = ("ABC1234", "ABC1C34", "ABC1", "ABC2D34", "ABD1234", "AB")
        rows = [detection(now - timedelta(minutes=each), plate=plate) for each, plate in enumerate(plates)]
        await _add(db, tenant, *rows, detection(now))
        async with db.uow(tenant) as uow:
            for beginning, wanted in (("ABC-1", 3), ("abc", 4), ("AB", 6), ("ABC1C34", 1), ("AC", 0)):
                found = await PostgresDetections(uow).newest(Search(limit=10, plate=PlateSearch(beginning, PlateMatch.PREFIX)))
                names = [row.seen.plate.text for row in found if row.seen.plate]
                assert names == [plate for plate in plates if plate.startswith(beginning.upper().replace("-", ""))]
                assert len(found) == wanted

    async def test_reads_leave_out_what_has_no_plate(self, db: Database) -> None:
        tenant, camera, other, now = new_id(), new_id(), new_id(), CLOCK.now()
        read, elsewhere = detection(now, camera, plate="ABC1234"), detection(now - timedelta(hours=30), other, plate="ABC1234")
        await _add(db, tenant, read, elsewhere, detection(now - timedelta(seconds=1), camera))
        async with db.uow(tenant) as uow:
            detections = PostgresDetections(uow)
            for cameras, wanted in (({camera}, [read]), ({camera, other}, [read, elsewhere]), (None, [read, elsewhere])):
                search = Search(limit=10, camera_ids=frozenset(cameras) if cameras else None, plates_only=True)
                assert [row.detection_id for row in await detections.newest(search)] == [row.detection_id for row in wanted]

    @pytest.mark.parametrize(
        ("condition", "index"),
        [
            ("plate_key = 'ABC1234'", "tenant_id_plate_key"),
            ("plate IS NOT NULL AND camera_id = '018f0000-0000-7000-8000-000000000000'", "tenant_id_camera_id_captured_at_idx1"),
        ],
    )
    async def test_the_policy_leaves_a_search_its_index(self, db: Database, condition: str, index: str) -> None:
        async with db.uow(new_id()) as uow:
            await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
            rows = await uow.session.execute(text(f"EXPLAIN SELECT * FROM detections WHERE {condition}"))
            plan = "\n".join(rows.scalars())
        assert index in plan
        assert "Filter" not in plan

    async def test_a_beginning_is_looked_up_in_the_index_of_plates(self, db: Database) -> None:
        tenant, now = new_id(), CLOCK.now()
        await _add(db, tenant, *(detection(now, plate=f"{a}{b}C{each:04}") for a in "AB" for b in "AB" for each in range(1_000)))
        async with db.uow(tenant) as uow:
            rows = await uow.session.execute(text("EXPLAIN SELECT * FROM detections WHERE plate BETWEEN 'ABC0' AND 'ABC0ZZZZZZZZZZZZ'"))
            plan = "\n".join(rows.scalars())
        assert f"detections_{now:%Y%m%d}_tenant_id_plate_captured_at_idx" in plan
        [used] = [line for line in plan.splitlines() if "Index Cond" in line and "ABC0" in line and "tenant_id" in line][:1]
        assert "plate <= 'ABC0Z" in used

    async def test_plates_of_an_hour_are_counted_from_an_index_alone(self, db: Database) -> None:
        tenant = new_id()
        noon = CLOCK.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
        rows = [detection(noon + timedelta(minutes=each), plate="ABC1234") for each in (-1, 0, 59, 60)]
        await _add(db, tenant, *rows, detection(noon))
        async with db.uow(tenant) as uow:
            await uow.session.execute(text("SET LOCAL TimeZone = 'Asia/Kolkata'"))  # hours are those of UTC all the same
            search = Search(limit=0, start=noon, end=noon + timedelta(hours=2), plates_only=True)
            assert await PostgresDetections(uow).count_hours(search) == {noon: 2, noon + timedelta(hours=1): 1}
            await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
            await uow.session.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = await uow.session.execute(
                text("EXPLAIN SELECT count(*) FROM detections WHERE plate IS NOT NULL AND captured_at > now()")
            )
        assert "Index Only Scan" in "\n".join(plan.scalars())

    async def test_old_days_are_dropped_and_making_again_is_harmless(self, db: Database) -> None:
        ancient = [(CLOCK.now() - timedelta(days=back)).date() for back in (40, 39)]
        async with db.uow(None) as uow:
            detections = PostgresDetections(uow)
            assert await detections.make_days(ancient) == 2
            assert await detections.make_days(ancient) == 0
            assert await detections.drop_days_before((CLOCK.now() - timedelta(days=30)).date()) == 2


async def test_tables_in_code_equal_the_migrated_ones(database_for: DatabaseFor) -> None:
    settings = await database_for("ingest")
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        await connection.execute(text("SET ROLE ingest_owner"))
        in_code = [detections_metadata, grabbing_metadata, retention_metadata]
        assert await connection.run_sync(metadata_differences, in_code, "ingest") == []
    await engine.dispose()
