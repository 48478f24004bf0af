from __future__ import annotations

import asyncio
import os
import signal
import socket

import pytest
from redis.asyncio import Redis
from tests.fixtures.workplace import TestServers

from chassis.redis import UNREACHABLE, connect_redis, end_tasks
from chassis.settings import RedisSettings

from .waiting import until


async def test_a_dead_server_is_noticed_at_once() -> None:
    client = connect_redis("redis://127.0.0.1:1/0")
    with pytest.raises(UNREACHABLE):
        await client.ping()
    await client.aclose()


async def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect_redis(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout_s=0.1)
        async with asyncio.timeout(60):
            with pytest.raises(UNREACHABLE):
                await client.get("x")
        await client.aclose()


@pytest.mark.fault
@pytest.mark.broker
async def test_a_frozen_server_costs_a_moment_and_comes_back(servers: TestServers, redis_state: RedisSettings) -> None:
    client = connect_redis(servers.redis_state.url, timeout_s=0.2)  # the fixture's own settings have a longer timeout
    await until(lambda: said(client))
    pid = servers.runner.pid(servers.redis_state.name)
    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(60):
            with pytest.raises(UNREACHABLE):
                await client.get("a")
    finally:
        os.kill(pid, signal.SIGCONT)
    await until(lambda: said(client))
    await client.aclose()


async def said(client: Redis) -> bool:
    """Returns whether the server answers within this client's short timeout, which it may not on a busy machine."""
    try:
        await client.set("a", "1")
        return bool(await client.get("a") == b"1")
    except UNREACHABLE:
        return False


async def test_tasks_that_miss_a_cancellation_get_another() -> None:
    missed = 0

    async def deaf() -> None:
        nonlocal missed
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            missed += 1
            await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await end_tasks([task])
    assert missed == 1
    assert task.done()
