"""Tests of a service's copy of the cameras: it becomes correct when events come twice, late or not at all."""

from __future__ import annotations

import runpy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import Table, select
from tests.fixtures.plugin import DatabaseFor

from chassis.bus import Bus
from chassis.db import Database
from chassis.envelope import wrap
from chassis.settings import RabbitSettings
from city.cameras import CameraCopy, CameraEvents
from gtvision.events import CameraDesired, CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated, Event
from gtvision.ids import new_id
from gtvision.time import FakeClock

SAMPLE = Path(__file__).parents[1] / "chassis/sample"
CAMERAS: Table = runpy.run_path(str(SAMPLE / "tables.py"))["metadata"].tables["sample.camera"]
START = FakeClock().now()


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def keeps(camera: CameraDesired) -> dict[str, object]:
    return {"name": camera.name}


@dataclass
class Listener:
    """A service that keeps a copy of the cameras, and the events of one tenant."""

    db: Database
    copy: CameraCopy = field(default_factory=lambda: CameraCopy(CAMERAS, keeps))
    tenant: UUID = field(default_factory=new_id)
    changes: int = 0

    def heard(self) -> None:
        self.changes += 1

    async def hears(self, *events: Event[Any]) -> None:
        """Delivers each event twice, as the broker may."""
        listening = CameraEvents(self.db.uow, self.copy, changed=self.heard)
        handlers = {
            CameraRegistered: listening.on_camera_registered,
            CameraUpdated: listening.on_camera_updated,
            CameraRemoved: listening.on_camera_removed,
            CamerasAnnounced: listening.on_cameras_announced,
        }
        for event in events:
            for _ in range(2):
                await handlers[type(event.data)](event)

    def registered(self, camera: UUID, revision: int = 1, at: float = 0) -> Event[CameraRegistered]:
        data = CameraRegistered(camera_id=camera, revision=revision, name=f"Nome {revision}", url_encrypted="x")
        return wrap(data, tenant_id=self.tenant, occurred_at=later(at))

    def updated(self, camera: UUID, revision: int, at: float = 0) -> Event[CameraUpdated]:
        data = CameraUpdated(camera_id=camera, revision=revision, name=f"Nome {revision}", url_encrypted="x")
        return wrap(data, tenant_id=self.tenant, occurred_at=later(at))

    def removed(self, camera: UUID, revision: int, at: float = 0) -> Event[CameraRemoved]:
        return wrap(CameraRemoved(camera_id=camera, revision=revision), tenant_id=self.tenant, occurred_at=later(at))

    def announced(self, *living: UUID, as_of: float) -> Event[CamerasAnnounced]:
        data = CamerasAnnounced(camera_ids=living, as_of=later(as_of))
        return wrap(data, tenant_id=self.tenant, occurred_at=later(as_of + 60))

    async def rows(self) -> dict[UUID, tuple[int, bool, str]]:
        columns = (CAMERAS.c.camera_id, CAMERAS.c.revision, CAMERAS.c.removed, CAMERAS.c.name)
        async with self.db.uow(self.tenant) as uow:
            return {camera: (revision, removed, name) for camera, revision, removed, name in await uow.session.execute(select(*columns))}

    async def living(self) -> set[UUID]:
        return {camera for camera, (_, removed, _) in (await self.rows()).items() if not removed}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("sample", migrations=SAMPLE), FakeClock()) as database:
        yield database


@pytest.fixture
def listener(db: Database) -> Listener:
    return Listener(db)


@pytest.mark.db
class TestOrder:
    async def test_what_comes_again_is_no_news(self, listener: Listener) -> None:
        camera = new_id()
        await listener.hears(listener.registered(camera))
        assert (await listener.rows(), listener.changes) == ({camera: (1, False, "Nome 1")}, 1)
        await listener.hears(listener.registered(camera, at=600))  # announced again: another event with the same state
        assert (await listener.rows(), listener.changes) == ({camera: (1, False, "Nome 1")}, 1)

    async def test_each_event_is_remembered(self, listener: Listener) -> None:
        """The inbox entry commits with the change, so a repeated event is acknowledged and changes nothing."""
        camera = new_id()
        events = (listener.registered(camera), listener.updated(camera, 2), listener.removed(camera, 3), listener.announced(as_of=10))
        await listener.hears(*events)
        async with listener.db.uow(None) as uow:
            for event in events:
                assert await uow.seen(event.type, event.event_id)

    async def test_the_newest_state_stays_in_every_order(self, listener: Listener) -> None:
        orders = list(permutations((1, 2, 3)))
        cameras = [new_id() for _ in orders]
        for camera, order in zip(cameras, orders, strict=True):
            await listener.hears(*(listener.updated(camera, revision, at=revision) for revision in order))
        assert await listener.rows() == dict.fromkeys(cameras, (3, False, "Nome 3"))

    async def test_a_removed_camera_stays_removed_in_every_order(self, listener: Listener) -> None:
        """Also where the removal is the first event of the camera."""
        orders = list(permutations(range(3)))
        cameras = [new_id() for _ in orders]
        for camera, order in zip(cameras, orders, strict=True):
            events = (listener.registered(camera, 1, at=1), listener.updated(camera, 2, at=2), listener.removed(camera, 3, at=3))
            await listener.hears(*(events[each] for each in order))
        assert await listener.rows() == dict.fromkeys(cameras, (3, True, ""))

    async def test_an_older_removal_is_no_news(self, listener: Listener) -> None:
        camera = new_id()
        await listener.hears(listener.updated(camera, 3), listener.removed(camera, 2))
        assert await listener.living() == {camera}

    async def test_a_copy_that_remembers_keeps_names_of_removed_cameras(self, db: Database) -> None:
        listener = Listener(db, CameraCopy(CAMERAS, keeps, remembers=True))
        named, unlisted, unheard = new_id(), new_id(), new_id()
        await listener.hears(listener.registered(named), listener.registered(unlisted))
        await listener.hears(listener.removed(named, 2), listener.removed(unheard, 2), listener.announced(as_of=10))
        assert await listener.rows() == {named: (2, True, "Nome 1"), unlisted: (1, True, "Nome 1"), unheard: (2, True, "")}


@pytest.mark.db
class TestTheListOfTheLiving:
    async def test_the_list_makes_up_for_a_removal_event_that_never_came(self, listener: Listener) -> None:
        gone, stays = new_id(), new_id()
        await listener.hears(listener.registered(gone), listener.registered(stays))
        await listener.hears(listener.announced(stays, as_of=10))
        assert await listener.rows() == {gone: (1, True, ""), stays: (1, False, "Nome 1")}
        assert listener.changes == 3
        await listener.hears(listener.announced(stays, as_of=600))
        assert listener.changes == 3

    async def test_an_empty_one_removes_all(self, listener: Listener) -> None:
        await listener.hears(listener.registered(new_id()), listener.registered(new_id()), listener.announced(as_of=10))
        assert await listener.living() == set()

    async def test_it_spares_what_was_told_after_it_was_made(self, listener: Listener) -> None:
        new, changed, confirmed = new_id(), new_id(), new_id()
        await listener.hears(listener.registered(changed), listener.registered(confirmed))
        await listener.hears(listener.registered(new, at=11), listener.updated(changed, 2, at=11), listener.registered(confirmed, at=11))
        await listener.hears(listener.announced(as_of=10))
        assert await listener.living() == {new, changed, confirmed}

    async def test_an_older_event_that_comes_late_takes_nothing_back(self, listener: Listener) -> None:
        camera = new_id()
        await listener.hears(listener.registered(camera, at=11), listener.registered(camera, at=1), listener.announced(as_of=10))
        assert await listener.living() == {camera}

    async def test_what_it_left_out_by_mistake_is_back_when_told_of_later(self, listener: Listener) -> None:
        camera = new_id()
        await listener.hears(listener.registered(camera), listener.announced(as_of=10))
        await listener.hears(listener.registered(camera, at=9))
        assert await listener.living() == set()
        await listener.hears(listener.registered(camera, at=11))
        assert await listener.rows() == {camera: (1, False, "Nome 1")}

    async def test_it_brings_nothing_back_that_was_removed_by_name(self, listener: Listener) -> None:
        camera = new_id()
        await listener.hears(listener.registered(camera), listener.removed(camera, 2, at=5), listener.announced(camera, as_of=10))
        await listener.hears(listener.registered(camera, at=11))
        assert await listener.rows() == {camera: (2, True, "")}

    async def test_another_tenant_is_not_changed(self, db: Database, listener: Listener) -> None:
        other, camera = Listener(db), new_id()
        await other.hears(other.registered(camera))
        await listener.hears(listener.announced(as_of=10), listener.removed(camera, 9))
        assert await other.rows() == {camera: (1, False, "Nome 1")}


def test_all_four_events_are_subscribed_to() -> None:
    """A service has a queue for each of the four events."""
    bus = Bus(RabbitSettings(url=SecretStr("amqp://nobody@127.0.0.1:1")), "sample", FakeClock())
    CameraEvents(Database.uow, CameraCopy(CAMERAS, keeps)).subscribe(bus)  # type: ignore[arg-type]
    document = str(bus.asyncapi())
    for event in (CameraRegistered, CameraUpdated, CameraRemoved, CamerasAnnounced):
        assert event.key in document


def test_a_copy_needs_a_table() -> None:
    with pytest.raises(TypeError, match="is not a table"):
        CameraCopy(select(CAMERAS).subquery(), keeps)
