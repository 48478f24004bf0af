"""Redis clients that give up fast: by default redis-py retries ten times and blocks for seconds on a dead server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from chassis.health import Heartbeats
from chassis.logs import get_logger
from chassis.loops import every

log = get_logger(__name__)

UNREACHABLE: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)
"""What a call raises when the server does not answer; to be mapped to `gtvision.errors.Unavailable`, or done without."""
_RETRY_S = 1.0

LISTEN_S = 1.0
"""Longest wait for one pub/sub message: redis-py notices a cancellation that came while it connected only after this."""


def connect_redis(url: SecretStr | str, *, timeout_s: float = 0.5, retries: int = 1, max_connections: int = 50) -> Redis:
    """Returns a client whose calls end within about twice `timeout_s`. Connects at first use; close with `aclose()`."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    client: Redis = Redis.from_url(
        text,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(ExponentialBackoff(cap=0.05, base=0.01), retries),
        health_check_interval=15,
        max_connections=max_connections,
        decode_responses=False,
    )
    return client


@asynccontextmanager
async def kept_fresh(redis: Redis, channels: Sequence[str], look: Callable[[], Awaitable[object]], poll_s: float) -> AsyncIterator[None]:
    """Keeps a copy of what is in Redis: `look` runs at once, after each poll, and whenever a message comes on one of the channels.

    Pub/sub makes a change instant, the poll makes it certain. `look` logs what keeps it from looking, and raises nothing.
    """
    asked = asyncio.Event()

    async def listen() -> None:
        while True:
            try:
                async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(*channels)
                    asked.set()  # something may have changed before this
                    while True:
                        if await pubsub.get_message(timeout=LISTEN_S) is not None:
                            asked.set()
            except UNREACHABLE:
                await asyncio.sleep(_RETRY_S)
            except Exception:
                log.exception("redis_listen_failed", channel=channels[0])
                await asyncio.sleep(_RETRY_S)

    async def poll() -> None:
        await every(timedelta(seconds=poll_s), look, wake=asked)(Heartbeats().register(channels[0]))

    await look()
    tasks = [asyncio.create_task(each(), name=f"{channels[0]} {each.__name__}") for each in (poll, listen)]
    try:
        yield
    finally:
        await end_tasks(tasks)


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancels and waits, and cancels again: see LISTEN_S."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=LISTEN_S)
