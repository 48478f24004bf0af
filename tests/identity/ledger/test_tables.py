"""Tests that neither the service nor the owner of the tables can change the ledger or see another tenant's."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import ProgrammingError
from tests.identity.ledger.ledgers import START, TenantLedger

from gtvision.ids import new_id
from identity.ledger.domain.entries import FIELDS
from identity.ledger.tables import audit_anchor, audit_entry, audit_head

pytestmark = pytest.mark.db


CHANGES = [
    "UPDATE {table} SET hash = 'x'",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "UPDATE {table} SET hash = 'x' WHERE false",
]
TABLES = ["audit_entry", "audit_anchor"]


class TestAppendOnly:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_service_may_not(self, tenant: TenantLedger, table: str, change: str) -> None:
        await tenant.record(1)
        await tenant.seal()
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with tenant.db.uow(tenant.tenant_id) as uow:
                await uow.session.execute(text(change.format(table=table)))

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    async def test_the_owner_may_not(self, tenant: TenantLedger, table: str, change: str) -> None:
        """Triggers refuse changes of the table and of its partitions also to the owner."""
        await tenant.record(1)
        await tenant.seal()
        partitions = await _partitions(tenant, table)
        assert partitions
        for name in (table, *partitions):
            async with _as_owner(tenant) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await connection.execute(change.format(table=name))

    @pytest.mark.parametrize("table", TABLES)
    async def test_a_partition_is_out_of_reach(self, tenant: TenantLedger, table: str) -> None:
        """The service has no rights on partitions, which have no policy and would show other tenants' rows."""
        await tenant.record(1)
        await tenant.seal()
        for partition in await _partitions(tenant, table):
            for statement in (
                f"SELECT * FROM {partition}",
                f"INSERT INTO {partition} SELECT * FROM {partition}",
                f"DELETE FROM {partition}",
            ):
                with pytest.raises(ProgrammingError, match="permission denied"):
                    async with tenant.db.uow(tenant.tenant_id) as uow:
                        await uow.session.execute(text(statement.format(partition)))

    async def test_heads_are_moved_and_never_removed(self, tenant: TenantLedger) -> None:
        await tenant.record(1)
        for statement in ("DELETE FROM audit_head", "TRUNCATE audit_head"):
            with pytest.raises(ProgrammingError, match="permission denied"):
                async with tenant.db.uow(tenant.tenant_id) as uow:
                    await uow.session.execute(text(statement))

    @pytest.mark.parametrize("table", ["audit_entry", "audit_anchor", "audit_head", "audit_copy_owed"])
    async def test_another_tenant_sees_nothing(self, tenant: TenantLedger, table: str) -> None:
        """The policy hides other tenants' rows from a statement without a filter."""
        await tenant.record(2)
        async with tenant.db.uow(tenant.tenant_id) as uow:
            anchor = "INSERT INTO audit_anchor VALUES (:t, 2, 'seal', :at, 'x', 'x', 'x')"
            await uow.session.execute(text(anchor), {"t": tenant.tenant_id, "at": START})
            await uow.session.execute(text("INSERT INTO audit_copy_owed VALUES (:t, 2, 'seal', :at)"), {"t": tenant.tenant_id, "at": START})
        for tenant_id, seen in ((tenant.tenant_id, True), (new_id(), False), (None, False)):
            async with tenant.db.uow(tenant_id) as uow:
                found = (await uow.session.execute(text(f"SELECT tenant_id FROM {table}"))).scalars().all()
                assert set(found) == ({tenant.tenant_id} if seen else set())

    async def test_no_tenant_writes_into_another_tenants_ledger(self, tenant: TenantLedger) -> None:
        await tenant.record(1)
        victim, (row,) = tenant.tenant_id, await tenant.rows()
        entry = {
            **{name: getattr(row.entry, name) for name in FIELDS},
            "seq": 2,
            "prev_hash": row.hash,
            "hash": "x",
            "mac": "x",
            "mac_kid": "x",
        }
        anchor = {"tenant_id": victim, "seq": 1, "kind": "cut", "anchored_at": START, "hash": "x", "kid": "x", "signature": "x"}
        head = {"tenant_id": victim, "seq": 0, "hash": "x", "recorded_at": START}
        for statement in (insert(audit_entry).values(entry), insert(audit_anchor).values(anchor), insert(audit_head).values(head)):
            with pytest.raises(ProgrammingError, match="row-level security"):
                async with tenant.db.uow(new_id()) as uow:
                    await uow.session.execute(statement)


async def _partitions(tenant: TenantLedger, table: str) -> list[str]:
    async with tenant.intruder() as connection:
        rows = await connection.fetch(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::regclass", table
        )
        return [row["relname"] for row in rows]


class _as_owner:  # noqa: N801 - reads as a function
    """A connection that acts as the schema's owner, as a migration does."""

    def __init__(self, tenant: TenantLedger) -> None:
        self._tenant = tenant

    async def __aenter__(self) -> asyncpg.Connection[asyncpg.Record]:
        self._connection = await self._tenant.postgres.connect(self._tenant.database)
        await self._connection.execute("SET ROLE identity_owner; SET search_path = identity")
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
