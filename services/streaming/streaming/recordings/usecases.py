"""Recordings: indexed and deleted beside the media server, listed by the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import Conflict, Invalid
from gtvision.events import RecordingSegmentClosed
from gtvision.ids import derived_id
from gtvision.tenancy import Caller, Role
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import (
    Room,
    Segment,
    SegmentFile,
    Totals,
    Usage,
    days_left,
    finished,
    freed_per_day,
    next_link,
    segment_id_of,
    span,
    to_delete,
    usage_of,
)
from streaming.streams.domain import DesiredCamera

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresIndex, PostgresSegments, PostgresUsage
    from streaming.streams.repository import PostgresFleet
    from streaming.streams.usecases import Streams

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]
Usages = Callable[[UnitOfWork], "PostgresUsage"]
_COUNTED_EVERY = timedelta(seconds=30)
_SEE_THE_DISK = frozenset({Role.PLATFORM_ADMIN, Role.ADMIN, Role.OPERATOR})


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
        """Segments that overlap the range, newest first; on record, or not shown. Raises NotFound for a camera the caller may not see."""
        await self._streams.find(caller, query.camera_id)
        async with self._uow(caller.tenant_id) as uow:
            found = await self._segments(uow).list_newest(query.camera_id, query.since, query.until, query.before, query.limit)
            entry = AuditEntry("camera", query.camera_id, query.camera_id, query.since, query.until, {"found": len(found)})
            record(uow, Action.RECORDINGS_LISTED, caller, entry)
        return found


class RecordingUsage:
    """What the recordings take and what room is left, as callers see it."""

    def __init__(self, uow: UowFactory, usage: Usages, streams: Streams) -> None:
        self._uow, self._usage, self._streams = uow, usage, streams

    async def totals(self, caller: Caller) -> Totals:
        """Of the cameras that the caller may see; those that were removed count where the caller is not limited to groups.

        The disk is the installation's: its people see it, and no partner.
        """
        streams = await self._streams.with_recording(caller)
        expected = [(stream, name) for stream, name, is_wanted in streams if is_wanted]
        visible = None if caller.camera_groups is None else {stream.camera_id for stream, _, _ in streams}
        async with self._uow(caller.tenant_id) as uow:
            usages = await self._usage(uow).all()
            found = await self._usage(uow).room()
        totals = Totals.of([usage for usage in usages if visible is None or usage.camera_id in visible], expected)
        if found is None:
            return totals
        return replace(totals, room=found[0] if caller.role in _SEE_THE_DISK else None, as_of=found[1])


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the recordings folder may hold, and when a file counts as finished."""

    idle_after: timedelta
    max_bytes: int
    free_floor: float
    """Share of the disk that is kept free, 0..1."""


class Recorder:
    """Indexes what the media server recorded, and deletes by age, quota and free space. The file system is the truth."""

    def __init__(  # noqa: PLR0913 - what one look needs
        self,
        uow: UowFactory,
        segments: Segments,
        usage: Usages,
        fleet: PostgresFleet,
        index: PostgresIndex,
        files: RecordingsFolder,
        *,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._uow, self._segments, self._usage, self._fleet, self._index, self._files = uow, segments, usage, fleet, index, files
        self._clock, self._limits = clock, limits
        self._known: dict[str, int] = {}
        """Size in bytes by path of what is in the index, or can never be."""
        self._room: tuple[date, date] | None = None
        self._counted_at = float("-inf")

    async def keep_index(self) -> None:
        """Indexes every finished file that is not in the index, then deletes what policy says. Raises: Unavailable.

        The first run reads the whole index of what is still on disk.
        """
        files = await self._files.scan()
        metrics.recordings_bytes.set(sum(file.size_bytes for file in files))
        cameras = {camera.camera_id: camera for camera in await self._fleet.cameras()}
        if files and not self._known:
            self._known = await self._index.sizes(min(file.started_at for file in files))
        done = finished(files, self._clock.now(), self._limits.idle_after)
        await self._make_room(done)
        for file in done:
            camera = cameras.get(file.camera_id)
            if camera is not None and self._known.get(str(file.path)) != file.size_bytes:
                await self._try_to_add(camera.tenant_id, file)
        await self._delete(files, cameras)
        if self._clock.monotonic() - self._counted_at >= _COUNTED_EVERY.total_seconds():
            await self._count(files, cameras)
            self._counted_at = self._clock.monotonic()

    async def _count(self, files: Sequence[SegmentFile], cameras: dict[UUID, DesiredCamera]) -> None:
        """Writes down what each camera's files take; all files of the installation are in this folder."""
        now, limits = self._clock.now(), self._limits
        usages = usage_of(files, now, limits.idle_after)
        total, free = await self._files.disk()
        freed = freed_per_day(usages, _keep_days(cameras), now)
        room = Room(total, free, days_left(usages, (total, free), limits.max_bytes, limits.free_floor, freed))
        by_tenant: defaultdict[UUID, list[Usage]] = defaultdict(list)
        for usage in usages:
            if usage.camera_id in cameras:
                by_tenant[cameras[usage.camera_id].tenant_id].append(usage)
        for tenant_id in {camera.tenant_id for camera in cameras.values()}:
            async with self._uow(tenant_id) as uow:
                await self._usage(uow).put(by_tenant[tenant_id], room, now)

    async def _make_room(self, files: Sequence[SegmentFile]) -> None:
        tomorrow = self._clock.now().date() + timedelta(days=1)
        first = min((file.started_at.date() for file in files if str(file.path) not in self._known), default=tomorrow)
        if self._room is None or first < self._room[0] or tomorrow > self._room[1]:
            await self._index.make_room(first, tomorrow)
            self._room = first, tomorrow

    async def _try_to_add(self, tenant_id: UUID, file: SegmentFile) -> None:
        try:
            await self.add(tenant_id, file)
            self._known[str(file.path)] = file.size_bytes
        except ChangedAfterwards as error:
            self._known[str(file.path)] = file.size_bytes
            metrics.changed.inc()
            log.error("recording_changed", path=str(file.path), reason=error.message)
        except Invalid as error:
            self._known[str(file.path)] = file.size_bytes
            metrics.unplayable.inc()
            log.warning("recording_unplayable", path=str(file.path), reason=error.message)
        except OSError as error:  # gone, slow, or on a broken part of the disk: the others are indexed, and room is made
            log.warning("recording_not_measured", path=str(file.path), reason=type(error).__name__)

    async def add(self, tenant_id: UUID, file: SegmentFile) -> Segment | None:
        """Measures, hashes, chains and announces one finished file. None if it is in the index as it is.

        A camera that froze and came back on the same connection goes on writing its last file: that one is indexed again, in its old
        place of the chain. Raises Invalid for an unplayable file, ChangedAfterwards for any other that changed.
        """
        started_at, ended_at = span(file, await self._files.measure(file.path))
        sha256 = await self._files.sha256(file.path)
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
            await segments.put(segment)
            closed = RecordingSegmentClosed.model_validate(segment, from_attributes=True)
            uow.emit(closed, camera_id=segment.camera_id, event_id=derived_id("segment closed", segment.segment_id, sha256))
        metrics.segments.inc()
        metrics.segment_bytes.inc(segment.size_bytes)
        return segment

    async def _delete(self, files: Sequence[SegmentFile], cameras: dict[UUID, DesiredCamera]) -> None:
        doomed = to_delete(
            files,
            max_bytes=self._limits.max_bytes,
            missing_free_bytes=await self._files.missing_free_bytes(self._limits.free_floor),
            keep_days=_keep_days(cameras),
            now=self._clock.now(),
            removed={camera.camera_id for camera in cameras.values() if camera.removed},
        )
        for file in doomed:
            camera = cameras.get(file.camera_id)
            await self.delete(camera.tenant_id if camera else None, file)

    async def delete(self, tenant_id: UUID | None, file: SegmentFile) -> None:
        """Removes a recording by policy: the file first, then its row, so that a crash between the two never hides a file."""
        await self._files.delete(file.path)
        if tenant_id is not None:
            async with self._uow(tenant_id) as uow:
                await self._segments(uow).forget(file)
        self._known.pop(str(file.path), None)
        metrics.deleted_bytes.inc(file.size_bytes)
        log.info("recording_deleted", path=str(file.path), size_bytes=file.size_bytes)


def _keep_days(cameras: Mapping[UUID, DesiredCamera]) -> dict[UUID, int]:
    """Of removed cameras too: what they recorded goes as it would have gone."""
    return {camera_id: camera.recording.retention_days for camera_id, camera in cameras.items()}
