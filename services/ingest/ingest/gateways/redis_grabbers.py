"""Which grabbers live, in the state Redis. The server's clock decides, so that the machines' need not agree."""

from __future__ import annotations

from redis.asyncio import Redis

from chassis.redis import UNREACHABLE
from gtvision.errors import Unavailable

_KEY = "ingest:grabbers"
_REPORT = """
local now = redis.call('TIME')[1] + 0
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - ARGV[2]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""


class RedisGrabbers:
    """The list of living grabbers: one that has not reported for `dead_after_s` falls off it."""

    def __init__(self, redis: Redis, *, dead_after_s: int) -> None:
        self._script = redis.register_script(_REPORT)
        self._redis = redis
        self._dead_after_s = dead_after_s

    async def report(self, grabber_id: str) -> frozenset[str]:
        """Notes that a grabber lives, and returns all that do. Raises: Unavailable."""
        try:
            names = await self._script(keys=[_KEY], args=[grabber_id, self._dead_after_s])
        except UNREACHABLE as error:
            raise Unavailable("The list of grabbers is not reachable at the moment.") from error
        return frozenset(name.decode() if isinstance(name, bytes) else str(name) for name in names)

    async def leave(self, grabber_id: str) -> None:
        """Takes a grabber off the list. Raises: Unavailable."""
        try:
            await self._redis.zrem(_KEY, grabber_id)
        except UNREACHABLE as error:
            raise Unavailable("The list of grabbers is not reachable at the moment.") from error
