"""Periodic work goes on whatever a run of it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chassis.health import Heartbeats
from chassis.loops import every
from gtvision.errors import Unavailable

SOON = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


class Verb:
    """Runs, and fails as told."""

    def __init__(self, *failures: Exception | None) -> None:
        self.runs = 0
        self._failures = list(failures)
        self.ran = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        self.ran.set()
        failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise failure


async def runs_until(loop: Callable[..., Awaitable[None]], done: Callable[[], bool]) -> None:
    task = asyncio.ensure_future(loop(Heartbeats().register("loop")))
    try:
        async with asyncio.timeout(60):
            while not done() and not task.done():
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
    if task.done() and not task.cancelled() and (error := task.exception()):
        raise error


async def test_runs_at_once_and_again_after_each_interval() -> None:
    verb = Verb()
    await runs_until(every(SOON, verb), lambda: verb.runs >= 3)
    assert verb.runs >= 3


async def test_runs_again_after_a_dependency_was_down() -> None:
    verb = Verb(Unavailable("down"))
    await runs_until(every(NEVER, verb, retry=SOON), lambda: verb.runs >= 2)
    assert verb.runs == 2


async def test_ends_with_any_other_error() -> None:
    verb = Verb(KeyError("a mistake of ours"))
    with pytest.raises(KeyError):
        await runs_until(every(SOON, verb), lambda: verb.runs >= 2)
    assert verb.runs == 1


async def test_an_event_ends_the_wait() -> None:
    verb, wake = Verb(), asyncio.Event()
    task = asyncio.ensure_future(every(NEVER, verb, wake=wake)(Heartbeats().register("loop")))
    async with asyncio.timeout(60):
        await verb.ran.wait()
        verb.ran.clear()
        wake.set()
        await verb.ran.wait()
    task.cancel()
    assert verb.runs == 2
