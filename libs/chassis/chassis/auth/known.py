"""What a process knows of keys and revocations: copies of the state Redis, kept by polls and pub/sub.

identity:jwks      JSON Web Key Set                           channel identity:keys         look again now
identity:revoked   hash: session id -> Unix second of its end channel identity:revocations  look again now
identity:epoch     written last, after identity loaded everything: before it is seen, a session that is not listed may be revoked

The copies never shrink because Redis is empty or away: a revocation leaves only after its end has passed.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final
from uuid import UUID

from jose.backends.base import Key
from redis.asyncio import Redis

from chassis import logs
from chassis.auth.tokens import Authenticator, read_jwks
from chassis.redis import UNREACHABLE, kept_fresh
from gtvision.errors import Unavailable
from gtvision.time import Clock

JWKS_KEY: Final = "identity:jwks"
REVOKED_KEY: Final = "identity:revoked"
EPOCH_KEY: Final = "identity:epoch"
KEYS_CHANNEL: Final = "identity:keys"
REVOCATIONS_CHANNEL: Final = "identity:revocations"

_POLL_S = 1.0
_REFRESH_AT_MOST_EVERY_S = 0.2
_KEEP_AFTER_END_S = 2 * 3600
"""A clock that jumps an hour forward and back must not free a revoked session."""

log = logs.get_logger("chassis.auth")


class RedisKeys:
    """A copy of the JWKS. An empty or broken answer changes nothing."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._text = b""
        self._looked_at = float("-inf")
        self._next: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()
        self.generation = 0

    @property
    def known(self) -> bool:
        """Whether keys were ever seen."""
        return bool(self._keys)

    def find(self, kid: str) -> Key | None:
        """Returns the key, if it is known. Raises: Unavailable when no keys were ever seen."""
        if not self._keys:
            raise Unavailable("The signing keys are not known yet.", retry_after=timedelta(seconds=1))
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Looks again, in a moment, once for all requests that ask meanwhile.

        So a flood of made-up key ids does not become a flood on Redis, and a good token is never refused because it came just after a
        look: the look that its request waits for begins after the request.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._look_when_allowed(), name="keys look")
        await asyncio.shield(self._next)

    async def _look_when_allowed(self) -> None:
        wait_s = self._looked_at + _REFRESH_AT_MOST_EVERY_S - self._clock.monotonic()
        await asyncio.sleep(max(0.0, min(wait_s, _REFRESH_AT_MOST_EVERY_S)))
        self._next = None  # a request from here on needs another look
        await self.load()

    async def load(self) -> None:
        """Looks now; one look after another, so that an older answer never replaces a newer one. Never raises."""
        async with self._loading:
            self._looked_at = self._clock.monotonic()
            try:
                found = await self._redis.get(JWKS_KEY)
            except UNREACHABLE as error:
                log.warning("keys_not_readable", cause=type(error).__name__)
                return
            self._take(found.encode() if isinstance(found, str) else found)

    def _take(self, text: bytes | None) -> None:
        if not text or text == self._text:
            return
        try:
            keys = read_jwks(text)
        except (ValueError, TypeError):
            log.error("key_set_invalid")
            return
        if keys:
            self._text, self._keys = text, keys
            self.generation += 1


class RedisRevocations:
    """A copy of the revoked sessions."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis = redis
        self._clock = clock
        self._ends: dict[UUID, float] = {}
        self._raw: dict[bytes, bytes] = {}
        self.epoch: bytes | None = None

    def is_revoked(self, session_id: UUID) -> bool:
        """Raises: Unavailable when no list was ever seen."""
        if self.epoch is None:
            raise Unavailable("The list of ended sessions is not known yet.", retry_after=timedelta(seconds=1))
        return session_id in self._ends

    def add(self, session_id: UUID, ends_at: float) -> None:
        """Adds one that is known from elsewhere (in identity itself)."""
        self._ends[session_id] = max(ends_at, self._ends.get(session_id, 0.0))

    async def load(self) -> None:
        """Looks now. Never raises."""
        try:
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.get(EPOCH_KEY)
                pipe.hgetall(REVOKED_KEY)
                epoch, raw = await pipe.execute()
        except UNREACHABLE as error:
            log.warning("revocations_not_readable", cause=type(error).__name__)
            return
        if raw != self._raw:
            self._merge(raw)
        if epoch is not None:
            self.epoch = epoch
        self._forget()

    def _merge(self, raw: dict[bytes, bytes]) -> None:
        for session, end in raw.items():
            try:
                self.add(UUID(session.decode()), float(end))
            except ValueError:
                log.error("revocation_invalid")
        self._raw = raw

    def _forget(self) -> None:
        before = self._clock.now().timestamp() - _KEEP_AFTER_END_S
        for session in [session for session, end in self._ends.items() if end < before]:
            del self._ends[session]


class AuthRuntime:
    """A lifespan part: loads keys and revocations, keeps them fresh, gives the authenticator.

    The authenticator may be handed out before the part is entered; it answers Unavailable until keys and epoch were seen.
    """

    def __init__(self, redis_state: Redis, clock: Clock, *, poll_s: float = _POLL_S) -> None:
        self._redis = redis_state
        self._clock = clock
        self._poll_s = poll_s
        self.keys = RedisKeys(redis_state, clock)
        self.revocations = RedisRevocations(redis_state, clock)
        self.authenticator = Authenticator(self.keys, self.revocations, clock)
        self._fresh = AsyncExitStack()

    async def __aenter__(self) -> AuthRuntime:
        await self._fresh.enter_async_context(kept_fresh(self._redis, (REVOCATIONS_CHANNEL, KEYS_CHANNEL), self._look, self._poll_s))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._fresh.aclose()

    async def check(self) -> None:
        """For readiness. Raises: Unavailable."""
        if not self.keys.known or self.revocations.epoch is None:
            raise Unavailable("Keys or revocations were never seen in the state Redis.")

    async def _look(self) -> None:
        await self.keys.load()
        await self.revocations.load()
