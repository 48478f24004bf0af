"""Streams as callers see them, and their changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.camera import CameraState
from gtvision.errors import NotFound
from gtvision.events import StreamCause, StreamDegraded, StreamWentOffline, StreamWentOnline
from gtvision.tenancy import Caller
from streaming import metrics
from streaming.streams.domain import KeptCamera, StreamView

if TYPE_CHECKING:
    from streaming.streams.repository import PostgresStreams

log = get_logger(__name__)


class Streams:
    """What the cameras' streams are doing."""

    def __init__(self, uow: UowFactory, repository: Callable[[UnitOfWork], PostgresStreams], read_url: Callable[[UUID], str]) -> None:
        """`read_url` gives the RTSP address, without credentials, under which a camera's path is read."""
        self._uow, self._repository, self._read_url = uow, repository, read_url

    async def announce(self, stream: StreamView) -> None:
        """Stores a stream's new state and emits its event in the same transaction."""
        async with self._uow(stream.tenant_id) as uow:
            await self._repository(uow).save(stream)
            uow.emit(self._event(stream), camera_id=stream.camera_id)
        metrics.stream_transitions.labels(stream.state.value).inc()
        log.info("stream_changed", camera_id=str(stream.camera_id), state=stream.state.value, cause=stream.cause, revision=stream.revision)

    def _event(self, stream: StreamView) -> StreamWentOnline | StreamDegraded | StreamWentOffline:
        camera_id, revision, cause = stream.camera_id, stream.revision, stream.cause or StreamCause.UNKNOWN
        if not stream.advances:
            return StreamWentOffline(camera_id=camera_id, revision=revision, cause=cause)
        read_url, codecs = self._read_url(camera_id), stream.codecs
        if stream.state is CameraState.ONLINE:
            return StreamWentOnline(camera_id=camera_id, revision=revision, read_url=read_url, codecs=codecs)
        return StreamDegraded(camera_id=camera_id, revision=revision, cause=cause, read_url=read_url, codecs=codecs)

    async def with_recording(self, caller: Caller) -> Sequence[tuple[StreamView, str, bool]]:
        """All streams that the caller may see, with their cameras' names, by name, and whether each is to be recorded."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).with_recording(caller.camera_groups)

    async def visible(self, caller: Caller) -> set[UUID]:
        """The cameras that there are or were and that the caller may see: what was recorded, saved and held outlasts its camera."""
        return {camera.camera_id for camera in await self.all_kept(caller)}

    async def list(self, caller: Caller, after: UUID | None, limit: int) -> list[tuple[StreamView, str]]:
        """Streams that the caller may see with their cameras' names, by camera id."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).list_after(after, limit, caller.camera_groups)

    async def find(self, caller: Caller, camera_id: UUID) -> tuple[StreamView, str]:
        """Raises: NotFound, also for another tenant's camera or one outside the caller's groups."""
        async with self._uow(caller.tenant_id) as uow:
            row = await self._repository(uow).get(camera_id)
        if row is None or not caller.may_see(row[2]):
            raise NotFound("There is no such camera.")
        return row[0], row[1]

    async def find_kept(self, caller: Caller, camera_id: UUID) -> KeptCamera:
        """A camera that there is or was. Raises: NotFound, as `find`."""
        async with self._uow(caller.tenant_id) as uow:
            camera = await self._repository(uow).kept(camera_id)
        if camera is None or not caller.may_see(camera.groups):
            raise NotFound("There is no such camera.")
        return camera

    async def all_kept(self, caller: Caller) -> Sequence[KeptCamera]:
        """The cameras that there are or were and that the caller may see, by name."""
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).all_kept(caller.camera_groups)
