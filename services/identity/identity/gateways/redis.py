"""The state Redis: what every service reads about tokens, and the count of login attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from redis.asyncio import Redis

from chassis.auth import EPOCH_KEY, JWKS_KEY, KEYS_CHANNEL, REVOCATIONS_CHANNEL, REVOKED_KEY
from chassis.redis import UNREACHABLE
from gtvision.errors import RateLimited, Unavailable
from identity import metrics

Value = bytes | bytearray | memoryview | str | int | float
"""What redis-py takes as a field or a value."""

_AWAY = "The state store is not reachable at the moment."


class RedisRegistry:
    """`ports.Registry`. A write that failed leaves it not whole, so that the next load makes up for it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._owing = False

    async def is_whole(self) -> bool:
        try:
            return bool(await self._redis.exists(EPOCH_KEY)) and not self._owing
        except UNREACHABLE as error:
            raise Unavailable(_AWAY) from error

    async def load(self, jwks: Mapping[str, object], revocations: Mapping[UUID, datetime], now: datetime) -> None:
        """Adds and renews before it forgets, so that no reader ever sees less than the truth."""
        self._owing = False  # what fails from here on, also beside this load, counts anew
        ends: dict[Value, Value] = {str(session): str(int(until.timestamp()) + 1) for session, until in revocations.items()}
        try:
            known = [_text(field) for field in await self._redis.hkeys(REVOKED_KEY)]
            gone = [field for field in known if field not in ends]
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(JWKS_KEY, orjson.dumps(jwks))
                if ends:
                    pipe.hset(REVOKED_KEY, mapping=ends)
                pipe.set(EPOCH_KEY, str(int(now.timestamp())))
                pipe.publish(KEYS_CHANNEL, b"loaded")
                pipe.publish(REVOCATIONS_CHANNEL, b"loaded")
                await pipe.execute()
            if gone:
                await self._forget_past(gone, now)
        except UNREACHABLE as error:
            self._owing = True
            raise Unavailable(_AWAY) from error

    async def _forget_past(self, fields: list[str], now: datetime) -> None:
        """Only what has ended: one that PostgreSQL did not show yet may have been revoked a moment ago by another process."""
        ends = await self._redis.hmget(REVOKED_KEY, fields)
        past = [field for field, end in zip(fields, ends, strict=True) if end is not None and float(end) < now.timestamp()]
        if past:
            await self._redis.hdel(REVOKED_KEY, *past)

    async def revoke(self, session_id: UUID, until: datetime) -> None:
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(REVOKED_KEY, str(session_id), str(int(until.timestamp()) + 1))
                pipe.publish(REVOCATIONS_CHANNEL, str(session_id))
                await pipe.execute()
        except UNREACHABLE as error:
            self._owing = True
            raise Unavailable(_AWAY) from error


_PAIR_ATTEMPTS, _PAIR_WINDOW = 5, timedelta(minutes=5)
_ADDRESS_ATTEMPTS, _ADDRESS_WINDOW = 100, timedelta(minutes=15)
"""A control room shares one address: it must not lock itself out at the change of shift."""


class RedisThrottle:
    """`ports.Throttle`: attempts per account *and* address, and per address alone. Never per account alone: that would let anybody
    keep somebody else out by guessing wrong on purpose."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def attempt(self, account: str, address: str) -> None:
        # Counted before the password is looked at, so that guesses side by side do not slip through.
        await self._count("address", address, _ADDRESS_ATTEMPTS, _ADDRESS_WINDOW)
        await self._count("pair", f"{account}\n{address}", _PAIR_ATTEMPTS, _PAIR_WINDOW)

    async def succeeded(self, account: str, address: str) -> None:
        """Only failures count: a hundred users behind one address all come in."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.delete(_name("pair", f"{account}\n{address}"))
                pipe.decr(_name("address", address))
                pipe.expire(_name("address", address), _ADDRESS_WINDOW, nx=True)
                await pipe.execute()
        except UNREACHABLE as error:
            raise Unavailable(_AWAY) from error

    async def _count(self, by: str, of: str, most: int, window: timedelta) -> None:
        name = _name(by, of)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(name)
                pipe.expire(name, window, nx=True)
                pipe.ttl(name)
                attempts, _, left_s = await pipe.execute()
        except UNREACHABLE as error:
            raise Unavailable(_AWAY) from error
        if attempts > most:
            metrics.LOGINS_THROTTLED.labels(by).inc()
            raise RateLimited("Too many login attempts.", retry_after=timedelta(seconds=max(1, left_s)))


def _name(by: str, of: str) -> str:
    """Hashed: an address is personal data, and neither belongs into a key listing."""
    return f"identity:throttle:{by}:{hashlib.sha256(of.encode()).hexdigest()[:32]}"


def _text(field: bytes | str) -> str:
    return field.decode() if isinstance(field, bytes) else field
