"""Anchors on PostgreSQL: added, never changed; what object storage still owes is a table of its own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, delete, func, insert, not_, select, tuple_

from chassis.db import UnitOfWork
from identity.ledger.domain.anchors import Anchor, AnchorKind
from identity.ledger.tables import audit_anchor, audit_copy_owed

_KEY = ("tenant_id", "seq", "kind", "anchored_at")
_CALENDAR = (datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_READABLE = and_(audit_anchor.c.kind.in_([str(each) for each in AnchorKind]), audit_anchor.c.anchored_at.between(*_CALENDAR))
"""Whoever has the database can put anything there: what cannot even be read must not keep the others from being read."""
_OWED = and_(*(audit_anchor.c[name] == audit_copy_owed.c[name] for name in _KEY))


class SqlAnchors:
    """`ports.AnchorRows` in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session

    async def add(self, anchor: Anchor) -> None:
        key: dict[str, Any] = {
            "tenant_id": anchor.tenant_id,
            "seq": anchor.seq,
            "kind": str(anchor.kind),
            "anchored_at": anchor.anchored_at,
        }
        await self._session.execute(insert(audit_anchor).values(**key, hash=anchor.hash, kid=anchor.kid, signature=anchor.signature))
        await self._session.execute(insert(audit_copy_owed).values(**key))

    async def last(self, through: int) -> int:
        return (await self._session.scalar(select(func.max(audit_anchor.c.seq)).where(audit_anchor.c.seq <= through))) or 0

    async def highest(self, limit: int, before: Anchor | None = None) -> list[Anchor]:
        column = audit_anchor.c
        key = tuple_(column.seq, column.kind, column.anchored_at)
        statement = select(audit_anchor).order_by(column.seq.desc(), column.kind.desc(), column.anchored_at.desc()).limit(limit)
        if before is not None:
            statement = statement.where(column.seq <= before.seq, key < (before.seq, str(before.kind), before.anchored_at))
        return await self._anchors(statement)

    async def strange(self, limit: int) -> list[int]:
        return list((await self._session.execute(select(audit_anchor.c.seq).where(not_(_READABLE)).limit(limit))).scalars())

    async def cut_at(self, seq: int) -> list[Anchor]:
        column = audit_anchor.c
        return await self._anchors(select(audit_anchor).where(column.seq == seq, column.kind == str(AnchorKind.CUT)).limit(20))

    async def between(self, first: int, last: int, limit: int) -> list[Anchor]:
        column = audit_anchor.c
        return await self._anchors(select(audit_anchor).where(column.seq.between(first, last)).order_by(column.seq).limit(limit))

    async def newest(self, before: tuple[datetime, int] | None, limit: int) -> list[Anchor]:
        column = audit_anchor.c
        statement = select(audit_anchor).order_by(column.anchored_at.desc(), column.seq.desc()).limit(limit)
        if before is not None:
            statement = statement.where(column.anchored_at <= before[0], tuple_(column.anchored_at, column.seq) < before)
        return await self._anchors(statement)

    async def of_day(self, day: date, after: tuple[int, str], limit: int) -> list[tuple[Anchor, bool]]:
        column = audit_anchor.c
        begins = datetime.combine(day, time(), UTC)
        statement = (
            select(audit_anchor, audit_copy_owed.c.seq.is_not(None).label("owed"))
            .outerjoin(audit_copy_owed, _OWED)
            .where(_READABLE, column.anchored_at >= begins, column.anchored_at < begins + timedelta(days=1))
            .where(tuple_(column.seq, column.kind) > after)
            .order_by(column.seq, column.kind)
            .limit(limit)
        )
        return [(_anchor(row), row["owed"]) for row in (await self._session.execute(statement)).mappings()]

    async def days(self) -> list[date]:
        day = func.date(func.timezone("UTC", audit_anchor.c.anchored_at))
        return list((await self._session.execute(select(day).where(_READABLE).distinct())).scalars())

    async def owed(self, limit: int) -> list[Anchor]:
        return await self._anchors(select(audit_anchor).join(audit_copy_owed, _OWED).order_by(audit_anchor.c.seq).limit(limit))

    async def copied(self, seq: int, kind: AnchorKind, anchored_at: datetime) -> None:
        column = audit_copy_owed.c
        await self._session.execute(
            delete(audit_copy_owed).where(column.seq == seq, column.kind == str(kind), column.anchored_at == anchored_at)
        )

    async def _anchors(self, statement: Select[Any]) -> list[Anchor]:
        return [_anchor(row) for row in (await self._session.execute(statement.where(_READABLE))).mappings()]


def _anchor(row: RowMapping) -> Anchor:
    tenant_id: UUID = row["tenant_id"]
    return Anchor(tenant_id, row["seq"], AnchorKind(row["kind"]), row["anchored_at"], row["hash"], row["kid"], row["signature"])
