"""Rows of the archive to nouns and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, or_, select, text, tuple_, update
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from streaming.archive.domain import OPEN_RESTORES, Backlog, Copy, CopyState, Failure, Restore, RestoreState, wait_after
from streaming.archive.tables import CopyRow, RestoreRow
from streaming.recordings.domain import Segment
from streaming.timeline.domain import ArchivedSpan

_LONGEST = timedelta(days=1)
"""The media server writes no longer file, so a segment that overlaps a range starts no earlier than this before it."""
_SAME_SPAN = timedelta(seconds=2)
_IDS = bindparam("tenant_id", type_=UuidType()), bindparam("camera_id", type_=UuidType())

# A file that went on to grow after it was copied is indexed again under its own id, with another hash: it is copied again.
_NOTE = text(
    """
    INSERT INTO copies (tenant_id, segment_id, camera_id, path, started_at, ended_at, size_bytes, sha256, previous, chain,
                        object_key, state, attempts)
    SELECT s.tenant_id, s.segment_id, s.camera_id, s.path, s.started_at, s.ended_at, s.size_bytes, s.sha256, s.previous, s.chain,
           concat_ws('/', 'recordings', s.tenant_id, s.camera_id, to_char(s.started_at AT TIME ZONE 'UTC', 'YYYY/MM/DD'),
                     split_part(s.path, '/', 2)),
           'pending', 0
    FROM segments s LEFT JOIN copies c ON c.tenant_id = s.tenant_id AND c.segment_id = s.segment_id
    WHERE s.tenant_id = :tenant_id AND s.camera_id = :camera_id AND s.started_at >= :since
      AND (c.segment_id IS NULL OR c.sha256 <> s.sha256)
    ON CONFLICT (tenant_id, segment_id) DO UPDATE SET
        started_at = excluded.started_at, ended_at = excluded.ended_at, size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
        previous = excluded.previous, chain = excluded.chain, object_key = excluded.object_key,
        state = 'pending', reason = NULL, attempts = 0, retry_at = NULL
    """
).bindparams(*_IDS)

# A span ends where the next copy begins later, lies in another class, or stays on the disk for another time.
_SPANS = text(
    """
    WITH kept AS (
        SELECT c.started_at, c.ended_at, c.storage_class, c.restored_until FROM copies c
        WHERE c.tenant_id = :tenant_id AND c.camera_id = :camera_id AND c.state = 'copied'
          AND c.started_at > :earliest AND c.started_at < :until AND c.ended_at > :since
          AND (c.restored_until IS NOT NULL OR NOT EXISTS (
              SELECT FROM segments s WHERE s.tenant_id = :tenant_id AND s.camera_id = :camera_id AND s.started_at = c.started_at
                                       AND s.started_at > :earliest AND s.started_at < :until))
    ), marked AS (
        SELECT *, started_at - CAST(:within AS interval) > lag(ended_at) OVER w
                  OR storage_class IS DISTINCT FROM lag(storage_class) OVER w
                  OR restored_until IS DISTINCT FROM lag(restored_until) OVER w AS begins
        FROM kept WINDOW w AS (ORDER BY started_at)
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY started_at ROWS UNBOUNDED PRECEDING) AS island FROM marked
    )
    SELECT min(started_at), max(ended_at), min(storage_class), min(restored_until) FROM numbered GROUP BY island ORDER BY 1
    """
).bindparams(*_IDS)


@dataclass(frozen=True, slots=True)
class PostgresCopies:
    """The off-site copies of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def note(self, camera_id: UUID, since: datetime) -> None:
        """Writes down which segments of a camera, from an instant on, have no copy yet, or one of what they were before."""
        await self.uow.session.execute(_NOTE, {"tenant_id": self.uow.tenant_id, "camera_id": camera_id, "since": since})

    async def drop_pending_but(self, cameras: Collection[UUID]) -> None:
        """What was not copied yet of other cameras will not be."""
        others = CopyRow.state == CopyState.PENDING, CopyRow.camera_id.not_in(list(cameras))
        await self.uow.session.execute(delete(CopyRow).where(CopyRow.tenant_id == self.uow.tenant_id, *others))

    async def backlog(self) -> list[Backlog]:
        """What waits, by camera."""
        waiting = select(CopyRow.camera_id, func.count(), func.min(CopyRow.started_at)).group_by(CopyRow.camera_id)
        rows = await self.uow.session.execute(waiting.where(CopyRow.tenant_id == self.uow.tenant_id, CopyRow.state == CopyState.PENDING))
        return [Backlog(*row) for row in rows]

    async def next_pending(self, now: datetime) -> Copy | None:
        """The oldest that may be tried now."""
        due = CopyRow.state == CopyState.PENDING, or_(CopyRow.retry_at.is_(None), CopyRow.retry_at <= now)
        return await self._first(*due)

    async def save_copied(self, copy: Copy, storage_class: str, at: datetime) -> None:
        await self._save(copy, state=CopyState.COPIED, storage_class=storage_class, copied_at=at, reason=None, retry_at=None)

    async def save_attempt(self, copy: Copy, at: datetime) -> None:
        """It is tried again after a while that grows."""
        attempts = copy.attempts + 1
        await self._save(copy, attempts=attempts, retry_at=at + wait_after(attempts))

    async def save_failed(self, copy: Copy, reason: Failure) -> None:
        await self._save(copy, state=CopyState.FAILED, reason=reason.value)

    async def save_pending(self, copy: Copy) -> None:
        """It is made once more."""
        await self._save(copy, state=CopyState.PENDING, attempts=0, retry_at=None)

    async def save_asked(self, copy: Copy, at: datetime) -> None:
        """It was asked for from cold storage."""
        await self._save(copy, restore_requested_at=at)

    async def save_restored(self, copy: Copy, until: datetime) -> None:
        """It is on the disk again, and stays there for so long."""
        await self._save(copy, restored_until=func.greatest(CopyRow.restored_until, until), restore_requested_at=None)

    async def copied_near(self, camera_id: UUID, at: datetime) -> Copy | None:
        """The first copy of a camera from an instant on."""
        return await self._first(CopyRow.camera_id == camera_id, CopyRow.state == CopyState.COPIED, CopyRow.started_at >= at)

    async def range_of_copies(self, camera_id: UUID) -> tuple[datetime, datetime] | None:
        """When a camera's oldest copied segment starts, and when the newest."""
        copied = CopyRow.camera_id == camera_id, CopyRow.state == CopyState.COPIED
        ends = select(func.min(CopyRow.started_at), func.max(CopyRow.started_at)).where(CopyRow.tenant_id == self.uow.tenant_id, *copied)
        row = (await self.uow.session.execute(ends)).one()
        return None if row[0] is None else (row[0], row[1])

    async def older(self, camera_id: UUID, before: datetime, after: Copy | None, limit: int) -> list[Copy]:
        """Copies of a camera whose recordings began before an instant, oldest first; those that were never made too."""
        query = self._mine(CopyRow.camera_id == camera_id, CopyRow.started_at < before, CopyRow.state != CopyState.PENDING)
        if after is not None:
            query = query.where(tuple_(CopyRow.started_at, CopyRow.segment_id) > (after.segment.started_at, after.segment.segment_id))
        return [_copy_of(row) for row in (await self.uow.session.execute(query.limit(limit))).scalars()]

    async def forget(self, copy: Copy) -> bool:
        """Returns whether it was there as it was read."""
        gone = delete(CopyRow).where(*self._is(copy)).returning(CopyRow.segment_id)
        return (await self.uow.session.execute(gone)).first() is not None

    async def count(self, camera_id: UUID, since: datetime, until: datetime) -> int:
        """How many copies overlap a range."""
        query = (
            select(func.count()).select_from(CopyRow).where(CopyRow.tenant_id == self.uow.tenant_id, *_in_range(camera_id, since, until))
        )
        return (await self.uow.session.execute(query)).scalar_one()

    async def count_back(self, job: Restore) -> int:
        """How many copies of a range are back."""
        back = CopyRow.tenant_id == self.uow.tenant_id, CopyRow.restored_until >= job.keep_until
        query = select(func.count()).select_from(CopyRow).where(*back, *_in_range(job.camera_id, job.since, job.until))
        return (await self.uow.session.execute(query)).scalar_one()

    async def to_bring(self, job: Restore, limit: int, *, asked: bool, without: Collection[UUID]) -> list[Copy]:
        """Copies of the range that are not back yet, but for some: those that were asked for from cold storage, or the others."""
        missing = or_(CopyRow.restored_until.is_(None), CopyRow.restored_until < job.keep_until)
        is_asked = CopyRow.restore_requested_at.is_not(None) if asked else CopyRow.restore_requested_at.is_(None)
        wanted = missing, is_asked, CopyRow.segment_id.not_in(without)
        query = self._mine(*_in_range(job.camera_id, job.since, job.until), *wanted).limit(limit)
        return [_copy_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def restored(self, now: datetime) -> dict[str, datetime]:
        """By path, until when what was brought back stays."""
        query = select(CopyRow.path, CopyRow.restored_until).where(CopyRow.tenant_id == self.uow.tenant_id, CopyRow.restored_until > now)
        return {path: until for path, until in await self.uow.session.execute(query) if until is not None}

    async def end_restored(self, now: datetime) -> None:
        """What was brought back stays no longer."""
        over = update(CopyRow).where(CopyRow.tenant_id == self.uow.tenant_id, CopyRow.restored_until <= now)
        await self.uow.session.execute(over.values(restored_until=None))

    async def end_restored_of(self, segment_ids: Collection[UUID]) -> None:
        """What was brought back of these is no longer there."""
        gone = update(CopyRow).where(CopyRow.tenant_id == self.uow.tenant_id, CopyRow.segment_id.in_(segment_ids))
        await self.uow.session.execute(gone.where(CopyRow.restored_until.is_not(None)).values(restored_until=None))

    async def spans(self, camera_id: UUID, since: datetime, until: datetime) -> list[ArchivedSpan]:
        """What only copies hold of a range, in order; with what was brought back."""
        values = {"since": since, "until": until, "earliest": since - _LONGEST, "within": _SAME_SPAN}
        rows = await self.uow.session.execute(_SPANS, {"tenant_id": self.uow.tenant_id, "camera_id": camera_id, **values})
        return [ArchivedSpan(*row) for row in rows]

    async def _save(self, copy: Copy, **values: Any) -> None:
        await self.uow.session.execute(update(CopyRow).where(*self._is(copy)).values(values))

    async def _first(self, *conditions: ColumnElement[bool]) -> Copy | None:
        row = (await self.uow.session.execute(self._mine(*conditions).limit(1))).scalar_one_or_none()
        return _copy_of(row) if row else None

    def _mine(self, *conditions: ColumnElement[bool]) -> Any:
        return select(CopyRow).where(CopyRow.tenant_id == self.uow.tenant_id, *conditions).order_by(CopyRow.started_at, CopyRow.segment_id)

    def _is(self, copy: Copy) -> tuple[ColumnElement[bool], ...]:
        """The copy as it was read: one of a segment that was indexed again meanwhile is another."""
        this = CopyRow.segment_id == copy.segment.segment_id, CopyRow.sha256 == copy.segment.sha256
        return CopyRow.tenant_id == self.uow.tenant_id, *this


def _in_range(camera_id: UUID, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    overlapping = CopyRow.started_at > since - _LONGEST, CopyRow.started_at < until, CopyRow.ended_at > since
    return CopyRow.camera_id == camera_id, CopyRow.state == CopyState.COPIED, *overlapping


def _copy_of(row: CopyRow) -> Copy:
    return Copy(
        segment=Segment(**{name: getattr(row, name) for name in Segment.__slots__}),
        object_key=row.object_key,
        state=CopyState(row.state),
        attempts=row.attempts,
        storage_class=row.storage_class,
        copied_at=row.copied_at,
        restore_requested_at=row.restore_requested_at,
        restored_until=row.restored_until,
    )


_FIELDS = tuple(field.name for field in fields(Restore))


@dataclass(frozen=True, slots=True)
class PostgresRestores:
    """What is brought back for the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def add(self, job: Restore) -> None:
        await self.uow.session.execute(insert(RestoreRow).values({name: getattr(job, name) for name in _FIELDS}))

    async def get(self, restore_id: UUID) -> Restore | None:
        query = select(RestoreRow).where(RestoreRow.tenant_id == self.uow.tenant_id, RestoreRow.restore_id == restore_id)
        row = (await self.uow.session.execute(query)).scalar_one_or_none()
        return _restore_of(row) if row else None

    async def list_newest(self, cameras: Collection[UUID] | None, before: UUID | None, limit: int) -> list[Restore]:
        """By their ids, which are in the order of their making. `cameras`: the only ones whose restores are wanted; None: all."""
        query = select(RestoreRow).where(RestoreRow.tenant_id == self.uow.tenant_id)
        if cameras is not None:
            query = query.where(RestoreRow.camera_id.in_(cameras))
        if before is not None:
            query = query.where(RestoreRow.restore_id < before)
        rows = await self.uow.session.execute(query.order_by(RestoreRow.restore_id.desc()).limit(limit))
        return [_restore_of(row) for row in rows.scalars()]

    async def count_open(self) -> int:
        still = RestoreRow.tenant_id == self.uow.tenant_id, RestoreRow.state.in_(OPEN_RESTORES)
        return (await self.uow.session.execute(select(func.count()).select_from(RestoreRow).where(*still))).scalar_one()

    async def open(self, now: datetime) -> list[Restore]:
        """Those that go on now, in the order in which they were asked for."""
        due = RestoreRow.state.in_(OPEN_RESTORES), or_(RestoreRow.look_at.is_(None), RestoreRow.look_at <= now)
        query = select(RestoreRow).where(RestoreRow.tenant_id == self.uow.tenant_id, *due).order_by(RestoreRow.requested_at)
        return [_restore_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def save(self, job: Restore) -> None:
        changed = {name: getattr(job, name) for name in ("state", "done", "missing", "reason", "finished_at", "look_at")}
        this = RestoreRow.tenant_id == self.uow.tenant_id, RestoreRow.restore_id == job.restore_id
        await self.uow.session.execute(update(RestoreRow).where(*this).values(changed))


def _restore_of(row: RestoreRow) -> Restore:
    return Restore(**{name: getattr(row, name) for name in _FIELDS} | {"state": RestoreState(row.state)})
