"""Periodic work: `every(interval, verb)` is a loop for `create_app(loops={...})`.

    loops={"partitions": every(timedelta(minutes=10), upkeep.keep_partitions, retry=timedelta(seconds=2))}

The verb runs at once and then after each interval. `Unavailable` (a dependency is down) is logged and the verb runs again after
`retry`, or after the interval where no `retry` is given; any other error ends the loop, and the service's supervisor starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from chassis.health import Heartbeat
from chassis.logs import get_logger
from gtvision.backoff import Backoff
from gtvision.errors import Unavailable

log = get_logger(__name__)

Loop = Callable[[Heartbeat], Coroutine[Any, Any, None]]
Verb = Callable[[], Awaitable[object]]

_BEAT_EVERY_S = 1.0


def every(
    interval: timedelta, verb: Verb, *, retry: timedelta | Backoff | None = None, wake: asyncio.Event | None = None, lasting: bool = False
) -> Loop:
    """Returns a loop that runs the verb for ever.

    `wake` ends a wait early, but not that for a `retry`, and is cleared before the verb runs: a verb that sets it runs again at once.
    `lasting` says that one run may take longer than a hung loop is waited for (`health.STALE_AFTER_S`): the loop then beats while the
    verb runs.
    """
    event = wake or asyncio.Event()
    backoff = retry if isinstance(retry, Backoff) else Backoff(retry, retry) if retry else None

    async def loop(heartbeat: Heartbeat) -> None:
        while True:
            heartbeat.beat()
            event.clear()
            try:
                if lasting:
                    async with beating(heartbeat):
                        await verb()
                else:
                    await verb()
            except Unavailable as error:
                cause = type(error.__cause__).__name__ if error.__cause__ else None
                log.warning("run_failed", loop=heartbeat.name, reason=error.message, cause=cause)
                if backoff is not None:
                    await heartbeat.sleep(backoff.wait_s())
                    continue
            else:
                if backoff is not None:
                    backoff.reset()
            await heartbeat.wait(event, interval.total_seconds())

    return loop


@asynccontextmanager
async def beating(heartbeat: Heartbeat) -> AsyncIterator[None]:
    """Beats for as long as the event loop turns and the block has not ended."""

    async def beat() -> None:
        while True:
            await heartbeat.sleep(_BEAT_EVERY_S)

    task = asyncio.create_task(beat(), name=f"beat {heartbeat.name}")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
