"""The watch of the recorder agent: what should be recorded is held against what is written to disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.events import GapCause, RecordingResumed, RecordingStopped, StreamCause
from gtvision.ids import derived_id
from gtvision.time import EARLIEST
from streaming import metrics
from streaming.recordings.domain import Look, SegmentFile
from streaming.streams.domain import DesiredCamera, StreamView, why_not_recorded
from streaming.timeline.domain import Interruption, Source

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.streams.repository import PostgresFleet
    from streaming.timeline.repository import PostgresInterruptions, PostgresWatches

log = get_logger(__name__)

WrittenAt = Callable[[SegmentFile, datetime], datetime]
"""Of the file that a camera wrote last, by the look of an instant."""

_STOPPED_AFTER = timedelta(seconds=10)
_GOES_ON = timedelta(seconds=2)
"""A file that is shorter may be all that a full disk took of it."""
_STARTING = timedelta(seconds=10)
"""At our start the media server may be starting too, and what is stored of the streams be from before."""


class RecordingWatch:
    """Notices within seconds that a camera is not written any more, says why, and that it is written again.

    Whose stream does not advance is not expected: the reconciler explains that. What has stopped is stored, so that an agent that starts
    anew neither repeats nor forgets it.
    """

    def __init__(
        self,
        uow: UowFactory,
        repository: Callable[[UnitOfWork], PostgresInterruptions],
        watches: PostgresWatches,
        fleet: PostgresFleet,
        files: RecordingsFolder,
        written_at: WrittenAt | None = None,
    ) -> None:
        """`written_at` says when a camera's recording grew last by pictures; otherwise the last write of its file counts."""
        self._written_at = written_at or (lambda file, _: file.modified_at)
        self._uow, self._repository, self._watches, self._fleet, self._files = uow, repository, watches, fleet, files
        self._stopped: dict[UUID, Interruption] = {}
        self._expected: dict[UUID, tuple[datetime, bool]] = {}
        """Since when a camera is expected to be written, and whether it was so at our first look."""
        self._is_loaded = False
        self._refused: tuple[datetime, str | None] | None = None
        """What the disk said at the look of that instant."""

    async def follow(self, look: Look) -> None:
        """Raises: Unavailable."""
        is_first = not self._is_loaded
        if is_first:
            self._stopped = {each.camera_id: each for each in await self._watches.open_interruptions(Source.RECORDER)}
        streams = {stream.camera_id: stream for stream in await self._fleet.streams()}
        self._is_loaded = True
        newest = look.written_last()
        for camera in look.cameras.values():
            stream, file = streams.get(camera.camera_id), newest.get(camera.camera_id)
            is_wanted = camera.wanted and camera.recording.enabled
            if not is_wanted or stream is None or not stream.advances:
                self._expected.pop(camera.camera_id, None)
            else:
                self._expected.setdefault(camera.camera_id, (look.now + _STARTING if is_first else look.now, is_first))
            if camera.camera_id in self._stopped:
                await self._judge_stopped(camera, file, look.now)
            elif stream is not None and camera.camera_id in self._expected:
                await self._judge_expected(camera, stream, file, look.now)
        metrics.recordings_stopped.set(len(self._stopped))

    async def _judge_expected(self, camera: DesiredCamera, stream: StreamView, file: SegmentFile | None, now: datetime) -> None:
        written = self._written_at(file, now) if file else EARLIEST
        expected, at_start = self._expected[camera.camera_id]
        if now - max(written, expected) < _STOPPED_AFTER:
            return
        since = min(now, max(written, stream.since or EARLIEST, EARLIEST if at_start else expected))
        cause, detail = await self._cause(stream, file, now)
        stopped = Interruption(camera.tenant_id, camera.camera_id, since, _id("interruption", camera, since), cause, detail)
        told = RecordingStopped(camera_id=camera.camera_id, since=since, cause=cause, detail=detail)
        async with self._uow(camera.tenant_id) as uow:
            await self._repository(uow).open(stopped, Source.RECORDER)
            uow.emit(told, camera_id=camera.camera_id, event_id=_id("recording stopped", camera, since))
        self._stopped[camera.camera_id] = stopped
        log.error("recording_stopped", camera_id=str(camera.camera_id), since=since.isoformat(), cause=cause.value, detail=detail)

    async def _judge_stopped(self, camera: DesiredCamera, file: SegmentFile | None, now: datetime) -> None:
        """A camera that is no longer to be recorded is not said to be written again."""
        stopped = self._stopped[camera.camera_id]
        since, is_wanted = stopped.started_at, camera.wanted and camera.recording.enabled
        written = self._written_at(file, now) if file else EARLIEST
        begun = max(since, file.started_at) if file else since
        is_written = written - begun >= _GOES_ON and now - written < _STOPPED_AFTER
        if is_wanted and not is_written:
            return
        resumed_at = now if not is_written else begun if begun > since else written
        async with self._uow(camera.tenant_id) as uow:
            await self._repository(uow).end(stopped, resumed_at)
            if is_written:
                told = RecordingResumed(camera_id=camera.camera_id, since=since, resumed_at=resumed_at)
                uow.emit(told, camera_id=camera.camera_id, event_id=_id("recording resumed", camera, since))
        del self._stopped[camera.camera_id]
        log.info("recording_resumed", camera_id=str(camera.camera_id), since=since.isoformat(), is_written=is_written)

    async def _cause(self, stream: StreamView, file: SegmentFile | None, now: datetime) -> tuple[GapCause, str]:
        """Without a reason of the disk's, the codecs' or the pictures', the media server does not say why it writes nothing."""
        if self._refused is None or self._refused[0] != now:
            self._refused = now, await self._files.refuses()
        if self._refused[1] is not None:
            return GapCause.DISK, self._refused[1]
        reason = why_not_recorded(stream.codecs)
        if reason is not None:
            return GapCause.CAMERA, reason.value
        if file is not None and now - file.modified_at < _STOPPED_AFTER:  # it grows, and its pictures are all of one instant
            return GapCause.CAMERA, StreamCause.CLOCK_UNSTEADY.value
        return GapCause.UNKNOWN, "nothing_written"


def _id(what: str, camera: DesiredCamera, since: datetime) -> UUID:
    """The same stop has the same id, so that a repeat is recognised as one."""
    return derived_id(what, camera.camera_id, since.isoformat())
