"""Rows of recordings to nouns and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from streaming.recordings.domain import GENESIS, Segment, SegmentFile, begin_of, segment_id_of
from streaming.recordings.tables import ChainRow, SegmentRow

_LONGEST = timedelta(days=1)
"""The media server writes no longer file."""


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

    async def find(self, file: SegmentFile) -> Segment | None:
        """Returns what is in the index of a file."""
        found = select(SegmentRow).where(*self._of(file)).order_by(SegmentRow.started_at).limit(1)
        row = (await self.uow.session.execute(found)).scalar_one_or_none()
        return _segment_of(row) if row else None

    async def put(self, segment: Segment, parts: bytes) -> None:
        """Stores it with the encoded parts of its file, and makes its link the camera's last."""
        values = {name: getattr(segment, name) for name in Segment.__slots__}
        await self.uow.session.execute(insert(SegmentRow).values(values | {"parts": parts}))
        await self.uow.session.execute(
            update(ChainRow)
            .where(ChainRow.tenant_id == self.uow.tenant_id, ChainRow.camera_id == segment.camera_id)
            .values(last_link=segment.chain)
        )

    async def put_back(self, segment: Segment, parts: bytes) -> None:
        """Stores a segment that was in the index before, unless it is there, in its old place of the chain."""
        values = {name: getattr(segment, name) for name in Segment.__slots__}
        await self.uow.session.execute(insert(SegmentRow).values(values | {"parts": parts}).on_conflict_do_nothing())

    async def list_newest(
        self, camera_id: UUID, since: datetime, until: datetime, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Segment]:
        query = select(SegmentRow).where(
            SegmentRow.tenant_id == self.uow.tenant_id,
            SegmentRow.camera_id == camera_id,
            SegmentRow.started_at < until,
            SegmentRow.started_at > since - _LONGEST,
            or_(SegmentRow.started_at >= since, SegmentRow.ended_at > since),
        )
        if before is not None:
            query = query.where(tuple_(SegmentRow.started_at, SegmentRow.segment_id) < before)
        query = query.order_by(SegmentRow.started_at.desc(), SegmentRow.segment_id.desc()).limit(limit)
        return [_segment_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def weigh(self, camera_id: UUID, since: datetime, until: datetime) -> int:
        """How many bytes a range takes: of a file that lies in it in part, that part."""
        first, last = func.greatest(SegmentRow.started_at, since), func.least(SegmentRow.ended_at, until)
        share = func.extract("epoch", last - first) / func.extract("epoch", SegmentRow.ended_at - SegmentRow.started_at)
        within = SegmentRow.started_at.between(since - _LONGEST, until), SegmentRow.ended_at > since
        lasting = SegmentRow.ended_at > SegmentRow.started_at
        query = select(func.sum(SegmentRow.size_bytes * share))
        query = query.where(SegmentRow.tenant_id == self.uow.tenant_id, SegmentRow.camera_id == camera_id, *within, lasting)
        return int(await self.uow.session.scalar(query) or 0)

    async def sizes(self, camera_id: UUID, since: datetime, until: datetime) -> list[tuple[int, int]]:
        """Of a camera's segments that start in a range, the instants in the names of their files, in microseconds since 1970, and their
        sizes in bytes."""
        range_ = SegmentRow.started_at >= since, SegmentRow.started_at < until
        query = select(SegmentRow.path, SegmentRow.size_bytes).where(
            SegmentRow.tenant_id == self.uow.tenant_id, SegmentRow.camera_id == camera_id, *range_
        )
        rows = await self.uow.session.execute(query)
        return [(begin, size_bytes) for path, size_bytes in rows if (begin := begin_of(PurePosixPath(path).stem)) is not None]

    async def forget(self, file: SegmentFile) -> None:
        """Removes what is in the index of a file."""
        await self.uow.session.execute(delete(SegmentRow).where(*self._of(file)))

    async def forget_all(self, camera_id: UUID, files: Sequence[SegmentFile]) -> list[Segment]:
        """Removes what is in the index of files of one camera, which are given oldest first. Returns it, oldest first."""
        here = (
            SegmentRow.tenant_id == self.uow.tenant_id,
            SegmentRow.camera_id == camera_id,
            SegmentRow.started_at.between(files[0].started_at, files[-1].started_at + _LONGEST),
            SegmentRow.segment_id.in_([segment_id_of(file.path) for file in files]),
        )
        gone = delete(SegmentRow).where(*here).returning(*(getattr(SegmentRow, name) for name in Segment.__slots__))
        rows = (await self.uow.session.execute(gone)).all()
        return sorted((_segment_of(row) for row in rows), key=attrgetter("started_at"))

    def _of(self, file: SegmentFile) -> list[ColumnElement[bool]]:
        """A segment starts with its first picture, which comes at the instant in the file's name or, after sound, a little later."""
        near = SegmentRow.started_at.between(file.started_at, file.started_at + _LONGEST)
        here = [SegmentRow.tenant_id == self.uow.tenant_id, SegmentRow.camera_id == file.camera_id, near]
        return [*here, SegmentRow.segment_id == segment_id_of(file.path)]


def _segment_of(row: Any) -> Segment:
    return Segment(**{name: getattr(row, name) for name in Segment.__slots__})


@dataclass(frozen=True, slots=True)
class PostgresIndex:
    """The recording index across tenants, through the owner's definer functions (see the first migration)."""

    db: Database

    async def make_room(self, first: date, last: date) -> None:
        """Sees that the index can hold segments of these days (both included)."""
        async with self.db.uow(None) as uow:
            await uow.session.execute(
                text("SELECT streaming.make_segments_partitions(:first, :days)"), {"first": first, "days": (last - first).days + 1}
            )
