"""Rows of conditions to nouns and back."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.conditions.domain import COOLDOWN, CameraCondition, Outage, RecordingCondition
from alerts.conditions.tables import camera_conditions, marks, outages, recording_conditions
from chassis.db import UnitOfWork
from gtvision.events import StreamCause

_camera, _outage, _recording = camera_conditions.c, outages.c, recording_conditions.c
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 77))")
_DUE = text("SELECT * FROM tenants_with_lost_cameras(:at)")


class PostgresConditions:
    """Conditions of one tenant, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def lock(self) -> None:
        """Has every other change of the tenant's conditions wait until this transaction ends: two replicas must not tell twice."""
        await self._session.execute(_LOCK, {"tenant": str(self._tenant_id)})

    async def tenants_due(self, at: datetime) -> list[UUID]:
        """Returns the tenants that have lost cameras to be told of."""
        return list((await self._session.scalars(_DUE, {"at": at})).all())

    async def camera(self, camera_id: UUID) -> CameraCondition | None:
        mine = select(camera_conditions).where(_camera.tenant_id == self._tenant_id, _camera.camera_id == camera_id)
        row = (await self._session.execute(mine)).first()
        return _read(row) if row else None

    async def lost(self) -> list[CameraCondition]:
        """Returns the lost cameras, by when they were lost."""
        mine = select(camera_conditions).where(_camera.tenant_id == self._tenant_id, _camera.is_lost)
        return [_read(row) for row in await self._session.execute(mine.order_by(_camera.since, _camera.camera_id))]

    async def count_disabled(self) -> int:
        mine = (_camera.tenant_id == self._tenant_id, _camera.cause == StreamCause.DISABLED)
        return int(await self._session.scalar(select(func.count()).select_from(camera_conditions).where(*mine)) or 0)

    async def put(self, camera: CameraCondition) -> None:
        await self._put(camera_conditions, asdict(camera), "camera_id")

    async def forget_camera(self, camera_id: UUID) -> None:
        for table in (camera_conditions, recording_conditions):
            await self._session.execute(delete(table).where(table.c.tenant_id == self._tenant_id, table.c.camera_id == camera_id))

    async def outages(self) -> list[Outage]:
        """Returns what was lost together, also what has just ended, by when it grew."""
        rows = await self._session.execute(select(outages).where(_outage.tenant_id == self._tenant_id).order_by(_outage.grown_at))
        return [Outage(row.subject, tuple(row.camera_ids), row.grown_at, row.muted_until, row.ended_at) for row in rows]

    async def put_outage(self, outage: Outage) -> None:
        await self._put(outages, asdict(outage), "subject")

    async def end_outage(self, outage: Outage, now: datetime) -> None:
        """Remembers when it ended, and forgets those that ended long before."""
        await self._session.execute(delete(outages).where(_outage.tenant_id == self._tenant_id, _outage.ended_at <= now - COOLDOWN))
        await self.put_outage(replace(outage, ended_at=now))

    async def move_mute(self, end: datetime, until: datetime | None) -> None:
        """Planned work that was to end at one instant ends at another one; None: now."""
        await self.lock()
        for table in (camera_conditions, outages):
            mine = update(table).where(table.c.tenant_id == self._tenant_id, table.c.muted_until == end)
            await self._session.execute(mine.values(muted_until=until))

    async def recordings(self) -> dict[UUID, RecordingCondition]:
        """Returns what is known of the city's recordings, by camera; a city has some thousand at most."""
        rows = await self._session.execute(select(recording_conditions).where(_recording.tenant_id == self._tenant_id))
        return {row.camera_id: RecordingCondition(row.camera_id, row.since, row.is_stopped, row.is_disk) for row in rows}

    async def put_recording(self, recording: RecordingCondition) -> None:
        await self._put(recording_conditions, asdict(recording), "camera_id")

    async def is_newer(self, kind: str, subject: str, at: datetime) -> bool:
        """Remembers the instant, and returns whether it is after that of every event about this condition before."""
        first = insert(marks).values(tenant_id=self._tenant_id, kind=kind, subject=subject, at=at)
        keys = [marks.c.tenant_id, marks.c.kind, marks.c.subject]
        newer = first.on_conflict_do_update(index_elements=keys, set_={"at": at}, where=marks.c.at < at)
        return (await self._session.execute(newer.returning(marks.c.at))).first() is not None

    async def forget_city(self) -> None:
        for table in (camera_conditions, outages, recording_conditions, marks):
            await self._session.execute(delete(table).where(table.c.tenant_id == self._tenant_id))

    async def _put(self, table: Table, values: dict[str, Any], key: str) -> None:
        put = insert(table).values(tenant_id=self._tenant_id, **values)
        changed = {name: value for name, value in values.items() if name != key}
        await self._session.execute(put.on_conflict_do_update(index_elements=["tenant_id", key], set_=changed))


def _read(row: Row[Any]) -> CameraCondition:
    values = {name: value for name, value in row._mapping.items() if name != "tenant_id"}
    return CameraCondition(**(values | {"cause": StreamCause(row.cause) if row.cause else None, "losses": tuple(row.losses)}))
