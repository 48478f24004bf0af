"""The state Redis: what every service reads about tokens, and the count of login attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from uuid import UUID

import orjson
from redis.asyncio import Redis

from chassis import logs
from chassis.auth import EPOCH_KEY, JWKS_KEY, KEYS_CHANNEL, REVOCATIONS_CHANNEL, REVOKED_KEY
from chassis.redis import UNREACHABLE
from gtvision.errors import RateLimited, Unavailable
from identity import metrics

Value = bytes | bytearray | memoryview | str | int | float
"""What redis-py takes as a field or a value."""

log = logs.get_logger("identity.redis")

_AWAY = "The state store is not reachable at the moment."


class RedisRegistry:
    """What every service reads about tokens: public keys, revoked sessions and the epoch. Every method raises Unavailable.

    A write that failed leaves it not whole, so that the next load makes up for it.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._owing = False
        self._keys = b""

    async def is_whole(self) -> bool:
        """Whether the epoch is there, every write arrived, and the keys are those that this process wrote."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.exists(EPOCH_KEY)
                pipe.get(JWKS_KEY)
                epoch, keys = await pipe.execute()
            return bool(epoch) and keys == self._keys and not self._owing
        except UNREACHABLE as error:
            raise Unavailable(_AWAY) from error

    async def load(self, jwks: Mapping[str, object], revocations: Mapping[UUID, datetime], now: datetime) -> None:
        """Write everything, the epoch last. It adds before it deletes, so that no reader sees too few revocations."""
        self._owing = False  # what fails from here on, also beside this load, counts anew
        ends: dict[Value, Value] = {str(session): str(int(until.timestamp()) + 1) for session, until in revocations.items()}
        keys = orjson.dumps(jwks)
        try:
            known = [_text(field) for field in await self._redis.hkeys(REVOKED_KEY)]
            gone = [field for field in known if field not in ends]
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.set(JWKS_KEY, keys)
                if ends:
                    pipe.hset(REVOKED_KEY, mapping=ends)
                pipe.set(EPOCH_KEY, str(int(now.timestamp())))
                pipe.publish(KEYS_CHANNEL, b"loaded")
                pipe.publish(REVOCATIONS_CHANNEL, b"loaded")
                await pipe.execute()
            self._keys = keys
            if gone:
                await self._forget_past(gone, now)
        except UNREACHABLE as error:
            self._owing = True
            raise Unavailable(_AWAY) from error

    async def _forget_past(self, fields: list[str], now: datetime) -> None:
        """Delete only what has ended: another process may have revoked a session that PostgreSQL did not show yet."""
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
_ACCOUNT_ATTEMPTS, _ACCOUNT_WINDOW = 20, timedelta(minutes=15)
"""From all addresses together that are not the account's home."""
_AT_HOME = timedelta(days=90)
_ADDRESS_ATTEMPTS, _ADDRESS_WINDOW = 100, timedelta(minutes=15)
"""A control room shares one address: it must not lock itself out at the change of shift."""


class RedisThrottle:
    """Counts attempts per account *and* address, per address alone, and per account from addresses that are new to it.

    It never counts per account alone: an attacker could lock a user out by guessing wrong on purpose. An address where an account logged
    in within 90 days is its home, where only the pair and the address count: guesses from a thousand other addresses slow down logins
    from new addresses only. Guesses that were followed by the right password at the same address are forgiven.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def attempt(self, account: str, address: str) -> None:
        """Count one. Raises: RateLimited, Unavailable."""
        # before the password is checked, so that guesses at the same moment are all counted
        address = _network(address)
        await self._count("address", address, _ADDRESS_ATTEMPTS, _ADDRESS_WINDOW)
        try:
            await self._count("pair", _pair(account, address), _PAIR_ATTEMPTS, _PAIR_WINDOW)
        except RateLimited:
            with suppress(*UNREACHABLE):  # a program that repeats one wrong secret locks no neighbour out
                await self._forgive("address", address, 1, _ADDRESS_WINDOW)
            raise
        if not await self._is_home(account, address):
            await self._count("account", account, _ACCOUNT_ATTEMPTS, _ACCOUNT_WINDOW)

    async def succeeded(self, account: str, address: str) -> None:
        """Forget the attempts of this pair: a hundred users behind one address can all log in. Never raises, because the login is done."""
        address = _network(address)
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.getdel(_name("pair", _pair(account, address)))
                pipe.set(_name("home", _pair(account, address)), 1, ex=_AT_HOME, get=True)
                attempts, was_home = await pipe.execute()
            forgiven = int(attempts or 0)
            await self._forgive("address", address, forgiven, _ADDRESS_WINDOW)
            if not was_home:
                await self._forgive("account", account, forgiven, _ACCOUNT_WINDOW)
        except UNREACHABLE as error:
            log.warning("attempts_not_forgiven", cause=type(error).__name__)

    async def _is_home(self, account: str, address: str) -> bool:
        try:
            return bool(await self._redis.exists(_name("home", _pair(account, address))))
        except UNREACHABLE as error:
            raise Unavailable(_AWAY) from error

    async def _forgive(self, by: str, of: str, attempts: int, window: timedelta) -> None:
        """Raises: one of UNREACHABLE."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.decrby(_name(by, of), attempts)
            pipe.expire(_name(by, of), window, nx=True)
            await pipe.execute()

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


def _network(address: str) -> str:
    """Returns what an attempt is counted under: of IPv6 the /64 network, because a client changes its address inside it at will."""
    try:
        place = ip_address(address)
    except ValueError:
        return address
    if isinstance(place, IPv4Address):
        return address
    return str(place.ipv4_mapped or ip_network((int(place), 64), strict=False))


def _pair(account: str, address: str) -> str:
    return f"{account}\n{address}"


def _name(by: str, of: str) -> str:
    """Hashed: an address is personal data, and neither belongs into a key listing."""
    return f"identity:throttle:{by}:{hashlib.sha256(of.encode()).hexdigest()[:32]}"


def _text(field: bytes | str) -> str:
    return field.decode() if isinstance(field, bytes) else field
