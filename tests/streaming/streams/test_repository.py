"""Tests of streaming's copy of the cameras. tests/city/test_cameras.py tests the rules of the copy."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.fixtures.databases import metadata_differences
from tests.fixtures.plugin import DatabaseFor
from tests.streaming.conftest import Running

from chassis.envelope import wrap
from gtvision.events import CameraRegistered, CameraRemoved, CamerasAnnounced, CameraUpdated
from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.schema import SCHEMA, Row
from streaming.streams.repository import PostgresFleet

pytestmark = [pytest.mark.db, pytest.mark.broker]

CLOCK = SystemClock()


async def test_changes_wake_the_reconciler_and_repeats_do_not(running: Running) -> None:
    tenant, camera = new_id(), new_id()
    data = CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="x")
    event = wrap(data, tenant_id=tenant, occurred_at=CLOCK.now())
    removed = wrap(CameraRemoved(camera_id=camera, revision=2), tenant_id=tenant, occurred_at=CLOCK.now())
    handlers = (partial(running.events.on_camera_registered, event), partial(running.events.on_camera_removed, removed))
    for handle in handlers:
        for news in (True, False):
            running.wake.clear()
            await handle()
            assert running.wake.is_set() is news


async def test_the_address_of_a_removed_camera_is_forgotten(running: Running) -> None:
    tenant, named, unlisted = new_id(), new_id(), new_id()
    for camera in (named, unlisted):
        data = CameraRegistered(camera_id=camera, revision=1, name="Avenida", url_encrypted="sealed")
        await running.events.on_camera_registered(wrap(data, tenant_id=tenant, occurred_at=CLOCK.now()))
    removed = CameraRemoved(camera_id=named, revision=2)
    await running.events.on_camera_removed(wrap(removed, tenant_id=tenant, occurred_at=CLOCK.now()))
    announced = CamerasAnnounced(camera_ids=(), as_of=CLOCK.now() + timedelta(seconds=1))
    await running.events.on_cameras_announced(wrap(announced, tenant_id=tenant, occurred_at=CLOCK.now()))
    async with running.db.uow(tenant) as uow:
        kept = text("SELECT camera_id, removed, enabled, url_encrypted FROM cameras ORDER BY camera_id = :named")
        rows = (await uow.session.execute(kept, {"named": named})).all()
    assert [tuple(row) for row in rows] == [(unlisted, True, False, ""), (named, True, False, "")]


async def test_the_service_listens_to_all_that_is_said_of_cameras(running: Running) -> None:
    document = (await running.http.get("/docs/streaming/asyncapi.json")).text
    for event in (CameraRegistered, CameraUpdated, CameraRemoved, CamerasAnnounced):
        assert event.key in document


async def test_a_column_of_the_next_release_is_passed_over(running: Running, database_for: DatabaseFor) -> None:
    """The next release migrates the database while this one still runs."""
    data = CameraRegistered(camera_id=new_id(), revision=1, name="Avenida", url_encrypted="x")
    await running.events.on_camera_registered(wrap(data, tenant_id=new_id(), occurred_at=CLOCK.now()))
    settings = await database_for("streaming")
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    for change, column in (("ADD", "later text"), ("DROP", "later")):
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER TABLE streaming.cameras {change} COLUMN {column}"))
        assert data.camera_id in {camera.camera_id for camera in await PostgresFleet(running.db).cameras()}
    await engine.dispose()


async def test_tables_in_code_equal_the_migrated_ones(database_for: DatabaseFor) -> None:
    settings = await database_for("streaming")
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        assert await connection.run_sync(metadata_differences, Row.metadata, SCHEMA) == []
    await engine.dispose()
