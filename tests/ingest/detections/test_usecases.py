"""Detections on a real database: storing, upkeep of their days, and searching within rights."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import text
from tests.fixtures.plugin import DatabaseFor
from tests.ingest.making import frame, seen

from chassis.db import Database
from chassis.envelope import parse
from chassis.fakes import FakeLive
from chassis.settings import DatabaseSettings, ObjectsSettings
from chassis.storage import ObjectStore
from gtvision.camera import AiSettings
from gtvision.errors import NotFound, Unavailable
from gtvision.events import DetectionsStored
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock, SystemClock
from ingest.detections.domain import Detection, PlateSearch, Search
from ingest.detections.repository import PostgresDetections
from ingest.detections.usecases import Detections
from ingest.gateways.opencv_thumbnail import cut_thumbnail
from ingest.grabbing.domain import CameraBook, KnownCamera
from servers import free_port

pytestmark = pytest.mark.db
NOW = SystemClock().now()


class Case:
    """The detections of a tenant that no other test knows."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.clock = FakeClock(NOW)
        self.db = db
        self.live = FakeLive()
        self.book = CameraBook()
        self.book.replace([], self.clock.monotonic())
        self.objects = ObjectStore(ObjectsSettings(url=f"file://{folder}"))
        self.detections = self.kept_for(timedelta(days=30))
        self.tenant_id = new_id()

    def kept_for(self, retention: timedelta) -> Detections:
        async def oldest_kept_day() -> date:
            return (self.clock.now() - retention).date()

        stores = self.db.uow, PostgresDetections, self.book, self.live, self.objects
        return Detections(*stores, self.clock, retention, cut_thumbnail, oldest_kept_day)

    def caller(self, groups: frozenset[UUID] | None = None) -> Caller:
        return Caller(self.tenant_id, new_id(), Role.OPERATOR, frozenset(), new_id(), groups)

    async def rows(self, tenant_id: UUID | None = None) -> list[Detection]:
        async with self.db.uow(tenant_id or self.tenant_id) as uow:
            return await PostgresDetections(uow).newest(Search(limit=1_000))

    async def announced(self, tenant_id: UUID | None = None) -> list[DetectionsStored]:
        query = text("SELECT body FROM outbox WHERE tenant_id = :tenant_id AND key = :key ORDER BY created_at, id")
        async with self.db.uow(None) as uow:
            found = await uow.session.execute(query, {"tenant_id": tenant_id or self.tenant_id, "key": DetectionsStored.key})
            return [parse(DetectionsStored, row.body.encode()).data for row in found]

    async def days(self) -> set[date]:
        query = text("SELECT tablename FROM pg_tables WHERE schemaname = 'ingest' AND tablename LIKE 'detections_2%'")
        async with self.db.uow(None) as uow:
            names = (await uow.session.execute(query)).scalars()
            return {datetime.strptime(name.removeprefix("detections_"), "%Y%m%d").date() for name in names}  # noqa: DTZ007 - a day


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("ingest"), SystemClock()) as database:
        yield database


@pytest.fixture
async def case(db: Database, tmp_path: Path) -> Case:
    return Case(db, tmp_path)


class TestStoring:
    async def test_everything_twice_is_stored_announced_and_shown_once(self, case: Case) -> None:
        events = [frame(NOW, seen("ABC1234"), seen(), tenant_id=case.tenant_id), frame(NOW, tenant_id=case.tenant_id)]
        await case.detections.store_detections([*events, *events])
        await case.detections.store_detections(events)
        assert len(await case.rows()) == 3
        [stored] = await case.announced()
        assert len(stored.detections) == 3
        assert sorted(len(message["objects"]) for _, _, message in case.live.published) == [1, 2]

    async def test_a_row_outside_the_window_is_refused_by_itself(self, case: Case) -> None:
        good = frame(NOW, tenant_id=case.tenant_id)
        bad = [frame(NOW + late, tenant_id=case.tenant_id) for late in (timedelta(hours=1), timedelta(days=-31))]
        await case.detections.store_detections([bad[0], good, bad[1]])
        assert {row.camera_id for row in await case.rows()} == {good.camera_id}

    async def test_tenants_are_kept_apart(self, case: Case) -> None:
        other = new_id()
        await case.detections.store_detections([frame(NOW, tenant_id=case.tenant_id), frame(NOW, tenant_id=other)])
        assert [(len(await case.rows(each)), len(await case.announced(each))) for each in (case.tenant_id, other)] == [(1, 1)] * 2

    async def test_an_announcement_holds_500_at_most(self, case: Case) -> None:
        await case.detections.store_detections([frame(NOW, *[seen()] * 600, tenant_id=case.tenant_id)])
        assert [len(each.detections) for each in await case.announced()] == [500, 100]

    async def test_an_outage_is_told(self, tmp_path: Path) -> None:
        nowhere = DatabaseSettings(url=SecretStr(f"postgresql+asyncpg://nobody:x@127.0.0.1:{free_port()}/x"))
        async with Database(nowhere, SystemClock()) as db:
            case = Case(db, tmp_path)
            with pytest.raises(Unavailable):
                await case.detections.store_detections([frame(NOW)])
        assert case.live.published == []

    async def test_the_live_message_holds_what_was_stored(self, case: Case) -> None:
        event = frame(NOW, seen("ABC1D23", [("ABC1O23", 0.0625)]), tenant_id=case.tenant_id)
        await case.detections.store_detections([event])
        ((tenant, topic, message),) = case.live.published
        assert (tenant, topic) == (case.tenant_id, f"detections:{event.camera_id}")
        (shown,) = message["objects"]
        assert (shown["plate"], shown["box"], shown["plate_confidence"]) == ("ABC1D23", [0.25, 0.25, 0.5, 0.75], 0.875)
        assert shown["plate_alternates"] == [["ABC1O23", 0.0625]]
        assert message["width_px"] == 1280


class TestUpkeep:
    async def test_days_are_made_ahead_and_dropped_behind(self, case: Case) -> None:
        case.clock = FakeClock(NOW - timedelta(days=10))
        detections, first = case.kept_for(timedelta(days=2)), (NOW - timedelta(days=12)).date()
        await detections.keep_partitions()
        kept = {first + timedelta(days=ahead) for ahead in range(5)}
        assert kept <= await case.days()
        assert first + timedelta(days=5) not in await case.days()
        case.clock.advance(timedelta(days=2))
        await detections.keep_partitions()
        days = await case.days()
        assert min(days) == first + timedelta(days=2)
        assert {day + timedelta(days=2) for day in kept} <= days

    async def test_a_day_that_no_upkeep_made_is_made_for_the_first_row(self, case: Case) -> None:
        case.clock.advance(timedelta(days=9))
        assert case.clock.now().date() not in await case.days()
        await case.detections.store_detections([frame(case.clock.now(), tenant_id=case.tenant_id)])
        assert case.clock.now().date() in await case.days()


class TestRights:
    async def test_camera_groups_limit_what_is_found(self, case: Case) -> None:
        events = [frame(NOW, tenant_id=case.tenant_id) for _ in range(3)]
        group = new_id()
        assert events[0].camera_id is not None
        case.book.replace(
            [KnownCamera(case.tenant_id, events[0].camera_id, 1, True, frozenset({group}), AiSettings())], case.clock.monotonic()
        )
        await case.detections.store_detections(events)
        found = await case.detections.list_detections(case.caller(frozenset({group})), Search(limit=10))
        assert {row.camera_id for row in found} == {events[0].camera_id}
        assert await case.detections.list_detections(case.caller(frozenset({new_id()})), Search(limit=10)) == []
        assert len(await case.detections.list_detections(case.caller(), Search(limit=10))) == 3

    async def test_a_camera_of_another_tenant_is_in_no_group(self, case: Case) -> None:
        event, group = frame(NOW, tenant_id=case.tenant_id), new_id()
        assert event.camera_id is not None
        case.book.replace([KnownCamera(new_id(), event.camera_id, 1, True, frozenset({group}), AiSettings())], case.clock.monotonic())
        await case.detections.store_detections([event])
        assert await case.detections.list_detections(case.caller(frozenset({group})), Search(limit=10)) == []

    async def test_evidence_is_only_for_those_who_may_see_the_camera(self, case: Case) -> None:
        await case.objects.put("evidence/x.jpg", b"jpeg")
        await case.detections.store_detections([frame(NOW, tenant_id=case.tenant_id, evidence_key="evidence/x.jpg")])
        (row,) = await case.rows()
        assert await case.detections.open_evidence(case.caller(), row.detection_id, row.captured_at) == b"jpeg"
        with pytest.raises(NotFound):
            await case.detections.open_evidence(case.caller(frozenset({new_id()})), row.detection_id, row.captured_at)
        with pytest.raises(NotFound):
            await case.detections.open_evidence(case.caller(), new_id(), row.captured_at)

    @pytest.mark.parametrize("read_s_ago", [None, 61])
    async def test_groups_that_are_not_known_are_not_taken_for_none(self, case: Case, read_s_ago: int | None) -> None:
        """A caller with groups has to come again; one without is answered."""
        limited, group_free, now = case.caller(frozenset({new_id()})), case.caller(), case.clock.now()
        if read_s_ago is None:
            case.detections = replace(case.detections, cameras=CameraBook())
        else:
            case.clock.advance(read_s_ago)
        with pytest.raises(Unavailable):
            await case.detections.list_detections(limited, Search(limit=10))
        with pytest.raises(Unavailable):
            await case.detections.open_evidence(limited, new_id(), now)
        assert await case.detections.list_detections(group_free, Search(limit=10)) == []
        with pytest.raises(NotFound):
            await case.detections.open_evidence(group_free, new_id(), now)

    async def test_no_picture_is_said_to_be_none(self, case: Case) -> None:
        await case.detections.store_detections([frame(NOW, tenant_id=case.tenant_id)])
        (row,) = await case.rows()
        with pytest.raises(NotFound, match="No picture"):
            await case.detections.open_evidence(case.caller(), row.detection_id, row.captured_at)

    async def test_a_search_in_no_group_finds_nothing(self, case: Case) -> None:
        search = Search(limit=10, plate=PlateSearch("ABC1234"))
        assert await case.detections.list_detections(case.caller(frozenset()), search) == []
