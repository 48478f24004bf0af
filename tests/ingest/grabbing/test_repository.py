"""Tests on PostgreSQL: cameras and streams, whose state does not depend on the order of events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.fixtures.plugin import DatabaseFor

from chassis.db import Database
from chassis.envelope import wrap
from city.cameras import CameraEvents
from gtvision.camera import AiSettings
from gtvision.events import CameraRegistered
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.grabbing.domain import KnownCamera, KnownStream, StreamState
from ingest.grabbing.repository import PostgresCameras, camera_copy

pytestmark = pytest.mark.db

CLOCK = SystemClock()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def db(database_for: DatabaseFor) -> AsyncIterator[Database]:
    async with Database(await database_for("ingest"), CLOCK) as database:
        yield database


def registered(camera: UUID, **changes: Any) -> CameraRegistered:
    return CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="x", **changes)


class TestCameras:
    async def _living(self, db: Database, tenant_id: UUID) -> dict[UUID, KnownCamera]:
        async with db.uow(None) as uow:
            return {each.camera_id: each for each in await PostgresCameras(uow).living() if each.tenant_id == tenant_id}

    async def _tell(self, db: Database, tenant_id: UUID, *told: CameraRegistered) -> None:
        for each in told:
            await CameraEvents(db.uow, camera_copy).on_camera_registered(wrap(each, tenant_id=tenant_id, occurred_at=CLOCK.now()))

    async def _tell_streams(self, db: Database, tenant_id: UUID, *told: KnownStream) -> None:
        async with db.uow(tenant_id) as uow:
            for each in told:
                await PostgresCameras(uow).put_stream(each)

    async def test_a_camera_is_known_until_it_is_removed(self, db: Database) -> None:
        """A camera is known until its removal. tests/city/test_cameras.py tests the rules of the copy of the cameras."""
        tenant, camera, unlisted, group = new_id(), new_id(), new_id(), new_id()
        await self._tell(db, tenant, registered(camera, groups=(group,), ai=AiSettings(fps=2)), registered(unlisted, enabled=False))
        living = await self._living(db, tenant)
        assert living == {
            camera: KnownCamera(tenant, camera, 1, enabled=True, groups=frozenset({group}), ai=AiSettings(fps=2)),
            unlisted: KnownCamera(tenant, unlisted, 1, enabled=False, groups=frozenset(), ai=AiSettings()),
        }
        async with db.uow(tenant) as uow:
            assert await camera_copy.announced(uow, [camera], CLOCK.now() + timedelta(seconds=1))
        assert (await self._living(db, tenant)).keys() == {camera}
        async with db.uow(tenant) as uow:
            assert await camera_copy.removed(uow, camera, 2, CLOCK.now())
        assert await self._living(db, tenant) == {}

    async def test_a_row_that_cannot_be_read_holds_up_no_other(self, db: Database) -> None:
        tenant, good, bad = new_id(), new_id(), new_id()
        await self._tell(db, tenant, registered(good), registered(bad))
        async with db.uow(tenant) as uow:
            await uow.session.execute(text('UPDATE known_cameras SET ai = \'{"fps": "often"}\' WHERE camera_id = :id'), {"id": bad})
        assert (await self._living(db, tenant)).keys() == {good}

    async def test_an_offline_that_overtakes_its_online_keeps_the_address(self, db: Database) -> None:
        tenant, camera = new_id(), new_id()
        online = KnownStream(camera, 4, StreamState.ONLINE, "rtsp://media/cam")
        await self._tell(db, tenant, registered(camera))
        await self._tell_streams(db, tenant, KnownStream(camera, 5, StreamState.DEGRADED), online, online)
        (known,) = (await self._living(db, tenant)).values()
        assert (known.state, known.read_url, known.grabbable) == (StreamState.DEGRADED, "rtsp://media/cam", True)
