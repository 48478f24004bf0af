"""The ledger on PostgreSQL. Rows are added by one statement for a whole batch, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
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
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects import postgresql

from chassis.db import UnitOfWork, UowFactory
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.domain.entries import BINDING, FIELDS, Chained, Entry, Head
from identity.ledger.domain.searches import EVERYTHING, Search
from identity.ledger.tables import audit_anchor, audit_copy_owed, audit_entry, audit_head

_SKEW = timedelta(days=1)
"""An entry is recorded after it occurred, give or take the clocks of two machines: older partitions need not be searched."""
_COLUMNS = (*(name for name in FIELDS if name != "tenant_id"), *BINDING)
_FIRST, _LAST = "TIMESTAMPTZ '0001-01-01 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"
_ANCHOR_KEY = ("tenant_id", "seq", "kind", "anchored_at")


def _instant(column: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """A time that Python knows. PostgreSQL has earlier, later and infinite ones: the driver stores both ends of the calendar so."""
    first, last = literal_column(_FIRST, column.type), literal_column(_LAST, column.type)
    return case((column < first, first), (column > last, last), else_=column)


def _readable(table: Table) -> list[ColumnElement[Any]]:
    """Every column, so that no row keeps another from being read, whatever it holds."""
    found: list[ColumnElement[Any]] = []
    for column in table.columns:
        read = _instant(column) if isinstance(column.type, DateTime) else cast(column, Text) if column.name == "details" else column
        found.append(read.label(column.name))
    return found


_ENTRIES, _HEAD, _ANCHORS = (select(*_readable(table)) for table in (audit_entry, audit_head, audit_anchor))
_POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
_KINDS = {column.name: "text" if column.name == "details" else column.type.compile(_POSTGRESQL) for column in audit_entry.columns}
_ROWS = f"unnest({', '.join(f'CAST(:{name} AS {_KINDS[name]}[])' for name in _COLUMNS)})"
_NAMES = ", ".join(_COLUMNS)
_AS_STORED = {
    name: f"CASE WHEN row.{name} < {_FIRST} THEN {_FIRST} WHEN row.{name} > {_LAST} THEN {_LAST} ELSE row.{name} END AS {name}"
    for name, kind in _KINDS.items()
    if kind.startswith("TIMESTAMP")
} | {"details": "CAST(CAST(row.details AS jsonb) AS text) AS details"}
# Only our own column names are put in; every value is bound.
_STORED = text(
    f"SELECT {', '.join(_AS_STORED.get(name, f'row.{name}') for name in _COLUMNS)} "  # noqa: S608
    f"FROM {_ROWS} WITH ORDINALITY AS row ({_NAMES}, place) ORDER BY place"
)
_INSERT = text(
    f"INSERT INTO audit_entry (tenant_id, {_NAMES}) "  # noqa: S608
    f"SELECT :tenant_id, {_NAMES.replace('details', 'CAST(details AS jsonb)')} FROM {_ROWS} AS row ({_NAMES})"
).bindparams(bindparam("tenant_id", type_=Uuid()))
_UNSEEN = text(
    "INSERT INTO inbox (consumer, event_id, seen_at) SELECT 'ledger', event_id, :now FROM unnest(:ids) AS event_id "
    "ON CONFLICT DO NOTHING RETURNING event_id"
).bindparams(bindparam("ids", type_=postgresql.ARRAY(Uuid())))
_NEW_HEAD = text(
    "INSERT INTO audit_head (tenant_id, seq, hash, recorded_at) VALUES (:tenant_id, 0, repeat('0', 64), :now) ON CONFLICT DO NOTHING"
).bindparams(bindparam("tenant_id", type_=Uuid()))
_ACTORS = text(
    "SELECT id, email AS name FROM account WHERE id = ANY(:ids) UNION ALL SELECT id, name FROM api_key WHERE id = ANY(:ids)"
).bindparams(bindparam("ids", type_=postgresql.ARRAY(Uuid())))
_RETENTION = text("SELECT CAST(settings #>> '{retention,audit_days}' AS integer) FROM tenant")

_OWED = and_(*(audit_anchor.c[name] == audit_copy_owed.c[name] for name in _ANCHOR_KEY))


class PostgresLedger:
    """One tenant's entries and anchors in one transaction."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session = uow.session
        self._tenant_id = uow.tenant_id

    # --- adding --------------------------------------------------------------------------------------------------------

    async def lock_head(self, now: datetime) -> Head:
        """The head, made where there is none; no other transaction adds entries of this tenant until this one ends."""
        locking = _HEAD.where(audit_head.c.tenant_id == self._tenant_id).with_for_update()
        row = (await self._session.execute(locking)).mappings().first()
        if row is None:
            await self._session.execute(_NEW_HEAD, {"tenant_id": self._tenant_id, "now": now})
            row = (await self._session.execute(locking)).mappings().one()
        return _head(row)

    async def unseen(self, event_ids: Sequence[UUID], now: datetime) -> set[UUID]:
        """Those that no transaction has added; they are remembered with this one."""
        return set((await self._session.execute(_UNSEEN, {"ids": list(event_ids), "now": now})).scalars())

    async def names(self, actor_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Of people and API keys, as they are called now."""
        wanted = sorted(set(actor_ids))
        return {row.id: row.name for row in await self._session.execute(_ACTORS, {"ids": wanted})} if wanted else {}

    async def as_stored(self, entries: Sequence[Entry]) -> list[Entry]:
        """As the database will give them back: what is hashed is what a reader finds."""
        rows = await self._session.execute(_STORED, _columns([Chained(each, "", "", "", "") for each in entries]))
        return [_entry(row, tenant_id=self._tenant_id) for row in rows.mappings()]

    async def append(self, entries: Sequence[Chained], head: Head) -> None:
        await self._session.execute(_INSERT, {"tenant_id": self._tenant_id, **_columns(entries)})
        moving = audit_head.update().where(audit_head.c.tenant_id == self._tenant_id)
        await self._session.execute(moving.values(seq=head.seq, hash=head.hash, recorded_at=head.recorded_at))

    # --- reading -------------------------------------------------------------------------------------------------------

    async def ends(self) -> tuple[Head | None, int]:
        """The head, and the highest number that any row has, as of one moment."""
        highest = select(func.max(audit_entry.c.seq)).scalar_subquery()
        one = select(1).subquery().outerjoin(audit_head, text("true"))
        joined = select(highest.label("highest"), *_readable(audit_head)).select_from(one)
        row = (await self._session.execute(joined)).mappings().one()
        return (None if row["seq"] is None else _head(row)), row["highest"] or 0

    async def page(self, after: tuple[int, datetime] | None, through: int, limit: int, search: Search = EVERYTHING) -> list[Chained]:
        """In order of number, `through` included; a second row of one number follows the first in time."""
        column = audit_entry.c
        where = [column.seq <= through, *_conditions(search)]
        if after is not None:
            # Also as a plain bound, which an index serves.
            where += [column.seq >= after[0], tuple_(column.seq, _instant(column.recorded_at)) > after]
        return await self._entries(_ENTRIES.where(*where).order_by(column.seq, column.recorded_at).limit(limit))

    async def with_infinite_times(self, limit: int) -> list[Chained]:
        column = audit_entry.c
        infinite = or_(*(not_(func.isfinite(column[name])) for name in ("occurred_at", "range_from", "range_to")))
        return await self._entries(_ENTRIES.where(infinite).order_by(column.seq).limit(limit))

    async def last(self, through: int, search: Search) -> int:
        """Number of the last row up to this one that is looked for; 0 where there is none."""
        column = audit_entry.c
        # Counted too: for the maximum alone PostgreSQL walks back from the end of the ledger.
        statement = select(func.count(column.seq), func.max(column.seq)).where(column.seq <= through, *_conditions(search))
        return (await self._session.execute(statement)).one()[1] or 0

    async def newest(self, search: Search, before: tuple[datetime, int] | None, limit: int) -> list[Chained]:
        """In order of occurrence, latest first."""
        column = audit_entry.c
        where = _conditions(search)
        if before is not None:
            where += [column.occurred_at <= before[0], tuple_(column.occurred_at, column.seq) < before]
        return await self._entries(_ENTRIES.where(*where).order_by(column.occurred_at.desc(), column.seq.desc()).limit(limit))

    async def retention_days(self, otherwise: int) -> int:
        """How long this tenant keeps its ledger."""
        return (await self._session.scalar(_RETENTION)) or otherwise

    async def first_since(self, since: datetime) -> int | None:
        """Number of the first row recorded then or later."""
        found: int | None = await self._session.scalar(select(func.min(audit_entry.c.seq)).where(audit_entry.c.recorded_at >= since))
        return found

    async def _entries(self, statement: Select[Any]) -> list[Chained]:
        return [Chained(_entry(row), *(row[name] for name in BINDING)) for row in (await self._session.execute(statement)).mappings()]

    # --- anchors -------------------------------------------------------------------------------------------------------

    async def add_anchor(self, anchor: Anchor) -> None:
        """And note that object storage owes a copy."""
        values = {name: getattr(anchor, name) for name in (*_ANCHOR_KEY, "hash", "kid", "signature")}
        await self._session.execute(insert(audit_anchor).values(values))
        await self._session.execute(insert(audit_copy_owed).values({name: values[name] for name in _ANCHOR_KEY}))

    async def last_anchored(self, through: int) -> int:
        """Number of the last anchored row up to this one; 0 where there is none."""
        return (await self._session.scalar(select(func.max(audit_anchor.c.seq)).where(audit_anchor.c.seq <= through))) or 0

    async def highest_anchors(self, limit: int, before: Anchor | None = None) -> list[Anchor]:
        """Those of the last rows, latest first."""
        column = audit_anchor.c
        statement = _ANCHORS.order_by(column.seq.desc(), column.kind.desc(), column.anchored_at.desc()).limit(limit)
        if before is not None:
            key = (before.seq, before.kind, before.anchored_at)
            statement = statement.where(column.seq <= before.seq, tuple_(column.seq, column.kind, column.anchored_at) < key)
        return await self._anchors(statement)

    async def anchors_of(self, first: int, last: int, limit: int, kind: str | None = None) -> list[Anchor]:
        """Of these rows, both included, in order of number."""
        column = audit_anchor.c
        statement = _ANCHORS.where(column.seq.between(first, last)).order_by(column.seq).limit(limit)
        return await self._anchors(statement.where(column.kind == kind) if kind else statement)

    async def newest_anchors(self, before: tuple[datetime, int] | None, limit: int) -> list[Anchor]:
        column = audit_anchor.c
        statement = _ANCHORS.where(column.kind.in_(list(AnchorKind))).order_by(column.anchored_at.desc(), column.seq.desc()).limit(limit)
        if before is not None:
            statement = statement.where(column.anchored_at <= before[0], tuple_(column.anchored_at, column.seq) < before)
        return await self._anchors(statement)

    async def anchors_of_day(self, day: date, after: tuple[int, str], limit: int) -> list[tuple[Anchor, bool]]:
        """Made on this UTC day, in order of (number, kind), behind `after`; with whether their copy is still owed."""
        column, begins = audit_anchor.c, datetime.combine(day, time(), UTC)
        statement = (
            select(*_readable(audit_anchor), audit_copy_owed.c.seq.is_not(None).label("owed"))
            .outerjoin(audit_copy_owed, _OWED)
            .where(column.anchored_at >= begins, column.anchored_at < begins + timedelta(days=1))
            .where(tuple_(column.seq, column.kind) > after)
            .order_by(column.seq, column.kind)
            .limit(limit)
        )
        return [(_anchor(row), row["owed"]) for row in (await self._session.execute(statement)).mappings()]

    async def anchor_days(self) -> set[date]:
        """The UTC days on which anchors were made."""
        day = func.date(func.timezone("UTC", _instant(audit_anchor.c.anchored_at)))
        return set((await self._session.execute(select(day).distinct())).scalars())

    async def owed_copies(self, limit: int) -> list[Anchor]:
        """Anchors without a copy in object storage."""
        return await self._anchors(_ANCHORS.join(audit_copy_owed, _OWED).order_by(audit_anchor.c.seq).limit(limit))

    async def mark_copied(self, anchor: Anchor) -> None:
        column = audit_copy_owed.c
        same = (column.seq == anchor.seq, column.kind == anchor.kind, column.anchored_at == anchor.anchored_at)
        await self._session.execute(delete(audit_copy_owed).where(*same))

    async def _anchors(self, statement: Select[Any]) -> list[Anchor]:
        return [_anchor(row) for row in (await self._session.execute(statement)).mappings()]


def _conditions(search: Search) -> list[ColumnElement[bool]]:
    column = audit_entry.c
    same = ("outcome", "actor_id", "camera_id", "object_kind", "object_id", "correlation_id", "address", "purpose")
    found = [column[name] == getattr(search, name) for name in same if getattr(search, name) is not None]
    if search.since is not None:
        found += [column.occurred_at >= search.since, column.recorded_at >= search.since - _SKEW]
    if search.until is not None:
        found.append(column.occurred_at < search.until)
    if search.actions is not None:
        found.append(column.action.in_(search.actions))
    return found


def _columns(entries: Sequence[Chained]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [getattr(each.entry, name) for each in entries] for name in FIELDS if name != "tenant_id"}
    columns["details"] = [orjson.dumps(dict(each.entry.details)).decode() for each in entries]
    return columns | {name: [getattr(each, name) for each in entries] for name in BINDING}


def _entry(row: RowMapping, **known: Any) -> Entry:
    return Entry(**{**{name: row[name] for name in FIELDS if name not in known}, **known, "details": _details(row["details"])})


def _details(given: str) -> Any:
    """Whatever JSON is there: what no entry can have does not give its hash."""
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError:  # such as a number of a thousand digits
        return given


def _head(row: RowMapping) -> Head:
    return Head(row["seq"], row["hash"], row["recorded_at"])


def _anchor(row: RowMapping) -> Anchor:
    return Anchor(row["tenant_id"], row["seq"], row["kind"], row["anchored_at"], row["hash"], row["kid"], row["signature"])


class PostgresUpkeep:
    """What the owner's functions do across tenants: ids and numbers, never what is on record. Each call is a transaction of its own."""

    def __init__(self, uow: UowFactory) -> None:
        self._uow = uow

    async def make_months(self, first: date, months: int) -> None:
        for table in ("audit_entry", "audit_anchor"):
            await self._call(f"make_{table}_partitions(CAST(:first AS date), CAST(:months AS integer))", first=first, months=months)

    async def drop_before(self, month: date) -> int:
        """Whole months that ended before; how many partitions. Anchors are kept for a month longer."""
        dropped = 0
        # The cut of the last night of a month may be what the next month's first entry stands on.
        for table, before in (("audit_entry", month), ("audit_anchor", (month.replace(day=1) - timedelta(days=1)).replace(day=1))):
            ((count,),) = await self._call(f"drop_{table}_partitions(CAST(:month AS date))", month=before)
            dropped += count
        return dropped

    async def tails(self, before: datetime) -> list[tuple[UUID, int, str]]:
        """(tenant, number, hash) of each tenant's last row before."""
        return [(row.tenant_id, row.seq, row.hash) for row in await self._call("audit_tails(:before)", before=before)]

    async def unsealed(self) -> list[UUID]:
        """Tenants with rows behind their last anchor, or with anchors that have no copy."""
        return [tenant_id for (tenant_id,) in await self._call("unsealed_tenants()")]

    async def tenants(self) -> list[tuple[UUID, str | None]]:
        """Every tenant that has, or could have, a ledger; with its name."""
        return [(row.tenant_id, row.name) for row in await self._call("audited_tenants()")]

    async def longest_retention_days(self, otherwise: int) -> int:
        """No tenant keeps its ledger for longer; `otherwise` is of one that has not said."""
        ((days,),) = await self._call("longest_audit_days(:otherwise)", otherwise=otherwise)
        return int(days)

    async def _call(self, function: str, **parameters: object) -> Sequence[Any]:
        async with self._uow(None) as uow:
            return (await uow.session.execute(text(f"SELECT * FROM {function}"), parameters)).all()  # noqa: S608 - names of this class
