"""Tickets for stills, in the state Redis: the API puts them there, and the agent beside the recordings takes them, once."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from chassis.redis import UNREACHABLE
from gtvision.errors import Unavailable
from streaming.snapshots.domain import StillTicket

_PREFIX: Final = "streaming:still-ticket:"
_REMEMBERED_S: Final = 900
"""Longer than a ticket is valid: until then it is known whose ticket is shown too late, or again."""


class RedisStillTickets:
    """Who reads Redis finds no ticket there, but hashes of tickets: they need no salt, nobody guesses 256 bits."""

    def __init__(self, redis_state: Redis) -> None:
        self._redis = redis_state

    async def issue(self, allowed: StillTicket) -> str:
        """Returns a ticket. Raises: Unavailable."""
        ticket = secrets.token_urlsafe(32)
        await self._ask(self._redis.set(_key(ticket), msgspec.json.encode(allowed), ex=_REMEMBERED_S))
        return ticket

    async def find(self, ticket: str) -> StillTicket | None:
        """Returns what a ticket allows, or has allowed; None where there is no such ticket any more. Raises: Unavailable."""
        found = await self._ask(self._redis.get(_key(ticket)))
        return None if found is None else msgspec.json.decode(found, type=StillTicket)

    async def is_first(self, ticket: str, what: str) -> bool:
        """Whether this happens to a ticket for the first time; it is remembered. Raises: Unavailable."""
        return bool(await self._ask(self._redis.set(f"{_key(ticket)}:{what}", "1", nx=True, ex=_REMEMBERED_S)))

    async def forget(self, ticket: str, what: str) -> None:
        """It did not happen after all. Raises: Unavailable."""
        await self._ask(self._redis.delete(f"{_key(ticket)}:{what}"))

    async def _ask(self, question: Any) -> Any:
        try:
            return await question
        except UNREACHABLE as error:
            raise Unavailable("The state store is not reachable at the moment.") from error


def _key(ticket: str) -> str:
    return _PREFIX + hashlib.sha256(ticket.encode("utf-8", "replace")).hexdigest()
