"""How many cameras are in each state, counted at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cameras.cameras.domain import Fleet, Groups
from gtvision.time import Clock

FLEET_LIFETIME_S = 1.0
_MOST_FLEETS = 1_000
"""Tenants times sets of groups; the oldest is forgotten first."""


@dataclass(frozen=True, slots=True)
class RecentFleets:
    """Counts of cameras that are a second old at most. Callers that ask while they are counted wait for the same count."""

    clock: Clock
    _kept: dict[tuple[UUID, Groups], tuple[float, asyncio.Task[Fleet]]] = field(default_factory=dict, init=False)

    async def get(self, key: tuple[UUID, Groups], count: Callable[[], Coroutine[Any, Any, Fleet]]) -> Fleet:
        """Raises what `count` raises; that is not kept."""
        ends_at, task = self._kept.get(key, (0.0, None))
        if task is None or (task.done() and (self.clock.monotonic() >= ends_at or _failed(task))):
            if len(self._kept) >= _MOST_FLEETS:
                self._kept.pop(next(iter(self._kept)))
            task = asyncio.create_task(count())
            self._kept[key] = (self.clock.monotonic() + FLEET_LIFETIME_S, task)
        return await asyncio.shield(task)  # a caller who leaves does not take the answer from the others

    def forget(self, tenant_id: UUID) -> None:
        """Drops the tenant's counts after a change, also one that has begun: it may have missed the change."""
        for key in [key for key in self._kept if key[0] == tenant_id]:
            del self._kept[key]


def _failed(task: asyncio.Task[Fleet]) -> bool:
    return task.cancelled() or task.exception() is not None
