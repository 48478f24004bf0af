"""What the recordings take, counted beside the media server; and how long they will be kept, as callers see it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.events import StorageRanLow
from gtvision.tenancy import Caller
from gtvision.time import Clock
from streaming import metrics
from streaming.forecast.domain import CityDemand, Forecast, LowMarks, Pace, Share, days_kept, room_for_days
from streaming.recordings.domain import Look
from streaming.retention.domain import City, CityLimits, CitySettings, HeldState, Limits, keep_days, limits_of_cities
from streaming.streams.domain import KeptCamera
from streaming.usage.domain import SEE_THE_DISK, Room, Usage, days_left, freed_per_day, usage_of

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.usage.repository import PostgresUsage

KeptCameras = Callable[[Caller], Awaitable[Sequence[KeptCamera]]]
"""The cameras that there are or were and that a caller may see."""
Usages = Callable[[UnitOfWork], "PostgresUsage"]
_LOW_TOLD_EVERY = timedelta(minutes=10)
_COUNTED_EVERY = timedelta(seconds=30)


class StorageWatch:
    """Says when a city is to be told that the disk is low, or has room again: on a change, at our start, and while it is low again and
    again, so that a listener that missed it learns of it."""

    def __init__(self, node: str, marks: LowMarks, clock: Clock) -> None:
        self._node, self._marks, self._clock = node, marks, clock
        self._told: dict[UUID, tuple[bool, float]] = {}

    def news(self, tenant_id: UUID, room: Room) -> StorageRanLow | None:
        was_low, told_at = self._told.get(tenant_id, (None, 0.0))
        is_low = self._marks.is_low(room, was_low=bool(was_low))
        is_long_ago = self._clock.monotonic() - told_at >= _LOW_TOLD_EVERY.total_seconds()
        if is_low is was_low and not (is_low and is_long_ago):
            return None
        free_percent = round(100 * room.free_bytes / max(1, room.total_bytes), 1)
        return StorageRanLow(node=self._node, is_low=is_low, free_percent=min(100.0, free_percent), days_left=room.days_left)

    def told(self, tenant_id: UUID, news: StorageRanLow) -> None:
        """Remembers what was committed."""
        self._told[tenant_id] = news.is_low, self._clock.monotonic()


class UsageCount:
    """Writes down what each camera's files take; all files of the installation are in one folder."""

    def __init__(  # noqa: PLR0913 - what a count needs
        self,
        uow: UowFactory,
        usage: Usages,
        files: RecordingsFolder,
        settings: CitySettings,
        held_state: Callable[[], HeldState] = HeldState,
        *,
        clock: Clock,
        limits: Limits,
        idle_after: timedelta,
        storage: StorageWatch | None = None,
    ) -> None:
        """`held_state` tells what holds did to the last look; `storage` when a city is to be told of the disk."""
        self._storage = storage
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
        usages = usage_of(look, self._idle_after)
        total, free = await self._files.disk()
        cities = limits_of_cities(look, self._settings)
        keep, state = keep_days(look.cameras, cities), self._held_state()
        freed = freed_per_day(usages, keep, look.now)
        floor_bytes = int(total * self._limits.free_floor)
        ends = days_left(usages, (total, free), self._limits.max_bytes, self._limits.free_floor, freed)
        room = Room(total, free, ends, floor_bytes=floor_bytes)
        metrics.days_left.set(math.inf if room.days_left is None else room.days_left)
        by_city: defaultdict[City, list[Usage]] = defaultdict(list)
        for usage in usages:
            camera = look.cameras.get(usage.camera_id)
            by_city[camera.tenant_id if camera else None].append(usage)
        for_all = min(self._limits.max_bytes, sum(usage.bytes_used for usage in usages) + free - floor_bytes)
        kept = days_kept(_demands(look, by_city, cities, state, keep), for_all)
        for tenant_id, limits in cities.items():
            own = [replace(usage, days_kept=kept.get(usage.camera_id)) for usage in by_city[tenant_id]]
            used, pace = sum(usage.bytes_used for usage in own), sum(usage.bytes_per_day or 0 for usage in own)
            own_days_left = room_for_days(used, limits.max_bytes, pace - freed_per_day(own, keep, look.now))
            async with self._uow(tenant_id) as uow:
                await self._usage(uow).put(own, _room_of(tenant_id, room, own_days_left, state), look.now)
                if (news := self._storage.news(tenant_id, room) if self._storage else None) is not None:
                    uow.emit(news)
            if self._storage and news:
                self._storage.told(tenant_id, news)


def _demands(
    look: Look,
    by_city: Mapping[City, Sequence[Usage]],
    cities: Mapping[UUID, CityLimits],
    state: HeldState,
    keep: Mapping[UUID, int],
) -> dict[City, CityDemand]:
    """What each city will take: no more is recorded of cameras that were removed, and files of unknown cameras stay as they are."""
    demands: dict[City, CityDemand] = {None: CityDemand((), None, sum(usage.bytes_used for usage in by_city.get(None, ())))}
    for tenant_id, limits in cities.items():
        living = (usage for usage in by_city.get(tenant_id, ()) if not look.cameras[usage.camera_id].removed)
        paces = [Pace(usage.camera_id, usage.bytes_per_day or 0, keep[usage.camera_id]) for usage in living]
        demands[tenant_id] = CityDemand(paces, limits.max_bytes, state.held_bytes.get(tenant_id, 0))
    return demands


def _room_of(tenant_id: UUID, room: Room, own_days_left: float | None, state: HeldState) -> Room:
    """The room as one city has it: its own limit may come before the disk's."""
    ends = [end for end in (room.days_left, own_days_left) if end is not None]
    return replace(
        room,
        days_left=min(ends, default=None),
        held_bytes=state.held_bytes.get(tenant_id, 0),
        full_of_held=tenant_id in state.full_cities or (state.is_full and state.held_bytes.get(tenant_id, 0) > 0),
    )


class Forecasts:
    """How long recordings will be kept."""

    def __init__(self, uow: UowFactory, usage: Usages, settings: CitySettings, *, cameras: KeptCameras) -> None:
        self._uow, self._usage, self._settings, self._cameras = uow, usage, settings, cameras

    async def show(self, caller: Caller) -> Forecast:
        """Of the cameras that the caller may see; removed ones while there is something of them. What is the whole city's is for those who
        see all of its cameras."""
        cameras, limits = await self._cameras(caller), CityLimits.of(self._settings(caller.tenant_id))
        async with self._uow(caller.tenant_id) as uow:
            usages = {usage.camera_id: usage for usage in await self._usage(uow).all()}
            found = await self._usage(uow).room()
        shares = [
            Share(camera, min(camera.retention_days, limits.video_days or camera.retention_days), usages.get(camera.camera_id))
            for camera in cameras
            if camera.removed_at is None or camera.camera_id in usages
        ]
        room, as_of = found or (None, None)
        if caller.camera_groups is not None:
            return Forecast(as_of, None, sees_the_disk=False, quota_bytes=None, shares=shares)
        return Forecast(as_of, room, caller.role in SEE_THE_DISK, limits.max_bytes, shares)
