"""What is told again, and by which replica."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from cameras import metrics
from cameras.cameras.domain import desired
from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.errors import Unavailable
from gtvision.events import CameraRegistered, CamerasAnnounced
from gtvision.time import Clock

if TYPE_CHECKING:
    from cameras.announcing.repository import PostgresLeases
    from cameras.cameras.repository import PostgresCameras

log = get_logger(__name__)

ANNOUNCE_LEASE = "announce"
LEASE_LIFETIME = timedelta(seconds=30)
RENEW_EVERY = timedelta(seconds=10)
ANNOUNCE_EVERY_S = 600.0
_PAGE = 200
_OVERTAKING = timedelta(minutes=1)
"""Longer than any transaction may take (statements end after 30 s): a camera whose registration commits while we read is not listed,
and a listener that heard of it first must not take it for removed."""


class Announcer:
    """Emits the desired state of all cameras again, so that a service that lost its copy has it back without asking.

    One replica at a time does so, under a lease: when it gets the lease, and every ten minutes from then on.
    """

    def __init__(
        self,
        uow: UowFactory,
        cameras: Callable[[UnitOfWork], PostgresCameras],
        leases: Callable[[UnitOfWork], PostgresLeases],
        clock: Clock,
        holder: UUID,
    ) -> None:
        self._uow, self._cameras, self._leases, self._clock, self._holder = uow, cameras, leases, clock, holder
        self._announced_at: float | None = None

    async def announce_when_due(self) -> bool:
        """Renews the lease, and announces where it is time. Returns whether it announced. Raises: Unavailable."""
        leads = await self._take_lease()
        metrics.ANNOUNCER.set(leads)
        if not leads:
            self._announced_at = None  # with the lease it begins anew
            return False
        if self._announced_at is not None and self._clock.monotonic() - self._announced_at < ANNOUNCE_EVERY_S:
            return False
        async with self._uow(None) as uow:
            tenants = await self._cameras(uow).tenants()
        for tenant_id in tenants:
            await self.announce_cameras(tenant_id)
        self._announced_at = self._clock.monotonic()
        return True

    async def _take_lease(self) -> bool:
        now = self._clock.now()
        async with self._uow(None) as uow:
            return await self._leases(uow).take_lease(ANNOUNCE_LEASE, self._holder, now, now + LEASE_LIFETIME) is not None

    async def announce_cameras(self, tenant_id: UUID) -> int:
        """Emits every living camera, then the list of them. Returns how many. Raises: Unavailable."""
        as_of = self._clock.now() - _OVERTAKING
        living: list[UUID] = []
        async with self._uow(tenant_id) as uow:
            cameras = self._cameras(uow)
            while page := await cameras.page(None, living[-1] if living else None, _PAGE):
                for camera in page:
                    uow.emit(desired(camera, CameraRegistered))
                    living.append(camera.id)
            uow.emit(CamerasAnnounced(camera_ids=tuple(living), as_of=as_of))
        metrics.ANNOUNCED.inc(len(living))
        return len(living)

    @asynccontextmanager
    async def leasing(self) -> AsyncIterator[None]:
        """A lifespan part: releases the lease at the end, so that the next process need not wait for it to run out."""
        try:
            yield
        finally:
            try:
                async with self._uow(None) as uow:
                    await self._leases(uow).release_lease(ANNOUNCE_LEASE, self._holder, self._clock.now())
            except Unavailable as error:
                log.warning("lease_not_released", reason=error.message)
