"""Rows of the index, as they are held against the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from chassis.db import UnitOfWork
from streaming.recordings.tables import SegmentRow
from streaming.reindex.domain import IndexedFile

_COLUMNS = [getattr(SegmentRow, name) for name in IndexedFile.__slots__]


@dataclass(frozen=True, slots=True)
class PostgresIndexedFiles:
    """The index of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def of_camera(self, camera_id: UUID, after: IndexedFile | None = None, limit: int = 2_000) -> list[IndexedFile]:
        """A camera's, in order; in 90 days it has 130,000. `after` is the last that is known."""
        mine = select(*_COLUMNS).where(SegmentRow.tenant_id == self.uow.tenant_id, SegmentRow.camera_id == camera_id)
        if after is not None:
            mine = mine.where(
                SegmentRow.started_at >= after.started_at,  # tells the partitions that are not asked
                tuple_(SegmentRow.started_at, SegmentRow.segment_id) > (after.started_at, after.segment_id),
            )
        mine = mine.order_by(SegmentRow.started_at, SegmentRow.segment_id).limit(limit)
        return [IndexedFile(**row) for row in (await self.uow.session.execute(mine)).mappings()]

    async def remove(self, rows: Sequence[IndexedFile]) -> list[IndexedFile]:
        """Removes them; returns those that were there still."""
        keys = [(row.started_at, row.segment_id) for row in rows]
        gone = delete(SegmentRow).where(
            SegmentRow.tenant_id == self.uow.tenant_id,
            SegmentRow.started_at.between(min(keys)[0], max(keys)[0]),
            tuple_(SegmentRow.started_at, SegmentRow.segment_id).in_(keys),
        )
        return [IndexedFile(**row) for row in (await self.uow.session.execute(gone.returning(*_COLUMNS))).mappings()]
