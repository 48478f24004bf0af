"""F5 of quality.md, in a service that only hears of sessions: Redis killed and empty, and those who were put out stay out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from tests.fixtures.workplace import TestServers
from tests.ingest.conftest import Running
from tests.ingest.detections.test_api import until

from chassis.auth import EPOCH_KEY, REVOKED_KEY
from chassis.redis import connect_redis
from gtvision.tenancy import Caller

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.fault]

PATH = "/api/v1/detections"


@pytest.fixture
async def redis(running: Running, servers: TestServers) -> AsyncIterator[Redis]:
    client = connect_redis(running.settings.redis.state_url)
    yield client
    await servers.running("redis-state")
    await running.mint.publish(client)
    await client.aclose()


async def status(running: Running, who: Caller) -> tuple[int, str | None]:
    answer = await running.http.get(PATH, headers=running.mint.headers(who))
    return answer.status_code, answer.json().get("code")


async def refused(running: Running, who: Caller) -> bool:
    return await status(running, who) == (401, "session_revoked")


async def test_redis_killed_and_empty_frees_nobody_and_stops_nobody(running: Running, servers: TestServers, redis: Redis) -> None:
    revoked, other = running.mint.caller(), running.mint.caller()
    headers = running.mint.headers(revoked), running.mint.headers(other)
    await running.mint.revoke(redis, revoked.session_id)
    await until(lambda: refused(running, revoked))

    servers.runner.kill("redis-state")
    for _ in range(3):
        assert await refused(running, revoked), "without Redis the copy goes on"
        assert await status(running, other) == (200, None)
        await asyncio.sleep(0.5)  # longer than it takes to notice

    await servers.running("redis-state")
    await redis.flushall()
    assert await redis.exists(REVOKED_KEY, EPOCH_KEY) == 0
    for _ in range(3):
        await asyncio.sleep(1.1)  # a poll, which finds nothing
        assert await refused(running, revoked), "an empty Redis takes nothing away"
        assert await status(running, other) == (200, None)
    for sent, expected in zip(headers, (401, 200), strict=True):
        assert (await running.http.get(PATH, headers=sent)).status_code == expected, "nor from tokens that were known before"


async def test_who_is_put_out_afterwards_is_out_too(running: Running, servers: TestServers, redis: Redis) -> None:
    """The service finds its way back to a Redis that died under it."""
    before, after = running.mint.caller(), running.mint.caller()
    await running.mint.revoke(redis, before.session_id)
    await until(lambda: refused(running, before))
    servers.runner.kill("redis-state")
    await servers.running("redis-state")
    await redis.flushall()
    await running.mint.revoke(redis, after.session_id)
    await until(lambda: refused(running, after))
    assert await refused(running, before)
