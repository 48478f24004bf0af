"""Tests of what ingest deletes, on a real database and a real folder of pictures, with two cities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.city.trusting import trusting
from tests.fixtures.plugin import DatabaseFor
from tests.ingest.making import detection

from chassis.db import Database
from chassis.envelope import wrap
from chassis.fakes import FakeLive
from chassis.settings import ObjectsSettings
from chassis.storage import ObjectStore, object_key
from city.cameras import CameraEvents
from city.trusted_time import TrustedTime
from gtvision.events import CameraRegistered, HoldLifted, HoldPlaced
from gtvision.ids import new_id
from gtvision.tenancy import Retention as RetentionSettings
from gtvision.tenancy import TenantSettings
from gtvision.time import FakeClock, SystemClock
from ingest.detections.domain import Search
from ingest.detections.repository import PostgresDetections
from ingest.detections.usecases import Detections
from ingest.grabbing.domain import CameraBook
from ingest.grabbing.repository import camera_copy
from ingest.retention.consumers import HoldEvents
from ingest.retention.repository import PostgresHolds
from ingest.retention.usecases import Retention

pytestmark = pytest.mark.db

NOW = SystemClock().now().astimezone(UTC)
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0)
ALL = timedelta(days=3_000)


class Case:
    """Two cities that no other test knows, with a camera each."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.db, self.folder, self.clock = db, folder, FakeClock(NOW)
        self.objects = ObjectStore(ObjectsSettings(url=f"file://{folder}"))
        self.settings: dict[UUID, TenantSettings] = {}
        self.retention = Retention(
            *(db.uow, PostgresHolds, PostgresDetections, self.objects),
            settings=self.settings.get,
            trusted_now=trusting(self.clock),
            most_days=30,
        )
        self.events = HoldEvents(self.retention)
        self.city, self.town, self.camera, self.other = new_id(), new_id(), new_id(), new_id()

    async def register(self) -> None:
        for tenant, camera in ((self.city, self.camera), (self.town, self.other)):
            data = CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="")
            await CameraEvents(self.db.uow, camera_copy).on_camera_registered(wrap(data, tenant_id=tenant, occurred_at=NOW))

    def keep(self, tenant: UUID, **days: int) -> None:
        self.settings[tenant] = TenantSettings(retention=RetentionSettings(**days))

    async def store(self, tenant: UUID, camera: UUID, ago: int, plate: str | None = None) -> None:
        """Stores a row of noon, so many days ago."""
        at = NOON - timedelta(days=ago)
        async with self.db.uow(None) as uow:
            await PostgresDetections(uow).make_days([at.date()])
        async with self.db.uow(tenant) as uow:
            await PostgresDetections(uow).add([detection(at, camera, plate)], NOW)

    async def stored(self, tenant: UUID) -> list[tuple[int, str | None]]:
        """How many days ago, and which plate, newest first."""
        async with self.db.uow(tenant) as uow:
            rows = await PostgresDetections(uow).newest(Search(limit=1_000))
        return [((NOON - row.captured_at).days, row.seen.plate.text if row.seen.plate else None) for row in rows]

    async def take(self, tenant: UUID, camera: UUID, ago: int, hour: int = 12) -> Path:
        """Stores a picture of so many days ago, as ai-detect names it."""
        at = (NOON - timedelta(days=ago)).replace(hour=hour)
        key = object_key("evidence", tenant, camera, at, f"{at:%H%M%S%f}.jpg")
        await self.objects.put(key, b"jpeg")
        return self.folder / key

    def placed(self, tenant: UUID, camera: UUID | None, since: datetime, until: datetime, ends: datetime | None = None) -> HoldPlaced:
        return HoldPlaced(hold_id=new_id(), camera_id=camera, range_from=since, range_to=until, until=ends)

    async def hold(self, tenant: UUID, camera: UUID | None, since: datetime, until: datetime, ends: datetime | None = None) -> HoldPlaced:
        placed = self.placed(tenant, camera, since, until, ends)
        await self.events.on_hold_placed(wrap(placed, tenant_id=tenant, occurred_at=NOW))
        return placed

    async def lift(self, tenant: UUID, placed: HoldPlaced) -> None:
        lifted = HoldLifted(**placed.model_dump(), lifted_at=NOW)
        await self.events.on_hold_lifted(wrap(lifted, tenant_id=tenant, occurred_at=NOW))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("ingest"), SystemClock()) as database:
        yield database


@pytest.fixture
async def case(db: Database, tmp_path: Path) -> AsyncIterator[Case]:
    made = Case(db, tmp_path)
    await made.register()
    yield made
    for tenant in (made.city, made.town):
        async with db.uow(tenant) as uow:
            await uow.session.execute(text("UPDATE known_holds SET lifted_at = now() WHERE lifted_at IS NULL"))


async def test_rows_go_by_the_days_of_their_city(case: Case) -> None:
    for tenant, camera in ((case.city, case.camera), (case.town, case.other)):
        for ago in (31, 30, 20, 10, 9, 1):
            await case.store(tenant, camera, ago, "ABC1D23")
            await case.store(tenant, camera, ago)
    case.keep(case.city, detections_days=9, passages_days=15)
    await case.retention.delete_rows()
    read = "ABC1D23"
    assert set(await case.stored(case.city)) == {(1, read), (1, None), (9, read), (9, None), (10, read)}
    assert {ago for ago, _ in await case.stored(case.town)} == {30, 20, 10, 9, 1}, "as long as the installation keeps them"


async def test_many_rows_go_in_batches(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.retention.usecases._ROWS_AT_ONCE", 3)
    for _ in range(10):
        await case.store(case.city, case.camera, 20)
    case.keep(case.city, detections_days=5)
    await case.retention.delete_rows()
    assert await case.stored(case.city) == []


async def test_a_hold_keeps_rows_and_their_partitions(case: Case) -> None:
    for ago in (40, 35, 33, 20):
        await case.store(case.city, case.camera, ago)
        await case.store(case.town, case.other, ago)
    case.keep(case.city, detections_days=5)
    placed = await case.hold(case.city, case.camera, NOON - timedelta(days=35), NOON - timedelta(days=33))
    assert await case.retention.oldest_kept_day() == (NOON - timedelta(days=35)).date()
    await case.retention.delete_rows()
    assert [ago for ago, _ in await case.stored(case.city)] == [33, 35]
    assert [ago for ago, _ in await case.stored(case.town)] == [20], "their partitions stay, and not what others have in them"
    await case.lift(case.city, placed)
    assert await case.retention.oldest_kept_day() == (NOON - timedelta(days=30)).date()
    await case.retention.delete_rows()
    assert await case.stored(case.city) == []


async def test_partitions_are_dropped_up_to_the_first_held_day(case: Case) -> None:
    detections = Detections(
        case.db.uow,
        PostgresDetections,
        CameraBook(),
        FakeLive(),
        case.objects,
        case.clock,
        timedelta(days=30),
        lambda picture, _: picture,
        case.retention.oldest_kept_day,
    )
    for ago in (50, 45, 40):
        await case.store(case.city, case.camera, ago)
    placed = await case.hold(case.city, case.camera, NOON - timedelta(days=45), NOON - timedelta(days=44))
    await detections.keep_partitions()
    assert [ago for ago, _ in await case.stored(case.city)] == [40, 45]
    await case.lift(case.city, placed)
    await detections.keep_partitions()
    assert await case.stored(case.city) == []


async def test_pictures_go_by_day_and_a_held_one_stays(case: Case) -> None:
    case.keep(case.city, evidence_days=10)
    old, eleven, ten = [await case.take(case.city, case.camera, ago) for ago in (40, 11, 10)]
    morning = await case.take(case.city, case.camera, 40, hour=6)
    unknown = await case.take(case.town, case.other, 400)
    before_noon = NOON - timedelta(days=40, hours=1)
    placed = await case.hold(case.city, None, before_noon, before_noon + timedelta(hours=2))
    await case.retention.delete_pictures()
    assert [path.exists() for path in (old, morning, eleven, ten)] == [True, False, False, True]
    assert unknown.exists(), "nothing is known of that city"
    assert not eleven.parent.exists(), "no empty folders are left to be looked through"
    await case.lift(case.city, placed)
    await case.retention.delete_pictures()
    assert not old.exists()


async def test_a_hold_of_another_camera_or_city_keeps_nothing(case: Case) -> None:
    case.keep(case.city, evidence_days=10)
    picture = await case.take(case.city, case.camera, 40)
    await case.hold(case.city, new_id(), NOW - ALL, NOW)
    await case.hold(case.town, None, NOW - ALL, NOW)
    await case.retention.delete_pictures()
    assert not picture.exists()


async def test_a_hold_ends_by_itself(case: Case) -> None:
    case.keep(case.city, evidence_days=10)
    picture = await case.take(case.city, case.camera, 40)
    await case.hold(case.city, case.camera, NOW - ALL, NOW, NOW + timedelta(hours=1))
    await case.retention.delete_pictures()
    assert picture.exists()
    case.clock.advance(timedelta(hours=1))
    await case.retention.delete_pictures()
    assert not picture.exists()


async def test_a_clock_that_jumps_makes_nothing_too_old(case: Case) -> None:
    case.retention._trusted_now = TrustedTime(case.db.uow, case.clock).now
    case.keep(case.city, detections_days=30, passages_days=30, evidence_days=30)
    await case.store(case.city, case.camera, 20, "ABC1D23")
    pictures = [await case.take(case.city, case.camera, ago) for ago in (20, 31)]
    held = await case.take(case.city, case.camera, 40)
    ends = NOW + timedelta(days=30)
    await case.hold(case.city, case.camera, NOON - timedelta(days=41), NOON - timedelta(days=39), ends)
    case.clock.jump(timedelta(days=365))
    await case.retention.delete_rows()
    await case.retention.delete_pictures()
    assert await case.stored(case.city) == [(20, "ABC1D23")]
    assert [path.exists() for path in (*pictures, held)] == [True, False, True]
    assert await case.retention.oldest_kept_day() == (NOON - timedelta(days=41)).date()


async def test_events_come_twice_and_in_any_order(case: Case) -> None:
    case.keep(case.city, evidence_days=10)
    picture = await case.take(case.city, case.camera, 40)
    placed = case.placed(case.city, case.camera, NOW - ALL, NOW)
    event = wrap(placed, tenant_id=case.city, occurred_at=NOW)
    for _ in range(2):
        await case.events.on_hold_placed(event)
    await case.retention.delete_pictures()
    assert picture.exists()
    late = case.placed(case.city, None, NOW - ALL, NOW)
    for each in (placed, late, late):
        await case.lift(case.city, each)
    await case.events.on_hold_placed(wrap(late, tenant_id=case.city, occurred_at=NOW))
    await case.retention.delete_pictures()
    assert not picture.exists()


async def test_a_hold_that_comes_while_pictures_go_is_kept_to(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.keep(case.city, evidence_days=10)
    first, later = [await case.take(case.city, case.camera, ago) for ago in (40, 20)]
    delete = case.objects.delete

    async def held_meanwhile(key: str) -> None:
        await delete(key)
        await case.hold(case.city, case.camera, NOON - timedelta(days=21), NOON)

    monkeypatch.setattr(case.objects, "delete", held_meanwhile)
    await case.retention.delete_pictures()
    assert (first.exists(), later.exists()) == (False, True)


async def test_a_hold_that_comes_while_rows_go_is_kept_to(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.retention.usecases._ROWS_AT_ONCE", 1)
    for _ in range(5):
        await case.store(case.city, case.camera, 20)
    case.keep(case.city, detections_days=5)
    delete = PostgresDetections.delete_before

    async def held_meanwhile(rows: PostgresDetections, *asked: Any, **options: Any) -> int:
        gone = await delete(rows, *asked, **options)
        if gone:
            await case.hold(case.city, case.camera, NOON - ALL, NOON)
        return gone

    monkeypatch.setattr(PostgresDetections, "delete_before", held_meanwhile)
    await case.retention.delete_rows()
    assert len(await case.stored(case.city)) == 4
