"""Waiting for conditions, with a long timeout so that a broken test ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from chassis.bus import Bus
from chassis.service import Worker
from gtvision.errors import Unavailable


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], timeout_s: float = 120.0) -> None:
    """Returns once the condition holds. Raises: TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.02)


async def works(action: Callable[[], Awaitable[None]]) -> bool:
    """Returns whether the action succeeds, which it does not while a server that it needs is away."""
    try:
        await action()
    except Unavailable:
        return False
    return True


async def all_listen(service: Worker, *buses: Bus) -> None:
    """Returns once the service is ready and the queues of the buses exist: a message that is sent earlier reaches no queue."""

    async def listening() -> bool:
        try:
            for bus in buses:
                await bus.check()
        except Unavailable:
            return False
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.private), base_url="http://private") as private:
            return (await private.get("/health/ready")).status_code == 200

    await until(listening, timeout_s=240)
