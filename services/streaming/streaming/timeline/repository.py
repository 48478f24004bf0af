"""Rows of the timeline to nouns and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import Uuid as UuidType
from sqlalchemy import bindparam, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from gtvision.events import GapCause
from streaming.timeline.domain import SAME_RECORDING, Gap, Interruption, Source, Span, Watches
from streaming.timeline.tables import InterruptionRow, OpenFileRow, WatchRow

_LONGEST = timedelta(days=1)
"""The media server writes no longer file, so a segment that overlaps a range starts no earlier than this before it."""

# A recording begins where the furthest end of all segments before it is too far away, and that end is the one of the recording before it:
# one window over the covering index, no table read. The last row has the end of the last recording.
_RECORDED = text(
    """
    SELECT started_at, ended_before FROM (
        SELECT started_at, max(ended_at) OVER (ORDER BY started_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ended_before
        FROM segments
        WHERE tenant_id = :tenant_id AND camera_id = :camera_id AND started_at > :earliest AND started_at < :until AND ended_at > :since
    ) AS marked WHERE ended_before IS NULL OR started_at - CAST(:within AS interval) > ended_before
    UNION ALL
    SELECT NULL, max(ended_at) FROM segments
    WHERE tenant_id = :tenant_id AND camera_id = :camera_id AND started_at > :earliest AND started_at < :until AND ended_at > :since
    ORDER BY started_at NULLS LAST
    """
).bindparams(bindparam("tenant_id", type_=UuidType()), bindparam("camera_id", type_=UuidType()))

_BEFORE = text(
    "SELECT ended_at FROM segments WHERE tenant_id = :tenant_id AND camera_id = :camera_id AND started_at < :start"
    " ORDER BY started_at DESC LIMIT 1"
).bindparams(bindparam("tenant_id", type_=UuidType()), bindparam("camera_id", type_=UuidType()))


_OLDEST = text(
    """
    SELECT least(CAST(:at AS timestamptz), (SELECT min(started_at) FROM segments WHERE tenant_id = :tenant_id),
                 (SELECT min(started_at) FROM copies WHERE tenant_id = :tenant_id))
    """
).bindparams(bindparam("tenant_id", type_=UuidType()))


@dataclass(frozen=True, slots=True)
class PostgresTimeline:
    """What is known of the recordings of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def recorded(self, camera_id: UUID, whole: Span) -> list[Span]:
        """Spans that overlap the whole, in order and apart."""
        values = {"since": whole.start, "until": whole.end, "earliest": whole.start - _LONGEST, "within": SAME_RECORDING}
        found = await self.uow.session.execute(_RECORDED, {"tenant_id": self.uow.tenant_id, "camera_id": camera_id, **values})
        rows = found.all()
        return [Span(start, after.ended_before) for (start, _), after in pairwise(rows) if start < after.ended_before]

    async def ended_before(self, camera_id: UUID, start: datetime) -> datetime | None:
        """When the recording ended that started last before an instant."""
        row = {"tenant_id": self.uow.tenant_id, "camera_id": camera_id, "start": start}
        return (await self.uow.session.execute(_BEFORE, row)).scalar_one_or_none()

    async def open_file(self, camera_id: UUID) -> Span | None:
        """What is written of the file that is being written."""
        mine = select(OpenFileRow).where(OpenFileRow.tenant_id == self.uow.tenant_id, OpenFileRow.camera_id == camera_id)
        row = (await self.uow.session.execute(mine)).scalar_one_or_none()
        return Span(row.started_at, row.written_at) if row and row.started_at < row.written_at else None

    async def interruptions(self, camera_id: UUID, whole: Span) -> list[tuple[Source, Gap]]:
        """Those that overlap the whole; one that lasts ends with it."""
        row = InterruptionRow
        found = select(row).where(
            row.tenant_id == self.uow.tenant_id,
            row.camera_id == camera_id,
            row.started_at < whole.end,
            func.coalesce(row.ended_at, whole.end) > whole.start,
        )
        return [
            (Source(each.source), Gap(each.started_at, each.ended_at or whole.end, GapCause(each.cause), each.detail))
            for each in (await self.uow.session.execute(found)).scalars()
        ]

    async def watches(self, whole: Span) -> Watches:
        """Those that overlap the whole, and the last one before it."""
        row = WatchRow
        first = (await self.uow.session.execute(select(func.min(row.watched_from)))).scalar_one_or_none()
        before = select(func.max(row.watched_until)).where(row.watched_until <= whole.start).scalar_subquery()
        found = select(row).where(row.watched_until >= func.coalesce(before, whole.start), row.watched_from < whole.end)
        rows = [each for each in (await self.uow.session.execute(found)).scalars() if each.watched_from < each.watched_until]
        spans = [Span(each.watched_from, each.watched_until) for each in rows]
        return Watches(first, spans, {each.watched_until for each in rows if each.stopped})


@dataclass(frozen=True, slots=True)
class PostgresInterruptions:
    """The interruptions of the tenant that the unit of work was opened with, as they are noticed."""

    uow: UnitOfWork

    async def open(self, interruption: Interruption, source: Source, ended_at: datetime | None = None) -> None:
        """Stores it; with an end, it is over already. Repeating it is harmless."""
        values = {name: getattr(interruption, name) for name in Interruption.__slots__} | {"ended_at": ended_at, "source": source.value}
        await self.uow.session.execute(insert(InterruptionRow).values(values).on_conflict_do_nothing())

    async def end(self, interruption: Interruption, ended_at: datetime) -> None:
        """Ends it, or makes it last longer."""
        row = InterruptionRow
        mine = (row.tenant_id == self.uow.tenant_id, row.camera_id == interruption.camera_id, row.started_at == interruption.started_at)
        ending = update(row).where(*mine, row.interruption_id == interruption.interruption_id)
        await self.uow.session.execute(ending.values(ended_at=max(ended_at, interruption.started_at)))

    async def explains_since(self, at: datetime) -> datetime:
        """An instant, or the start of the tenant's oldest recording, on disk or off-site, where that is earlier."""
        found = await self.uow.session.execute(_OLDEST, {"tenant_id": self.uow.tenant_id, "at": at})
        oldest: datetime = found.scalar_one()
        return oldest

    async def forget(self, before: datetime, most: int) -> int:
        """Removes so many at most that ended before an instant. Returns how many."""
        row = InterruptionRow
        keys = (row.camera_id, row.started_at, row.interruption_id)
        some = select(*keys).where(row.tenant_id == self.uow.tenant_id, row.ended_at < before).limit(most)
        gone = delete(row).where(row.tenant_id == self.uow.tenant_id, tuple_(*keys).in_(some)).returning(row.interruption_id)
        return len((await self.uow.session.execute(gone)).all())


@dataclass(frozen=True, slots=True)
class PostgresOpenFiles:
    """The files that are being written, of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def put(self, files: Mapping[UUID, tuple[str, datetime, datetime]]) -> None:
        """Replaces what is known by path, start and last write of each camera's file."""
        tenant_id = self.uow.tenant_id
        gone = delete(OpenFileRow).where(OpenFileRow.tenant_id == tenant_id, OpenFileRow.camera_id.not_in(list(files)))
        await self.uow.session.execute(gone)
        if files:
            put = insert(OpenFileRow)
            rows = [
                {"tenant_id": tenant_id, "camera_id": camera_id, "path": path, "started_at": started_at, "written_at": written_at}
                for camera_id, (path, started_at, written_at) in files.items()
            ]
            changed = {name: put.excluded[name] for name in ("path", "started_at", "written_at")}
            await self.uow.session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "camera_id"], set_=changed), rows)


@dataclass(frozen=True, slots=True)
class PostgresWatches:
    """What belongs to no tenant: when a node was watched, and the open interruptions of all tenants."""

    db: Database

    async def extend(self, node: str, watched_from: datetime, watched_until: datetime, *, stopped: bool = False) -> None:
        reached = {"watched_until": watched_until, "stopped": stopped}
        put = insert(WatchRow).values(node=node, watched_from=watched_from, **reached)
        async with self.db.uow(None) as uow:
            await uow.session.execute(put.on_conflict_do_update(index_elements=["node", "watched_from"], set_=reached))

    async def forget(self, before: datetime, most: int) -> int:
        """Removes so many at most that ended before an instant. Returns how many."""
        row = WatchRow
        keys = (row.node, row.watched_from)
        gone = delete(row).where(tuple_(*keys).in_(select(*keys).where(row.watched_until < before).limit(most)))
        async with self.db.uow(None) as uow:
            return len((await uow.session.execute(gone.returning(row.node))).all())

    async def open_interruptions(self, source: Source) -> Sequence[Interruption]:
        columns = ", ".join(Interruption.__slots__)
        question = text(f"SELECT {columns} FROM streaming.open_interruptions(:source)")  # noqa: S608 - the names of our own columns
        async with self.db.uow(None) as uow:
            rows = (await uow.session.execute(question, {"source": source.value})).mappings().all()
        return [Interruption(**{**row, "cause": GapCause(row["cause"])}) for row in rows]
