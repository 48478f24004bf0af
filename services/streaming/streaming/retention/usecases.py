"""Retention: what follows each look at the recordings, beside the media server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.tenancy import TenantSettings
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import Look, Room, SegmentFile, Usage, days_left, freed_per_day, usage_of
from streaming.retention.domain import CityLimits, Limits, Rules, keep_days, to_delete

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresSegments, PostgresUsage

log = get_logger(__name__)

Segments = Callable[[UnitOfWork], "PostgresSegments"]
Usages = Callable[[UnitOfWork], "PostgresUsage"]
Settings = Callable[[UUID], TenantSettings | None]
"""What a city decided; None where the city is not known."""
_COUNTED_EVERY = timedelta(seconds=30)
_MOST_PER_LOOK = 500
"""So many files are deleted between two looks, so that indexing goes on. 250 cameras write twelve in the three seconds of a look."""


def limits_of_cities(look: Look, settings: Settings) -> dict[UUID, CityLimits]:
    """What the cities of the cameras decided, by tenant."""
    return {tenant_id: CityLimits.of(settings(tenant_id)) for tenant_id in {camera.tenant_id for camera in look.cameras.values()}}


class Retention:
    """Deletes recordings by age, by their cities' limits, by quota and by free space."""

    def __init__(
        self,
        uow: UowFactory,
        segments: Segments,
        files: RecordingsFolder,
        limits: Limits,
        settings: Settings,
        *,
        most_per_look: int = _MOST_PER_LOOK,
    ) -> None:
        self._uow, self._segments, self._files, self._limits, self._settings = uow, segments, files, limits, settings
        self._most_per_look = most_per_look

    async def follow(self, look: Look) -> None:
        """Deletes what has to go, so many files at most. Raises: Unavailable."""
        missing = await self._files.missing_free_bytes(self._limits.free_floor)
        rules = Rules(self._limits, missing, limits_of_cities(look, self._settings))
        for doomed in await asyncio.to_thread(to_delete, look, rules, self._most_per_look):
            camera = look.cameras.get(doomed.file.camera_id)
            await self.delete(camera.tenant_id if camera else None, doomed.file)

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

    def __init__(  # noqa: PLR0913 - what a count needs
        self,
        uow: UowFactory,
        usage: Usages,
        files: RecordingsFolder,
        settings: Settings,
        *,
        clock: Clock,
        limits: Limits,
        idle_after: timedelta,
    ) -> None:
        self._uow, self._usage, self._files, self._settings, self._clock = uow, usage, files, settings, clock
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
        usages = await asyncio.to_thread(usage_of, look.files, now, self._idle_after)
        total, free = await self._files.disk()
        freed = freed_per_day(usages, keep_days(cameras, limits_of_cities(look, self._settings)), now)
        room = Room(total, free, days_left(usages, (total, free), limits.max_bytes, limits.free_floor, freed))
        by_tenant: defaultdict[UUID, list[Usage]] = defaultdict(list)
        for usage in usages:
            if usage.camera_id in cameras:
                by_tenant[cameras[usage.camera_id].tenant_id].append(usage)
        for tenant_id in {camera.tenant_id for camera in cameras.values()}:
            async with self._uow(tenant_id) as uow:
                await self._usage(uow).put(by_tenant[tenant_id], room, now)
