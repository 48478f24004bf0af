from __future__ import annotations

import asyncio

from chassis.health import Heartbeats
from gtvision.time import FakeClock

from .waiting import until


def test_a_loop_that_does_not_beat_is_stale() -> None:
    clock = FakeClock()
    beats = Heartbeats(clock)
    first, _ = beats.register("first"), beats.register("second")
    clock.advance(14)
    first.beat()
    assert beats.stale() == []
    clock.advance(2)
    assert beats.stale() == ["second"]
    assert beats.ages_s() == {"first": 2.0, "second": 16.0}
    beats.remove("second")
    assert beats.stale() == []


async def test_waiting_on_purpose_keeps_beating() -> None:
    """Only this test moves the clock, so a heartbeat alone can lower the age of the pulse."""
    clock = FakeClock()
    beat = Heartbeats(clock).register("loop", stale_after_s=0.03)
    event = asyncio.Event()
    for waiting in (beat.sleep(3_600), beat.wait(event, 3_600)):
        task = asyncio.create_task(waiting)
        for _ in range(3):
            clock.advance(1)
            assert beat.stale
            await until(lambda: not beat.stale)
        task.cancel()
    assert not await beat.wait(event, 0.05)
    asyncio.get_running_loop().call_later(0.02, event.set)
    assert await beat.wait(event, 120)
