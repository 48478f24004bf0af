"""Delete what a city no longer keeps, and nothing that is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from chassis.storage import ObjectStore
from city.trusted_time import TrustedNow
from gtvision.tenancy import TenantSettings
from ingest import metrics
from ingest.retention.domain import HeldRange, Hold, KeptDays, captured_at, day_of, oldest_day

if TYPE_CHECKING:
    from ingest.detections.repository import PostgresDetections
    from ingest.retention.repository import PostgresHolds

log = get_logger(__name__)

_ROWS_AT_ONCE, _BATCHES = 2_000, 500
"""A million rows of a city in one round: then the next city has its turn."""
_PICTURES_AT_ONCE = 20


class Retention:
    """Rows and pictures of every city, for as long as it says and for as long as they are held."""

    def __init__(  # noqa: PLR0913 - what deleting needs
        self,
        uow: UowFactory,
        holds: Callable[[UnitOfWork], PostgresHolds],
        detections: Callable[[UnitOfWork], PostgresDetections],
        objects: ObjectStore,
        *,
        settings: Callable[[UUID], TenantSettings | None],
        trusted_now: TrustedNow,
        most_days: int,
    ) -> None:
        """`settings` gives None for a city that is not known; `most_days` is how long rows stay at the longest."""
        self._uow, self._holds, self._detections, self._objects = uow, holds, detections, objects
        self._settings, self._trusted_now, self._most_days = settings, trusted_now, most_days

    async def learn(self, tenant_id: UUID, hold: Hold) -> None:
        """Takes over a hold, or its end."""
        async with self._uow(tenant_id) as uow:
            await self._holds(uow).put(hold)

    async def oldest_kept_day(self) -> date:
        """The first day of which rows are kept, or something is held: its partition, and those after it, stay. Raises: Unavailable."""
        kept = (await self._trusted_now() - timedelta(days=self._most_days)).date()
        return min(kept, oldest_day(await self._held()) or kept)

    async def delete_rows(self) -> None:
        """Deletes whole days that are older than their city keeps them. Raises: Unavailable.

        By whole days, as partitions are dropped: a city that keeps as long as the installation has nothing here to delete.
        """
        today = (await self._trusted_now()).replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._uow(None) as uow:
            tenants = await self._holds(uow).tenants()
        for tenant_id in tenants:
            kept = KeptDays.of(self._settings(tenant_id), self._most_days)
            for days, with_plate in ((kept.detections, False), (kept.passages, True)):
                await self._delete_rows(tenant_id, today - timedelta(days=days), with_plate)

    async def _delete_rows(self, tenant_id: UUID, before: datetime, with_plate: bool) -> None:
        """Holds are read anew for each batch: one that comes while a backlog goes, which may take hours, is kept to."""
        for _ in range(_BATCHES):
            ranges = [(each.camera_id, each.since, each.until) for each in await self._held_of(tenant_id)]
            async with self._uow(tenant_id) as uow:
                gone = await self._detections(uow).delete_before(before, ranges, with_plate=with_plate, most=_ROWS_AT_ONCE)
            metrics.ROWS_DELETED.inc(gone)
            if gone < _ROWS_AT_ONCE:
                return

    async def delete_pictures(self) -> None:
        """Deletes the folders of days that are older than their city keeps pictures, but for what is held. Raises: Unavailable."""
        now = await self._trusted_now()
        for name in await self._objects.folders("evidence"):
            tenant_id = _id_of(name)
            kept = KeptDays.of(self._settings(tenant_id), self._most_days) if tenant_id else None
            if tenant_id is None or kept is None or kept.evidence is None:
                continue
            before = (now - timedelta(days=kept.evidence)).date()
            for camera in await self._objects.folders(f"evidence/{tenant_id}"):
                camera_id = _id_of(camera)
                if camera_id is not None:
                    await self._delete_pictures(tenant_id, camera_id, f"evidence/{tenant_id}/{camera}", before)

    async def _delete_pictures(self, tenant_id: UUID, camera_id: UUID, folder: str, before: date) -> None:
        """Holds are read anew for each day, as for rows."""
        gone = 0
        async for day, path in self._days(folder):
            if day >= before:
                continue
            keys = [each.key async for each in self._objects.list(path)]
            held = await self._held_of(tenant_id)
            free = [key for key in keys if not _is_held(key, day, camera_id, held)]
            for first in range(0, len(free), _PICTURES_AT_ONCE):
                await asyncio.gather(*(self._objects.delete(key) for key in free[first : first + _PICTURES_AT_ONCE]))
            gone += len(free)
        metrics.PICTURES_DELETED.inc(gone)
        if gone:
            log.info("pictures_deleted", folder=folder, before=before.isoformat(), pictures=gone)

    async def _days(self, folder: str) -> AsyncIterator[tuple[date, str]]:
        """The folders `<yyyy>/<mm>/<dd>` below a camera's."""
        for year in await self._objects.folders(folder):
            for month in await self._objects.folders(f"{folder}/{year}"):
                for day in await self._objects.folders(f"{folder}/{year}/{month}"):
                    found = day_of((year, month, day))
                    if found is not None:
                        yield found, f"{folder}/{year}/{month}/{day}"

    async def _held_of(self, tenant_id: UUID) -> list[HeldRange]:
        return [each for each in await self._held() if each.tenant_id == tenant_id]

    async def _held(self) -> list[HeldRange]:
        now = await self._trusted_now()
        async with self._uow(None) as uow:
            return await self._holds(uow).held(now)


def _is_held(key: str, day: date, camera_id: UUID, held: Sequence[HeldRange]) -> bool:
    """A picture whose name does not tell its time is held with all of its day."""
    at = captured_at(day, key.rpartition("/")[2])
    if at is None:
        return any(each.camera_id in (None, camera_id) and each.since.date() <= day <= each.until.date() for each in held)
    return any(each.covers(camera_id, at) for each in held)


def _id_of(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
