"""When this service last looked after the viewers, in the state Redis."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis

from chassis.redis import UNREACHABLE
from gtvision.errors import Unavailable

ATTENDED_KEY: Final = "streaming:viewers:attended"

_RECENT_S = 600


class RedisAttendance:
    """A mark that fades ten minutes after the last look: sooner than identity forgets a revocation."""

    def __init__(self, redis_state: Redis) -> None:
        self._redis = redis_state

    async def recent(self) -> bool:
        """Whether there was a look in the last ten minutes. Raises: Unavailable."""
        return bool(await self._ask(self._redis.exists(ATTENDED_KEY)))

    async def note(self) -> None:
        """There was a look just now. Raises: Unavailable."""
        await self._ask(self._redis.set(ATTENDED_KEY, "1", ex=_RECENT_S))

    async def _ask(self, question: Any) -> Any:
        try:
            return await question
        except UNREACHABLE as error:
            raise Unavailable("The state store is not reachable at the moment.") from error
