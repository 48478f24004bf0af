"""What is done with watchlists: a method a verb, one transaction each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from alerts.watchlists.domain import Entry, Hours, Match, PlatePrefix, Watchlist, check_validity, differences, valid_plate
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim, point
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import Event, Severity, TenantRemoved
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller
from gtvision.time import Clock

if TYPE_CHECKING:
    from alerts.watchlists.repository import PostgresWatchlists

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class WatchlistDraft:
    """A list as a person typed it."""

    name: str
    severity: Severity = Severity.WARNING
    enabled: bool = True
    channel_ids: tuple[UUID, ...] | None = None
    legal_basis: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A plate to look for, as a person typed it."""

    plate: str
    match: Match = Match.ERA
    reason: str = ""
    valid_until: datetime | None = None
    valid_from: datetime | None = None
    enabled: bool = True
    legal_basis: str = ""
    priority: Severity | None = None
    hours: Hours | None = None
    camera_ids: tuple[UUID, ...] = ()
    group_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Watchlists:
    """The watchlists of the caller's tenant."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresWatchlists]
    clock: Clock

    async def create_watchlist(self, caller: Caller, draft: WatchlistDraft, once: Once | None = None) -> tuple[Watchlist, int]:
        """Returns the list and how many plates it holds: none, unless an earlier request made it.

        Raises: Conflict where the tenant has a list of that name, IdempotencyKeyReused, Gone.
        """
        watchlist = Watchlist(watchlist_id=new_id(), tenant_id=caller.tenant_id, created_at=self.clock.now(), **_values(draft))
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            earlier = await claim(uow, caller, once, watchlist.watchlist_id, watchlist.created_at)
            if earlier is not None:
                return _still(await watchlists.get(earlier)), await watchlists.count_entries(earlier)
            await watchlists.add(watchlist)
            record(uow, Action.WATCHLIST_CREATED, caller, _audit(watchlist))
        return watchlist, 0

    async def list_watchlists(self, caller: Caller, after: UUID | None, limit: int) -> list[tuple[Watchlist, int]]:
        """Returns watchlists in order of id, each with the number of its plates."""
        async with self.uow(caller.tenant_id) as uow:
            return await self.repository(uow).list_after(after, limit)

    async def show_watchlist(self, caller: Caller, watchlist_id: UUID) -> tuple[Watchlist, int]:
        """Returns the list and how many plates it holds. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            return _found(await watchlists.get(watchlist_id)), await watchlists.count_entries(watchlist_id)

    async def change_watchlist(self, caller: Caller, watchlist_id: UUID, patch: Patch) -> tuple[Watchlist, int]:
        """Changes the list; alerts that were raised stay as they are. Raises: Conflict where the name is taken, NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            watchlist = _found(await watchlists.get(watchlist_id, lock=True))
            changed = patch.apply(watchlist)
            if changed != watchlist:
                await watchlists.save(changed)
                record(uow, Action.WATCHLIST_CHANGED, caller, _audit(changed, changed=differences(watchlist, changed)))
            return changed, await watchlists.count_entries(watchlist_id)

    async def delete_watchlist(self, caller: Caller, watchlist_id: UUID) -> None:
        """Deletes the list with its plates; its alerts stay. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlist = _found(await self.repository(uow).delete(watchlist_id))
            record(uow, Action.WATCHLIST_REMOVED, caller, _audit(watchlist))

    async def delete_watchlists_of_city(self, consumer: str, event: Event[TenantRemoved]) -> None:
        """Deletes every list of a city that left, with its plates. A repeat changes nothing."""
        async with self.uow(event.tenant_id) as uow:
            if await uow.seen(consumer, event.event_id):
                return
            for watchlist in await self.repository(uow).delete_all():
                record(uow, Action.WATCHLIST_REMOVED, None, _audit(watchlist))

    async def add_plate(self, caller: Caller, watchlist_id: UUID, draft: EntryDraft, once: Once | None = None) -> Entry:
        """Adds a plate to a list; the same vehicle again is the same entry, with the new reason.

        The same spelling with the same match replaces the validity. With the other spelling (ABC1C34 of ABC1234) the entry looks for both,
        because two exact entries would raise two alerts for one pass, and for as long as the longer of the two validities; it is
        narrowed only by deleting and adding it. Raises: Invalid, InvalidPlate, NotFound, IdempotencyKeyReused, Gone.
        """
        plate, now = valid_plate(draft.plate), self.clock.now()
        values = _values(draft) | {"plate": plate}
        entry = Entry(entry_id=new_id(), tenant_id=caller.tenant_id, watchlist_id=watchlist_id, created_at=now, **values)
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            earlier = await claim(uow, caller, once, entry.entry_id, now)
            if earlier is not None:
                return _still(await watchlists.get_entry(watchlist_id, earlier))
            check_validity(entry.valid_from, entry.valid_until, now)
            _found(await watchlists.get(watchlist_id, lock=True))
            stored = await watchlists.add_entry(entry)
            await point(uow, caller, once, stored.entry_id)
            record(uow, Action.WATCHLIST_ENTRY_ADDED, caller, _audit_plate(stored))
        return stored

    async def change_plate(self, caller: Caller, watchlist_id: UUID, entry_id: UUID, patch: Patch) -> Entry:
        """Changes how, why, when and where an entry is looked for; the plate stays. Raises: Invalid, NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            entry = _found(await watchlists.get_entry(watchlist_id, entry_id, lock=True))
            changed = patch.apply(entry)
            if changed == entry:
                return entry
            if "valid_from" in patch or "valid_until" in patch:  # the reason of one that has ended may still be mended
                check_validity(changed.valid_from, changed.valid_until, self.clock.now())
            await watchlists.save_entry(changed)
            record(uow, Action.WATCHLIST_ENTRY_CHANGED, caller, _audit_plate(changed, changed=differences(entry, changed)))
        return changed

    async def list_plates(
        self, caller: Caller, watchlist_id: UUID, after: UUID | None, limit: int, prefix: PlatePrefix | None = None
    ) -> list[Entry]:
        """Returns plates of a list that begin so, in order of id. Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            watchlists = self.repository(uow)
            _found(await watchlists.get(watchlist_id))
            return await watchlists.entries_after(watchlist_id, after, limit, prefix)

    async def remove_plate(self, caller: Caller, watchlist_id: UUID, entry_id: UUID) -> None:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            entry = _found(await self.repository(uow).delete_entry(watchlist_id, entry_id))
            record(uow, Action.WATCHLIST_ENTRY_REMOVED, caller, _audit_plate(entry))


def _found(found: Found | None) -> Found:
    if found is None:
        raise NotFound
    return found


def _still(found: Found | None) -> Found:
    if found is None:
        raise Gone
    return found


def _values(draft: WatchlistDraft | EntryDraft) -> dict[str, Any]:
    return {each.name: getattr(draft, each.name) for each in fields(draft)}


def _audit(watchlist: Watchlist, **more: str) -> AuditEntry:
    details = {"name": watchlist.name, "severity": watchlist.severity} | _said(watchlist, "legal_basis", "channel_ids") | more
    return AuditEntry("watchlist", watchlist.watchlist_id, details=details | ({} if watchlist.enabled else {"enabled": "false"}))


def _audit_plate(entry: Entry, **more: str) -> AuditEntry:
    details = {"watchlist": entry.watchlist_id, "plate": entry.plate, "match": entry.match, "valid_until": entry.valid_until or "always"}
    said = _said(entry, "valid_from", "legal_basis", "priority", "hours", "camera_ids", "group_ids")
    said |= {} if entry.enabled else {"enabled": "false"}
    return AuditEntry("watchlist_entry", entry.entry_id, details=details | said | more)


def _said(noun: Watchlist | Entry, *names: str) -> dict[str, object]:
    """Returns those of the fields that hold anything."""
    values = {name: getattr(noun, name) for name in names}
    return {name: " ".join(map(str, value)) if isinstance(value, tuple) else value for name, value in values.items() if value}
