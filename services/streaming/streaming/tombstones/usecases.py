"""Tombstones, as callers see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.tenancy import Caller
from streaming.tombstones.domain import Tombstone

if TYPE_CHECKING:
    from streaming.tombstones.repository import PostgresTombstones

FindCamera = Callable[[Caller, UUID], Awaitable[object]]
"""Raises: NotFound, for a camera that never was, or that the caller may not see."""


class Tombstones:
    """What is left of recordings that were deleted by policy."""

    def __init__(self, uow: UowFactory, repository: Callable[[UnitOfWork], PostgresTombstones], find_camera: FindCamera) -> None:
        self._uow, self._repository, self._find_camera = uow, repository, find_camera

    async def list(self, caller: Caller, camera_id: UUID, before: tuple[datetime, UUID] | None, limit: int) -> list[Tombstone]:
        """Of one camera, newest recordings first. Raises: NotFound."""
        await self._find_camera(caller, camera_id)
        async with self._uow(caller.tenant_id) as uow:
            return await self._repository(uow).page(camera_id, before, limit)
