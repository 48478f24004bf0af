"""Tests that the migrations give the tables of the code, and keep the data of the release before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.alerts.conftest import NOW
from tests.fixtures.databases import metadata_differences
from tests.fixtures.plugin import DatabaseFor

import alerts as package
from alerts.alerts.tables import alerts
from alerts.alerts.tables import metadata as alerts_metadata
from alerts.browsers.tables import metadata as browsers_metadata
from alerts.channels.tables import metadata as channels_metadata
from alerts.conditions.tables import metadata as conditions_metadata
from alerts.deliveries.tables import metadata as deliveries_metadata
from alerts.escalation.tables import metadata as escalation_metadata
from alerts.imports.tables import metadata as imports_metadata
from alerts.links.tables import metadata as links_metadata
from alerts.maintenance.tables import metadata as maintenance_metadata
from alerts.rules.tables import metadata as rules_metadata
from alerts.watchlists.tables import entries, idempotency_key
from alerts.watchlists.tables import metadata as watchlists_metadata
from chassis.migrations import find_migrations, run_migrations
from chassis.settings import DatabaseSettings
from gtvision import plate as plates
from gtvision.ids import new_id

pytestmark = pytest.mark.db

TENANT, OTHER, LIST = new_id(), new_id(), new_id()


@pytest.fixture
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    return await database_for("alerts")


@pytest.fixture
async def owner(settings: DatabaseSettings) -> AsyncIterator[AsyncEngine]:
    """Yields an engine with the role that runs migrations, to which no policy applies."""
    assert settings.migration_url is not None
    engine = create_async_engine(settings.migration_url.get_secret_value())
    yield engine
    await engine.dispose()


async def test_tables_in_code_equal_the_migrated_ones(owner: AsyncEngine) -> None:
    async with owner.connect() as connection:
        parts = [
            alerts_metadata,
            browsers_metadata,
            channels_metadata,
            conditions_metadata,
            imports_metadata,
            maintenance_metadata,
            rules_metadata,
            watchlists_metadata,
        ]
        parts += [deliveries_metadata, escalation_metadata, links_metadata]
        assert await connection.run_sync(metadata_differences, parts, "alerts") == []


async def migrated_to(version: str, settings: DatabaseSettings, owner: AsyncEngine) -> None:
    """Makes the schema anew, as a release of before had it."""
    async with owner.begin() as connection:
        await connection.execute(text("SET ROLE alerts_owner"))
        tables = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'alerts'"))
        for table in tables.all():
            await connection.execute(text(f'DROP TABLE alerts."{table}" CASCADE'))
    assert settings.migration_url is not None
    config = Config()
    config.set_main_option("script_location", str(find_migrations(package)))
    config.set_main_option("path_separator", "os")
    config.attributes.update(gtvision_migration_url=settings.migration_url.get_secret_value(), service="alerts")
    await asyncio.to_thread(command.upgrade, config, version)


def entry(plate: str, reason: str, minutes: int, *, tenant: UUID = TENANT, watchlist: UUID = LIST, **more: Any) -> dict[str, Any]:
    at = NOW + timedelta(minutes=minutes)
    values = {"tenant_id": tenant, "entry_id": new_id(), "watchlist_id": watchlist, "plate": plate, "plate_key": plates.key(plate)}
    return values | {"match": "exact", "reason": reason, "valid_until": None, "created_at": at} | more


async def test_both_spellings_of_a_vehicle_become_one_entry_and_nothing_is_lost(settings: DatabaseSettings, owner: AsyncEngine) -> None:
    younger, older = entry("ABC1234", "furto", 9, valid_until=NOW), entry("ABC1C34", "mandado", 1)
    early, late = (entry(plate, "roubo", n, valid_until=NOW + timedelta(days=n)) for n, plate in enumerate(("XYZ0A00", "XYZ0000"), 1))
    alone, elsewhere = entry("KLM1234", "", 1), entry("ABC1234", "outra lista", 1, watchlist=new_id())
    stranger = entry("ABC1234", "outra cidade", 1, tenant=OTHER)
    alert = {"tenant_id": TENANT, "alert_id": new_id(), "kind": "plate_watchlist", "severity": "critical", "title": "x", "state": "open"}
    alert |= {"raised_at": NOW, "entry_id": younger["entry_id"], "sightings": 1, "reason": "furto"}
    key = {"tenant_id": TENANT, "caller_id": new_id(), "key_hash": b"k", "operation": "POST", "fingerprint": b"f"}
    key |= {"resource_id": younger["entry_id"], "created_at": NOW}

    def as_the_release_before_left_it(connection: Connection) -> None:
        connection.execute(text("SET ROLE alerts_owner"))
        connection.execute(insert(entries), [younger, older, early, late, alone, elsewhere, stranger])
        connection.execute(insert(alerts), alert)
        connection.execute(insert(idempotency_key), key)

    await migrated_to("0003", settings, owner)
    async with owner.begin() as connection:
        await connection.run_sync(as_the_release_before_left_it)
    await asyncio.to_thread(run_migrations, "alerts", package, settings.migration_url)
    async with owner.connect() as connection:
        await connection.execute(text("SET ROLE alerts_owner"))
        kept = {row["entry_id"]: row for row in (await connection.execute(select(entries))).mappings()}
        [leads_to] = await connection.scalars(select(alerts.c.entry_id))
        [made] = await connection.scalars(select(idempotency_key.c.resource_id))
    assert kept.keys() == {each["entry_id"] for each in (older, early, alone, elsewhere, stranger)}
    both, robbed = kept[older["entry_id"]], kept[early["entry_id"]]
    assert (both["plate"], both["match"], both["reason"], both["valid_until"]) == ("ABC1C34", "era", "furto; mandado", None)
    assert (robbed["match"], robbed["reason"], robbed["valid_until"]) == ("era", "roubo", late["valid_until"])
    for untouched in (alone, elsewhere, stranger):
        assert kept[untouched["entry_id"]].items() >= (untouched | {"valid_from": None}).items()
    assert (leads_to, made) == (older["entry_id"], older["entry_id"])
