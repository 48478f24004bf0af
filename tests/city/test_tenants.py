"""Tests of a process's copy of the tenants' settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.chassis.waiting import until

from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from city.tenants import TENANTS_CHANNEL, TENANTS_KEY, KnownTenant, TenantDirectory, publish_tenants
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.tenancy import Purposes, TenantSettings

pytestmark = pytest.mark.broker

CITY = KnownTenant(name="Cidade", revision=2, settings=TenantSettings(purposes=Purposes(codes=("crime",), required=True)))


@pytest.fixture
async def redis(redis_state: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_state.state_url)
    await client.flushall()
    yield client
    await client.aclose()


async def test_an_unknown_tenant_has_the_defaults(redis: Redis) -> None:
    async with TenantDirectory(redis) as directory:
        assert directory.settings(new_id()) == TenantSettings()
        assert directory.name(new_id()) is None
        assert directory.known_settings(new_id()) is None


async def test_what_is_there_is_known_at_once(redis: Redis) -> None:
    tenant = new_id()
    await publish_tenants(redis, {tenant: CITY, new_id(): CITY})
    async with TenantDirectory(redis) as directory:
        assert (directory.settings(tenant), directory.name(tenant)) == (CITY.settings, "Cidade")


@pytest.mark.parametrize("together", [1, 3])
async def test_a_change_with_a_notice_is_known_at_once(redis: Redis, together: int) -> None:
    tenant = new_id()
    async with TenantDirectory(redis, poll_s=3_600) as directory:
        async with asyncio.timeout(120):
            while not dict(await redis.pubsub_numsub(TENANTS_CHANNEL)).get(TENANTS_CHANNEL.encode()):
                await asyncio.sleep(0.01)
        await publish_tenants(redis, {tenant: CITY} | {new_id(): CITY for _ in range(together - 1)})
        await until(lambda: directory.settings(tenant) == CITY.settings)


async def test_a_change_without_a_notice_is_found(redis: Redis) -> None:
    tenant = new_id()
    async with TenantDirectory(redis, poll_s=0.05) as directory:
        await redis.hset(TENANTS_KEY, str(tenant), CITY.model_dump_json())
        await until(lambda: directory.settings(tenant) == CITY.settings)


async def test_only_a_newer_revision_is_taken(redis: Redis) -> None:
    tenant, directory = new_id(), TenantDirectory(redis)
    assert directory.learn(tenant, CITY)
    assert not directory.learn(tenant, CITY.model_copy(update={"name": "The same revision"}))
    assert not directory.learn(tenant, CITY.model_copy(update={"name": "Older", "revision": 1}))
    assert directory.name(tenant) == "Cidade"
    assert directory.learn(tenant, CITY.model_copy(update={"name": "Newer", "revision": 3}))
    assert directory.name(tenant) == "Newer"


async def test_an_older_revision_never_replaces_a_newer_one(redis: Redis) -> None:
    """Two changes may arrive in the wrong order; a process that starts later reads the newer one."""
    tenant, other = new_id(), new_id()
    await redis.hset(TENANTS_KEY, str(other), "torn")
    await publish_tenants(redis, {tenant: CITY})
    await publish_tenants(redis, {tenant: CITY.model_copy(update={"name": "Older", "revision": 1}), other: CITY})
    directory = TenantDirectory(redis)
    await directory.load()
    assert (directory.name(tenant), directory.name(other)) == ("Cidade", "Cidade")


async def test_an_empty_or_dead_redis_takes_nothing_away(redis: Redis) -> None:
    tenant, directory = new_id(), TenantDirectory(redis)
    await publish_tenants(redis, {tenant: CITY})
    await directory.load()
    await redis.flushall()
    await directory.load()
    assert directory.name(tenant) == "Cidade"
    dead = connect_redis("redis://127.0.0.1:1/0")
    directory._redis = dead
    await directory.load()
    assert directory.name(tenant) == "Cidade"
    with pytest.raises(Unavailable):
        await publish_tenants(dead, {tenant: CITY})
    await dead.aclose()


async def test_without_redis_it_starts_and_ends(redis: Redis) -> None:
    dead = connect_redis("redis://127.0.0.1:1/0")
    async with TenantDirectory(dead) as directory:
        assert directory.settings(new_id()) == TenantSettings()
    await dead.aclose()


async def test_unreadable_and_newer_entries_spoil_nothing(redis: Redis) -> None:
    tenant, later = new_id(), new_id()
    await redis.hset(TENANTS_KEY, mapping={"nonsense": "{}", str(new_id()): "{", str(new_id()): '{"name": "x", "revision": 0}'})
    await redis.hset(TENANTS_KEY, b"\xff\xfe", b"\xff")
    await redis.hset(TENANTS_KEY, str(later), '{"name": "Later", "revision": 1, "settings": {"unheard": 1, "purposes": {"of": 2}}}')
    await publish_tenants(redis, {tenant: CITY})
    directory = TenantDirectory(redis)
    await directory.load()
    assert directory.name(tenant) == "Cidade"
    assert directory.name(later) == "Later", "a newer release's field is passed over"
