"""Tests that revoked sessions stay revoked in ingest when Redis is killed and comes back empty."""

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


async def status(running: Running, caller: Caller) -> tuple[int, str | None]:
    answer = await running.http.get(PATH, headers=running.mint.headers(caller))
    return answer.status_code, answer.json().get("code")


async def refused(running: Running, caller: Caller) -> bool:
    return await status(running, caller) == (401, "session_revoked")


async def test_an_emptied_redis_revives_no_session_and_ends_none(running: Running, servers: TestServers, redis: Redis) -> None:
    revoked, other = running.mint.caller(), running.mint.caller()
    headers = running.mint.headers(revoked), running.mint.headers(other)
    await running.mint.revoke(redis, revoked.session_id)
    await until(lambda: refused(running, revoked))

    servers.runner.kill("redis-state")
    for _ in range(3):
        assert await refused(running, revoked), "without Redis the copy goes on"
        assert await status(running, other) == (200, None)
        await asyncio.sleep(0.5)  # longer than ingest needs to notice the loss

    await servers.running("redis-state")
    await redis.flushall()
    assert await redis.exists(REVOKED_KEY, EPOCH_KEY) == 0
    for _ in range(3):
        await asyncio.sleep(1.1)  # one poll, which finds no key set
        assert await refused(running, revoked), "an empty Redis takes nothing away"
        assert await status(running, other) == (200, None)
    for sent, expected in zip(headers, (401, 200), strict=True):
        assert (await running.http.get(PATH, headers=sent)).status_code == expected, "nor from tokens that were known before"


async def test_a_session_that_is_revoked_afterwards_is_refused_too(running: Running, servers: TestServers, redis: Redis) -> None:
    """The service connects again to a Redis that was killed, and learns of later revocations."""
    before, after = running.mint.caller(), running.mint.caller()
    await running.mint.revoke(redis, before.session_id)
    await until(lambda: refused(running, before))
    servers.runner.kill("redis-state")
    await servers.running("redis-state")
    await redis.flushall()
    await running.mint.revoke(redis, after.session_id)
    await until(lambda: refused(running, after))
    assert await refused(running, before)
