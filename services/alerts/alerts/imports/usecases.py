"""What is done with files of plates: a job reads and writes them, and a list becomes one."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.imports.domain.jobs import KEPT, MAX_ERRORS, Counts, Import, ImportRunning, ImportState, LineError, OnError
from alerts.imports.domain.sheets import Line, LineReader, Sheet, heading, line_of
from alerts.watchlists.domain import Entry, Match
from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, audit_event, record
from city.tenants import TenantDirectory
from gtvision import plate as plates
from gtvision.audit import Action
from gtvision.errors import NotFound, Unavailable
from gtvision.events import AuditRecorded
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock, zone_of

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.imports.repository import PostgresImportQueue, PostgresImports, TakenImport
    from alerts.watchlists.repository import PostgresWatchlists

_AT_ONCE = 500
_LEASE = timedelta(seconds=60)

log = get_logger("alerts.imports")


class _Lost(Exception):
    """Another process has the import, or its list is gone."""


@dataclass(frozen=True, slots=True)
class Imports:
    """Files of plates of a tenant. `wake` has the loop of `work_off` look at once."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresImports]
    watchlists: Callable[[UnitOfWork], PostgresWatchlists]
    cameras: Callable[[UnitOfWork], PostgresAlerts]
    queue: PostgresImportQueue
    tenants: TenantDirectory
    clock: Clock
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def start_import(self, caller: Caller, watchlist_id: UUID, file: bytes, dry_run: bool, on_error: OnError) -> Import:
        """Stores the file and returns the job that will read it. Raises: ImportInvalid, ImportRunning, NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            if await self.watchlists(uow).get(watchlist_id) is None:
                raise NotFound
        sheet, now = await asyncio.to_thread(Sheet.open, file), self.clock.now()
        job = Import(
            new_id(), caller.tenant_id, watchlist_id, ImportState.QUEUED, dry_run, on_error, now, caller.user_id, lines=sheet.lines
        )
        async with self.uow(caller.tenant_id) as uow:
            imports, watchlist = self.repository(uow), await self.watchlists(uow).get(watchlist_id, lock=True)
            if watchlist is None:
                raise NotFound
            if await imports.is_running(watchlist_id):
                raise ImportRunning
            details = {"name": watchlist.name, "import": job.import_id, "sha256": hashlib.sha256(file).hexdigest(), "on_error": on_error}
            told = audit_event(Action.WATCHLIST_IMPORTED, caller, AuditEntry("watchlist", watchlist_id, details=details))
            await imports.forget(watchlist_id, now - KEPT)
            await imports.add(job, file, told.model_dump(mode="json"))
        self.wake.set()
        return job

    async def show_import(self, caller: Caller, watchlist_id: UUID, import_id: UUID) -> Import:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).get(watchlist_id, import_id)
        if found is None:
            raise NotFound
        return found

    async def export(self, caller: Caller, watchlist_id: UUID) -> AsyncIterator[bytes]:
        """Returns the list as a file, a page at a time; the export is on record before it begins. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlist = await self.watchlists(uow).get(watchlist_id)
            if watchlist is None:
                raise NotFound
            names = await self.cameras(uow).camera_names()
            details = {"name": watchlist.name, "entries": await self.watchlists(uow).count_entries(watchlist_id)}
            record(uow, Action.WATCHLIST_EXPORTED, caller, AuditEntry("watchlist", watchlist_id, details=details))
        called = Counter(name.casefold() for name in names.values())
        once = {camera: name for camera, name in names.items() if called[name.casefold()] == 1 and "|" not in name}
        return self._pages(caller.tenant_id, watchlist_id, once)

    async def _pages(self, tenant_id: UUID, watchlist_id: UUID, names: dict[UUID, str]) -> AsyncIterator[bytes]:
        zone, after = self._zone(tenant_id), None
        yield heading()
        while True:
            async with self.uow(tenant_id) as uow:
                page = await self.watchlists(uow).entries_after(watchlist_id, after, _AT_ONCE)
            yield b"".join(line_of(entry, zone, names) for entry in page)
            if len(page) < _AT_ONCE:
                return
            after = page[-1].entry_id

    # --- the job ---

    async def work_off(self) -> None:
        """Works on every import that no process works on, one after the other, until it ends."""
        for tenant_id, import_id in await self.queue.waiting(self.clock.now()):
            lease_id, now = new_id(), self.clock.now()
            async with self.uow(tenant_id) as uow:
                taken = await self.repository(uow).take(import_id, lease_id, now, now + _LEASE)
                names = await self.cameras(uow).camera_names() if taken else {}
            if taken is not None:
                await self._run(taken, lease_id, names)

    async def _run(self, taken: TakenImport, lease_id: UUID, names: dict[UUID, str]) -> None:
        sheet = await asyncio.to_thread(Sheet.open, taken.file)
        cameras: dict[str, UUID | None] = {}
        for camera_id, name in names.items():
            cameras[name.casefold()] = None if name.casefold() in cameras else camera_id
        reader = LineReader(self._zone(taken.job.tenant_id), taken.job.created_at, cameras)
        work = _Work(self, taken, lease_id, sheet, reader)
        try:
            await work.finish()
        except _Lost:
            log.info("import_lost", import_id=str(taken.job.import_id))
        except Unavailable:
            raise
        except Exception:
            log.exception("import_failed", import_id=str(taken.job.import_id))
            await work.give_up()

    def _zone(self, tenant_id: UUID) -> ZoneInfo:
        return zone_of(self.tenants.settings(tenant_id).timezone)


class _Work:
    """One process's work on one import."""

    def __init__(self, tools: Imports, taken: TakenImport, lease_id: UUID, sheet: Sheet, reader: LineReader) -> None:
        self._tools, self._job, self._lease_id, self._audit = tools, taken.job, lease_id, taken.audit
        self._sheet, self._reader = sheet, reader

    async def finish(self) -> None:
        """Checks all lines first, unless that was done before, and then writes them, some at once."""
        if self._job.state in {ImportState.QUEUED, ImportState.CHECKING}:
            await self._save(replace(self._job, state=ImportState.CHECKING))
            if not await self._check():
                return
        lines = self._reader.read(self._sheet)
        for _ in range(0, self._job.done, _AT_ONCE):  # what was written before it was taken
            await _some(lines)
        while some := await _some(lines):
            async with self._tools.uow(self._job.tenant_id) as uow:
                counts = await self._write(uow, [line for line in some if isinstance(line, Line)])
                job = replace(
                    self._job,
                    done=self._job.done + len(some),
                    added=self._job.added + counts.added,
                    changed=self._job.changed + counts.changed,
                    unchanged=self._job.unchanged + counts.unchanged,
                )
                await self._put(uow, job)
            self._job = job
        await self._end(ImportState.FINISHED)

    async def _check(self) -> bool:
        """Reads every line and keeps what is wrong. Returns whether it goes on."""
        lines, errors, invalid = self._reader.read(self._sheet), list[LineError](), 0
        while some := await _some(lines):
            wrong = [line for line in some if isinstance(line, LineError)]
            invalid += len(wrong)
            errors += wrong[: MAX_ERRORS - len(errors)]
        self._job = replace(self._job, errors=tuple(errors), invalid=invalid)
        if invalid and self._job.on_error is OnError.STOP:
            await self._end(ImportState.REJECTED)
            return False
        await self._save(replace(self._job, state=ImportState.WRITING))
        return True

    async def _write(self, uow: UnitOfWork, lines: list[Line]) -> Counts:
        """Writes the lines, unless it is a dry run, and returns what became of them."""
        watchlists, job = self._tools.watchlists(uow), self._job
        if await watchlists.get(job.watchlist_id, lock=True) is None:
            raise _Lost
        known = await watchlists.entries_of(job.watchlist_id, [plates.key(line.plate) for line in lines])
        found = [(line, known.get(plates.key(line.plate))) for line in lines]
        new = [self._new(line) for line, entry in found if entry is None]
        changed = [after for line, entry in found if entry is not None and (after := line.applied(entry)) != entry]
        if not job.dry_run:
            await watchlists.add_entries(new)
            await watchlists.save_entries(changed)
        return Counts(len(new), len(changed), len(lines) - len(new) - len(changed))

    def _new(self, line: Line) -> Entry:
        bare = Entry(
            new_id(), self._job.tenant_id, self._job.watchlist_id, line.plate, Match.ERA, "", None, created_at=self._tools.clock.now()
        )
        return line.applied(bare)

    async def _end(self, state: ImportState) -> None:
        job = replace(self._job, state=state, finished_at=self._tools.clock.now())
        async with self._tools.uow(job.tenant_id) as uow:
            await self._put(uow, job)
            if job.added or job.changed:
                self._tell(uow, job)
        self._job = job

    def _tell(self, uow: UnitOfWork, job: Import) -> None:
        """One record of all that was written, in the name of the person who sent the file."""
        if job.dry_run:
            return
        counts = {name: str(getattr(job, name)) for name in ("lines", "added", "changed", "unchanged", "invalid")}
        told = AuditRecorded.model_validate(self._audit)
        uow.emit(told.model_copy(update={"details": {**told.details, **counts}}))

    async def give_up(self) -> None:
        """Ends an import that a fault of ours stopped."""
        try:
            await self._end(ImportState.FAILED)
        except _Lost:
            log.info("import_lost", import_id=str(self._job.import_id))

    async def _save(self, job: Import) -> None:
        async with self._tools.uow(job.tenant_id) as uow:
            await self._put(uow, job)
        self._job = job

    async def _put(self, uow: UnitOfWork, job: Import) -> None:
        if not await self._tools.repository(uow).save(job, self._lease_id, self._tools.clock.now() + _LEASE):
            raise _Lost


async def _some(lines: Iterator[Line | LineError]) -> list[Line | LineError]:
    """Returns the next lines; other work has its turn in between."""
    await asyncio.sleep(0)
    return list(islice(lines, _AT_ONCE))
