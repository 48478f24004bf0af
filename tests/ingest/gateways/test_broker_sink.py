"""Tests of the gateway that sends frames to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from chassis.health import Heartbeats
from gtvision.camera import AiSettings
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.gateways.broker_sink import BrokerFrameSink
from ingest.grabbing.domain import GrabbedFrame, KnownCamera


class SlowPublisher:
    """A publisher of frames that waits while the test has closed it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.tried = 0
        self.sent: list[int] = []
        self.down = False

    async def publish(self, frame_jpeg: bytes, headers: object) -> None:
        self.tried += 1
        await self.open.wait()
        if self.down:
            raise Unavailable
        self.sent.append(headers.sequence)  # type: ignore[attr-defined]


def grabbed(sequence: int) -> GrabbedFrame:
    camera = KnownCamera(new_id(), new_id(), 3, True, frozenset(), AiSettings())
    now = SystemClock().now()
    return GrabbedFrame(camera, b"jpeg", now, now, 640, 360, None, sequence, None)


async def tried(lane: SlowPublisher, times: int) -> None:
    async with asyncio.timeout(120):
        while lane.tried < times:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0)  # lets the frame that was tried last be sent


class TestSink:
    @pytest_asyncio.fixture(loop_scope="session")
    async def sink(self) -> AsyncIterator[tuple[BrokerFrameSink, SlowPublisher]]:
        publisher = SlowPublisher()
        sink = BrokerFrameSink(publisher, waiting=10)  # type: ignore[arg-type]
        task = asyncio.create_task(sink.run(Heartbeats().register("sink")))
        await asyncio.sleep(0)
        yield sink, publisher
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def test_a_closed_lane_keeps_the_newest_and_bounds_memory(self, sink: tuple[BrokerFrameSink, SlowPublisher]) -> None:
        frames, lane = sink
        for each in range(8):
            frames.offer(grabbed(1_000 + each))
        await tried(lane, 8)  # every sender waits, and takes no further frame

        def flood() -> None:
            for each in range(500):
                frames.offer(grabbed(each))

        await asyncio.to_thread(flood)
        lane.open.set()
        await tried(lane, 10 + 8)
        assert sorted(lane.sent) == [*range(490, 500), *range(1_000, 1_008)]

    async def test_a_broker_that_is_down_costs_frames_and_nothing_else(self, sink: tuple[BrokerFrameSink, SlowPublisher]) -> None:
        frames, lane = sink
        lane.open.set()
        lane.down = True
        for each in range(5):
            frames.offer(grabbed(each))
        await tried(lane, 5)
        lane.down = False
        frames.offer(grabbed(7))
        await tried(lane, 6)
        assert lane.sent == [7]
