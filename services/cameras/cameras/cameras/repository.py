"""Rows of `cameras` to nouns and back. One instance lives as long as its unit of work."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, case, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from cameras.cameras.domain import EVERY_CAMERA, Camera, CameraSettings, Groups, ListedCamera, Sighting, Wanted
from cameras.cameras.tables import camera as table
from cameras.reads import Reads
from chassis.db import UnitOfWork
from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.events import StreamCause
from gtvision.tenancy import Caller

_c = table.c


class PostgresCameras:
    """The cameras of one tenant that are not removed, unless a method says otherwise, for one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def lock_registrations(self) -> None:
        """Until the transaction ends, no other one that asks for this registers a camera of the tenant."""
        lock = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")
        await self._session.execute(lock, {"what": f"cameras.register {self._tenant_id}"})

    async def count(self) -> int:
        living = select(func.count()).select_from(table).where(_c.tenant_id == self._tenant_id, _c.removed_at.is_(None))
        return int(await self._session.scalar(living) or 0)

    async def add(self, camera: Camera) -> bool:
        """Returns False where a living camera has the external id."""
        values = _wanted(camera) | {
            "tenant_id": camera.tenant_id,
            "id": camera.id,
            "created_at": camera.created_at,
            "state": str(CameraState.UNKNOWN),
            "stream_revision": 0,
        }
        added = await self._session.execute(insert(table).values(values).on_conflict_do_nothing().returning(_c.id))
        return added.first() is not None

    async def camera(self, camera_id: UUID, *, lock: bool = False) -> Camera | None:
        statement = self._living().where(_c.id == camera_id)
        return await self._one(statement.with_for_update() if lock else statement)

    async def by_external_id(self, external_id: str) -> Camera | None:
        return await self._one(self._living().where(_c.external_id == external_id))

    def _living(self) -> Select[Any]:
        return select(table).where(_c.tenant_id == self._tenant_id, _c.removed_at.is_(None))

    async def _one(self, statement: Select[Any]) -> Camera | None:
        row = (await self._session.execute(statement)).first()
        return None if row is None else _camera(row)

    async def save(self, camera: Camera) -> bool:
        """Saves everything but what was seen. Returns False where a living camera has the external id."""
        statement = update(table).where(_c.tenant_id == camera.tenant_id, _c.id == camera.id).values(_wanted(camera))
        try:
            async with self._session.begin_nested():
                await self._session.execute(statement)
        except IntegrityError:
            return False
        return True

    async def remove(self, camera_id: UUID, revision: int, at: datetime) -> None:
        """Leaves a tombstone without an address."""
        values = {"removed_at": at, "updated_at": at, "revision": revision, "url_sealed": "", "url_shown": ""}
        await self._session.execute(update(table).where(_c.tenant_id == self._tenant_id, _c.id == camera_id).values(values))

    async def leave_group(self, group_id: UUID, at: datetime) -> list[Camera]:
        """Takes the group off every camera that has it, as its next revision. Returns these."""
        held = (_c.tenant_id == self._tenant_id) & _c.removed_at.is_(None) & _c.groups.contains([group_id])
        values = {"groups": func.array_remove(_c.groups, group_id), "revision": _c.revision + 1, "updated_at": at}
        return [_camera(row) for row in await self._session.execute(update(table).where(held).values(values).returning(table))]

    async def count_by_group(self) -> dict[UUID, int]:
        held = func.unnest(_c.groups).label("held")
        counted = select(held, func.count().label("cameras")).where(_c.tenant_id == self._tenant_id, _c.removed_at.is_(None)).group_by(held)
        return {row.held: row.cameras for row in await self._session.execute(counted)}

    async def page(self, groups: Groups, after: UUID | None, limit: int) -> list[Camera]:
        """Returns cameras in order of id, which is the order of registration."""
        statement = _within(self._living(), groups).order_by(_c.id).limit(limit)
        if after is not None:
            statement = statement.where(_c.id > after)
        return [_camera(row) for row in await self._session.execute(statement)]

    async def count_by_state(self, groups: Groups) -> dict[CameraState, int]:
        """Counts by the state that a screen shows, as `domain.shown_as` says it."""
        shown = case(
            (~_c.enabled, str(CameraState.DISABLED)),
            (_c.state == str(CameraState.DISABLED), str(CameraState.UNKNOWN)),
            else_=_c.state,
        ).label("shown")
        counted = select(shown, func.count()).where(_c.tenant_id == self._tenant_id, _c.removed_at.is_(None)).group_by(shown)
        return {CameraState(state): count for state, count in await self._session.execute(_within(counted, groups))}

    async def observe(self, camera_id: UUID, seen: Sighting) -> Camera | None:
        """Keeps a newer sighting; `since` moves only when the state does. Returns None where it is not newer, or the camera is gone."""
        newer = (_c.tenant_id == self._tenant_id) & (_c.id == camera_id) & _c.removed_at.is_(None) & (_c.stream_revision < seen.revision)
        statement = (
            update(table)
            .where(newer)
            .values(
                state=str(seen.state),
                state_since=case((_c.state == str(seen.state), _c.state_since), else_=seen.since),
                state_cause=None if seen.cause is None else str(seen.cause),
                stream_revision=seen.revision,
            )
            .returning(table)
        )
        row = (await self._session.execute(statement)).first()
        return None if row is None else _camera(row)

    async def tenants(self) -> list[UUID]:
        """Returns all tenants that have or had cameras."""
        return list(await self._session.scalars(text("SELECT tenants_with_cameras()")))


_LISTED = "SELECT * FROM list_cameras($1, $2, $3, $4)"
_FOUND = "SELECT * FROM find_cameras($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_BEFORE_ALL = UUID(int=0)


class PostgresCameraList:
    """Cameras as lists show them: hot reads, outside of any unit of work."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def page(self, caller: Caller, after: UUID | None, limit: int, wanted: Wanted) -> list[ListedCamera]:
        """Returns living cameras that the caller may see, in order of id, which is the order of registration. Raises: Unavailable."""
        groups = None if caller.camera_groups is None else sorted(caller.camera_groups)
        asked = (caller.tenant_id, after or _BEFORE_ALL, limit, groups)
        if wanted == EVERY_CAMERA:
            rows = await self._reads.rows(_LISTED, *asked)
        else:
            states = None if wanted.states is None else sorted(map(str, wanted.states))
            rows = await self._reads.rows(_FOUND, *asked, wanted.text, states, wanted.group, wanted.enabled, wanted.external_id)
        return [_listed(row) for row in rows]


_STATES = {str(state): state for state in CameraState}
_CAUSES = {None: None} | {str(cause): cause for cause in StreamCause}
"""Looked up: making members of enumerations costs as much as decoding the row."""


def _listed(row: Any) -> ListedCamera:
    what = (*row[:6], _recording_json(row[6]), _ai_json(row[7]), _STATES[row[8]], row[9], _CAUSES[row[10]], *row[11:])
    return ListedCamera._make(what)


@lru_cache(maxsize=1_024)
def _recording_json(stored: str) -> bytes:
    """Returns the settings with the fields that were added since they were stored. Most cameras of a tenant have the same ones."""
    return RecordingSettings.model_validate_json(stored).model_dump_json().encode()


@lru_cache(maxsize=1_024)
def _ai_json(stored: str) -> bytes:
    return AiSettings.model_validate_json(stored).model_dump_json().encode()


def _within(statement: Select[Any], groups: Groups) -> Select[Any]:
    return statement if groups is None else statement.where(_c.groups.overlap(sorted(groups)))


def _wanted(camera: Camera) -> dict[str, object]:
    settings = camera.settings
    return {
        "name": settings.name,
        "external_id": settings.external_id,
        "url_sealed": camera.url_sealed,
        "url_shown": camera.url_shown,
        "groups": sorted(settings.groups),
        "enabled": settings.enabled,
        "recording": settings.recording.model_dump(mode="json"),
        "ai": settings.ai.model_dump(mode="json"),
        "revision": camera.revision,
        "updated_at": camera.updated_at,
    }


def _camera(row: Row[Any]) -> Camera:
    return Camera(
        id=row.id,
        tenant_id=row.tenant_id,
        settings=CameraSettings(
            name=row.name,
            external_id=row.external_id,
            groups=frozenset(row.groups),
            enabled=row.enabled,
            recording=RecordingSettings.model_validate(row.recording),
            ai=AiSettings.model_validate(row.ai),
        ),
        url_sealed=row.url_sealed,
        url_shown=row.url_shown,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sighting=Sighting(
            CameraState(row.state),
            row.state_since,
            None if row.state_cause is None else StreamCause(row.state_cause),
            row.stream_revision,
        ),
    )
