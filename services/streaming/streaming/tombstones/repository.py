"""Rows of tombstones to nouns and back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from streaming.tombstones.domain import Policy, Reason, Tombstone
from streaming.tombstones.tables import BuriedFileRow, TombstoneRow

_LONGEST = timedelta(days=2)
"""A tombstone is of one day, and its last recording may be as long as a day."""


@dataclass(frozen=True, slots=True)
class PostgresTombstones:
    """What is left of the deleted recordings of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def near(self, camera_id: UUID, policy: Policy, at: datetime) -> Tombstone | None:
        """The last of a policy that begins at an instant or up to two days before."""
        query = select(TombstoneRow).where(
            *self._of(camera_id),
            TombstoneRow.started_at.between(at - _LONGEST, at),
            TombstoneRow.reason == policy.reason.value,
            TombstoneRow.policy_value == policy.value,
        )
        query = query.order_by(TombstoneRow.started_at.desc()).limit(1).with_for_update()
        row = (await self.uow.session.execute(query)).scalar_one_or_none()
        return _tombstone_of(row) if row else None

    async def put(self, tombstones: Sequence[Tombstone]) -> None:
        """Stores new ones, and what has grown."""
        if not tombstones:
            return
        put = insert(TombstoneRow)
        grown = {name: put.excluded[name] for name in ("ended_at", "segments", "size_bytes", "sha256", "deleted_at")}
        rows = [{"tenant_id": self.uow.tenant_id, **_row_of(each)} for each in tombstones]
        await self.uow.session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "tombstone_id"], set_=grown), rows)

    async def add_buried(self, segment_ids: Collection[UUID]) -> set[UUID]:
        """Notes files that have a tombstone once the transaction ends, and go next. Returns those that were not noted before."""
        rows = [{"tenant_id": self.uow.tenant_id, "segment_id": each} for each in segment_ids]
        put = insert(BuriedFileRow).values(rows).on_conflict_do_nothing().returning(BuriedFileRow.segment_id)
        return set((await self.uow.session.execute(put)).scalars())

    async def forget_buried(self, segment_ids: Collection[UUID]) -> None:
        """They are deleted."""
        gone = BuriedFileRow.tenant_id == self.uow.tenant_id, BuriedFileRow.segment_id.in_(segment_ids)
        await self.uow.session.execute(delete(BuriedFileRow).where(*gone))

    async def page(self, camera_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Tombstone]:
        """Newest recordings first."""
        query = select(TombstoneRow).where(*self._of(camera_id))
        if before is not None:
            query = query.where(tuple_(TombstoneRow.started_at, TombstoneRow.tombstone_id) < before)
        query = query.order_by(TombstoneRow.started_at.desc(), TombstoneRow.tombstone_id.desc()).limit(limit)
        return [_tombstone_of(row) for row in (await self.uow.session.execute(query)).scalars()]

    async def spans(self, camera_id: UUID, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
        """What was deleted that overlaps a range, oldest first."""
        overlapping = TombstoneRow.started_at > since - _LONGEST, TombstoneRow.started_at < until, TombstoneRow.ended_at > since
        query = select(TombstoneRow.started_at, TombstoneRow.ended_at).where(*self._of(camera_id), *overlapping)
        rows = await self.uow.session.execute(query.order_by(TombstoneRow.started_at))
        return [(row.started_at, row.ended_at) for row in rows]

    def _of(self, camera_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return TombstoneRow.tenant_id == self.uow.tenant_id, TombstoneRow.camera_id == camera_id


_PLAIN = tuple(field.name for field in fields(Tombstone) if field.name != "policy")


def _row_of(tombstone: Tombstone) -> dict[str, object]:
    policy = tombstone.policy
    return {name: getattr(tombstone, name) for name in _PLAIN} | {"reason": policy.reason.value, "policy_value": policy.value}


def _tombstone_of(row: TombstoneRow) -> Tombstone:
    return Tombstone(**{name: getattr(row, name) for name in _PLAIN}, policy=Policy(Reason(row.reason), row.policy_value))
