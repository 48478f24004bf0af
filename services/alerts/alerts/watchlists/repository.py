"""Rows of watchlists to nouns and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from alerts.watchlists.domain import Entry, Match, PlatePrefix, Watchlist
from alerts.watchlists.tables import entries, watchlists
from chassis.db import UnitOfWork
from gtvision import plate as plates
from gtvision.errors import Conflict
from gtvision.events import Severity

_list, _entry = watchlists.c, entries.c


class PostgresWatchlists:
    """Watchlists and plates of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def add(self, watchlist: Watchlist) -> None:
        """Raises: Conflict, where the name is taken."""
        added = insert(watchlists).values(asdict(watchlist)).on_conflict_do_nothing().returning(_list.watchlist_id)
        if (await self._session.execute(added)).first() is None:
            raise Conflict("There is a watchlist of that name.")

    async def get(self, watchlist_id: UUID, *, lock: bool = False) -> Watchlist | None:
        found = select(watchlists).where(_list.tenant_id == self._tenant_id, _list.watchlist_id == watchlist_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _watchlist(row) if row else None

    async def save(self, watchlist: Watchlist) -> None:
        """Raises: Conflict, where the name is taken."""
        mine = update(watchlists).where(_list.tenant_id == self._tenant_id, _list.watchlist_id == watchlist.watchlist_id)
        try:
            async with self._session.begin_nested():
                await self._session.execute(mine.values(name=watchlist.name, severity=watchlist.severity))
        except IntegrityError:
            raise Conflict("There is a watchlist of that name.") from None

    async def list_after(self, after: UUID | None, limit: int) -> list[tuple[Watchlist, int]]:
        """Returns watchlists in order of id, each with the number of its plates."""
        held = select(func.count()).where(_entry.tenant_id == _list.tenant_id, _entry.watchlist_id == _list.watchlist_id)
        query = select(watchlists, held.scalar_subquery().label("held")).where(_list.tenant_id == self._tenant_id)
        if after is not None:
            query = query.where(_list.watchlist_id > after)
        rows = await self._session.execute(query.order_by(_list.watchlist_id).limit(limit))
        return [(_watchlist(row), row.held) for row in rows]

    async def count_entries(self, watchlist_id: UUID) -> int:
        held = select(func.count()).where(_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id)
        return int(await self._session.scalar(held) or 0)

    async def delete(self, watchlist_id: UUID) -> Watchlist | None:
        """Deletes the list with its plates. Returns what it was, or None where there is none."""
        held = delete(entries).where(_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id)
        await self._session.execute(held)
        gone = delete(watchlists).where(_list.tenant_id == self._tenant_id, _list.watchlist_id == watchlist_id).returning(watchlists)
        row = (await self._session.execute(gone)).first()
        return _watchlist(row) if row else None

    async def delete_all(self) -> list[Watchlist]:
        """Deletes every list with its plates. Returns what they were."""
        await self._session.execute(delete(entries).where(_entry.tenant_id == self._tenant_id))
        gone = delete(watchlists).where(_list.tenant_id == self._tenant_id).returning(watchlists)
        return [_watchlist(row) for row in await self._session.execute(gone)]

    async def add_entry(self, entry: Entry) -> Entry:
        """Returns the stored entry: the one that the list has of the vehicle already, with the new reason and its own plate.

        The same spelling with the same match replaces the validity; anything else keeps the longer one, so that no watch ends early. Asked
        for in the other spelling, the entry matches both, and once it matches both it stays so.
        """
        added = insert(entries).values(asdict(entry) | {"plate_key": plates.key(entry.plate)})
        asked = added.excluded
        same = _entry.plate == asked.plate
        match = case((same & (_entry.match == Match.EXACT), asked.match), else_=Match.ERA)
        valid_until = case(
            (same & (_entry.match == asked.match), asked.valid_until),
            (or_(_entry.valid_until.is_(None), asked.valid_until.is_(None)), null()),
            else_=func.greatest(_entry.valid_until, asked.valid_until),
        )
        valid_from = case(
            (same & (_entry.match == asked.match), asked.valid_from),
            (or_(_entry.valid_from.is_(None), asked.valid_from.is_(None)), null()),
            else_=func.least(_entry.valid_from, asked.valid_from),
        )
        stored = added.on_conflict_do_update(
            index_elements=[_entry.tenant_id, _entry.watchlist_id, _entry.plate_key],
            set_={"match": match, "reason": asked.reason, "valid_until": valid_until, "valid_from": valid_from},
        )
        return _read((await self._session.execute(stored.returning(entries))).one())

    async def get_entry(self, watchlist_id: UUID, entry_id: UUID, *, lock: bool = False) -> Entry | None:
        found = select(entries).where(_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id, _entry.entry_id == entry_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read(row) if row else None

    async def save_entry(self, entry: Entry) -> None:
        mine = update(entries).where(_entry.tenant_id == self._tenant_id, _entry.entry_id == entry.entry_id)
        changed = {"match": entry.match, "reason": entry.reason, "valid_from": entry.valid_from, "valid_until": entry.valid_until}
        await self._session.execute(mine.values(changed))

    async def entries_after(self, watchlist_id: UUID, after: UUID | None, limit: int, prefix: PlatePrefix | None = None) -> list[Entry]:
        query = select(entries).where(_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id)
        if prefix is not None:
            query = query.where(_entry.plate.between(*prefix.span))
        if after is not None:
            query = query.where(_entry.entry_id > after)
        return [_read(row) for row in await self._session.execute(query.order_by(_entry.entry_id).limit(limit))]

    async def delete_entry(self, watchlist_id: UUID, entry_id: UUID) -> Entry | None:
        """Returns what it was, or None where there is none."""
        mine = (_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id, _entry.entry_id == entry_id)
        row = (await self._session.execute(delete(entries).where(*mine).returning(entries))).first()
        return _read(row) if row else None

    async def matching(self, texts: Iterable[str]) -> list[tuple[Watchlist, Entry]]:
        """Returns entries whose plate has the era-neutral key of one of the texts; `Entry.fits` decides."""
        keys = sorted({plates.key(plate) for plate in texts})
        same_list = (_entry.tenant_id == _list.tenant_id) & (_entry.watchlist_id == _list.watchlist_id)
        query = (
            select(entries, _list.name, _list.severity, _list.created_at.label("list_created_at"))
            .join_from(entries, watchlists, same_list)
            .where(_entry.tenant_id == self._tenant_id, _entry.plate_key.in_(keys))
            .order_by(_entry.entry_id)
        )
        return [(_watchlist(row, row.list_created_at), _read(row)) for row in await self._session.execute(query)]


def _watchlist(row: Row[Any], created_at: Any = None) -> Watchlist:
    return Watchlist(row.watchlist_id, row.tenant_id, row.name, Severity(row.severity), created_at or row.created_at)


def _read(row: Row[Any]) -> Entry:
    return Entry(
        row.entry_id,
        row.tenant_id,
        row.watchlist_id,
        row.plate,
        Match(row.match),
        row.reason,
        row.valid_until,
        row.created_at,
        row.valid_from,
    )
