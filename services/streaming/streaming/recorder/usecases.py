"""The index of recordings, kept beside the media server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from heapq import nsmallest
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.errors import Conflict, Invalid, Unavailable
from gtvision.events import RecordingSegmentClosed
from gtvision.ids import derived_id
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import CameraFiles, Look, Segment, SegmentFile, is_dated, microseconds, next_link, segment_id_of, span

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresIndex, PostgresSegments
    from streaming.streams.repository import PostgresFleet

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]


_AGAIN_AFTER = timedelta(minutes=1)
_MOST_PER_LOOK = 500
"""So many files are indexed in one look, so that room is made meanwhile also where an index was lost."""
_A_DAY = timedelta(days=1)
_LATER = timedelta(minutes=1)
"""A segment starts with its first picture, which may come later than the instant in the name of its file."""


class ChangedAfterwards(Conflict):
    """A recording that others follow is no longer the file that was indexed."""

    code: ClassVar[str] = "recording_changed"


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
        self._again_at: defaultdict[UUID, dict[int, float]] = defaultdict(dict)
        """By camera and the instant in a file's name: monotonic, when what could not be indexed is tried again."""
        self._room: set[date] = set()
        """The days of which the index can hold segments."""

    async def keep_index(self) -> None:
        """Indexes finished files that are not in the index, the oldest first and some hundred at most, then tells the followers.

        The first run reads the whole index of what is still on disk. A follower that fails does not keep the others from their turn.
        Raises: Unavailable.
        """
        looked_at = self._clock.now()
        files = await self._files.scan(looked_at)
        metrics.recordings_bytes.set(sum(each.size_bytes for each in files.values()))
        cameras = {camera.camera_id: camera for camera in await self._fleet.cameras()}
        new: list[SegmentFile] = []
        for camera_id in files.keys() & cameras.keys():
            new += await self._due(cameras[camera_id].tenant_id, files[camera_id])
        new = nsmallest(_MOST_PER_LOOK, new, key=lambda file: (file.started_at, file.camera_id))
        await self._make_room(new)
        for file in new:
            await self._try_to_add(cameras[file.camera_id].tenant_id, files[file.camera_id], file)
        await self._tell(Look(files, cameras, looked_at))

    async def _due(self, tenant_id: UUID, files: CameraFiles) -> list[SegmentFile]:
        """A camera's finished files that are not in the index, as far as they are tried now."""
        if files.unindexed is None:
            files.unindexed = await self._not_in_index(tenant_id, files)
        now, again_at = self._clock.monotonic(), self._again_at[files.camera_id]
        later = {begin for begin, at in again_at.items() if at > now}
        begins = nsmallest(_MOST_PER_LOOK, files.unindexed - later)
        done = files.finished(self._clock.now(), self._idle_after, begins)
        return [file for file in done if self._has_a_day(files, file)]

    async def _not_in_index(self, tenant_id: UUID, files: CameraFiles) -> set[int]:
        """What an earlier process indexed is known by its size alone: to hash everything anew at each start would take hours.

        The index is read day by day.
        """
        unindexed, first = set(files.begins), 0
        while first < len(files):
            since = files[first].started_at
            async with self._uow(tenant_id) as uow:
                sizes = await self._segments(uow).sizes(files.camera_id, since, since + _A_DAY + _LATER)
            for begin, size_bytes in sizes:
                place = files.place_of(begin)
                if place is not None and files.status(place).size_bytes == size_bytes:
                    unindexed.discard(begin)
            first = files.place_at(since + _A_DAY)
        return set(unindexed)  # a copy, because a set from which much was taken stays as large as it was

    def _learn(self, files: CameraFiles, file: SegmentFile) -> None:
        """The file is in the index as it is, or can never be."""
        begin = microseconds(file.started_at)
        self._again_at[file.camera_id].pop(begin, None)
        if files.unindexed is not None:
            files.unindexed.discard(begin)

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

    def _has_a_day(self, files: CameraFiles, file: SegmentFile) -> bool:
        """The index has days for no other files."""
        if is_dated(file, self._clock.now()):
            return True
        self._learn(files, file)
        metrics.misdated.inc()
        log.error("recording_misdated", path=str(file.path))
        return False

    async def _make_room(self, files: Sequence[SegmentFile]) -> None:
        today = self._clock.now().date()
        for day in sorted({today, today + timedelta(days=1), *(file.started_at.date() for file in files)} - self._room):
            await self._index.make_room(day, day)
            self._room.add(day)

    async def _try_to_add(self, tenant_id: UUID, files: CameraFiles, file: SegmentFile) -> None:
        try:
            await self.add(tenant_id, file)
            self._learn(files, file)
        except ChangedAfterwards as error:
            self._learn(files, file)
            metrics.changed.inc()
            log.error("recording_changed", path=str(file.path), reason=error.message)
        except Invalid as error:
            self._learn(files, file)
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
        self._again_at[file.camera_id][microseconds(file.started_at)] = self._clock.monotonic() + _AGAIN_AFTER.total_seconds()

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
