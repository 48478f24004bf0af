"""R8: frames from the broker through ai-detect's worker (parse, batch, a detector that finds nothing, acknowledge), against raw aio-pika.

The baseline consumes the same frames with the same prefetch and acknowledges each, and does nothing else. Both run in this process on
the same loop; before each turn the queue is filled, and the clock runs from the first frame to the last one that was dealt with.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage
from pydantic import SecretStr
from tests.fixtures.workplace import TestServers

from ai_detect.domain import Finding, Picture, ProviderHealth
from ai_detect.usecases import Batcher, Frames
from chassis.bus import Frame, FrameConsumer, FrameHeaders
from chassis.bus.frames import FRAME_HEADER
from chassis.health import Heartbeats
from chassis.settings import RabbitSettings
from chassis.topology import FRAMES_QUEUE
from gtvision.ids import new_id
from gtvision.time import SystemClock

FLOOR, TARGET, STRETCH = 0.50, 0.70, 0.85
PREFETCH = 50
BATCH = 16
FRAMES = 2_400
"""Frames of one turn: less than the queue's bound, so that none is dropped."""
JPEG = os.urandom(8 * 1024)


class NothingFound:
    """A detector that looks at no picture and finds nothing."""

    async def initialize(self) -> None: ...

    async def detect(self, batch: Sequence[Picture]) -> list[list[Finding]]:
        return [[] for _ in batch]

    def health(self) -> ProviderHealth:
        raise NotImplementedError

    async def close(self) -> None: ...


class Count:
    """Counts frames and measures the time from the first to the last."""

    def __init__(self) -> None:
        self.complete = asyncio.Event()
        self.seen = 0
        self.began = self.ended = 0.0

    def first(self) -> None:
        self.began = self.began or time.perf_counter()

    def one(self) -> None:
        self.seen += 1
        if self.seen == FRAMES:
            self.ended = time.perf_counter()
            self.complete.set()

    @property
    def rate(self) -> float:
        return FRAMES / (self.ended - self.began)


async def subject(settings: RabbitSettings) -> float:
    """Returns the frames per second through the worker's own code."""
    count, clock, beats = Count(), SystemClock(), Heartbeats()
    batcher = Batcher(NothingFound(), size=BATCH, window_s=0.02, timeout_s=30)
    # nothing is found, so nothing is kept or announced
    frames = Frames(batcher, objects=None, events=None, clock=clock, provider="none", model="none")  # type: ignore[arg-type]

    async def analyse(frame: Frame) -> None:
        count.first()
        await frames.analyse(frame)
        count.one()

    consumer = FrameConsumer(settings, PREFETCH, analyse)
    loops = [asyncio.create_task(loop.run(beats.register(name))) for name, loop in (("frames", consumer), ("batcher", batcher))]
    await _finish(count, loops)
    return count.rate


async def baseline(settings: RabbitSettings) -> float:
    """Returns the frames per second that aio-pika delivers."""
    count = Count()
    connection = await aio_pika.connect(settings.url.get_secret_value())
    async with connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.get_queue(FRAMES_QUEUE)

        async def receive(message: AbstractIncomingMessage) -> None:
            count.first()
            await message.ack()
            count.one()

        await queue.consume(receive)
        await _finish(count, [])
    return count.rate


async def _finish(count: Count, loops: list[asyncio.Task[None]]) -> None:
    try:
        async with asyncio.timeout(60):
            await count.complete.wait()
    finally:
        for loop in loops:
            loop.cancel()
        for loop in loops:
            with suppress(asyncio.CancelledError):
                await loop


async def fill(settings: RabbitSettings) -> None:
    """Puts the frames of one turn into the queue. Raises: RuntimeError where some are missing there."""
    async with await aio_pika.connect(settings.url.get_secret_value()) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(FRAMES_QUEUE)
        await queue.purge()
        for start in range(0, FRAMES, 200):
            await asyncio.gather(*(channel.default_exchange.publish(_message(start + at), FRAMES_QUEUE) for at in range(200)))
        lying = (await channel.declare_queue(FRAMES_QUEUE, passive=True)).declaration_result.message_count
    if lying != FRAMES:
        raise RuntimeError(f"{lying} of {FRAMES} frames lie in the queue")


def _message(sequence: int) -> aio_pika.Message:
    now = datetime.now(UTC)
    headers = FrameHeaders(
        tenant_id=_TENANT,
        camera_id=_CAMERA,
        captured_at=now,
        arrived_at=now,
        width_px=1280,
        height_px=720,
        sequence=sequence,
        correlation_id=new_id(),
    )
    return aio_pika.Message(JPEG, headers={FRAME_HEADER: headers.model_dump_json(exclude_defaults=True)})


_TENANT, _CAMERA = new_id(), new_id()


def measure(rounds: int = 7) -> dict[str, object]:
    """Measures both on a RabbitMQ that is started for it."""
    servers = TestServers()
    try:
        return uvloop.run(_measure(servers, max(rounds, 7)))
    finally:
        servers.close()


async def _measure(servers: TestServers, rounds: int) -> dict[str, object]:
    await servers.running("rabbitmq")
    vhost = servers.next_name("bench")
    await asyncio.to_thread(servers.rabbitmq.add_vhost, vhost)
    settings = RabbitSettings(url=SecretStr(servers.rabbitmq.url(vhost)))
    await _declare(settings)
    runs: dict[str, Callable[[RabbitSettings], Awaitable[float]]] = {"subject": subject, "baseline": baseline}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds):
        for name in list(runs) if turn % 2 else reversed(list(runs)):
            await fill(settings)
            rates[name].append(await runs[name](settings))
    ratios = [mine / theirs for mine, theirs in zip(rates["subject"], rates["baseline"], strict=True)]
    return {
        "id": "R8",
        "job": "frame from the broker, no-op detector, ack: msg/s / raw aio-pika, prefetch 50",
        "ratio": round(statistics.median(ratios), 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "floor": FLOOR,
        "target": TARGET,
        "stretch": STRETCH,
        "better": "higher",
        "rounds": rounds,
        "detail": f"{statistics.median(rates['subject']):.0f} and {statistics.median(rates['baseline']):.0f} messages/s",
    }


async def _declare(settings: RabbitSettings) -> None:
    from chassis.bus.link import Link

    link = Link(settings.url, "bench")
    await link.check()
    await link.aclose()


if __name__ == "__main__":
    print(measure())
