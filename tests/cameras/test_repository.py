"""Tests of the rules of cameras that PostgreSQL enforces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from tests.fixtures.databases import metadata_differences

from cameras.announcing import tables as _leases  # noqa: F401 - fills the metadata
from cameras.announcing.repository import PostgresLeases
from cameras.cameras import tables as _cameras  # noqa: F401 - fills the metadata
from cameras.cameras.domain import Camera, CameraSettings
from cameras.cameras.repository import PostgresCameras
from cameras.groups import tables as _groups  # noqa: F401 - fills the metadata
from cameras.history import tables as _history  # noqa: F401 - fills the metadata
from cameras.layouts import tables as _layouts  # noqa: F401 - fills the metadata
from cameras.schema import metadata
from chassis.db import Database
from chassis.settings import DatabaseSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = pytest.mark.db
CLOCK = SystemClock()


@pytest.fixture
async def settings(database_for: Callable[[str], Awaitable[DatabaseSettings]]) -> DatabaseSettings:
    return await database_for("cameras")


@pytest.fixture
async def db(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with Database(settings, CLOCK) as database:
        yield database


def new_camera() -> Camera:
    now = CLOCK.now()
    return Camera(new_id(), new_id(), CameraSettings("Praça"), "sealed", "rtsp://10.0.0.5/s", 1, now, now)


async def test_tables_in_code_are_the_migrated_ones(settings: DatabaseSettings) -> None:
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    async with engine.connect() as connection:
        differences = await connection.run_sync(lambda sync: metadata_differences(sync, metadata, "cameras"))
    await engine.dispose()
    assert differences == []


async def test_rows_of_another_tenant_are_neither_seen_nor_written(db: Database) -> None:
    camera = new_camera()
    async with db.uow(camera.tenant_id) as uow:
        assert await PostgresCameras(uow).add(camera)
    async with db.uow(new_id()) as uow:
        assert await uow.session.scalar(text("SELECT count(*) FROM camera")) == 0
    async with db.uow(None) as uow:
        assert await uow.session.scalar(text("SELECT count(*) FROM camera")) == 0
        assert camera.tenant_id in await PostgresCameras(uow).tenants()
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with db.uow(new_id()) as uow:
            await PostgresCameras(uow).add(new_camera())


async def test_only_transport_and_leases_have_no_policy(db: Database) -> None:
    async with db.uow(None) as uow:
        unprotected = "relkind = 'r' AND relnamespace = 'cameras'::regnamespace AND NOT relrowsecurity"
        found = await uow.session.execute(text(f"SELECT relname FROM pg_class WHERE {unprotected}"))
        assert {row.relname for row in found} == {"outbox", "inbox", "lease", "alembic_version"}


async def test_a_tombstone_keeps_its_revision_and_forgets_the_address(db: Database) -> None:
    camera = new_camera()
    async with db.uow(camera.tenant_id) as uow:
        await PostgresCameras(uow).add(camera)
        await PostgresCameras(uow).remove(camera.id, 2, CLOCK.now())
        row = (
            await uow.session.execute(text("SELECT revision, url_sealed, removed_at FROM camera WHERE id = :id"), {"id": camera.id})
        ).one()
    assert (row.revision, row.url_sealed) == (2, "")
    assert row.removed_at is not None


async def test_a_lease_changes_its_number_with_its_holder(db: Database) -> None:
    one, two, now = new_id(), new_id(), CLOCK.now()
    async with db.uow(None) as uow:
        store = PostgresLeases(uow)
        first = await store.take_lease("test", one, now, now + timedelta(seconds=30))
        renewed = await store.take_lease("test", one, now, now + timedelta(seconds=60))
        refused = await store.take_lease("test", two, now, now + timedelta(seconds=60))
        later = await store.take_lease("test", two, now + timedelta(seconds=61), now + timedelta(seconds=90))
    assert (first, renewed, refused, later) == (1, 1, None, 2)
