"""Rows of recordings to nouns and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from streaming.recordings.domain import GENESIS, Segment
from streaming.recordings.tables import ChainRow, SegmentRow


@dataclass(frozen=True, slots=True)
class PostgresSegments:
    """The recording index of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def last_link(self, camera_id: UUID) -> str:
        first = insert(ChainRow).values(tenant_id=self.uow.tenant_id, camera_id=camera_id, last_link=GENESIS).on_conflict_do_nothing()
        await self.uow.session.execute(first)
        locked = (
            select(ChainRow.last_link).where(ChainRow.tenant_id == self.uow.tenant_id, ChainRow.camera_id == camera_id).with_for_update()
        )
        return (await self.uow.session.execute(locked)).scalar_one()

    async def find(self, segment_id: UUID, started_at: datetime) -> Segment | None:
        row = await self.uow.session.get(SegmentRow, (self.uow.tenant_id, started_at, segment_id))
        return _segment_of(row) if row else None

    async def put(self, segment: Segment) -> None:
        values = {name: getattr(segment, name) for name in Segment.__slots__}
        keys = [SegmentRow.tenant_id, SegmentRow.started_at, SegmentRow.segment_id]
        await self.uow.session.execute(insert(SegmentRow).values(values).on_conflict_do_update(index_elements=keys, set_=values))
        await self.uow.session.execute(
            update(ChainRow)
            .where(ChainRow.tenant_id == self.uow.tenant_id, ChainRow.camera_id == segment.camera_id)
            .values(last_link=segment.chain)
        )

    async def list_newest(
        self, camera_id: UUID, since: datetime, until: datetime, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Segment]:
        query = select(SegmentRow).where(
            SegmentRow.tenant_id == self.uow.tenant_id,
            SegmentRow.camera_id == camera_id,
            SegmentRow.started_at < until,
            or_(SegmentRow.started_at >= since, SegmentRow.ended_at > since),
        )
        if before is not None:
            query = query.where(tuple_(SegmentRow.started_at, SegmentRow.segment_id) < before)
        query = query.order_by(SegmentRow.started_at.desc(), SegmentRow.segment_id.desc()).limit(limit)
        return [_segment_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def forget(self, segment_id: UUID, started_at: datetime) -> None:
        await self.uow.session.execute(
            delete(SegmentRow).where(
                SegmentRow.tenant_id == self.uow.tenant_id, SegmentRow.started_at == started_at, SegmentRow.segment_id == segment_id
            )
        )


def _segment_of(row: SegmentRow) -> Segment:
    return Segment(**{name: getattr(row, name) for name in Segment.__slots__})


@dataclass(frozen=True, slots=True)
class PostgresIndex:
    """The recording index across tenants, through the owner's definer functions (see the first migration)."""

    db: Database

    async def sizes(self, since: datetime) -> dict[str, int]:
        """By path, the size in bytes of the segments that are in the index, from an instant on."""
        async with self.db.uow(None) as uow:
            rows = await uow.session.execute(text("SELECT path, size_bytes FROM streaming.fleet_segments(:since)"), {"since": since})
            return {row.path: row.size_bytes for row in rows}

    async def make_room(self, first: date, last: date) -> None:
        """Sees that the index can hold segments of these days (both included)."""
        async with self.db.uow(None) as uow:
            await uow.session.execute(
                text("SELECT streaming.make_segments_partitions(:first, :days)"), {"first": first, "days": (last - first).days + 1}
            )
