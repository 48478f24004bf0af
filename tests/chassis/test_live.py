from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.chassis.waiting import until
from tests.fixtures.workplace import TestServers

from chassis.live import RESYNC, LiveBus, LiveMessage, channel
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.ids import new_id

pytestmark = pytest.mark.broker


@pytest.fixture
async def redis(redis_cache: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_cache.cache_url)
    yield client
    await client.aclose()


@asynccontextmanager
async def _listening(live: LiveBus, *patterns: str) -> AsyncIterator[tuple[asyncio.Queue[LiveMessage], asyncio.Event]]:
    heard: asyncio.Queue[LiveMessage] = asyncio.Queue()
    ready = asyncio.Event()

    async def listen() -> None:
        async for message in live.subscribe(patterns, ready=ready):
            heard.put_nowait(message)

    task = asyncio.create_task(listen())
    async with asyncio.timeout(120):
        await ready.wait()
    yield heard, ready
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _next(heard: asyncio.Queue[LiveMessage]) -> LiveMessage:
    async with asyncio.timeout(120):
        return await heard.get()


async def test_published_messages_reach_the_subscribers(redis: Redis) -> None:
    live, tenant, other = LiveBus(redis), new_id(), new_id()
    async with _listening(live, f"{tenant}:detections:*", "*:alerts") as (heard, _):
        await live.publish(other, "detections:a", {"n": 0})
        await live.publish(tenant, "cameras", {"n": 0})
        await live.publish(tenant, "detections:a", {"n": 1, "id": tenant})
        await live.publish(other, "alerts", {"n": 2})
        first, second = await _next(heard), await _next(heard)
    assert (first.tenant_id, first.topic, first.data) == (tenant, "detections:a", {"n": 1, "id": str(tenant)})
    assert first.raw.startswith(b'{"n":1')
    assert (second.tenant_id, second.topic) == (other, "alerts")
    assert second.topic != RESYNC


async def test_other_messages_are_passed_over(redis: Redis) -> None:
    live, tenant = LiveBus(redis), new_id()
    async with _listening(live, "*") as (heard, _):
        for name, data in (("live:unknown:cameras", b"{}"), (channel(tenant, "cameras"), b"{no json"), ("live:short", b"{}")):
            await redis.publish(name, data)
        await live.publish(tenant, "system", {"n": 1})
        assert (await _next(heard)).topic == "system"


async def test_publishing_without_listeners_never_fails() -> None:
    dead = connect_redis("redis://127.0.0.1:1/0")
    live = LiveBus(dead)
    async with asyncio.timeout(120):
        for _ in range(100):
            await live.publish(new_id(), "cameras", {})
    await dead.aclose()


async def _drop_connections(redis: Redis) -> None:
    await redis.client_kill_filter(_type="pubsub")


async def test_a_lost_connection_is_followed_by_a_resync(redis: Redis) -> None:
    live, tenant = LiveBus(redis), new_id()
    async with _listening(live, f"{tenant}:*") as (heard, _):
        await live.publish(tenant, "cameras", {"n": 1})
        assert (await _next(heard)).data == {"n": 1}
        for round_number in range(3):
            await _drop_connections(redis)
            assert (await _next(heard)).topic == RESYNC
            await live.publish(tenant, "cameras", {"n": round_number})
            assert (await _next(heard)).data == {"n": round_number}


@pytest.mark.fault
async def test_a_restarted_redis_is_followed_by_a_resync(servers: TestServers, redis_cache: RedisSettings) -> None:
    redis = connect_redis(redis_cache.cache_url)
    live, tenant = LiveBus(redis), new_id()
    async with _listening(live, f"{tenant}:*") as (heard, _):
        await _restart(servers)
        assert (await _next(heard)).topic == RESYNC
        await until(lambda: _said_and_heard(live, heard, tenant))
    await redis.aclose()


async def _said_and_heard(live: LiveBus, heard: asyncio.Queue[LiveMessage], tenant: Any) -> bool:
    await live.publish(tenant, "cameras", {"n": 1})
    await asyncio.sleep(0.05)
    return not heard.empty() and heard.get_nowait().data == {"n": 1}


async def _restart(servers: TestServers) -> None:
    server = servers.redis_cache
    servers.runner.kill(server.name)
    await servers.running(server.name)
