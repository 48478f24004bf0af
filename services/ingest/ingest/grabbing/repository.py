"""PostgreSQL out: cameras and streams. Statements are written by hand where the order of events must not matter."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, text

from chassis.db import UnitOfWork
from chassis.logs import get_logger
from city.cameras import CameraCopy
from gtvision.camera import AiSettings
from gtvision.events import CameraDesired
from ingest.grabbing.domain import KnownCamera, KnownStream, StreamState
from ingest.grabbing.tables import known_cameras

log = get_logger(__name__)

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
""")


_LIVING = text("SELECT * FROM living_cameras()")


def _kept(camera: CameraDesired) -> dict[str, object]:
    return {"enabled": camera.enabled, "groups": [str(group) for group in camera.groups], "ai": camera.ai.model_dump(mode="json")}


camera_copy = CameraCopy(known_cameras, _kept)


class PostgresCameras:
    """The copy of cameras and streams, in one unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._session, self._tenant_id = uow.session, uow.tenant_id

    async def put_stream(self, stream: KnownStream) -> None:
        """Takes over what is newer than the tenant's row says."""
        values = {
            "tenant_id": self._tenant_id,
            "camera_id": stream.camera_id,
            "revision": stream.revision,
            "state": stream.state.value,
            "read_url": stream.read_url,
            "url_revision": stream.revision if stream.read_url else 0,
        }
        await self._session.execute(_STREAM, values)

    async def living(self) -> list[KnownCamera]:
        """Returns every tenant's living cameras, through a function of the schema's owner. A row that cannot be read is left out."""
        return [camera for row in (await self._session.execute(_LIVING)).mappings() if (camera := _readable(row)) is not None]


def _readable(row: RowMapping) -> KnownCamera | None:
    try:
        return _camera(row)
    except ValueError as error:  # of a release that knew other settings
        log.error("camera_row_cannot_be_read", camera_id=str(row["camera_id"]), reason=type(error).__name__)
        return None


def _camera(row: RowMapping) -> KnownCamera:
    return KnownCamera(
        tenant_id=row["tenant_id"],
        camera_id=row["camera_id"],
        revision=row["revision"],
        enabled=row["enabled"],
        groups=frozenset(map(UUID, row["groups"])),
        ai=AiSettings.model_validate(row["ai"]),
        state=StreamState(row["state"]) if row["state"] else None,
        read_url=row["read_url"],
    )
