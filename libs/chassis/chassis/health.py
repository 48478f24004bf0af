"""Heartbeats: every loop of a process beats, so that one that hangs is noticed and the process replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from chassis import metrics
from chassis.logs import redact
from gtvision.time import Clock, SystemClock

Check = Callable[[], Awaitable[None]]
"""Raises when the dependency is not usable."""

STALE_AFTER_S = 15.0
"""quality.md, F6: a stalled process is replaced after 15 s."""
READY_TIMEOUT_S = 2.0


class Heartbeat:
    """The heartbeat of one loop."""

    def __init__(self, name: str, clock: Clock, stale_after_s: float) -> None:
        self.name = name
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._last = clock.monotonic()

    def beat(self) -> None:
        """Notes that the loop made progress. Cheap: to be called on every turn."""
        self._last = self._clock.monotonic()

    @property
    def age_s(self) -> float:
        """Returns the seconds since the last beat."""
        return self._clock.monotonic() - self._last

    @property
    def stale(self) -> bool:
        """Returns whether the loop counts as hung."""
        return self.age_s > self._stale_after_s

    async def sleep(self, seconds: float) -> None:
        """Sleeps for any length and goes on beating. Raises: CancelledError, at the latest at the next beat."""
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Waits for the event as long as allowed and goes on beating. Returns whether it came."""
        left = timeout_s
        while left > 0:
            _end_if_cancelled()
            self.beat()
            step = min(left, self._stale_after_s / 3)
            try:
                async with asyncio.timeout(step):
                    await event.wait()
            except TimeoutError:
                left -= step
                continue
            break
        self.beat()
        return event.is_set()


def _end_if_cancelled() -> None:
    """A library may swallow a cancellation that comes while it connects (redis-py does): the loop ends at its next pause instead."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Heartbeats:
    """All heartbeats of a process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._beats: dict[str, Heartbeat] = {}

    def register(self, name: str, stale_after_s: float = STALE_AFTER_S) -> Heartbeat:
        """Returns a new heartbeat, which has just beaten. The same name replaces the one before."""
        heartbeat = Heartbeat(name, self._clock, stale_after_s)
        self._beats[name] = heartbeat
        return heartbeat

    def remove(self, name: str) -> None:
        """Forgets a loop that ended on purpose."""
        self._beats.pop(name, None)

    def ages_s(self) -> dict[str, float]:
        """Returns the seconds since each loop's last beat."""
        return {name: beat.age_s for name, beat in self._beats.items()}

    def stale(self) -> list[str]:
        """Returns the names of the loops that hang."""
        return [name for name, beat in self._beats.items() if beat.stale]


# --- the private port's routes -----------------------------------------------------------------------------------------


def health_router(service: str, heartbeats: Heartbeats, readiness: Mapping[str, Check], started: Callable[[], bool]) -> APIRouter:
    """`/health/live` (503 when a loop hangs: replace the process), `/health/ready` (which dependency is missing), `/metrics`."""
    router = APIRouter()

    @router.get("/health/live", include_in_schema=False)
    async def live() -> Response:
        stale = heartbeats.stale()
        body = {"status": "hung" if stale else "live", "service": service, "stale": stale, "heartbeats_age_s": heartbeats.ages_s()}
        return JSONResponse(body, 503 if stale else 200)

    @router.get("/health/ready", include_in_schema=False)
    async def ready() -> Response:
        names = list(readiness)
        failures = await asyncio.gather(*(_failure(readiness[name]) for name in names))
        checks = {name: "ok" if failure is None else failure for name, failure in zip(names, failures, strict=True)}
        fine = started() and not any(failures)
        body = {"status": "ready" if fine else "not_ready", "service": service, "started": started(), "checks": checks}
        return JSONResponse(body, 200 if fine else 503)

    @router.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        for name, age in heartbeats.ages_s().items():
            metrics.LOOP_AGE_SECONDS.labels(name).set(age)
        body, content_type = metrics.render()
        return Response(body, media_type=content_type)

    return router


async def _failure(check: Check) -> str | None:
    """Returns why the dependency is not usable, without secrets; None when it is."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await check()
    except TimeoutError:
        return f"no answer within {READY_TIMEOUT_S:g} s"
    except Exception as error:
        return redact(f"{type(error).__name__}: {error}")[:200]
    return None
