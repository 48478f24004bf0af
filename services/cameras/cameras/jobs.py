"""Periodic work: announcing, by one replica at a time."""

from __future__ import annotations

from cameras import metrics
from cameras.usecases import Announcer
from chassis import logs
from chassis.health import Heartbeat
from gtvision.errors import Unavailable
from gtvision.time import Clock

log = logs.get_logger("cameras.jobs")

_RENEW_EVERY_S = 10.0
_ANNOUNCE_EVERY_S = 600.0


class AnnounceJob:
    """At start and every ten minutes, under a lease."""

    def __init__(self, announcer: Announcer, clock: Clock) -> None:
        self._announcer, self._clock = announcer, clock
        self._announced_at: float | None = None

    async def run(self, heartbeat: Heartbeat) -> None:
        """For ever; whoever gets the lease announces at once. PostgreSQL away: waits."""
        try:
            while True:
                try:
                    await self.turn(heartbeat)
                except Unavailable as error:
                    log.warning("not announced", cause=error.message)
                await heartbeat.sleep(_RENEW_EVERY_S)
        finally:
            await self._let_go()

    async def turn(self, heartbeat: Heartbeat) -> bool:
        """Renew the lease and announce if it is time. Whether it announced. Raises: Unavailable."""
        leads = await self._announcer.take_lease()
        metrics.ANNOUNCER.set(leads)
        if not leads:
            self._announced_at = None  # whoever takes over later starts anew
            return False
        if self._announced_at is not None and self._clock.monotonic() - self._announced_at < _ANNOUNCE_EVERY_S:
            return False
        for tenant_id in await self._announcer.tenants():
            heartbeat.beat()
            await self._announcer.announce_cameras(tenant_id)
        self._announced_at = self._clock.monotonic()
        return True

    async def _let_go(self) -> None:
        try:
            await self._announcer.release_lease()
        except Unavailable as error:
            log.warning("lease not released, it ends by itself", cause=error.message)
