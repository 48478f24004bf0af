"""Rows of retention to nouns and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from streaming.retention.domain import Held, Hold
from streaming.retention.tables import HoldRow

_LOCK_WAIT = text("SELECT set_config('lock_timeout', '10s', true)")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('streaming.holds ' || :tenant, 0))")


@dataclass(frozen=True, slots=True)
class PostgresHolds:
    """The holds of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def lock(self) -> None:
        """Keeps others from placing a hold of the tenant, and from deleting its recordings, until the transaction ends.

        Raises: Unavailable, where another has it for ten seconds.
        """
        await self.uow.session.execute(_LOCK_WAIT)
        await self.uow.session.execute(_LOCK, {"tenant": str(self.uow.tenant_id)})

    async def add(self, hold: Hold) -> None:
        await self.uow.session.execute(insert(HoldRow).values({name: getattr(hold, name) for name in Hold.__slots__}))

    async def save_lift(self, hold: Hold) -> None:
        lifted = {"lifted_by": hold.lifted_by, "lifted_at": hold.lifted_at, "lift_reason": hold.lift_reason}
        await self.uow.session.execute(update(HoldRow).where(*self._is(hold.hold_id)).values(lifted))

    async def get(self, hold_id: UUID, *, lock: bool = False) -> Hold | None:
        query = select(HoldRow).where(*self._is(hold_id))
        row = (await self.uow.session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
        return _hold_of(row) if row else None

    async def page(
        self,
        cameras: Collection[UUID] | None,
        active_at: tuple[bool, datetime] | None,
        before: tuple[datetime, UUID] | None = None,
        limit: int | None = None,
    ) -> list[Hold]:
        """Newest first. `cameras` limits those of single cameras; `active_at`: only those that are active at an instant, or only others."""
        query = select(HoldRow).where(HoldRow.tenant_id == self.uow.tenant_id)
        if cameras is not None:
            query = query.where(or_(HoldRow.camera_id.is_(None), HoldRow.camera_id.in_(cameras)))
        if active_at is not None:
            is_active = _active(active_at[1])
            query = query.where(is_active if active_at[0] else ~is_active)
        if before is not None:
            query = query.where(tuple_(HoldRow.placed_at, HoldRow.hold_id) < before)
        query = query.order_by(HoldRow.placed_at.desc(), HoldRow.hold_id.desc()).limit(limit)
        return [_hold_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def active(self, now: datetime) -> list[Held]:
        """What is held at this time."""
        query = select(HoldRow).where(HoldRow.tenant_id == self.uow.tenant_id, _active(now))
        rows = (await self.uow.session.execute(query)).scalars()
        return [Held(row.tenant_id, row.camera_id, row.since, row.until) for row in rows]

    def _is(self, hold_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return HoldRow.tenant_id == self.uow.tenant_id, HoldRow.hold_id == hold_id


def _active(now: datetime) -> ColumnElement[bool]:
    return and_(HoldRow.lifted_at.is_(None), or_(HoldRow.expires_at.is_(None), HoldRow.expires_at > now))


def _hold_of(row: HoldRow) -> Hold:
    return Hold(**{name: getattr(row, name) for name in Hold.__slots__})


@dataclass(frozen=True, slots=True)
class PostgresHeld:
    """What is held across tenants, through the owner's definer function."""

    db: Database

    async def all(self, now: datetime) -> list[Held]:
        async with self.db.uow(None) as uow:
            rows = await uow.session.execute(
                text("SELECT tenant_id, camera_id, since, until FROM streaming.fleet_holds(:now)"), {"now": now}
            )
            return [Held(row.tenant_id, row.camera_id, row.since, row.until) for row in rows]
