"""Waiting for the thing itself, with a generous end so that a broken test does not hang."""

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
    """Whether the action finds everything it needs."""
    try:
        await action()
    except Unavailable:
        return False
    return True


async def all_listen(service: Worker, *buses: Bus) -> None:
    """Returns once the service is ready and the buses are up: queues are declared in their own time, and nobody hears the rest."""

    async def listening() -> bool:
        try:
            for bus in buses:
                await bus.check()
        except Unavailable:
            return False
        async with httpx.AsyncClient(transport=httpx.ASGITransport(service.private), base_url="http://private") as private:
            return (await private.get("/health/ready")).status_code == 200

    await until(listening, timeout_s=240)
