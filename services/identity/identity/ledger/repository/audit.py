"""The ledger on PostgreSQL. Rows are added by one statement for a whole batch, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    DateTime,
    RowMapping,
    Select,
    Table,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.db import UnitOfWork, UowFactory
from identity.cities.tables import tenant
from identity.keys.tables.api_keys import api_key
from identity.ledger.domain.ledger import FIELDS, Chained, Entry, Head
from identity.ledger.domain.searches import Sought
from identity.ledger.tables import audit_entry, audit_head
from identity.people.tables import account

_KINDS = {"version": "smallint", "seq": "bigint", "details": "text"}
_TIMES = {"recorded_at", "occurred_at", "range_from", "range_to"}
_IDS = {"event_id", "actor_id", "session_id", "camera_id", "correlation_id"}
_COLUMNS = (*(name for name in FIELDS if name != "tenant_id"), "prev_hash", "hash", "mac", "mac_kid")
_SKEW = timedelta(days=1)
"""An entry is recorded after it occurred, give or take the clocks of two machines: older partitions need not be searched."""


_FIRST, _LAST = "TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"


def _instant(column: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """A time that Python knows. PostgreSQL has earlier, later and infinite ones: the driver stores both ends of the calendar so."""
    first, last = literal_column(_FIRST, column.type), literal_column(_LAST, column.type)
    return case((column < first, first), (column > last, last), else_=column)


def _readable(table: Table) -> list[ColumnElement[Any]]:
    """Every column, so that whatever somebody put there keeps no other row from being read."""
    found: list[ColumnElement[Any]] = []
    for column in table.columns:
        if isinstance(column.type, DateTime):
            found.append(_instant(column).label(column.name))
        else:
            found.append(cast(column, Text).label(column.name) if column.name == "details" else column)
    return found


_ENTRIES, _HEAD = select(*_readable(audit_entry)), select(*_readable(audit_head))


def _kind(name: str) -> str:
    return "timestamptz" if name in _TIMES else "uuid" if name in _IDS else _KINDS.get(name, "text")


_ROWS = f"unnest({', '.join(f'CAST(~{name} AS {_kind(name)}[])' for name in _COLUMNS)})"
_CALENDAR = "CASE WHEN row.{0} < {1} THEN {1} WHEN row.{0} > {2} THEN {2} ELSE row.{0} END AS {0}"
_AS_STORED = {
    **{name: _CALENDAR.format(name, _FIRST, _LAST) for name in _TIMES},
    "details": "CAST(CAST(row.details AS jsonb) AS text) AS details",
}
_STORED = text(
    (
        # Only our own column names are put in; every value is bound.
        f"SELECT {', '.join(_AS_STORED.get(name, f'row.{name}') for name in _COLUMNS)} "  # noqa: S608
        f"FROM {_ROWS} WITH ORDINALITY AS row ({', '.join(_COLUMNS)}, place) ORDER BY place"
    ).replace("~", ":")
)
_INSERT = text(
    (
        f"INSERT INTO audit_entry (tenant_id, {', '.join(_COLUMNS)}) "  # noqa: S608
        f"SELECT ~tenant_id, {', '.join('CAST(row.details AS jsonb)' if name == 'details' else f'row.{name}' for name in _COLUMNS)} "
        f"FROM {_ROWS} AS row ({', '.join(_COLUMNS)})"
    ).replace("~", ":")
).bindparams(bindparam("tenant_id", type_=Uuid()))
_UNSEEN = text(
    "INSERT INTO inbox (consumer, event_id, seen_at) SELECT 'ledger', event_id, :now FROM unnest(:ids) AS event_id "
    "ON CONFLICT DO NOTHING RETURNING event_id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
_NEW_HEAD = text(
    "INSERT INTO audit_head (tenant_id, seq, hash, recorded_at) VALUES (:tenant_id, 0, repeat('0', 64), :now) ON CONFLICT DO NOTHING"
).bindparams(bindparam("tenant_id", type_=Uuid()))


class SqlLedger:
    """`ports.LedgerRows` in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session
        self._tenant_id = work.tenant_id

    async def lock_head(self, now: datetime) -> Head:
        locking = _HEAD.where(audit_head.c.tenant_id == self._tenant_id).with_for_update()
        row = (await self._session.execute(locking)).mappings().first()
        if row is None:
            await self._session.execute(_NEW_HEAD, {"tenant_id": self._tenant_id, "now": now})
            row = (await self._session.execute(locking)).mappings().one()
        return _head(row)

    async def unseen(self, event_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        return set((await self._session.execute(_UNSEEN, {"ids": list(event_ids), "now": now})).scalars())

    async def names(self, actor_ids: Sequence[UUID]) -> dict[UUID, str]:
        wanted = sorted(set(actor_ids))
        if not wanted:
            return {}
        people = select(account.c.id, account.c.email.label("name")).where(account.c.id.in_(wanted))
        programs = select(api_key.c.id, api_key.c.name).where(api_key.c.id.in_(wanted))
        return {row.id: row.name for row in await self._session.execute(people.union_all(programs))}

    async def as_stored(self, entries: Sequence[Entry]) -> list[Entry]:
        rows = await self._session.execute(_STORED, _columns([Chained(each, "", "", "", "") for each in entries]))
        return [_entry(row, tenant_id=self._tenant_id) for row in rows.mappings()]

    async def append(self, entries: Sequence[Chained], head: Head) -> None:
        await self._session.execute(_INSERT, {"tenant_id": self._tenant_id, **_columns(entries)})
        moving = audit_head.update().where(audit_head.c.tenant_id == self._tenant_id)
        await self._session.execute(moving.values(seq=head.seq, hash=head.hash, recorded_at=head.recorded_at))

    async def head(self) -> Head | None:
        row = (await self._session.execute(_HEAD)).mappings().first()
        return _head(row) if row else None

    async def ends(self) -> tuple[Head | None, int]:
        highest = select(func.max(audit_entry.c.seq)).scalar_subquery()
        joined = select(highest.label("highest"), *_readable(audit_head)).select_from(
            select(1).subquery().outerjoin(audit_head, text("true"))
        )
        row = (await self._session.execute(joined)).mappings().one()
        return (None if row["seq"] is None else _head(row)), row["highest"] or 0

    async def page(self, after: tuple[int, datetime] | None, through: int, limit: int, sought: Sought | None = None) -> list[Chained]:
        column = audit_entry.c
        where = [column.seq <= through, *(_conditions(sought) if sought else ())]
        if after is not None:
            # Also as a plain bound, which an index serves.
            where += [column.seq >= after[0], tuple_(column.seq, _instant(column.recorded_at)) > after]
        statement = _ENTRIES.where(*where).order_by(column.seq, column.recorded_at).limit(limit)
        return await self._entries(statement)

    async def last(self, through: int, sought: Sought) -> int:
        column = audit_entry.c
        # Counted too: for the maximum alone PostgreSQL walks back from the end of the ledger.
        statement = select(func.count(column.seq), func.max(column.seq)).where(column.seq <= through, *_conditions(sought))
        return (await self._session.execute(statement)).one()[1] or 0

    async def newest(self, sought: Sought, before: tuple[datetime, int] | None, limit: int) -> list[Chained]:
        column = audit_entry.c
        where = _conditions(sought)
        if before is not None:
            where += [column.occurred_at <= before[0], tuple_(column.occurred_at, column.seq) < before]
        return await self._entries(_ENTRIES.where(*where).order_by(column.occurred_at.desc(), column.seq.desc()).limit(limit))

    async def at(self, seq: int) -> list[Chained]:
        return await self._entries(_ENTRIES.where(audit_entry.c.seq == seq).order_by(audit_entry.c.recorded_at).limit(2))

    async def retention_days(self, otherwise: int) -> int:
        days = tenant.c.settings["retention"]["audit_days"].as_integer()
        return (await self._session.scalar(select(days))) or otherwise

    async def first_since(self, since: datetime) -> int | None:
        found: int | None = await self._session.scalar(select(func.min(audit_entry.c.seq)).where(audit_entry.c.recorded_at >= since))
        return found

    async def _entries(self, statement: Select[Any]) -> list[Chained]:
        return [_chained(row) for row in (await self._session.execute(statement)).mappings()]


def _conditions(sought: Sought) -> list[ColumnElement[bool]]:
    column = audit_entry.c
    same = ("outcome", "actor_id", "camera_id", "object_kind", "object_id", "correlation_id", "address", "purpose")
    found = [column[name] == getattr(sought, name) for name in same if getattr(sought, name) is not None]
    if sought.since is not None:
        found += [column.occurred_at >= sought.since, column.recorded_at >= sought.since - _SKEW]
    if sought.until is not None:
        found.append(column.occurred_at < sought.until)
    if sought.actions is not None:
        found.append(column.action.in_(sought.actions))
    return found


def _columns(entries: Sequence[Chained]) -> dict[str, list[object]]:
    rows = [each.values() for each in entries]
    columns: dict[str, list[object]] = {name: [row[name] for row in rows] for name in _COLUMNS}
    return {**columns, "details": [orjson.dumps(details).decode() for details in columns["details"]]}


def _chained(row: RowMapping) -> Chained:
    return Chained(_entry(row), row["prev_hash"], row["hash"], row["mac"], row["mac_kid"])


def _entry(row: RowMapping, **known: Any) -> Entry:
    fields = {name: row[name] for name in FIELDS if name not in known}
    return Entry(**{**fields, **known, "details": _details(row["details"])})


def _details(text: str) -> Any:
    """Whatever JSON is there: what no entry has does not give its hash."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # such as a number of a thousand digits
        return text


def _head(row: RowMapping) -> Head:
    return Head(row["seq"], row["hash"], row["recorded_at"])


class SqlAuditUpkeep:
    """`ports.Upkeep`: what the owner's functions do across tenants."""

    def __init__(self, uow: UowFactory) -> None:
        self._uow = uow

    async def make_months(self, first: date, months: int) -> None:
        for table in ("audit_entry", "audit_anchor"):
            statement = text(f"SELECT make_{table}_partitions(CAST(:first AS date), CAST(:months AS integer))")
            await self._scalar(statement, first=first, months=months)

    async def drop_before(self, month: date) -> int:
        dropped = 0
        # Anchors a month later: the cut of the last night of a month may be what the next month's first entry stands on.
        for table, before in (("audit_entry", month), ("audit_anchor", (month.replace(day=1) - timedelta(days=1)).replace(day=1))):
            dropped += int(await self._scalar(text(f"SELECT drop_{table}_partitions(CAST(:month AS date))"), month=before) or 0)
        return dropped

    async def tails(self, before: datetime) -> list[tuple[UUID, int, str]]:
        async with self._uow(None) as work:
            rows = await work.session.execute(text("SELECT * FROM audit_tails(:before)"), {"before": before})
            return [(row.tenant_id, row.seq, row.hash) for row in rows]

    async def unsealed(self) -> list[UUID]:
        async with self._uow(None) as work:
            return list((await work.session.execute(text("SELECT unsealed_tenants()"))).scalars())

    async def tenants(self) -> list[tuple[UUID, str | None]]:
        async with self._uow(None) as work:
            rows = await work.session.execute(text("SELECT * FROM audited_tenants()"))
            return [(row.tenant_id, row.name) for row in rows]

    async def longest_retention_days(self, otherwise: int) -> int:
        return int(await self._scalar(text("SELECT longest_audit_days(:otherwise)"), otherwise=otherwise))

    async def _scalar(self, statement: Any, **parameters: object) -> Any:
        async with self._uow(None) as work:
            return await work.session.scalar(statement, parameters)
