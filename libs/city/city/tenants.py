"""What a process knows of every tenant: name and settings, from the state Redis, kept by pub/sub and a slow poll.

identity:tenants   hash: tenant id -> {"name", "revision", "settings"}      channel identity:tenants: any message means: look again

Only a newer revision replaces what is known, and an empty or absent Redis takes nothing away. A tenant that is not known has the default
settings: nothing waits for this copy, so it is no part of a service's readiness.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from chassis import logs
from chassis.redis import UNREACHABLE, kept_fresh
from gtvision.errors import Unavailable
from gtvision.tenancy import TenantSettings

TENANTS_KEY: Final = "identity:tenants"
TENANTS_CHANNEL: Final = TENANTS_KEY

_POLL_S = 15.0

log = logs.get_logger("city.tenants")


class KnownTenant(BaseModel):
    """A tenant as every service knows it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    revision: int = Field(ge=1)
    settings: TenantSettings = TenantSettings()


class TenantDirectory:
    """A lifespan part: `directory.settings(tenant_id)` answers at once, from memory."""

    def __init__(self, redis_state: Redis, *, poll_s: float = _POLL_S) -> None:
        self._redis = redis_state
        self._poll_s = poll_s
        self._known: dict[UUID, KnownTenant] = {}
        self._fresh = AsyncExitStack()

    async def __aenter__(self) -> TenantDirectory:
        await self._fresh.enter_async_context(kept_fresh(self._redis, (TENANTS_CHANNEL,), self.load, self._poll_s))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._fresh.aclose()

    def settings(self, tenant_id: UUID) -> TenantSettings:
        """Returns the settings of a tenant; the defaults where it is not known."""
        found = self._known.get(tenant_id)
        return found.settings if found else TenantSettings()

    def known_settings(self, tenant_id: UUID) -> TenantSettings | None:
        """Returns the settings of a tenant that is known: for what must not happen by a default, such as deleting."""
        found = self._known.get(tenant_id)
        return found.settings if found else None

    def name(self, tenant_id: UUID) -> str | None:
        """Returns the name of a tenant, where it is known."""
        found = self._known.get(tenant_id)
        return found.name if found else None

    def ids(self) -> Collection[UUID]:
        """Returns the tenants that are known."""
        return self._known.keys()

    def learn(self, tenant_id: UUID, tenant: KnownTenant) -> bool:
        """Takes it unless the same or a newer revision is known. Returns whether it was taken."""
        known = self._known.get(tenant_id)
        if known is not None and known.revision >= tenant.revision:
            return False
        self._known[tenant_id] = tenant
        return True

    async def load(self) -> None:
        """Looks at all of them now. Never raises."""
        try:
            found = await self._redis.hgetall(TENANTS_KEY)
        except UNREACHABLE as error:
            log.warning("tenants_not_readable", cause=type(error).__name__)
            return
        for tenant_id, text in found.items():
            self._read(tenant_id, text)

    def _read(self, tenant_id: bytes | str, text: bytes | str) -> None:
        try:
            self.learn(UUID(tenant_id if isinstance(tenant_id, str) else tenant_id.decode()), KnownTenant.model_validate_json(text))
        except (ValidationError, ValueError):
            log.error("tenant_not_readable", tenant=repr(tenant_id[:40]))


_PUT_NEWER = """
for at = 1, #ARGV, 3 do
    local known = redis.call('HGET', KEYS[1], ARGV[at])
    local read, tenant = pcall(cjson.decode, known or '')
    if not read or tonumber(tenant.revision) <= tonumber(ARGV[at + 1]) then
        redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
    end
end
redis.call('PUBLISH', KEYS[1], 'all')
"""
"""Two changes that were committed one after the other may arrive the other way round: the newer revision stays."""


async def publish_tenants(redis_state: Redis, tenants: Mapping[UUID, KnownTenant]) -> None:
    """Writes the tenants unless newer ones are there, and tells every directory; only identity does. Raises: Unavailable."""
    if not tenants:
        return
    arguments = [part for tenant_id, tenant in tenants.items() for part in (str(tenant_id), str(tenant.revision), tenant.model_dump_json())]
    try:
        await redis_state.register_script(_PUT_NEWER)(keys=[TENANTS_KEY], args=arguments)
    except UNREACHABLE as error:
        raise Unavailable("The state store is not reachable at the moment.") from error
