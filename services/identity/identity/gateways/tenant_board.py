"""Cities' settings in the state Redis, where `city.tenants` reads them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from redis.asyncio import Redis

from chassis.redis import UNREACHABLE
from city.tenants import TENANTS_KEY, KnownTenant, publish_tenants
from gtvision.errors import Unavailable
from identity.cities.domain import Tenant


class RedisTenantBoard:
    """What every service reads of tenants. A write that failed leaves it not whole, so that the next announcement makes up for it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._owing: dict[UUID, int] = {}
        """Revision of each city that could not be written."""

    async def is_whole(self) -> bool:
        try:
            return bool(await self._redis.exists(TENANTS_KEY)) and not self._owing
        except UNREACHABLE as error:
            raise Unavailable("The state store is not reachable at the moment.") from error

    async def publish(self, tenants: Sequence[Tenant]) -> None:
        known = {each.id: KnownTenant(name=each.name, revision=each.revision, settings=each.settings) for each in tenants}
        try:
            await publish_tenants(self._redis, known)
        except Unavailable:
            self._owing |= {each.id: max(each.revision, self._owing.get(each.id, 0)) for each in tenants}
            raise
        written = {each.id: each.revision for each in tenants}
        self._owing = {city: revision for city, revision in self._owing.items() if written.get(city, 0) < revision}
