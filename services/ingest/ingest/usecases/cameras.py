"""Keep ingest's own copy of cameras and streams. Events may come twice and in any order."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.events import CameraDesired, CameraRemoved, CamerasAnnounced, Event, StreamDegraded, StreamWentOffline, StreamWentOnline
from ingest.domain.cameras import CameraTold, KnownCamera, StreamState, StreamTold
from ingest.ports import CameraCatalogue, CameraRows


@dataclass(frozen=True, slots=True)
class Cameras:
    """The verbs: one per kind of news."""

    uow: UowFactory
    rows: Callable[[UnitOfWork], CameraRows]

    async def learn_camera(self, event: Event[Any]) -> None:
        """A camera was registered, changed or announced again."""
        data: CameraDesired = event.data
        told = CameraTold(
            camera_id=data.camera_id,
            revision=data.revision,
            told_at=event.occurred_at,
            enabled=data.enabled,
            groups=frozenset(data.groups),
            ai=data.ai,
        )
        await self._told(event, told)

    async def forget_camera(self, event: Event[CameraRemoved]) -> None:
        """A camera was removed."""
        data = event.data
        await self._told(event, CameraTold(camera_id=data.camera_id, revision=data.revision, told_at=event.occurred_at, removed=True))

    async def reconcile_cameras(self, event: Event[CamerasAnnounced]) -> None:
        """What is not listed was removed."""
        async with self._once(event) as work:
            if not await work.seen(_consumer(event), event.event_id):
                await self.rows(work).announced(event.data.camera_ids, event.data.as_of)

    async def learn_stream(self, event: Event[StreamWentOnline] | Event[StreamWentOffline] | Event[StreamDegraded]) -> None:
        """A stream came, went or became worse."""
        data = event.data
        if isinstance(data, StreamWentOnline):
            told = StreamTold(data.camera_id, data.revision, StreamState.ONLINE, data.read_url)
        elif isinstance(data, StreamDegraded):
            told = StreamTold(data.camera_id, data.revision, StreamState.DEGRADED)
        else:
            told = StreamTold(data.camera_id, data.revision, StreamState.OFFLINE)
        async with self._once(event) as work:
            if not await work.seen(_consumer(event), event.event_id):
                await self.rows(work).stream_told(told)

    async def _told(self, event: Event[Any], told: CameraTold) -> None:
        async with self._once(event) as work:
            if not await work.seen(_consumer(event), event.event_id):
                await self.rows(work).told(told)

    def _once(self, event: Event[Any]) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.uow(event.tenant_id)


def _consumer(event: Event[Any]) -> str:
    return f"ingest.{event.type}"


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
