"""Tests that periodic work goes on after any outcome of one run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from chassis.health import STALE_AFTER_S, Heartbeats
from chassis.loops import every
from gtvision.backoff import Backoff
from gtvision.errors import Unavailable
from gtvision.time import FakeClock

SOON = timedelta(milliseconds=1)
NEVER = timedelta(hours=1)


class Verb:
    """A verb that counts its runs and raises the given errors."""

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


async def test_a_verb_that_wakes_its_own_loop_runs_again_at_once() -> None:
    wake, runs = asyncio.Event(), 0

    async def verb() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            wake.set()

    await runs_until(every(NEVER, verb, wake=wake), lambda: runs == 3)


async def test_nothing_wakes_a_loop_whose_dependency_is_down() -> None:
    """Every commit wakes the outbox relay, which must not try a broker that is down at each of them."""
    verb, wake = Verb(Unavailable("down")), asyncio.Event()
    wake.set()
    task = asyncio.ensure_future(every(SOON, verb, retry=NEVER, wake=wake)(Heartbeats().register("loop")))
    async with asyncio.timeout(60):
        await verb.ran.wait()
    for _ in range(100):
        wake.set()
        await asyncio.sleep(0)
    task.cancel()
    assert verb.runs == 1


async def test_the_wait_grows_while_a_dependency_is_down_and_starts_over_afterwards() -> None:
    down, backoff = Unavailable("down"), Backoff(SOON, 4 * SOON)
    verb = Verb(*[down] * 10_000)
    await runs_until(every(NEVER, verb, retry=backoff), lambda: verb.runs >= 3)
    assert backoff.wait_s() == 4 * SOON.total_seconds()
    verb = Verb(down, down, down)
    await runs_until(every(NEVER, verb, retry=backoff), lambda: verb.runs == 4)
    assert backoff.wait_s() == SOON.total_seconds(), "a good run starts it over"


@pytest.mark.parametrize("lasting", [False, True])
async def test_a_run_that_may_last_beats_meanwhile(lasting: bool) -> None:
    clock, release, verb_runs = FakeClock(), asyncio.Event(), asyncio.Event()
    heartbeat = Heartbeats(clock).register("loop")

    async def verb() -> None:
        verb_runs.set()
        await release.wait()

    task = asyncio.ensure_future(every(NEVER, verb, lasting=lasting)(heartbeat))
    async with asyncio.timeout(60):
        await verb_runs.wait()
        clock.advance(STALE_AFTER_S + 1)
        while lasting and heartbeat.stale:
            await asyncio.sleep(0.01)
    assert heartbeat.stale is not lasting
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
