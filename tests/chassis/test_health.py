from __future__ import annotations

import asyncio

from chassis.health import Heartbeats
from gtvision.time import FakeClock


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
    beat = Heartbeats().register("loop", stale_after_s=0.03)
    await beat.sleep(0.1)
    assert not beat.stale
    event = asyncio.Event()
    assert not await beat.wait(event, 0.05)
    asyncio.get_running_loop().call_later(0.02, event.set)
    assert await beat.wait(event, 5)
