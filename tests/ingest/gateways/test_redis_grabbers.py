"""Tests of the list of running grabbers, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.errors import Unavailable
from ingest.gateways.redis_grabbers import RedisGrabbers
from servers import free_port


@pytest.mark.broker
class TestRoll:
    @pytest_asyncio.fixture(loop_scope="session")
    async def redis(self, redis_state: RedisSettings) -> AsyncIterator[Redis]:
        client = connect_redis(redis_state.state_url)
        await client.flushdb()
        yield client
        await client.aclose()

    async def test_the_living_are_on_it_and_the_silent_fall_off(self, redis: Redis) -> None:
        roll, hasty = (RedisGrabbers(redis, dead_after_s=seconds) for seconds in (600, 1))
        assert await roll.report("a") == {"a"}
        assert await roll.report("b") == {"a", "b"}
        async with asyncio.timeout(120):
            while await hasty.report("b") != {"b"}:
                await asyncio.sleep(0.2)

    async def test_who_leaves_is_gone_at_once(self, redis: Redis) -> None:
        roll = RedisGrabbers(redis, dead_after_s=60)
        await roll.report("a")
        await roll.report("b")
        await roll.leave("a")
        assert await roll.report("b") == {"b"}

    async def test_an_absent_redis_is_unavailable(self) -> None:
        client = connect_redis(f"redis://127.0.0.1:{free_port()}/0")
        with pytest.raises(Unavailable):
            await RedisGrabbers(client, dead_after_s=1).report("a")
        await client.aclose()
