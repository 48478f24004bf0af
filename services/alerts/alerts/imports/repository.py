"""Rows of imports to nouns and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, or_, select, text, update

from alerts.imports.domain.jobs import Import, ImportState, LineError, OnError
from alerts.imports.tables import imports
from chassis.db import Database, UnitOfWork

_import = imports.c
_SHOWN = [imports.c[each.name] for each in fields(Import)]
_PROGRESS = ("state", "done", "added", "changed", "unchanged", "invalid", "finished_at")


@dataclass(frozen=True, slots=True)
class TakenImport:
    """An import that this process works on, with its file and the audit record that it ends with."""

    job: Import
    file: bytes
    audit: dict[str, Any]


class PostgresImports:
    """Imports of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, job: Import, file: bytes, audit: dict[str, Any]) -> None:
        row = {each.name: getattr(job, each.name) for each in fields(job)} | {"errors": []}
        await self._session.execute(insert(imports).values(row | {"file": file, "audit": audit}))

    async def get(self, watchlist_id: UUID, import_id: UUID) -> Import | None:
        mine = (_import.tenant_id == self._tenant_id, _import.watchlist_id == watchlist_id, _import.import_id == import_id)
        row = (await self._session.execute(select(*_SHOWN).where(*mine))).first()
        return _read(row) if row else None

    async def is_running(self, watchlist_id: UUID) -> bool:
        """Whether one has not ended; to be asked with the list locked."""
        mine = (_import.tenant_id == self._tenant_id, _import.watchlist_id == watchlist_id, _import.finished_at.is_(None))
        return (await self._session.execute(select(_import.import_id).where(*mine).limit(1))).first() is not None

    async def forget(self, watchlist_id: UUID, before: datetime) -> None:
        """Deletes those that ended before."""
        mine = (_import.tenant_id == self._tenant_id, _import.watchlist_id == watchlist_id, _import.finished_at < before)
        await self._session.execute(delete(imports).where(*mine))

    async def take(self, import_id: UUID, lease_id: UUID, now: datetime, until: datetime) -> TakenImport | None:
        """Takes it on lease, unless it has ended or another process has it."""
        free = or_(_import.lease_until.is_(None), _import.lease_until < now)
        mine = (_import.tenant_id == self._tenant_id, _import.import_id == import_id, _import.finished_at.is_(None), free)
        taken = update(imports).where(*mine).values(lease_id=lease_id, lease_until=until)
        row = (await self._session.execute(taken.returning(*_SHOWN, _import.file, _import.audit))).first()
        return TakenImport(_read(row), bytes(row.file), dict(row.audit)) if row else None

    async def save(self, job: Import, lease_id: UUID, until: datetime) -> bool:
        """Saves how far it has come and renews the lease. Returns False where another process has taken it, or its list is gone."""
        mine = (_import.tenant_id == self._tenant_id, _import.import_id == job.import_id, _import.lease_id == lease_id)
        values: dict[str, Any] = {name: getattr(job, name) for name in _PROGRESS} | {"lease_until": until}
        if job.state is ImportState.CHECKING or job.finished_at is not None or job.done == 0:
            values["errors"] = [asdict(each) for each in job.errors]
        if job.finished_at is not None:
            values["file"] = None
        saved = update(imports).where(*mine).values(values).returning(_import.import_id)
        return (await self._session.execute(saved)).first() is not None


def _read(row: Row[Any]) -> Import:
    values = {each.name: row._mapping[each.name] for each in fields(Import)}
    errors = tuple(LineError(**each) for each in row.errors)
    return Import(**(values | {"state": ImportState(row.state), "on_error": OnError(row.on_error), "errors": errors}))


@dataclass(frozen=True, slots=True)
class PostgresImportQueue:
    """Imports of all tenants, through the owner's definer function."""

    db: Database

    async def waiting(self, at: datetime) -> list[tuple[UUID, UUID]]:
        """Tenant and id of those that may be taken, oldest first."""
        async with self.db.uow(None) as uow:
            found = await uow.session.execute(text("SELECT tenant_id, import_id FROM alerts.waiting_imports(:at)"), {"at": at})
            return [(row.tenant_id, row.import_id) for row in found]
