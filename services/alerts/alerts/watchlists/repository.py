"""Rows of watchlists to nouns and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import time
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Text, Uuid, bindparam, case, delete, func, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import IntegrityError

from alerts.watchlists.domain import Entry, Hours, Match, PlatePrefix, Read, Watchlist
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
        added = insert(watchlists).values(_list_row(watchlist)).on_conflict_do_nothing().returning(_list.watchlist_id)
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
                await self._session.execute(mine.values(_list_row(watchlist)))
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
        added = insert(entries).values(_row(entry))
        asked = added.excluded
        same = _entry.plate == asked.plate
        alike = same & (_entry.match == asked.match) & (_entry.is_similar == asked.is_similar)
        match = case((same & (_entry.match == Match.EXACT), asked.match), else_=Match.ERA)
        valid_until = case(
            (alike, asked.valid_until),
            (or_(_entry.valid_until.is_(None), asked.valid_until.is_(None)), null()),
            else_=func.greatest(_entry.valid_until, asked.valid_until),
        )
        valid_from = case(
            (alike, asked.valid_from),
            (or_(_entry.valid_from.is_(None), asked.valid_from.is_(None)), null()),
            else_=func.least(_entry.valid_from, asked.valid_from),
        )
        merged = {"match": match, "is_similar": _entry.is_similar | asked.is_similar, "valid_until": valid_until, "valid_from": valid_from}
        plainly = {name: asked[name] for name in ("reason", "enabled", "legal_basis", "priority", "hours", "camera_ids", "group_ids")}
        stored = added.on_conflict_do_update(
            index_elements=[_entry.tenant_id, _entry.watchlist_id, _entry.plate_key], set_=merged | plainly
        )
        return _read((await self._session.execute(stored.returning(entries))).one())

    async def entries_of(self, watchlist_id: UUID, plate_keys: Collection[str]) -> dict[str, Entry]:
        """Returns the entries of these vehicles by their key, locked until the transaction ends."""
        mine = (_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id, _entry.plate_key.in_(sorted(plate_keys)))
        rows = await self._session.execute(select(entries).where(*mine).order_by(_entry.plate_key).with_for_update())
        return {row.plate_key: _read(row) for row in rows}

    async def add_entries(self, new: Sequence[Entry]) -> None:
        """Adds many at once, of vehicles that the list lacks."""
        if new:
            await self._session.execute(insert(entries), [_row(entry) for entry in new])

    async def save_entries(self, changed: Sequence[Entry]) -> None:
        """Saves many at once."""
        if changed:
            rows = [{f"new_{name}": value for name, value in _row(entry).items()} for entry in changed]
            mine = update(entries).where(_entry.tenant_id == self._tenant_id, _entry.entry_id == bindparam("new_entry_id"))
            connection = await self._session.connection()  # the session takes many updates for those of a mapped class
            await connection.execute(mine.values({name: bindparam(f"new_{name}") for name in _CHANGES}), rows)

    async def get_entry(self, watchlist_id: UUID, entry_id: UUID, *, lock: bool = False) -> Entry | None:
        found = select(entries).where(_entry.tenant_id == self._tenant_id, _entry.watchlist_id == watchlist_id, _entry.entry_id == entry_id)
        row = (await self._session.execute(found.with_for_update() if lock else found)).first()
        return _read(row) if row else None

    async def save_entry(self, entry: Entry) -> None:
        mine = update(entries).where(_entry.tenant_id == self._tenant_id, _entry.entry_id == entry.entry_id)
        changed = {name: value for name, value in _row(entry).items() if name in _CHANGES}
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

    async def matching(self, reads: Collection[Read]) -> list[tuple[Watchlist, Entry]]:
        """Returns enabled entries that may be one of the plates, with their lists: `Entry.compare` decides. None is left out."""
        keys = sorted({plates.key(each) for read in reads for each in read.texts})
        parts = [sorted(set(some)) for some in zip(*(plates.parts(read.text) for read in reads), strict=True)]
        asked = dict(zip(("keys", "a", "b", "c"), (keys, *parts), strict=True)) | {"tenant": self._tenant_id}
        rows = {row.entry_id: row for row in await self._session.execute(_MATCHING_ROWS, asked)}
        return [(_watchlist(row, "list_"), _read(rows[each])) for each, row in sorted(rows.items())]


_COLUMNS = ", ".join(each.name for each in entries.columns)
_MINE = f"SELECT {_COLUMNS} FROM alerts.watchlist_entries WHERE tenant_id = :tenant AND enabled"  # noqa: S608 - names of this file
_MATCHING = text(
    # A select an index, each bounded by arrays: it is the same statement for every number of plates. In text, as building it from columns
    # takes more of a core than PostgreSQL does.
    f"""
    SELECT e.*, {", ".join(f"w.{each.name} AS list_{each.name}" for each in fields(Watchlist))} FROM (
        {_MINE} AND plate_key = ANY(:keys)
        UNION ALL {_MINE} AND is_similar AND part_a = ANY(:a)
        UNION ALL {_MINE} AND is_similar AND part_b = ANY(:b)
        UNION ALL {_MINE} AND is_similar AND part_c = ANY(:c)
    ) AS e JOIN alerts.watchlists AS w ON w.tenant_id = :tenant AND w.watchlist_id = e.watchlist_id AND w.enabled"""  # noqa: S608
).bindparams(bindparam("tenant", type_=Uuid()), *(bindparam(name, type_=ARRAY(Text)) for name in ("keys", "a", "b", "c")))
_MATCHING_ROWS = _MATCHING.columns(hours=JSONB)
"""Driver and text say nothing of JSON."""


def _list_row(watchlist: Watchlist) -> dict[str, Any]:
    channels = watchlist.channel_ids
    return asdict(watchlist) | {"channel_ids": None if channels is None else list(channels)}


def _watchlist(row: Row[Any], prefix: str = "") -> Watchlist:
    values = {each.name: row._mapping[prefix + each.name] for each in fields(Watchlist)}
    channels = values["channel_ids"]
    return Watchlist(**values | {"severity": Severity(values["severity"]), "channel_ids": None if channels is None else tuple(channels)})


def _row(entry: Entry) -> dict[str, Any]:
    values: dict[str, Any] = {each.name: getattr(entry, each.name) for each in fields(entry)}
    similar, hours = entry.match is Match.SIMILAR, entry.hours
    return values | {
        "plate_key": plates.key(entry.plate),
        "match": Match.ERA if similar else entry.match,
        "is_similar": similar,
        "hours": {"days": hours.days, "from": hours.start.isoformat(), "to": hours.end.isoformat()} if hours else None,
        "camera_ids": list(entry.camera_ids),
        "group_ids": list(entry.group_ids),
    }


_CHANGES = (
    "match",
    "is_similar",
    "reason",
    "valid_from",
    "valid_until",
    "enabled",
    "legal_basis",
    "priority",
    "hours",
    "camera_ids",
    "group_ids",
)


def _read(row: Row[Any]) -> Entry:
    values = {each.name: row._mapping[each.name] for each in fields(Entry)}
    return Entry(
        **values
        | {
            "match": Match.SIMILAR if row.is_similar else Match(row.match),
            "priority": Severity(row.priority) if row.priority else None,
            "hours": _hours(row.hours) if row.hours else None,
            "camera_ids": tuple(row.camera_ids),
            "group_ids": tuple(row.group_ids),
        }
    )


def _hours(kept: Mapping[str, Any]) -> Hours:
    return Hours(tuple(kept["days"]), time.fromisoformat(kept["from"]), time.fromisoformat(kept["to"]))
