"""Rows of usage to nouns and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from streaming.recordings.tables import RoomRow, UsageRow
from streaming.usage.domain import Room, Usage


@dataclass(frozen=True, slots=True)
class PostgresUsage:
    """What the recordings of the tenant take that the unit of work was opened with."""

    uow: UnitOfWork

    async def put(self, usages: Sequence[Usage], room: Room, as_of: datetime) -> None:
        """Replaces what is known."""
        tenant_id = self.uow.tenant_id
        kept = [usage.camera_id for usage in usages]
        await self.uow.session.execute(delete(UsageRow).where(UsageRow.tenant_id == tenant_id, UsageRow.camera_id.not_in(kept)))
        if usages:
            put = insert(UsageRow)
            changed = {field.name: put.excluded[field.name] for field in fields(Usage) if field.name != "camera_id"}
            rows = [{"tenant_id": tenant_id, **asdict(usage)} for usage in usages]
            await self.uow.session.execute(put.on_conflict_do_update(index_elements=["tenant_id", "camera_id"], set_=changed), rows)
        values = asdict(room) | {"as_of": as_of}
        state = insert(RoomRow).values(tenant_id=tenant_id, **values)
        await self.uow.session.execute(state.on_conflict_do_update(index_elements=["tenant_id"], set_=values))

    async def all(self) -> list[Usage]:
        """By camera; a city has some thousand at most."""
        rows = (await self.uow.session.execute(select(UsageRow).where(UsageRow.tenant_id == self.uow.tenant_id))).scalars()
        return [Usage(**{field.name: getattr(row, field.name) for field in fields(Usage)}) for row in rows]

    async def room(self) -> tuple[Room, datetime] | None:
        """What was found last on the disk, and when."""
        row = (await self.uow.session.execute(select(RoomRow).where(RoomRow.tenant_id == self.uow.tenant_id))).scalar_one_or_none()
        return (Room(**{each.name: getattr(row, each.name) for each in fields(Room)}), row.as_of) if row else None
