"""Keep ingest's own copy of the streams (that of the cameras is `city.cameras`), and read both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.events import Event, StreamDegraded, StreamWentOffline, StreamWentOnline
from ingest.domain.cameras import KnownCamera, StreamState, StreamTold
from ingest.ports import CameraCatalogue, CameraRows


@dataclass(frozen=True, slots=True)
class Streams:
    """What streaming says. Events may come twice and in any order."""

    uow: UowFactory
    rows: Callable[[UnitOfWork], CameraRows]

    async def learn_stream(self, event: Event[StreamWentOnline] | Event[StreamWentOffline] | Event[StreamDegraded]) -> None:
        """A stream came, went or became worse."""
        data = event.data
        if isinstance(data, StreamWentOnline):
            told = StreamTold(data.camera_id, data.revision, StreamState.ONLINE, data.read_url)
        elif isinstance(data, StreamDegraded):
            told = StreamTold(data.camera_id, data.revision, StreamState.DEGRADED)
        else:
            told = StreamTold(data.camera_id, data.revision, StreamState.OFFLINE)
        async with self.uow(event.tenant_id) as work:
            if not await work.seen(f"ingest.{event.type}", event.event_id):
                await self.rows(work).stream_told(told)


class CameraBook:
    """Every living camera, in memory: for rights on the live socket and for grabbing. Kept fresh by a job; never emptied by a failure."""

    def __init__(self, catalogue: CameraCatalogue) -> None:
        self._catalogue = catalogue
        self._cameras: dict[UUID, KnownCamera] = {}

    async def refresh(self) -> None:
        """Read all again. Raises: Unavailable, and then keeps what it has."""
        self._cameras = {camera.camera_id: camera for camera in await self._catalogue.living()}

    def groups_of(self, tenant_id: UUID, camera_id: UUID) -> frozenset[UUID]:
        """None known: no groups, so that only a caller without limits sees it."""
        camera = self._cameras.get(camera_id)
        return camera.groups if camera is not None and camera.tenant_id == tenant_id else frozenset()

    def knows(self, tenant_id: UUID, camera_id: UUID) -> bool:
        camera = self._cameras.get(camera_id)
        return camera is not None and camera.tenant_id == tenant_id

    def grabbable(self) -> list[KnownCamera]:
        return [camera for camera in self._cameras.values() if camera.grabbable]
