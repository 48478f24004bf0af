"""Tests of the database owner's functions (SECURITY DEFINER), which a service's role can call with any argument.

The list comes from PostgreSQL's catalogs: a new function fails until it is judged here. One that deletes checks its arguments itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import make_url
from tests.contracts.catalog import Row, acting, insert, tables_of
from tests.contracts.test_row_security import SERVICES
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.workplace import TestServers

from chassis.settings import DatabaseSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = pytest.mark.db

READS, ADDS, DELETES = "reads", "adds", "deletes"
DECIDED = {
    "alerts": {
        "waiting_imports": READS,
        "forget_idempotency_keys": DELETES,
        "oldest_due_delivery": READS,
        "tenants_to_wake": READS,
        "tenants_with_due_deliveries": READS,
        "tenants_with_due_escalations": READS,
        "tenants_with_lost_cameras": READS,
    },
    "cameras": {"tenants_with_cameras": READS, "forget_idempotency_keys": DELETES},
    "identity": {
        "audit_tails": READS,
        "audited_tenants": READS,
        "claim_login": ADDS,
        "drop_audit_anchor_partitions": DELETES,
        "drop_audit_entry_partitions": DELETES,
        "due_tenants": READS,
        "enabled_users": READS,
        "find_api_key": READS,
        "find_external": READS,
        "find_login": READS,
        "find_tenant": READS,
        "forget_idempotency_keys": DELETES,
        "list_tenants": READS,
        "live_revocations": READS,
        "longest_audit_days": READS,
        "make_audit_anchor_partitions": ADDS,
        "make_audit_entry_partitions": ADDS,
        "prune_sessions": DELETES,
        "release_login": DELETES,
        "search_tenants": READS,
        "unsealed_tenants": READS,
        "write_nothing": READS,
    },
    "ingest": {
        "held_ranges": READS,
        "known_tenants": READS,
        "living_cameras": READS,
        "make_detections_partitions": ADDS,
        "drop_detections_partitions": DELETES,
    },
    "streaming": {
        "clips_to_tidy": READS,
        "ended_clips": READS,
        "fleet_cameras": READS,
        "fleet_holds": READS,
        "fleet_segments": READS,
        "fleet_streams": READS,
        "forget_idempotency_keys": DELETES,
        "open_interruptions": READS,
        "make_segments_partitions": ADDS,
        "drop_segments_partitions": DELETES,
        "tenant_of_camera": READS,
        "tenant_of_ticket": READS,
        "waiting_clips": READS,
    },
}
KEPT_DAYS = {"audit_entry": 1_826, "audit_anchor": 1_826 + 28, "detections": 1, "segments": 1}
"""Table -> days whose partitions are kept for any argument."""
FAR = ("infinity", "9999-12-31", "2200-01-01", "tomorrow", "today", "yesterday")


@dataclass
class ServiceDatabase:
    """One service's database, with connections of the service's role and of a superuser."""

    name: str
    settings: DatabaseSettings
    superuser: Any

    async def call(self, tenant: UUID | None, statement: str, *arguments: object) -> Any:
        """Runs a statement as the service's role and commits it."""
        async with acting(self.settings, tenant) as connection:
            found = await connection.fetchval(statement, *arguments)
            await connection.execute("COMMIT")
            return found

    async def add(self, table: str, tenant: UUID, **values: object) -> None:
        made: dict[str, Row] = {}
        for each in await tables_of(self.superuser, self.name):
            if not each.is_partition:
                made[each.name] = each.row(tenant, made)
        await insert(self.superuser, self.name, table, {**made[table], **values})

    async def count(self, table: str, tenant: UUID) -> int:
        return int(await self.superuser.fetchval(f'SELECT count(*) FROM "{self.name}"."{table}" WHERE tenant_id = $1', tenant))


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=SERVICES)
async def database(request: pytest.FixtureRequest, database_for: DatabaseFor, servers: TestServers) -> AsyncIterator[ServiceDatabase]:
    settings = await database_for(request.param)
    superuser = await servers.postgres.connect(str(make_url(settings.url.get_secret_value()).database))
    yield ServiceDatabase(request.param, settings, superuser)
    await superuser.close()


async def test_every_definer_function_is_decided(database: ServiceDatabase) -> None:
    found = await database.superuser.fetch(
        "SELECT proname AS name, prosrc AS source FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE prosecdef AND nspname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert sorted(each["name"] for each in found) == sorted(DECIDED[database.name]), "one name, one function, one decision"
    for each in found:
        words = set(each["source"].upper().replace("BEFORE UPDATE OR DELETE OR TRUNCATE", "").split())  # that trigger refuses
        if DECIDED[database.name][each["name"]] != DELETES:
            assert not words & {"DELETE", "DROP", "TRUNCATE", "UPDATE", "(DELETE", "'DROP"}, f"{each['name']} deletes"


@pytest.mark.parametrize("before", FAR)
async def test_partitions_within_retention_stay(database: ServiceDatabase, before: str) -> None:
    today, schema = SystemClock().now().date(), database.name
    for table in (name.removeprefix("drop_").removesuffix("_partitions") for name in DECIDED[schema] if name.startswith("drop_")):
        by_month = table.startswith("audit_")
        first, count = (date(today.year - 7, 1, 1), 12 * 8) if by_month else (today - timedelta(days=9), 12)
        await database.call(None, f"SELECT make_{table}_partitions($1, $2)", first, count)
        assert await database.call(None, f"SELECT drop_{table}_partitions('{before}')") > 0, "what is older may go"
        kept_from = SystemClock().now().date() - timedelta(days=KEPT_DAYS[table])  # looked up last: midnight may just have passed
        names = await database.superuser.fetch(
            "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = to_regclass($1)", f"{schema}.{table}"
        )
        there = {each["relname"].rpartition("_")[2] for each in names}
        days = (today - kept_from).days
        wanted = {f"{kept_from + timedelta(days=each):{'%Y%m' if by_month else '%Y%m%d'}}" for each in range(days + 1)}
        assert wanted <= there


async def test_rows_within_retention_stay(database: ServiceDatabase) -> None:
    """Idempotency keys stay for a day, sessions until a week after their end, and login names of every other tenant."""
    tenant, now = new_id(), SystemClock().now()
    if "forget_idempotency_keys" in DECIDED[database.name]:
        for hours in (0, 23, 25):
            await database.add("idempotency_key", tenant, created_at=now - timedelta(hours=hours))
        for before in ("infinity", "9999-12-31", "tomorrow", "now"):
            await database.call(None, f"SELECT forget_idempotency_keys('{before}')")
            assert await database.count("idempotency_key", tenant) == 2
    if "prune_sessions" in DECIDED[database.name]:
        for days in (1, -6, -8):
            await database.add("session", tenant, expires_at=now + timedelta(days=days))
        await database.add("session", tenant, expires_at=now - timedelta(days=8), revoked_until=now + timedelta(days=1))
        for before in ("infinity", "9999-12-31", "tomorrow", "now"):
            await database.call(None, f"SELECT prune_sessions('{before}')")
            assert await database.count("session", tenant) == 3
    if "release_login" in DECIDED[database.name]:
        account = new_id()
        await database.add("login_name", tenant, account_id=account)
        for caller in (None, new_id(), tenant):
            assert await database.call(caller, "SELECT release_login($1, $2)", tenant, account) == int(caller == tenant)
