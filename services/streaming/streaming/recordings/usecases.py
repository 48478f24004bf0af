"""Recordings: indexed beside the media server, listed by the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Conflict, Invalid, Unavailable
from gtvision.events import RecordingSegmentClosed
from gtvision.ids import derived_id
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import Look, Segment, SegmentFile, finished, is_dated, next_link, segment_id_of, span

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresIndex, PostgresSegments
    from streaming.streams.repository import PostgresFleet
    from streaming.streams.usecases import Streams

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]


_AGAIN_AFTER = timedelta(minutes=1)


class ChangedAfterwards(Conflict):
    """A recording that others follow is no longer the file that was indexed."""

    code: ClassVar[str] = "recording_changed"


@dataclass(frozen=True, slots=True)
class RecordingQuery:
    """A range of one camera's recordings; `before` is where the last page ended."""

    camera_id: UUID
    since: datetime
    until: datetime
    before: tuple[datetime, UUID] | None
    limit: int


class Recordings:
    """The index of recordings, as callers see it."""

    def __init__(self, uow: UowFactory, segments: Segments, streams: Streams) -> None:
        self._uow, self._segments, self._streams = uow, segments, streams

    async def list(self, caller: Caller, query: RecordingQuery) -> list[Segment]:
        """Segments that overlap the range, newest first, of a removed camera too; on record, or not shown.

        Raises: NotFound, for a camera the caller may not see.
        """
        await self._streams.find_kept(caller, query.camera_id)
        async with self._uow(caller.tenant_id) as uow:
            found = await self._segments(uow).list_newest(query.camera_id, query.since, query.until, query.before, query.limit)
            entry = AuditEntry("camera", query.camera_id, query.camera_id, query.since, query.until, {"found": len(found)})
            record(uow, Action.RECORDINGS_LISTED, caller, entry)
        return found


Follower = Callable[[Look], Awaitable[None]]
Added = Callable[[UnitOfWork, Segment], Awaitable[None]]


class Recorder:
    """Indexes what the media server recorded. The file system is the truth."""

    def __init__(  # noqa: PLR0913 - what one look needs
        self,
        uow: UowFactory,
        segments: Segments,
        fleet: PostgresFleet,
        index: PostgresIndex,
        files: RecordingsFolder,
        *,
        clock: Clock,
        idle_after: timedelta,
        followers: Sequence[Follower] = (),
        added: Added | None = None,
    ) -> None:
        """A file that was not written for `idle_after` counts as finished. `followers` are told of each look, after the index is kept, and
        `added` of each segment, in its transaction."""
        self._uow, self._segments, self._fleet, self._index, self._files = uow, segments, fleet, index, files
        self._clock, self._idle_after, self._followers, self._added = clock, idle_after, followers, added
        self._known: dict[str, int] = {}
        """Size in bytes by path of what is in the index, or can never be."""
        self._written: dict[str, datetime] = {}
        """The last write by path of what this process indexed: a media server that had no room writes a file's header when it ends it."""
        self._again_at: dict[str, float] = {}
        """Monotonic, by path, when what could not be indexed is tried again."""
        self._room: set[date] = set()
        """The days of which the index can hold segments."""

    async def keep_index(self) -> None:
        """Indexes every finished file that is not in the index, then tells the followers. Raises: Unavailable.

        The first run reads the whole index of what is still on disk. A follower that fails does not keep the others from their turn.
        """
        looked_at = self._clock.now()
        files = await self._files.scan()
        metrics.recordings_bytes.set(sum(file.size_bytes for file in files))
        cameras = {camera.camera_id: camera for camera in await self._fleet.cameras()}
        if files and not self._known:
            self._known = await self._index.sizes(min(file.started_at for file in files))
        done = finished(files, self._clock.now(), self._idle_after)
        new = [file for file in done if file.camera_id in cameras and self._is_due(file) and self._has_a_day(file)]
        await self._make_room(new)
        for file in new:
            await self._try_to_add(cameras[file.camera_id].tenant_id, file)
        here = {str(file.path) for file in files}
        self._known = {path: size for path, size in self._known.items() if path in here}
        self._written = {path: at for path, at in self._written.items() if path in here}
        self._again_at = {path: at for path, at in self._again_at.items() if path in here}
        await self._tell(Look(files, cameras, looked_at))

    def _is_due(self, file: SegmentFile) -> bool:
        return not self._is_known(file) and self._clock.monotonic() >= self._again_at.get(str(file.path), float("-inf"))

    def _is_known(self, file: SegmentFile) -> bool:
        """What an earlier process indexed is known by its size alone: to hash everything anew at each start would take hours."""
        path = str(file.path)
        return self._known.get(path) == file.size_bytes and self._written.get(path, file.modified_at) == file.modified_at

    def _learn(self, file: SegmentFile) -> None:
        self._known[str(file.path)], self._written[str(file.path)] = file.size_bytes, file.modified_at

    async def _tell(self, look: Look) -> None:
        """Raises: Unavailable, the first that a follower raised."""
        failed: Unavailable | None = None
        for follower in self._followers:
            try:
                await follower(look)
            except Unavailable as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _has_a_day(self, file: SegmentFile) -> bool:
        """The index has days for no other files."""
        if is_dated(file, self._clock.now()):
            return True
        self._learn(file)
        metrics.misdated.inc()
        log.error("recording_misdated", path=str(file.path))
        return False

    async def _make_room(self, files: Sequence[SegmentFile]) -> None:
        today = self._clock.now().date()
        for day in sorted({today, today + timedelta(days=1), *(file.started_at.date() for file in files)} - self._room):
            await self._index.make_room(day, day)
            self._room.add(day)

    async def _try_to_add(self, tenant_id: UUID, file: SegmentFile) -> None:
        try:
            await self.add(tenant_id, file)
            self._learn(file)
        except ChangedAfterwards as error:
            self._learn(file)
            metrics.changed.inc()
            log.error("recording_changed", path=str(file.path), reason=error.message)
        except Invalid as error:
            self._learn(file)
            metrics.unplayable.inc()
            log.warning("recording_unplayable", path=str(file.path), reason=error.message)
        except OSError as error:  # gone, slow, or on a broken part of the disk: the others are indexed, and room is made
            self._try_later(file)
            log.warning("recording_not_measured", path=str(file.path), reason=type(error).__name__)
        except Unavailable:
            raise
        except Exception:  # whatever is wrong with one file keeps neither the others nor the followers
            self._try_later(file)
            log.exception("recording_not_indexed", path=str(file.path))

    def _try_later(self, file: SegmentFile) -> None:
        """A file that takes thirty seconds to fail must not take them from every look."""
        metrics.not_indexed.inc()
        self._again_at[str(file.path)] = self._clock.monotonic() + _AGAIN_AFTER.total_seconds()

    async def add(self, tenant_id: UUID, file: SegmentFile) -> Segment | None:
        """Measures, hashes, chains and announces one finished file. None if it is in the index as it is.

        A camera that froze and came back on the same connection goes on writing its last file: that one is indexed again, in its old
        place of the chain. Raises Invalid for an unplayable file, ChangedAfterwards for any other that changed.
        """
        started_at, ended_at = span(file, await self._files.measure(file.path))
        sha256 = await self._files.sha256(file.path)
        parts = await self._parts(file)
        async with self._uow(tenant_id) as uow:
            segments = self._segments(uow)
            last = await segments.last_link(file.camera_id)
            known = await segments.find(file)
            if known is not None and known.sha256 == sha256:
                return None
            if known is not None and known.chain != last:
                raise ChangedAfterwards(path=str(file.path))
            previous = known.previous if known else last
            segment = Segment(
                segment_id=segment_id_of(file.path),
                tenant_id=tenant_id,
                camera_id=file.camera_id,
                path=str(file.path),
                started_at=started_at,
                ended_at=ended_at,
                size_bytes=file.size_bytes,
                sha256=sha256,
                previous=previous,
                chain=next_link(previous, sha256),
            )
            if known is not None:
                await segments.forget(file)
            await segments.put(segment, parts)
            closed = RecordingSegmentClosed.model_validate(segment, from_attributes=True)
            uow.emit(closed, camera_id=segment.camera_id, event_id=derived_id("segment closed", segment.segment_id, sha256))
            if self._added is not None:
                await self._added(uow, segment)
        metrics.segments.inc()
        metrics.segment_bytes.inc(segment.size_bytes)
        return segment

    async def _parts(self, file: SegmentFile) -> bytes:
        """Encoded; empty where a file can be played and is not made of parts."""
        try:
            return (await self._files.parts(file.path)).encoded()
        except Invalid as error:
            log.warning("recording_without_parts", path=str(file.path), reason=error.message)
            return b""
