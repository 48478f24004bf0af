"""Redis clients that give up fast: by default redis-py retries ten times and blocks for seconds on a dead server."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

UNREACHABLE: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)
"""What a call raises when the server is not there; map it to `gtvision.errors.Unavailable` or go on without."""


LISTEN_S = 1.0
"""How long to wait for one pub/sub message: redis-py notices a cancellation that met it while connecting only after this."""


def connect_redis(url: SecretStr | str, *, timeout_s: float = 0.5, retries: int = 1, max_connections: int = 50) -> Redis:
    """A client whose calls end within about twice `timeout_s`. Connects at first use; close with `aclose()`."""
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


async def end_tasks(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel and wait, and cancel again: see LISTEN_S."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=LISTEN_S)


async def check_redis(client: Redis) -> None:
    """For readiness. Raises one of UNREACHABLE."""
    await client.ping()
