"""A tenant's ledger on real PostgreSQL, and an intruder with access to the database and without the key."""

from __future__ import annotations

import argparse
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr
from sqlalchemy import make_url

from chassis.db import Database
from chassis.settings import DatabaseSettings
from chassis.storage import ObjectStore
from gtvision.events import AuditRecorded, Event
from gtvision.ids import new_id
from gtvision.time import FakeClock
from identity.gateways.anchor_copies import StoredAnchorCopies
from identity.gateways.audit_keys import HmacAuditKeys
from identity.integrity import cli as audit
from identity.integrity.domain import Wrong
from identity.integrity.usecases.sealing import Sealing
from identity.integrity.usecases.verification import Report, Span, Verification
from identity.ledger.domain.entries import Chained
from identity.ledger.repository import PostgresLedger, PostgresUpkeep
from identity.ledger.usecases import Ledger
from servers import Postgres

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
AUDIT_KEYS = SecretStr("a1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU=")


@dataclass
class TenantLedger:
    """A tenant's ledger, with all use cases that work on it."""

    db: Database
    clock: FakeClock
    postgres: Postgres
    database: str
    objects: Path
    tenant_id: UUID = field(default_factory=new_id)
    keys: HmacAuditKeys = field(default_factory=lambda: HmacAuditKeys(AUDIT_KEYS))

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.db.uow, PostgresLedger, PostgresUpkeep(self.db.uow), self.keys, self.clock)

    @property
    def verification(self) -> Verification:
        return Verification(self.db.uow, PostgresLedger, self.keys, self.copies)

    @property
    def sealing(self) -> Sealing:
        return Sealing(self.db.uow, PostgresLedger, PostgresUpkeep(self.db.uow), self.keys, self.copies, self.clock)

    @property
    def copies(self) -> StoredAnchorCopies:
        return StoredAnchorCopies(ObjectStore(self.objects.as_uri()))

    def event(self, tenant_id: UUID | None = None, **data: Any) -> Event[AuditRecorded]:
        told = AuditRecorded(**{"action": "plate.searched", **data})
        return Event[AuditRecorded](
            event_id=new_id(), type=AuditRecorded.key, occurred_at=self.clock.now(), tenant_id=tenant_id or self.tenant_id, data=told
        )

    async def record(self, count: int) -> list[Event[AuditRecorded]]:
        """Records `count` entries, a second apart, and returns their events."""
        events = []
        for _ in range(count):
            self.clock.advance(timedelta(seconds=1))
            events.append(self.event())
        await self.ledger.add_records(events)
        return events

    async def seal(self) -> int:
        return await self.sealing.seal_ledgers()

    async def rows(self, tenant_id: UUID | None = None) -> list[Chained]:
        async with self.db.uow(tenant_id or self.tenant_id) as uow:
            return await PostgresLedger(uow).page(None, 10**9, 10**6)

    async def verify(self, **span: Any) -> Report:
        """Verifies rows, anchors and copies, as `gtv audit verify` does."""
        return await self.verification.verify(self.tenant_id, Span(**span), with_copies=True)

    async def verify_rows(self) -> Report:
        """Verifies rows and anchors without the copies."""
        return await self.verification.verify(self.tenant_id)

    async def found(self) -> tuple[Wrong | None, int | None]:
        """Returns what is wrong with the first wrong row, and its number."""
        findings = (await self.verify()).findings
        return (findings[0].wrong, findings[0].seq) if findings else (None, None)

    async def all_found(self) -> list[tuple[Wrong, int]]:
        """Returns the same for every wrong row."""
        return [(each.wrong, each.seq) for each in (await self.verify()).findings]

    async def of_anchors(self) -> list[tuple[Wrong, int]]:
        """Returns what is wrong with anchors and copies."""
        return [(each.wrong, each.seq) for each in (await self.verify()).anchors]

    def copy_file(self, seq: int) -> Path:
        """Returns the file of the copy of a row's anchor in object storage."""
        (found,) = (self.objects / "audit" / str(self.tenant_id)).rglob(f"{seq}.json")
        return found

    @asynccontextmanager
    async def intruder(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Yields a connection of PostgreSQL's superuser with triggers disabled, which may change anything."""
        connection = await self.postgres.connect(self.database)
        try:
            await connection.execute("SET search_path = identity; SET session_replication_role = replica")
            yield connection
        finally:
            await connection.close()

    async def tamper(self, statement: str, *arguments: object) -> None:
        async with self.intruder() as connection:
            done = await connection.execute(statement, self.tenant_id, *arguments)
            assert not done.endswith(" 0"), f"nothing was tampered with: {statement}"


def database_name(settings: DatabaseSettings) -> str:
    return str(make_url(settings.url.get_secret_value()).database)


def tools(tenant: TenantLedger) -> audit.Tools:
    return audit.Tools(PostgresUpkeep(tenant.db.uow), tenant.ledger, tenant.verification, tenant.keys, tenant.copies)


async def command(tenant: TenantLedger, *arguments: str) -> str:
    out, asked = io.StringIO(), audit.parse(arguments)
    assert isinstance(asked, argparse.Namespace)
    await audit.verify(asked, tools(tenant), (tenant.tenant_id, "Cidade"), out)
    return out.getvalue()
