"""Audit entries and other events of services, read from the outbox: no relay runs in these tests, so they stay there."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from chassis.db import Database
from chassis.envelope import parse
from gtvision.events import AuditRecorded, DataT, Event

_ROWS = text("SELECT body FROM outbox WHERE tenant_id = :tenant_id AND key = :key ORDER BY created_at, id")


async def audit_entries(db: Database, tenant_id: UUID) -> list[Event[AuditRecorded]]:
    """Returns all audit entries of a tenant, in order."""
    return await emitted(db, tenant_id, AuditRecorded)


async def emitted(db: Database, tenant_id: UUID, kind: type[DataT]) -> list[Event[DataT]]:
    """Returns all events of a kind of a tenant, in order."""
    async with db.uow(None) as uow:
        rows = await uow.session.execute(_ROWS, {"tenant_id": tenant_id, "key": kind.key})
        return [parse(kind, row.body.encode()) for row in rows]
