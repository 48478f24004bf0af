"""Tests of the verbs on fakes: storing, and searching within the caller's rights."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from tests.ingest.making import frame, seen

from chassis.db import UnitOfWork
from chassis.fakes import FakeLive, FakeUow
from gtvision.errors import NotFound, Unavailable
from gtvision.events import DetectionsStored
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from gtvision.time import FakeClock
from ingest.detections.domain import Detection, PlateSought, Sought
from ingest.detections.usecases import Detections, Store, Upkeep
from ingest.grabbing.domain import StreamTold

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class MemoryRows:
    """Detections and camera groups of all tenants in memory; the fake of `ports.DetectionRows` and `ports.CameraRows`."""

    def __init__(self) -> None:
        self.rows: dict[UUID | None, dict[UUID, Detection]] = {}
        self.camera_groups: dict[UUID, frozenset[UUID]] = {}
        self.tenant: UUID | None = None

    def within(self, work: UnitOfWork) -> MemoryRows:
        self.tenant = work.tenant_id
        return self

    async def add(self, detections: Sequence[Detection], stored_at: datetime) -> set[UUID]:
        mine = self.rows.setdefault(self.tenant, {})
        new = {row.detection_id for row in detections} - mine.keys()
        mine.update({row.detection_id: row for row in detections})
        return new

    async def newest(self, sought: Sought) -> list[Detection]:
        found = self.rows.get(self.tenant, {}).values()
        return [row for row in found if sought.camera_ids is None or row.camera_id in sought.camera_ids][: sought.limit]

    async def find(self, detection_id: UUID, captured_at: datetime) -> Detection | None:
        return self.rows.get(self.tenant, {}).get(detection_id)

    async def stream_told(self, stream: StreamTold) -> bool:
        raise NotImplementedError

    async def groups(self) -> dict[UUID, frozenset[UUID]]:
        return self.camera_groups


class Days:
    """The fake of `ports.Partitions`."""

    def __init__(self) -> None:
        self.there: set[date] = set()

    async def make(self, days: Sequence[date]) -> int:
        self.there |= set(days)
        return len(days)

    async def drop_before(self, day: date) -> int:
        self.there = {each for each in self.there if each >= day}
        return 0


class Pictures:
    async def get(self, key: str, sha256: str | None = None) -> bytes:
        return b"jpeg of " + key.encode()


class Case:
    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.uow = FakeUow(self.clock)
        self.rows = MemoryRows()
        self.live = FakeLive()
        self.days = Days()
        upkeep = Upkeep(self.days, self.clock, timedelta(days=30))
        store = Store(self.uow, self.rows.within, self.rows.within, upkeep, self.clock, timedelta(days=30))
        self.verbs = Detections(store, self.live, Pictures())
        self.tenant_id = new_id()

    def caller(self, groups: frozenset[UUID] | None = None) -> Caller:
        return Caller(self.tenant_id, new_id(), Role.OPERATOR, frozenset(), new_id(), groups)


@pytest.fixture
def case() -> Case:
    return Case()


class TestStoring:
    async def test_everything_twice_is_stored_announced_and_shown_once(self, case: Case) -> None:
        events = [frame(NOW, seen("ABC1234"), seen(), tenant_id=case.tenant_id), frame(NOW, tenant_id=case.tenant_id)]
        await case.verbs.store_detections([*events, *events])
        await case.verbs.store_detections(events)
        assert len(case.rows.rows[case.tenant_id]) == 3
        (stored,) = [event.data for event in case.uow.emitted]
        assert isinstance(stored, DetectionsStored)
        assert len(stored.detections) == 3
        assert sorted(len(message["objects"]) for _, _, message in case.live.published) == [1, 2]

    async def test_a_row_outside_the_window_is_refused_by_itself(self, case: Case) -> None:
        good = frame(NOW, tenant_id=case.tenant_id)
        bad = [frame(NOW + late, tenant_id=case.tenant_id) for late in (timedelta(hours=1), timedelta(days=-31))]
        await case.verbs.store_detections([bad[0], good, bad[1]])
        assert {row.camera_id for row in case.rows.rows[case.tenant_id].values()} == {good.camera_id}

    async def test_tenants_are_kept_apart(self, case: Case) -> None:
        other = new_id()
        await case.verbs.store_detections([frame(NOW, tenant_id=case.tenant_id), frame(NOW, tenant_id=other)])
        assert [len(case.rows.rows[each]) for each in (case.tenant_id, other)] == [1, 1]
        assert {event.tenant_id for event in case.uow.emitted} == {case.tenant_id, other}

    async def test_an_announcement_holds_500_at_most(self, case: Case) -> None:
        await case.verbs.store_detections([frame(NOW, *[seen()] * 600, tenant_id=case.tenant_id)])
        assert [len(event.data.detections) for event in case.uow.emitted] == [500, 100]

    async def test_an_outage_is_told(self, case: Case) -> None:
        case.uow.down = True
        with pytest.raises(Unavailable):
            await case.verbs.store_detections([frame(NOW)])
        assert case.live.published == []

    async def test_the_live_message_says_what_was_stored(self, case: Case) -> None:
        event = frame(NOW, seen("ABC1D23"), tenant_id=case.tenant_id)
        await case.verbs.store_detections([event])
        ((tenant, topic, message),) = case.live.published
        assert (tenant, topic) == (case.tenant_id, f"detections:{event.camera_id}")
        (shown,) = message["objects"]
        assert (shown["plate"], shown["box"], shown["plate_confidence"]) == ("ABC1D23", [0.25, 0.25, 0.5, 0.75], 0.875)
        assert message["width_px"] == 1280


class TestUpkeep:
    async def test_days_are_made_ahead_and_dropped_behind(self, case: Case) -> None:
        upkeep = Upkeep(case.days, case.clock, timedelta(days=2))
        await upkeep.keep_partitions()
        assert sorted(case.days.there) == [date(2026, 11, day) for day in (18, 19, 20, 21, 22)]
        case.clock.advance(timedelta(days=2))
        await upkeep.keep_partitions()
        assert sorted(case.days.there) == [date(2026, 11, day) for day in (20, 21, 22, 23, 24)]

    async def test_a_day_that_no_upkeep_made_is_made_for_the_first_row(self, case: Case) -> None:
        case.clock.advance(timedelta(days=9))
        await case.verbs.store_detections([frame(case.clock.now(), tenant_id=case.tenant_id)])
        assert case.days.there == {case.clock.now().date()}


class TestRights:
    async def test_camera_groups_limit_what_is_found(self, case: Case) -> None:
        events = [frame(NOW, tenant_id=case.tenant_id) for _ in range(3)]
        group = new_id()
        assert events[0].camera_id is not None
        case.rows.camera_groups = {events[0].camera_id: frozenset({group})}
        await case.verbs.store_detections(events)
        found = await case.verbs.list_detections(case.caller(frozenset({group})), Sought(limit=10))
        assert {row.camera_id for row in found} == {events[0].camera_id}
        assert await case.verbs.list_detections(case.caller(frozenset({new_id()})), Sought(limit=10)) == []
        assert len(await case.verbs.list_detections(case.caller(), Sought(limit=10))) == 3

    async def test_evidence_is_only_for_those_who_may_see_the_camera(self, case: Case) -> None:
        event = frame(NOW, tenant_id=case.tenant_id, evidence_key="evidence/x.jpg")
        await case.verbs.store_detections([event])
        (row,) = case.rows.rows[case.tenant_id].values()
        assert await case.verbs.open_evidence(case.caller(), row.detection_id, NOW) == b"jpeg of evidence/x.jpg"
        with pytest.raises(NotFound):
            await case.verbs.open_evidence(case.caller(frozenset({new_id()})), row.detection_id, NOW)
        with pytest.raises(NotFound):
            await case.verbs.open_evidence(case.caller(), new_id(), NOW)

    async def test_no_picture_is_said_to_be_none(self, case: Case) -> None:
        await case.verbs.store_detections([frame(NOW, tenant_id=case.tenant_id)])
        (row,) = case.rows.rows[case.tenant_id].values()
        with pytest.raises(NotFound, match="No picture"):
            await case.verbs.open_evidence(case.caller(), row.detection_id, NOW)

    async def test_a_search_narrowed_to_nothing_asks_nothing(self, case: Case) -> None:
        assert await case.verbs.list_detections(case.caller(frozenset()), Sought(limit=10, plate=PlateSought("ABC1234"))) == []
