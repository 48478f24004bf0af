"""What the recordings take, counted beside the media server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.time import Clock
from streaming.recordings.domain import Look, Room, Usage, days_left, freed_per_day, usage_of
from streaming.retention.domain import HeldState, Limits, keep_days
from streaming.retention.usecases.deletion import Settings, limits_of_cities

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.recordings.repository import PostgresUsage

Usages = Callable[[UnitOfWork], "PostgresUsage"]
_COUNTED_EVERY = timedelta(seconds=30)


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
        held_state: Callable[[], HeldState] = HeldState,
    ) -> None:
        """`held_state` tells what holds did to the last look."""
        self._uow, self._usage, self._files, self._settings, self._clock = uow, usage, files, settings, clock
        self._limits, self._idle_after, self._held_state = limits, idle_after, held_state
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
                await self._usage(uow).put(by_tenant[tenant_id], _with_held(room, self._held_state(), tenant_id), now)


def _with_held(room: Room, held_state: HeldState, tenant_id: UUID) -> Room:
    is_full = held_state.is_full or tenant_id in held_state.full_cities
    return replace(room, held_bytes=held_state.held_bytes.get(tenant_id, 0), full_of_held=is_full)
