"""Periodic work: keeping the registry whole, forgetting what has ended."""

from __future__ import annotations

from chassis import logs
from chassis.health import Heartbeat
from gtvision.errors import Unavailable
from gtvision.time import Clock
from identity.cities.usecases.tenants import Announcements
from identity.keys.ports.signing import Sealer
from identity.keys.usecases.signing import Publication

log = logs.get_logger("identity.jobs")

_LOOK_EVERY_S = 1.0
_PUBLISH_EVERY_S = 30.0
"""Also when nothing is missing: what has ended is dropped."""
_ANNOUNCE_EVERY_S = 600.0
_FORGET_EVERY_S = 3600.0


class Jobs:
    """The loops of the API process."""

    def __init__(self, publication: Publication, announcements: Announcements, sealer: Sealer, clock: Clock) -> None:
        self._publication, self._announcements, self._sealer, self._clock = publication, announcements, sealer, clock
        self._published_at: float | None = None
        self._announced_at: float | None = None

    async def keep_registry(self, heartbeat: Heartbeat) -> None:
        """Write everything at start, whenever Redis lost it, whenever a write failed, and every half minute."""
        while True:
            try:
                await self.publish_if_needed()
            except Unavailable as error:
                log.warning("registry not written", cause=error.message)
            await heartbeat.sleep(_LOOK_EVERY_S)

    async def publish_if_needed(self) -> bool:
        """Whether it wrote. Raises: Unavailable."""
        last = self._published_at
        if last is not None and self._clock.monotonic() - last < _PUBLISH_EVERY_S and await self._publication.is_whole():
            return False
        await self._publication.publish(self._sealer)
        self._published_at = self._clock.monotonic()
        return True

    async def announce(self, heartbeat: Heartbeat) -> None:
        """Cities' settings: by event at start and every ten minutes, to the state store also whenever it lost them."""
        while True:
            try:
                await self.announce_if_needed()
            except Unavailable as error:
                log.warning("settings of cities not announced", cause=error.message)
            await heartbeat.sleep(_LOOK_EVERY_S)

    async def announce_if_needed(self) -> bool:
        """Whether it wrote. Raises: Unavailable."""
        due = self._announced_at is None or self._clock.monotonic() - self._announced_at >= _ANNOUNCE_EVERY_S
        if not due and await self._announcements.is_whole():
            return False
        told = await self._announcements.publish(with_events=due)
        if due and told:
            self._announced_at = self._clock.monotonic()
        return True

    async def forget(self, heartbeat: Heartbeat) -> None:
        """Ended sessions leave a week later."""
        while True:
            try:
                await self._publication.forget_ended_sessions()
            except Unavailable as error:
                log.warning("ended sessions not forgotten", cause=error.message)
            await heartbeat.sleep(_FORGET_EVERY_S)
