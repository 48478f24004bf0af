"""Rows of clips to nouns and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, func, insert, or_, select, text, tuple_, update

from chassis.db import Database, UnitOfWork
from streaming.clips.domain import Clip, ClipState, Failure, Request
from streaming.clips.tables import ClipRow

_WAITING = (ClipState.QUEUED, ClipState.RUNNING)
_ONE_AFTER_THE_OTHER = text("SELECT pg_advisory_xact_lock(hashtext('clips'), hashtext(:tenant))")


@dataclass(frozen=True, slots=True)
class PostgresClips:
    """Clips of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def add(self, clip: Clip) -> None:
        """Stores a new clip."""
        values = {field.name: getattr(clip, field.name) for field in fields(Clip) if field.name != "request"}
        await self.uow.session.execute(insert(ClipRow).values(**values, **asdict(clip.request)))

    async def count_waiting(self) -> int:
        """How many are still to be made; who asks next waits for the end of this transaction."""
        await self.uow.session.execute(_ONE_AFTER_THE_OTHER, {"tenant": str(self.uow.tenant_id)})
        query = select(func.count()).where(ClipRow.tenant_id == self.uow.tenant_id, ClipRow.state.in_(_WAITING))
        return int(await self.uow.session.scalar(query) or 0)

    async def kept_bytes(self) -> int:
        """What the files of clips take, with those that are still to be made as they are estimated. One whose time has come counts until
        it is gone: after the clock was set, that may be days."""
        size = case((ClipRow.state.in_(_WAITING), ClipRow.estimated_bytes), (ClipRow.state == ClipState.READY, ClipRow.size_bytes), else_=0)
        query = select(func.sum(size)).where(ClipRow.tenant_id == self.uow.tenant_id)
        return int(await self.uow.session.scalar(query) or 0)

    async def next_expiry(self, at: datetime) -> datetime | None:
        """When the first of the files goes by itself."""
        ready = ClipRow.state == ClipState.READY, ClipRow.expires_at > at
        query = select(func.min(ClipRow.expires_at)).where(ClipRow.tenant_id == self.uow.tenant_id, *ready)
        found: datetime | None = await self.uow.session.scalar(query)
        return found

    async def get(self, clip_id: UUID, *, lock: bool = False) -> Clip | None:
        query = select(ClipRow).where(self._is(clip_id))
        row = (await self.uow.session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
        return _clip_of(row) if row else None

    async def list_newest(self, cameras: Collection[UUID] | None, before: tuple[datetime, UUID] | None, limit: int) -> list[Clip]:
        """`cameras` are the only ones whose clips are wanted; None: all."""
        query = select(ClipRow).where(ClipRow.tenant_id == self.uow.tenant_id)
        if cameras is not None:
            query = query.where(ClipRow.camera_id.in_(cameras))
        if before is not None:
            query = query.where(tuple_(ClipRow.created_at, ClipRow.clip_id) < before)
        query = query.order_by(ClipRow.created_at.desc(), ClipRow.clip_id.desc()).limit(limit)
        return [_clip_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def end(self, clip_id: UUID, state: ClipState, at: datetime) -> None:
        """Ends it from outside: its worker finds that it has lost it."""
        await self.uow.session.execute(update(ClipRow).where(self._is(clip_id)).values(state=state, finished_at=at))

    async def claim(self, clip_id: UUID, object_key: str, at: datetime, lease_until: datetime) -> Clip | None:
        """Takes a clip that waits or whose worker is gone. None where another worker was first, or it has ended."""
        free = or_(ClipRow.lease_until.is_(None), ClipRow.lease_until < at)
        taken = (
            update(ClipRow)
            .where(self._is(clip_id), ClipRow.state.in_(_WAITING), free)
            .values(
                state=ClipState.RUNNING,
                progress=0,
                reason=None,
                attempts=ClipRow.attempts + 1,
                fence=ClipRow.fence + 1,
                lease_until=lease_until,
                object_key=object_key,
                started_at=func.coalesce(ClipRow.started_at, at),
            )
            .returning(ClipRow)
        )
        row = (await self.uow.session.execute(taken)).scalar_one_or_none()
        return _clip_of(row) if row else None

    async def write(self, clip: Clip, **values: Any) -> bool:
        """Writes columns as the worker that has claimed this clip. False where it is no longer its own."""
        mine = (self._is(clip.clip_id), ClipRow.state == ClipState.RUNNING, ClipRow.fence == clip.fence)
        written = update(ClipRow).where(*mine).values(**values).returning(ClipRow.clip_id)
        return (await self.uow.session.execute(written)).first() is not None

    async def expire(self, clip_id: UUID) -> None:
        """Its object is gone: so a ready clip has expired."""
        gone = update(ClipRow).where(self._is(clip_id), ClipRow.state.not_in(_WAITING)).values(object_key=None)
        await self.uow.session.execute(gone)
        ready = update(ClipRow).where(self._is(clip_id), ClipRow.state == ClipState.READY).values(state=ClipState.EXPIRED)
        await self.uow.session.execute(ready)

    async def forget(self, clip_id: UUID) -> None:
        """Removes it for good."""
        await self.uow.session.execute(delete(ClipRow).where(self._is(clip_id)))

    def _is(self, clip_id: UUID) -> ColumnElement[bool]:
        return (ClipRow.tenant_id == self.uow.tenant_id) & (ClipRow.clip_id == clip_id)


def _clip_of(row: ClipRow) -> Clip:
    request = Request(**{field.name: getattr(row, field.name) for field in fields(Request)})
    values = {field.name: getattr(row, field.name) for field in fields(Clip) if field.name != "request"}
    return Clip(
        **values | {"request": request, "state": ClipState(row.state), "reason": Failure(row.reason) if row.reason else None},
    )


@dataclass(frozen=True, slots=True)
class PostgresClipQueue:
    """Clips of all tenants, through the owner's definer functions (see the migration of clips)."""

    db: Database

    async def waiting(self, at: datetime) -> list[tuple[UUID, UUID]]:
        """Tenant and id of those that may be taken: the oldest of each tenant, then the second ones."""
        return await self._ids("SELECT tenant_id, clip_id FROM streaming.waiting_clips(:at)", at=at)

    async def to_tidy(self, expired: datetime, forgotten: datetime, now: datetime) -> list[tuple[UUID, UUID]]:
        """Tenant and id of those that have an object which nothing needs any more, as it expired by `expired` or no worker has it on lease
        `now`, or that ended before `forgotten`."""
        statement = "SELECT tenant_id, clip_id FROM streaming.ended_clips(:expired, :forgotten, :now)"
        return await self._ids(statement, expired=expired, forgotten=forgotten, now=now)

    async def _ids(self, statement: str, **values: datetime) -> list[tuple[UUID, UUID]]:
        async with self.db.uow(None) as uow:
            return [(row.tenant_id, row.clip_id) for row in await uow.session.execute(text(statement), values)]
