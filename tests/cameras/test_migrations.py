"""Tests that the migrations keep the data of the release before, and complete it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.fixtures.plugin import DatabaseFor

import cameras as package
from cameras.cameras.tables import camera
from cameras.groups.tables import camera_group
from cameras.history.tables import state_change
from chassis.migrations import run_migrations
from chassis.settings import DatabaseSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = pytest.mark.db

NOW = SystemClock().now()


@pytest.fixture
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    return await database_for("cameras")


@pytest.fixture
async def owner(settings: DatabaseSettings) -> AsyncIterator[AsyncEngine]:
    """Yields an engine with the role that runs migrations, to which no policy applies."""
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    yield engine
    await engine.dispose()


def row(tenant: UUID, *groups: UUID, **more: Any) -> dict[str, Any]:
    values = {"tenant_id": tenant, "id": new_id(), "name": "Praça", "url_sealed": "x", "url_shown": "x", "groups": list(groups)}
    values |= {"enabled": True, "recording": {}, "ai": {}, "revision": 1, "created_at": NOW, "updated_at": NOW, "removed_at": None}
    return values | {"state": "unknown", "state_since": None, "state_cause": None, "stream_revision": 0} | more


async def upgraded(settings: DatabaseSettings, owner: AsyncEngine, known: str, tables: list[str], rows: list[dict[str, Any]]) -> None:
    """Puts the schema back to an older release, with rows of cameras, and upgrades it."""

    def as_the_release_before_left_it(connection: Connection) -> None:
        connection.execute(text("SET ROLE cameras_owner"))
        for table in tables:
            connection.execute(text(f"DROP TABLE cameras.{table}"))
        connection.execute(text("UPDATE cameras.alembic_version SET version_num = :known"), {"known": known})
        connection.execute(insert(camera), rows)

    async with owner.begin() as connection:
        await connection.run_sync(as_the_release_before_left_it)
    await asyncio.to_thread(run_migrations, "cameras", package, settings.migration_url)


async def rows_of(owner: AsyncEngine, table: Any) -> list[Any]:
    async with owner.connect() as connection:
        await connection.execute(text("SET ROLE cameras_owner"))
        return list(await connection.execute(select(table)))


async def test_groups_that_cameras_hold_get_a_name(settings: DatabaseSettings, owner: AsyncEngine) -> None:
    mine, other, (a, b, c, gone) = new_id(), new_id(), sorted(new_id() for _ in range(4))
    before = [row(mine, a, b), row(mine, b), row(other, c, a), row(mine), row(mine, gone, removed_at=NOW)]
    await upgraded(settings, owner, "0004", ["camera_group", "layout", "state_change"], before)
    named = {(each.tenant_id, each.id): (each.name, each.name_key) for each in await rows_of(owner, camera_group)}
    assert named == {
        (mine, a): ("Grupo 1", "grupo 1"),
        (mine, b): ("Grupo 2", "grupo 2"),
        (other, a): ("Grupo 1", "grupo 1"),
        (other, c): ("Grupo 2", "grupo 2"),
    }


async def test_a_history_begins_with_the_state_that_is_shown(settings: DatabaseSettings, owner: AsyncEngine) -> None:
    tenant, since, changed = new_id(), NOW - timedelta(days=2), NOW - timedelta(days=1)
    told = {"state": "offline", "state_cause": "unreachable", "state_since": since, "created_at": since, "updated_at": changed}
    new, down = row(tenant), row(tenant, **told)
    off, on = row(tenant, **told, enabled=False), row(tenant, **told | {"state": "disabled", "state_cause": "disabled"})
    await upgraded(settings, owner, "0007", ["state_change"], [new, down, off, on, row(tenant, removed_at=NOW)])
    found = {each.camera_id: (each.at, each.state, each.cause) for each in await rows_of(owner, state_change) if each.tenant_id == tenant}
    assert found == {
        new["id"]: (NOW, "unknown", None),
        down["id"]: (since, "offline", "unreachable"),
        off["id"]: (changed, "disabled", "disabled"),
        on["id"]: (changed, "unknown", None),
    }
