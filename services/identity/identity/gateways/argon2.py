"""Passwords by Argon2id, in threads and few at a time: each takes 32 MiB and a core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gtvision.errors import RateLimited
from identity import metrics

T = TypeVar("T")

_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""Above OWASP's minimum (19 MiB, 2 rounds): https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html"""


class Argon2Passwords:
    """Hashes passwords slowly. At most `at_once` run and `waiting` wait; a later request gets RateLimited."""

    def __init__(self, at_once: int = 2, waiting: int = 32) -> None:
        self._running = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0
        # the hash that an unknown user is compared with: as slow as a real one, and matched by no password
        self._unknown = _HASHER.hash("\x00 unknown")

    async def hash(self, password: str) -> str:
        return await self._run(_HASHER.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        known = password_hash if password_hash and password_hash.startswith("$argon2") else None  # else: they sign in elsewhere
        right = await self._run(_matches, known or self._unknown, password)
        return right and known is not None

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._inside >= self._room:
            raise RateLimited("Too many logins at once.", retry_after=timedelta(seconds=2))
        self._inside += 1
        metrics.PASSWORDS_WAITING.set(self._inside)
        try:
            async with self._running:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._inside -= 1
            metrics.PASSWORDS_WAITING.set(self._inside)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
