"""What explains the recordings goes when there is nothing left to explain."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from city.trusted_time import TrustedNow

if TYPE_CHECKING:
    from streaming.streams.repository import PostgresFleet
    from streaming.timeline.repository import PostgresInterruptions, PostgresWatches

_LEAST_DAYS = 366
"""The longest range of a timeline."""
_AT_ONCE = 1_000


class Pruning:
    """Forgets interruptions and watches that ended before all that is kept: before the days of every camera of the city, removed ones
    included, and before the city's oldest recording on disk or off-site, which a hold may keep for longer; a year is always kept."""

    def __init__(
        self,
        uow: UowFactory,
        repository: Callable[[UnitOfWork], PostgresInterruptions],
        watches: PostgresWatches,
        fleet: PostgresFleet,
        trusted_now: TrustedNow,
        at_once: int = _AT_ONCE,
    ) -> None:
        """So many rows go in one transaction."""
        self._uow, self._repository, self._watches, self._fleet = uow, repository, watches, fleet
        self._trusted_now, self._at_once = trusted_now, at_once

    async def prune(self) -> None:
        """Raises: Unavailable."""
        now = await self._trusted_now()
        days: defaultdict[UUID, int] = defaultdict(lambda: _LEAST_DAYS)
        for camera in await self._fleet.cameras():
            days[camera.tenant_id] = max(days[camera.tenant_id], camera.recording.retention_days)
        oldest = now - timedelta(days=_LEAST_DAYS)
        for tenant_id, kept in days.items():
            async with self._uow(tenant_id) as uow:
                before = await self._repository(uow).explains_since(now - timedelta(days=kept))
            oldest = min(oldest, before)
            gone = self._at_once
            while gone == self._at_once:
                async with self._uow(tenant_id) as uow:
                    gone = await self._repository(uow).forget(before, self._at_once)
        gone = self._at_once
        while gone == self._at_once:
            gone = await self._watches.forget(oldest, self._at_once)
