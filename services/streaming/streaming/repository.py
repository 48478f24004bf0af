"""Rows to nouns and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from sqlalchemy import Select, and_, delete, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.db import Database, UnitOfWork
from city.cameras import CameraCopy
from gtvision.camera import CameraState, RecordingSettings
from gtvision.events import CameraDesired, StreamCause
from streaming.domain import GENESIS, DesiredCamera, Segment, StreamView
from streaming.tables import CameraRow, ChainRow, SegmentRow, StreamRow


@dataclass(frozen=True)
class PostgresRepositories:
    """Every table of one unit of work."""

    uow: UnitOfWork

    @cached_property
    def streams(self) -> PostgresStreams:
        return PostgresStreams(self.uow.session, _tenant_of(self.uow))

    @cached_property
    def segments(self) -> PostgresSegments:
        return PostgresSegments(self.uow.session, _tenant_of(self.uow))


def _tenant_of(uow: UnitOfWork) -> UUID:
    if uow.tenant_id is None:
        raise ValueError("these tables belong to a tenant: open the unit of work with one")
    return uow.tenant_id


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {
        "name": camera.name,
        "enabled": camera.enabled,
        "url_encrypted": camera.url_encrypted,
        "groups": sorted(camera.groups),
        "recording": camera.recording.model_dump(mode="json"),
    }


camera_copy = CameraCopy(CameraRow.__table__, _kept)
"""The desired cameras; the address of a removed one is forgotten."""


@dataclass(frozen=True, slots=True)
class PostgresStreams:
    """Stream states of one tenant."""

    session: AsyncSession
    tenant_id: UUID

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
        await self.session.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=values, where=StreamRow.revision < stream.revision)
        )

    async def list_after(self, after: UUID | None, limit: int, groups: frozenset[UUID] | None) -> list[tuple[StreamView, str]]:
        query = self._known().order_by(CameraRow.camera_id).limit(limit)
        if after is not None:
            query = query.where(CameraRow.camera_id > after)
        if groups is not None:
            query = query.where(CameraRow.groups.overlap(sorted(groups)))
        return [_stream_of(camera, row)[:2] for camera, row in (await self.session.execute(query))]

    async def get(self, camera_id: UUID) -> tuple[StreamView, str, frozenset[UUID]] | None:
        row = (await self.session.execute(self._known().where(CameraRow.camera_id == camera_id))).one_or_none()
        return _stream_of(*row) if row else None

    def _known(self) -> Select[CameraRow, StreamRow]:
        joined = and_(StreamRow.tenant_id == CameraRow.tenant_id, StreamRow.camera_id == CameraRow.camera_id)
        return (
            select(CameraRow, StreamRow)
            .join(StreamRow, joined, isouter=True)
            .where(CameraRow.tenant_id == self.tenant_id, ~CameraRow.removed)
        )


def _stream_of(camera: CameraRow, row: StreamRow | None) -> tuple[StreamView, str, frozenset[UUID]]:
    if row is None:
        view = StreamView(camera_id=camera.camera_id, tenant_id=camera.tenant_id)
    else:
        view = StreamView(
            camera_id=row.camera_id,
            tenant_id=row.tenant_id,
            state=CameraState(row.state),
            cause=StreamCause(row.cause) if row.cause else None,
            since=row.since,
            revision=row.revision,
            codecs=tuple(row.codecs),
        )
    return view, camera.name, frozenset(camera.groups)


@dataclass(frozen=True, slots=True)
class PostgresSegments:
    """The recording index of one tenant."""

    session: AsyncSession
    tenant_id: UUID

    async def last_link(self, camera_id: UUID) -> str:
        first = insert(ChainRow).values(tenant_id=self.tenant_id, camera_id=camera_id, last_link=GENESIS).on_conflict_do_nothing()
        await self.session.execute(first)
        locked = select(ChainRow.last_link).where(ChainRow.tenant_id == self.tenant_id, ChainRow.camera_id == camera_id).with_for_update()
        return (await self.session.execute(locked)).scalar_one()

    async def find(self, segment_id: UUID, started_at: datetime) -> Segment | None:
        row = await self.session.get(SegmentRow, (self.tenant_id, started_at, segment_id))
        return _segment_of(row) if row else None

    async def put(self, segment: Segment) -> None:
        values = {name: getattr(segment, name) for name in Segment.__slots__}
        keys = [SegmentRow.tenant_id, SegmentRow.started_at, SegmentRow.segment_id]
        await self.session.execute(insert(SegmentRow).values(values).on_conflict_do_update(index_elements=keys, set_=values))
        await self.session.execute(
            update(ChainRow)
            .where(ChainRow.tenant_id == self.tenant_id, ChainRow.camera_id == segment.camera_id)
            .values(last_link=segment.chain)
        )

    async def list_newest(
        self, camera_id: UUID, since: datetime, until: datetime, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Segment]:
        query = select(SegmentRow).where(
            SegmentRow.tenant_id == self.tenant_id,
            SegmentRow.camera_id == camera_id,
            SegmentRow.started_at < until,
            or_(SegmentRow.started_at >= since, SegmentRow.ended_at > since),
        )
        if before is not None:
            query = query.where(tuple_(SegmentRow.started_at, SegmentRow.segment_id) < before)
        query = query.order_by(SegmentRow.started_at.desc(), SegmentRow.segment_id.desc()).limit(limit)
        return [_segment_of(row) for row in (await self.session.execute(query)).scalars()]

    async def forget(self, segment_id: UUID, started_at: datetime) -> None:
        await self.session.execute(
            delete(SegmentRow).where(
                SegmentRow.tenant_id == self.tenant_id, SegmentRow.started_at == started_at, SegmentRow.segment_id == segment_id
            )
        )


def _segment_of(row: SegmentRow) -> Segment:
    return Segment(**{name: getattr(row, name) for name in Segment.__slots__})


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
            rows = (await uow.session.execute(text("SELECT * FROM streaming.fleet_streams()"))).mappings().all()
        return [
            StreamView(
                camera_id=row["camera_id"],
                tenant_id=row["tenant_id"],
                state=CameraState(row["state"]),
                cause=StreamCause(row["cause"]) if row["cause"] else None,
                since=row["since"],
                revision=row["revision"],
                codecs=tuple(row["codecs"]),
            )
            for row in rows
        ]

    async def indexed_sizes(self, since: datetime) -> dict[str, int]:
        async with self.db.uow(None) as uow:
            rows = await uow.session.execute(text("SELECT path, size_bytes FROM streaming.fleet_segments(:since)"), {"since": since})
            return {row.path: row.size_bytes for row in rows}

    async def make_room(self, first: date, last: date) -> None:
        async with self.db.uow(None) as uow:
            await uow.session.execute(
                text("SELECT streaming.make_segments_partitions(:first, :days)"), {"first": first, "days": (last - first).days + 1}
            )
