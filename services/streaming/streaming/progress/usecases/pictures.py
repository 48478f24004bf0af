"""The watch of the recorder agent over what is written: whether it is whole, and whether somebody can begin to watch it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.events import GapCause, StreamCause
from gtvision.ids import derived_id
from gtvision.time import EARLIEST, Clock
from streaming.progress.domain import LATELY, Written
from streaming.progress.parts import Growth
from streaming.recordings.domain import Look, SegmentFile
from streaming.streams.domain import DesiredCamera
from streaming.timeline.domain import Interruption, Source

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.streams.repository import PostgresFleet
    from streaming.timeline.repository import PostgresInterruptions, PostgresWatches

log = get_logger(__name__)


class PictureWatch:
    """Reads what was added to the files that are being written, and stores what is wrong with it while it lasts.

    It explains the holes of a recording that goes on; the reconciler takes it for the state of the stream.
    """

    def __init__(
        self,
        uow: UowFactory,
        repository: Callable[[UnitOfWork], PostgresInterruptions],
        watches: PostgresWatches,
        fleet: PostgresFleet,
        files: RecordingsFolder,
        *,
        clock: Clock,
    ) -> None:
        self._uow, self._repository, self._watches, self._fleet, self._files = uow, repository, watches, fleet, files
        self._clock = clock
        self._written: dict[UUID, Written] = {}
        self._growths: dict[PurePosixPath, Growth] = {}
        self._open: dict[UUID, Interruption] | None = None
        self._looked_at: datetime | None = None

    def written_at(self, file: SegmentFile, now: datetime) -> datetime:
        """When a camera's recording had more pictures last, as the look of `now` found; the file's last write where it found nothing."""
        known = self._written.get(file.camera_id) if self._looked_at == now else None
        if known is None or now - file.modified_at >= LATELY:
            return file.modified_at
        return known.advanced_at or EARLIEST

    async def follow(self, look: Look) -> None:
        """Raises: Unavailable."""
        if self._open is None:
            self._open = {each.camera_id: each for each in await self._watches.open_interruptions(Source.PICTURES)}
        advancing = {stream.camera_id for stream in await self._fleet.streams() if stream.advances}
        expected = {
            camera.camera_id: camera
            for camera in look.cameras.values()
            if camera.camera_id in advancing and camera.wanted and camera.recording.enabled
        }
        here = [look.files[camera_id] for camera_id in expected if camera_id in look.files]
        lately = [file for files in here for file in files.written_since(look.now - LATELY)]
        read_at = self._clock.now()  # the index may have taken long since the look began, and the files have grown meanwhile
        self._growths = await self._files.growths({file.path: self._growths.get(file.path, Growth()) for file in lately})
        self._written = {camera_id: self._written.get(camera_id) or Written() for camera_id in expected}
        grown: defaultdict[UUID, list[tuple[SegmentFile, Growth]]] = defaultdict(list)
        for file in lately:
            if file.path in self._growths:
                grown[file.camera_id].append((file, self._growths[file.path]))
        for camera_id, own in self._written.items():
            own.look(grown[camera_id], read_at)
        if any(own.has_jumped for own in self._written.values()) and await self._files.refuses() is not None:
            for own in self._written.values():
                own.excuse()  # it was the disk
        self._looked_at = look.now
        for camera in look.cameras.values():
            written = self._written.get(camera.camera_id)
            if written is None:
                await self._judge(self._open, camera, None, look.now)
            elif written.advanced_at is not None:  # before, what was said by an earlier process holds
                await self._judge(self._open, camera, written.ailment(look.now), look.now)

    async def _judge(
        self, open_: dict[UUID, Interruption], camera: DesiredCamera, ailment: tuple[StreamCause, datetime] | None, now: datetime
    ) -> None:
        known = open_.get(camera.camera_id)
        if (known.detail if known else None) == (ailment[0].value if ailment else None) and not _is_another_jump(known, ailment):
            return
        found: Interruption | None = None
        if ailment is not None:
            cause, since = ailment
            number = derived_id("interruption", camera.camera_id, cause.value, since.isoformat())
            found = Interruption(camera.tenant_id, camera.camera_id, since, number, GapCause.CAMERA, cause.value)
        async with self._uow(camera.tenant_id) as uow:
            if known is not None:
                await self._repository(uow).end(known, now)
            if found is not None:
                await self._repository(uow).open(found, Source.PICTURES)
        open_.pop(camera.camera_id, None)
        if found is not None:
            open_[camera.camera_id] = found
        log.info("recording_judged", camera_id=str(camera.camera_id), ailment=found.detail if found else None)


def _is_another_jump(known: Interruption | None, ailment: tuple[StreamCause, datetime] | None) -> bool:
    """What is stored of an earlier jump is over with the connection that was made anew because of it; a later jump is not."""
    return known is not None and ailment is not None and ailment[0] is StreamCause.CLOCK_JUMPED and ailment[1] > known.started_at
