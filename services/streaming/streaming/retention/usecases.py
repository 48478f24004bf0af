"""Retention: what follows each look at the recordings, beside the media server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import Look, Room, SegmentFile, Usage, days_left, freed_per_day, usage_of
from streaming.retention.domain import Limits, keep_days, to_delete

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresSegments, PostgresUsage

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]
Usages = Callable[[UnitOfWork], "PostgresUsage"]
_COUNTED_EVERY = timedelta(seconds=30)


class Retention:
    """Deletes recordings by age, quota and free space."""

    def __init__(self, uow: UowFactory, segments: Segments, files: RecordingsFolder, limits: Limits) -> None:
        self._uow, self._segments, self._files, self._limits = uow, segments, files, limits

    async def follow(self, look: Look) -> None:
        """Deletes what has to go. Raises: Unavailable."""
        doomed = to_delete(
            look.files,
            max_bytes=self._limits.max_bytes,
            missing_free_bytes=await self._files.missing_free_bytes(self._limits.free_floor),
            keep_days=keep_days(look.cameras),
            now=look.now,
            removed={camera.camera_id for camera in look.cameras.values() if camera.removed},
        )
        for file in doomed:
            camera = look.cameras.get(file.camera_id)
            await self.delete(camera.tenant_id if camera else None, file)

    async def delete(self, tenant_id: UUID | None, file: SegmentFile) -> None:
        """Removes a recording by policy: the file first, then its row, so that a crash between the two never hides a file."""
        await self._files.delete(file.path)
        if tenant_id is not None:
            async with self._uow(tenant_id) as uow:
                await self._segments(uow).forget(file)
        metrics.deleted_bytes.inc(file.size_bytes)
        log.info("recording_deleted", path=str(file.path), size_bytes=file.size_bytes)


class UsageCount:
    """Writes down what each camera's files take; all files of the installation are in one folder."""

    def __init__(
        self, uow: UowFactory, usage: Usages, files: RecordingsFolder, *, clock: Clock, limits: Limits, idle_after: timedelta
    ) -> None:
        self._uow, self._usage, self._files, self._clock = uow, usage, files, clock
        self._limits, self._idle_after = limits, idle_after
        self._counted_at = float("-inf")

    async def follow(self, look: Look) -> None:
        """Counts, if the last count is a while ago. Raises: Unavailable."""
        if self._clock.monotonic() - self._counted_at < _COUNTED_EVERY.total_seconds():
            return
        await self._count(look)
        self._counted_at = self._clock.monotonic()

    async def _count(self, look: Look) -> None:
        now, cameras, limits = look.now, look.cameras, self._limits
        usages = usage_of(look.files, now, self._idle_after)
        total, free = await self._files.disk()
        freed = freed_per_day(usages, keep_days(cameras), now)
        room = Room(total, free, days_left(usages, (total, free), limits.max_bytes, limits.free_floor, freed))
        by_tenant: defaultdict[UUID, list[Usage]] = defaultdict(list)
        for usage in usages:
            if usage.camera_id in cameras:
                by_tenant[cameras[usage.camera_id].tenant_id].append(usage)
        for tenant_id in {camera.tenant_id for camera in cameras.values()}:
            async with self._uow(tenant_id) as uow:
                await self._usage(uow).put(by_tenant[tenant_id], room, now)
