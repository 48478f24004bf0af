"""Tests of row-level security: after real migrations, every table keeps two tenants apart, without any help of our code.

The tables come from PostgreSQL's catalogs: a new one is covered by existing, and one without a policy has to be named here, with its
reason. Statements run as the service's own role and never name a tenant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from tests.contracts.catalog import Row, Table, acting, insert, tables_of
from tests.contracts.services import ROOT
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.workplace import TestServers

from cameras.reads import Reads
from chassis.db import Database
from chassis.migrations import reading_function_sql
from chassis.settings import DatabaseSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = pytest.mark.db

SERVICES = tuple(sorted(path.parent.parent.name.replace("-", "_") for path in ROOT.glob("services/*/migrations/env.py")))

EVERYWHERE = {"alembic_version", "outbox", "inbox"}
"""Tables of every service without a policy: the schema's version, the events to publish, the events that were handled."""
OWN = {
    "cameras": {"lease"},  # it belongs to a process
    "identity": {
        "signing_key",  # it belongs to the installation
        "login_name",  # it is read before a tenant is known, through the owner's functions only
    },
    "ingest": {"trusted_time"},  # the clock is the installation's
    "streaming": {"watches", "trusted_time"},  # they belong to a media node, and to the installation
}
"""Tables of single services without a policy. A new one needs its reason in a comment."""
OUT_OF_REACH = {"alembic_version", "login_name"}
"""Tables without a policy that the service's role may not read, except through the owner's functions."""

POLICY = "(tenant_id = (NULLIF(current_setting('app.tenant'::text, true), ''::text))::uuid)"
REFUSED = "42501"


@dataclass
class ServiceDatabase:
    """One service's database, with a row of both tenants in every table."""

    name: str
    settings: DatabaseSettings
    superuser: Any
    tables: list[Table]
    mine: UUID
    theirs: UUID
    rows: dict[UUID, dict[str, Row]]

    @property
    def secured(self) -> list[Table]:
        """Returns the tables whose rows belong to tenants."""
        return [table for table in self.tables if table.name not in self.without_policy and not table.is_partition]

    @property
    def without_policy(self) -> set[str]:
        return EVERYWHERE | OWN.get(self.name, set())

    async def seen(self, tenant: UUID | None, table: str) -> list[UUID]:
        async with acting(self.settings, tenant) as connection:
            return [row["tenant_id"] for row in await connection.fetch(f'SELECT * FROM "{table}"')]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=SERVICES)
async def tested(request: pytest.FixtureRequest, database_for: DatabaseFor, servers: TestServers) -> AsyncIterator[ServiceDatabase]:
    settings = await database_for(request.param)
    database = make_url(settings.url.get_secret_value()).database
    superuser = await servers.postgres.connect(str(database))
    for table in await tables_of(superuser, request.param):
        if table.partitioned:
            await superuser.execute(f'SELECT "{request.param}".make_{table.name}_partitions(current_date, 2)')
    tables, mine, theirs = await tables_of(superuser, request.param), new_id(), new_id()
    rows: dict[UUID, dict[str, Row]] = {mine: {}, theirs: {}}
    for tenant, made in rows.items():
        for table in tables:
            if not table.is_partition and table.name != "alembic_version":
                made[table.name] = table.row(tenant, made)
                await insert(superuser, request.param, table.name, made[table.name])
    yield ServiceDatabase(request.param, settings, superuser, tables, mine, theirs, rows)
    await superuser.close()


def test_every_service_with_tables_is_here() -> None:
    assert set(SERVICES) >= {"identity", "cameras", "streaming", "ingest", "alerts"}


def test_what_carries_no_policy_is_named(tested: ServiceDatabase) -> None:
    unsecured = {table.name for table in tested.tables if not table.is_partition and not table.secured}
    assert unsecured - EVERYWHERE == OWN.get(tested.name, set())
    assert {"alembic_version", "outbox"} <= unsecured
    assert not [table.name for table in tested.secured if not table.of_a_tenant], "a policy needs a tenant"
    assert tested.secured


async def test_the_policy_is_the_one_of_the_contracts(tested: ServiceDatabase) -> None:
    """Each table has that one policy: a second permissive one would widen it."""
    found = await tested.superuser.fetch("SELECT * FROM pg_policies WHERE schemaname = $1", tested.name)
    assert sorted(policy["tablename"] for policy in found) == sorted(table.name for table in tested.secured)
    for policy in found:
        assert (policy["qual"], policy["with_check"], policy["cmd"], policy["roles"]) == (POLICY, POLICY, "ALL", ["public"])


async def test_a_bare_select_shows_ones_own_rows_only(tested: ServiceDatabase) -> None:
    for table in tested.secured:
        for tenant in (tested.mine, tested.theirs):
            assert await tested.seen(tenant, table.name) == [tenant], table.name


async def test_every_way_to_the_database_sets_the_tenant(tested: ServiceDatabase) -> None:
    """Units of work and hot reads set the tenant: their statements without one show its rows only."""
    async with Database(tested.settings, SystemClock()) as db, Reads(tested.settings) as reads:
        for table in tested.secured:
            statement = f'SELECT tenant_id FROM "{tested.name}"."{table.name}"'
            for made in reading_function_sql(tested.name, "bare(tenant uuid)", "tenant_id uuid", statement):
                await tested.superuser.execute(made)
            for tenant, seen in ((tested.mine, [tested.mine]), (new_id(), [])):
                assert [row[0] for row in await reads.rows("SELECT * FROM bare($1)", tenant)] == seen, table.name
                async with db.uow(tenant) as uow:
                    assert list(await uow.session.scalars(text(statement))) == seen, table.name
            async with db.uow(None) as uow:
                assert list(await uow.session.scalars(text(statement))) == [], table.name
            assert await reads.rows(statement) == await reads.rows("SELECT * FROM bare($1)", None) == [], table.name
        await tested.superuser.execute(f'DROP FUNCTION "{tested.name}".bare')


@pytest.mark.parametrize("tenant", [None, "stranger"])
async def test_without_a_tenant_of_ones_own_there_is_nothing(tested: ServiceDatabase, tenant: str | None) -> None:
    for table in tested.secured:
        assert await tested.seen(new_id() if tenant else None, table.name) == [], table.name


async def test_aggregates_joins_and_subqueries_show_no_more(tested: ServiceDatabase) -> None:
    async with acting(tested.settings, tested.mine) as connection:
        for name in (f'"{table.name}"' for table in tested.secured):
            assert await connection.fetchval(f"SELECT count(*) FROM {name}") == 1
            joined = f"SELECT b.tenant_id FROM {name} a FULL JOIN {name} b ON true WHERE b.tenant_id IN (SELECT tenant_id FROM {name})"
            assert [row["tenant_id"] for row in await connection.fetch(joined)] == [tested.mine]


async def test_a_row_of_another_tenant_is_refused(tested: ServiceDatabase) -> None:
    for table in tested.secured:
        row = table.row(tested.theirs, tested.rows[tested.theirs])
        for tenant in (tested.mine, None):
            with pytest.raises(asyncpg.PostgresError) as refusal:
                async with acting(tested.settings, tenant) as connection:
                    await insert(connection, tested.name, table.name, row)
            assert refusal.value.sqlstate == REFUSED, f"{table.name}: {refusal.value}"


async def test_a_row_cannot_be_given_away(tested: ServiceDatabase) -> None:
    for table in tested.secured:
        with pytest.raises(asyncpg.PostgresError) as refusal:
            async with acting(tested.settings, tested.mine) as connection:
                await connection.execute(f'UPDATE "{table.name}" SET tenant_id = $1', tested.theirs)
        assert refusal.value.sqlstate == REFUSED, f"{table.name}: {refusal.value}"


async def test_a_bare_delete_and_update_leave_the_others_alone(tested: ServiceDatabase) -> None:
    for table in tested.secured:
        for statement in (f'DELETE FROM "{table.name}"', f'UPDATE "{table.name}" SET tenant_id = tenant_id'):
            async with acting(tested.settings, tested.mine) as connection:
                try:
                    done = await connection.execute(statement)
                except asyncpg.PostgresError as refusal:
                    assert refusal.sqlstate == REFUSED, f"{statement}: {refusal}"  # noqa: PT017 - either is right
                else:
                    assert done.endswith(" 1"), f"{statement}: {done}"


async def test_truncate_and_copy_are_not_for_the_service(tested: ServiceDatabase) -> None:
    """Policies do not apply to either, so the service's role may not use them."""
    for table in tested.secured:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with acting(tested.settings, tested.mine) as connection:
                await connection.execute(f'TRUNCATE "{table.name}"')


async def test_partitions_are_out_of_reach(tested: ServiceDatabase) -> None:
    """A partition has no policy of its own: reading it directly would show every tenant's rows."""
    partitions = [table for table in tested.tables if table.is_partition]
    assert bool(partitions) == any(table.partitioned for table in tested.tables)
    for table in partitions:
        for statement in (f'SELECT * FROM "{table.name}"', f'DELETE FROM "{table.name}"'):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with acting(tested.settings, tested.mine) as connection:
                    await connection.execute(statement)


async def test_tables_read_before_a_tenant_is_known_are_out_of_reach(tested: ServiceDatabase) -> None:
    for name in OUT_OF_REACH & {table.name for table in tested.tables}:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with acting(tested.settings, tested.mine) as connection:
                await connection.execute(f'SELECT * FROM "{name}"')


async def test_the_service_is_not_the_owner_and_passes_no_policy(tested: ServiceDatabase) -> None:
    role = await tested.superuser.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", tested.name)
    assert not [name for name in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication") if role[name]]
    assert {table.owner for table in tested.tables} == {f"{tested.name}_owner"}
    assert not await tested.superuser.fetchval("SELECT pg_has_role($1, $2, 'MEMBER')", tested.name, f"{tested.name}_owner")
    for privilege in ("USAGE", "CREATE"):
        assert not await tested.superuser.fetchval("SELECT has_schema_privilege('public', $1, $2)", tested.name, privilege)
    assert not await tested.superuser.fetchval("SELECT has_schema_privilege($1::name, $1::text, 'CREATE')", tested.name)


async def test_views_run_with_the_rights_of_the_caller(tested: ServiceDatabase) -> None:
    """Views run with the caller's rights: one with its owner's would pass by the policies."""
    views = await tested.superuser.fetch(
        "SELECT relname, reloptions FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind = 'v'", tested.name
    )
    assert not [view["relname"] for view in views if "security_invoker=true" not in (view["reloptions"] or [])]


async def test_the_owners_functions_have_a_fixed_search_path_and_no_other_callers(tested: ServiceDatabase) -> None:
    functions = await tested.superuser.fetch(
        "SELECT oid::regprocedure::text AS name, prosecdef AS definer, proconfig AS config, pg_get_userbyid(proowner) AS owner,"
        " has_function_privilege('public', oid, 'EXECUTE') AS public"
        " FROM pg_proc WHERE pronamespace = to_regnamespace($1)",
        tested.name,
    )
    for function in functions:
        assert function["owner"] == f"{tested.name}_owner"
        if function["definer"]:
            options = [setting.replace('"', "") for setting in function["config"] or ()]
            assert f"search_path={tested.name}, pg_temp" in options, function["name"]
            assert not function["public"], f"every role may call {function['name']}"


async def test_rows_that_no_tenant_owns_do_not_exist(tested: ServiceDatabase) -> None:
    """Rows with a null tenant would belong to no tenant and be visible to none."""
    for table in tested.secured:
        assert table.columns["tenant_id"] == ("uuid", True), table.name


async def test_every_key_begins_with_the_tenant(tested: ServiceDatabase) -> None:
    """Primary keys begin with the tenant, so that one tenant's rows can be moved to another database."""
    first = (
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE i.indisprimary AND i.indrelid = to_regclass($1)"
    )
    for table in tested.secured:
        assert await tested.superuser.fetchval(first, f"{tested.name}.{table.name}") == "tenant_id", table.name
