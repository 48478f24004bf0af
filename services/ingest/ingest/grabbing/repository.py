"""PostgreSQL out. Statements are written by hand where order must not matter."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from sqlalchemy import select, text

from chassis.db import UnitOfWork, UowFactory
from city.cameras import CameraCopy
from gtvision.camera import AiSettings
from gtvision.events import CameraDesired
from ingest.grabbing.domain import KnownCamera, StreamState, StreamTold
from ingest.grabbing.tables import known_cameras

# State and address have revisions of their own: an offline that overtook its online must not lose the address.
_STREAM = text("""
    INSERT INTO known_streams AS known (tenant_id, camera_id, revision, state, read_url, url_revision)
    VALUES (:tenant_id, :camera_id, :revision, :state, :read_url, :url_revision)
    ON CONFLICT (tenant_id, camera_id) DO UPDATE SET
        state = CASE WHEN excluded.revision > known.revision THEN excluded.state ELSE known.state END,
        revision = greatest(known.revision, excluded.revision),
        read_url = CASE WHEN excluded.url_revision > known.url_revision THEN excluded.read_url ELSE known.read_url END,
        url_revision = greatest(known.url_revision, excluded.url_revision)
    WHERE excluded.revision > known.revision OR excluded.url_revision > known.url_revision
    RETURNING 1
""")


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {"enabled": camera.enabled, "groups": [str(group) for group in camera.groups], "ai": camera.ai.model_dump(mode="json")}


camera_copy = CameraCopy(known_cameras, _kept)


class SqlCameraRows:
    """Implements `ports.CameraRows` in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session
        self._tenant_id = work.tenant_id

    async def stream_told(self, stream: StreamTold) -> bool:
        values = {
            "tenant_id": self._tenant_id,
            "camera_id": stream.camera_id,
            "revision": stream.revision,
            "state": stream.state.value,
            "read_url": stream.read_url,
            "url_revision": stream.revision if stream.read_url else 0,
        }
        return (await self._session.execute(_STREAM, values)).first() is not None

    async def groups(self) -> dict[UUID, frozenset[UUID]]:
        statement = select(known_cameras.c.camera_id, known_cameras.c.groups).where(~known_cameras.c.removed)
        return {row.camera_id: _groups(row.groups) for row in await self._session.execute(statement)}


def _groups(values: Sequence[str]) -> frozenset[UUID]:
    return frozenset(UUID(value) for value in values)


class SqlCameraCatalogue:
    """Implements `ports.CameraCatalogue`: every tenant's cameras, through a function of the schema's owner."""

    def __init__(self, uow: UowFactory) -> None:
        self._uow = uow

    async def living(self) -> list[KnownCamera]:
        async with self._uow(None) as work:
            result = await work.session.execute(text("SELECT * FROM living_cameras()"))
            return [
                KnownCamera(
                    tenant_id=row["tenant_id"],
                    camera_id=row["camera_id"],
                    revision=row["revision"],
                    enabled=row["enabled"],
                    groups=_groups(_json(row["groups"])),
                    ai=AiSettings.model_validate(_json(row["ai"])),
                    state=StreamState(row["state"]) if row["state"] else None,
                    read_url=row["read_url"],
                )
                for row in result.mappings()
            ]


def _json(value: object) -> list[str]:
    """A textual statement gives jsonb as text."""
    return orjson.loads(value) if isinstance(value, str) else value  # type: ignore[return-value]
