"""Rows of cameras and streams to nouns and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, text
from sqlalchemy.dialects.postgresql import insert

from chassis.db import Database, UnitOfWork
from city.cameras import CameraCopy
from gtvision.camera import CameraState, RecordingSettings
from gtvision.events import CameraDesired, StreamCause
from streaming.streams.domain import DesiredCamera, KeptCamera, StreamView
from streaming.streams.tables import CameraRow, StreamRow


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {
        "name": camera.name,
        "enabled": camera.enabled,
        "url_encrypted": camera.url_encrypted,
        "groups": sorted(camera.groups),
        "recording": camera.recording.model_dump(mode="json"),
    }


camera_copy = CameraCopy(CameraRow.__table__, _kept, outliving=("recording", "name", "groups"))
"""The desired cameras. The address of a removed one is forgotten. What its recordings need stays: their retention, and who may see them."""


@dataclass(frozen=True, slots=True)
class PostgresStreams:
    """Stream states of the tenant that the unit of work was opened with."""

    uow: UnitOfWork

    async def save(self, stream: StreamView) -> None:
        values = {
            "state": stream.state.value,
            "cause": stream.cause.value if stream.cause else None,
            "since": stream.since,
            "revision": stream.revision,
            "codecs": list(stream.codecs),
        }
        statement = insert(StreamRow).values(tenant_id=stream.tenant_id, camera_id=stream.camera_id, **values)
        keys = [StreamRow.tenant_id, StreamRow.camera_id]
        await self.uow.session.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=values, where=StreamRow.revision < stream.revision)
        )

    async def list_after(self, after: UUID | None, limit: int, groups: frozenset[UUID] | None) -> list[tuple[StreamView, str]]:
        query = self._known().order_by(CameraRow.camera_id).limit(limit)
        if after is not None:
            query = query.where(CameraRow.camera_id > after)
        if groups is not None:
            query = query.where(CameraRow.groups.overlap(sorted(groups)))
        return [_stream_of(camera, row)[:2] for camera, row in (await self.uow.session.execute(query))]

    async def with_recording(self, groups: frozenset[UUID] | None) -> list[tuple[StreamView, str, bool]]:
        """All of them by name, and whether each is to be recorded; a city has some thousand at most."""
        query = self._known().order_by(CameraRow.name, CameraRow.camera_id)
        if groups is not None:
            query = query.where(CameraRow.groups.overlap(sorted(groups)))
        rows = await self.uow.session.execute(query)
        return [(*_stream_of(camera, row)[:2], camera.enabled and bool(camera.recording["enabled"])) for camera, row in rows]

    async def get(self, camera_id: UUID) -> tuple[StreamView, str, frozenset[UUID]] | None:
        row = (await self.uow.session.execute(self._known().where(CameraRow.camera_id == camera_id))).one_or_none()
        return _stream_of(*row) if row else None

    async def kept(self, camera_id: UUID) -> KeptCamera | None:
        """Of a removed camera too."""
        found = select(CameraRow).where(CameraRow.tenant_id == self.uow.tenant_id, CameraRow.camera_id == camera_id)
        row = (await self.uow.session.execute(found)).scalar_one_or_none()
        return _kept_camera(row) if row else None

    async def all_kept(self, groups: frozenset[UUID] | None) -> list[KeptCamera]:
        """Of removed cameras too, by name; a city has some thousand at most."""
        query = select(CameraRow).where(CameraRow.tenant_id == self.uow.tenant_id).order_by(CameraRow.name, CameraRow.camera_id)
        if groups is not None:
            query = query.where(CameraRow.groups.overlap(sorted(groups)))
        return [_kept_camera(row) for row in (await self.uow.session.execute(query)).scalars()]

    def _known(self) -> Select[CameraRow, StreamRow]:
        joined = and_(StreamRow.tenant_id == CameraRow.tenant_id, StreamRow.camera_id == CameraRow.camera_id)
        return (
            select(CameraRow, StreamRow)
            .join(StreamRow, joined, isouter=True)
            .where(CameraRow.tenant_id == self.uow.tenant_id, ~CameraRow.removed)
        )


def _kept_camera(row: CameraRow) -> KeptCamera:
    recording = RecordingSettings.model_validate(row.recording)
    removed_at = row.told_at if row.removed else None
    return KeptCamera(row.camera_id, row.name, frozenset(row.groups), recording.retention_days, row.known_since, removed_at)


def _stream_of(camera: CameraRow, row: StreamRow | None) -> tuple[StreamView, str, frozenset[UUID]]:
    view = StreamView(camera_id=camera.camera_id, tenant_id=camera.tenant_id) if row is None else _view(row)
    return view, camera.name, frozenset(camera.groups)


def _view(row: Any) -> StreamView:
    return StreamView(
        camera_id=row.camera_id,
        tenant_id=row.tenant_id,
        state=CameraState(row.state),
        cause=StreamCause(row.cause) if row.cause else None,
        since=row.since,
        revision=row.revision,
        codecs=tuple(row.codecs),
    )


# By name: the release after this one may have added columns, and both run while one takes the other's place.
_FLEET_CAMERAS = text(
    "SELECT tenant_id, camera_id, revision, name, enabled, removed, url_encrypted, groups, recording FROM streaming.fleet_cameras()"
)


@dataclass(frozen=True, slots=True)
class PostgresFleet:
    """Look-ups across tenants through the owner's definer functions (see the first migration)."""

    db: Database

    async def cameras(self) -> list[DesiredCamera]:
        async with self.db.uow(None) as uow:
            rows = (await uow.session.execute(_FLEET_CAMERAS)).mappings().all()
        return [
            DesiredCamera(**{**row, "groups": frozenset(row["groups"]), "recording": RecordingSettings.model_validate(row["recording"])})
            for row in rows
        ]

    async def streams(self) -> list[StreamView]:
        async with self.db.uow(None) as uow:
            rows = (await uow.session.execute(text("SELECT * FROM streaming.fleet_streams()"))).all()
        return [_view(row) for row in rows]
