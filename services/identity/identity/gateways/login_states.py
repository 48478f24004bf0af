"""Logins through a provider that were begun, in the state Redis: for ten minutes and one return. Keys are hashed, so that a list of them
holds no state that a browser would accept.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import orjson
from redis.asyncio import Redis

from chassis.redis import UNREACHABLE
from gtvision.errors import RateLimited, Unavailable
from identity.federation.domain import LOGIN_LIFETIME, LoginState

_STARTS, _WINDOW = 120, timedelta(minutes=1)
"""Sign-ins that one address may begin: a control room shares one, and its shift changes at once."""


class RedisLoginStates:
    """Logins that have not come back yet."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, state: str, login: LoginState, address: str) -> None:
        starts = f"identity:oidc:starts:{_digest(address)}"
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.incr(starts)
                pipe.expire(starts, _WINDOW, nx=True)
                begun, _ = await pipe.execute()
            if begun > _STARTS:
                raise RateLimited("Too many sign-ins were begun from this address.", retry_after=_WINDOW)
            await self._redis.set(_name(state), orjson.dumps(login), ex=LOGIN_LIFETIME)
        except UNREACHABLE as error:
            raise Unavailable("The state store is not reachable at the moment.") from error

    async def take(self, state: str) -> LoginState | None:
        try:
            found = await self._redis.getdel(_name(state))
        except UNREACHABLE as error:
            raise Unavailable("The state store is not reachable at the moment.") from error
        return None if found is None else LoginState(**orjson.loads(found))


def _name(state: str) -> str:
    return f"identity:oidc:login:{_digest(state)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
