"""What a process knows of every city: name and settings, from the state Redis, kept by pub/sub and a slow poll.

identity:tenants   hash: tenant id -> {"name", "revision", "settings"}      channel identity:tenants: the id, or anything: look again

Only a newer revision replaces what is known, and an empty or absent Redis takes nothing away. A city that was never heard of has the
default settings: nothing waits for this copy, so it is no part of a service's readiness.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from chassis import logs
from chassis.redis import LISTEN_S, UNREACHABLE, end_tasks
from gtvision.errors import Unavailable
from gtvision.tenancy import TenantSettings

TENANTS_KEY: Final = "identity:tenants"
TENANTS_CHANNEL: Final = TENANTS_KEY

_POLL_S = 15.0
_RETRY_S = 1.0
_ALL = b"all"

log = logs.get_logger("city.tenants")


class KnownTenant(BaseModel):
    """A city as every service knows it."""

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
        self._tasks: list[asyncio.Task[None]] = []
        self._look_now = asyncio.Event()
        self._loaded = False

    async def __aenter__(self) -> TenantDirectory:
        await self.load()
        self._tasks = [asyncio.create_task(self._poll(), name="tenants poll"), asyncio.create_task(self._listen(), name="tenants listen")]
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_tasks(self._tasks)

    def settings(self, tenant_id: UUID) -> TenantSettings:
        """The settings of a city; the defaults where it was never heard of."""
        found = self._known.get(tenant_id)
        return found.settings if found else TenantSettings()

    def name(self, tenant_id: UUID) -> str | None:
        """The name of a city, where it is known."""
        found = self._known.get(tenant_id)
        return found.name if found else None

    def learn(self, tenant_id: UUID, tenant: KnownTenant) -> bool:
        """Take it unless the same or a newer revision is known. Whether it was taken."""
        known = self._known.get(tenant_id)
        if known is not None and known.revision >= tenant.revision:
            return False
        self._known[tenant_id] = tenant
        return True

    async def load(self) -> None:
        """Look at all of them now. Never raises."""
        try:
            found = await self._redis.hgetall(TENANTS_KEY)
        except UNREACHABLE as error:
            log.warning("settings of cities not readable, going on with the copy", cause=type(error).__name__)
            return
        self._loaded = self._loaded or bool(found)
        for tenant_id, text in found.items():
            self._read(tenant_id, text)

    async def _load_one(self, tenant_id: bytes) -> None:
        text = await self._redis.hget(TENANTS_KEY, tenant_id.decode("ascii", "replace"))
        if text is not None:
            self._read(tenant_id, text)

    def _read(self, tenant_id: bytes | str, text: bytes | str) -> None:
        try:
            self.learn(UUID(tenant_id if isinstance(tenant_id, str) else tenant_id.decode()), KnownTenant.model_validate_json(text))
        except (ValidationError, ValueError):
            log.error("unreadable settings of a city were passed over", tenant=repr(tenant_id[:40]))

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._poll_s if self._loaded else min(self._poll_s, _RETRY_S)):
                    await self._look_now.wait()
            self._look_now.clear()
            await self.load()

    async def _listen(self) -> None:
        """Pub/sub makes a change instant; the poll makes it certain."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(TENANTS_CHANNEL)
                    self._look_now.set()  # what was told while nobody listened
                    while True:
                        message = await pubsub.get_message(timeout=LISTEN_S)
                        if message is not None:
                            await self._told(message["data"])
            except UNREACHABLE:
                await asyncio.sleep(_RETRY_S)

    async def _told(self, data: bytes) -> None:
        if data == _ALL:
            self._look_now.set()
        else:
            await self._load_one(data)


_PUT_NEWER = """
for at = 1, #ARGV, 3 do
    local known = redis.call('HGET', KEYS[1], ARGV[at])
    local read, tenant = pcall(cjson.decode, known or '')
    if not read or tonumber(tenant.revision) <= tonumber(ARGV[at + 1]) then
        redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 2])
    end
end
redis.call('PUBLISH', KEYS[1], #ARGV == 3 and ARGV[1] or 'all')
"""
"""Two changes that were committed one after another may arrive the other way round: the newer revision stays."""


async def publish_tenants(redis_state: Redis, tenants: Mapping[UUID, KnownTenant]) -> None:
    """What identity does: write them unless newer ones are there, and tell every directory. Raises: Unavailable."""
    if not tenants:
        return
    arguments = [part for city, tenant in tenants.items() for part in (str(city), str(tenant.revision), tenant.model_dump_json())]
    try:
        await redis_state.register_script(_PUT_NEWER)(keys=[TENANTS_KEY], args=arguments)
    except UNREACHABLE as error:
        raise Unavailable("The state store is not reachable at the moment.") from error
