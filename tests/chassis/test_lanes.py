"""Tests of the hot lanes on a real RabbitMQ: frames, and batches of detections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from chassis.bus import BatchConsumer, DeadLetters, EventPublisher, Frame, FrameConsumer, FrameHeaders, FramePublisher, Outgoing, Publisher
from chassis.bus.frames import FRAME_HEADER, FrameHandler
from chassis.bus.lane import Acknowledger, Session
from chassis.envelope import Links
from chassis.fakes import FakeUow
from chassis.health import Heartbeats
from chassis.settings import RabbitSettings
from chassis.topology import EVENTS, FRAMES, FRAMES_KEY, FRAMES_QUEUE
from gtvision.camera import AiSettings
from gtvision.errors import Unavailable
from gtvision.events import Event, TenantCreated
from gtvision.geometry import Box
from gtvision.ids import derived_id, new_id
from gtvision.time import SystemClock

from .waiting import until

TENANT, CAMERA = new_id(), new_id()
CLOCK = SystemClock()
KEY = TenantCreated.key


@asynccontextmanager
async def looping(lane: BatchConsumer | FrameConsumer) -> AsyncIterator[None]:
    task = asyncio.create_task(lane.run(Heartbeats().register("lane")))
    try:
        yield
        for _ in range(20):  # the last message is acknowledged within a few turns of the event loop
            await asyncio.sleep(0.01)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def headers(sequence: int = 0) -> FrameHeaders:
    return FrameHeaders(
        tenant_id=TENANT,
        camera_id=CAMERA,
        captured_at=CLOCK.now(),
        arrived_at=CLOCK.now(),
        width_px=1920,
        height_px=1080,
        motion_box=Box(x1=0.1, y1=0.2, x2=0.3, y2=0.4),
        sequence=sequence,
        ai=AiSettings(min_confidence=0.7, masks=(((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)),
        ai_revision=4,
        clock_skew_ms=-12,
        correlation_id=new_id(),
    )


@asynccontextmanager
async def taking(rabbit: RabbitSettings, prefetch: int, handler: FrameHandler) -> AsyncIterator[None]:
    """Consumes frames inside the block. A frame that is sent before the consumer is ready lives for ten seconds."""
    async with looping(FrameConsumer(rabbit, prefetch, handler)):
        await until(lambda: exists(rabbit, FRAMES_QUEUE))
        yield


@pytest.mark.broker
class TestFrames:
    async def test_frame_arrives_as_it_was_sent(self, rabbit: RabbitSettings) -> None:
        frames: list[Frame] = []

        async def handler(frame: Frame) -> None:
            frames.append(frame)

        sent = headers()
        async with FramePublisher(rabbit) as publisher, taking(rabbit, 50, handler):
            await publisher.publish(b"\xff\xd8jpeg", sent)
            await until(lambda: len(frames) == 1)
        assert frames[0].headers == sent
        assert frames[0].jpeg == b"\xff\xd8jpeg"

    async def test_every_frame_is_acknowledged_in_any_order(self, rabbit: RabbitSettings) -> None:
        """Odd frames finish after even ones; with a prefetch of 8 a missing acknowledgement would stall the lane."""
        handled: set[int] = set()

        async def handler(frame: Frame) -> None:
            if frame.headers.sequence % 2:
                await asyncio.sleep(0.01)
            handled.add(frame.headers.sequence)

        async with FramePublisher(rabbit) as publisher, taking(rabbit, 8, handler):
            await asyncio.gather(*(publisher.publish(b"x", headers(number)) for number in range(40)))
            await until(lambda: handled == set(range(40)))
        assert await is_empty(rabbit, FRAMES_QUEUE)  # a frame without acknowledgement would stay for ten seconds

    async def test_failing_frame_is_dropped_and_others_go_on(self, rabbit: RabbitSettings) -> None:
        handled: list[int] = []

        async def handler(frame: Frame) -> None:
            if frame.headers.sequence == 3:
                raise ValueError("no JPEG")
            handled.append(frame.headers.sequence)

        async with FramePublisher(rabbit) as publisher, Publisher(rabbit) as raw, taking(rabbit, 50, handler):
            await raw.send(Outgoing(FRAMES, FRAMES_KEY, b"no header", "x", persistent=False))
            await raw.send(Outgoing(FRAMES, FRAMES_KEY, b"bad header", "x", {FRAME_HEADER: "{"}, persistent=False))
            for number in range(6):
                await publisher.publish(b"x", headers(number))
            await until(lambda: sorted(handled) == [0, 1, 2, 4, 5])
        assert await is_empty(rabbit, FRAMES_QUEUE)  # a frame without acknowledgement would stay for ten seconds

    async def test_unavailable_is_tried_again(self, rabbit: RabbitSettings) -> None:
        calls: list[int] = []

        async def handler(frame: Frame) -> None:
            calls.append(1)
            if len(calls) < 3:
                raise Unavailable

        async with FramePublisher(rabbit) as publisher, taking(rabbit, 50, handler):
            await publisher.publish(b"x", headers())
            await until(lambda: len(calls) == 3)


class Batches:
    """A handler with a unit of work and an inbox, that refuses the message `poison`."""

    def __init__(self) -> None:
        self.uow = FakeUow()
        self.batches: list[int] = []
        self.stored: list[int] = []
        self.poison: set[int] = set()
        self.outage = 0

    async def __call__(self, events: list[Event[Any]]) -> None:
        self.batches.append(len(events))
        if self.outage:
            self.outage -= 1
            raise Unavailable
        fresh: list[int] = []
        async with self.uow(TENANT) as uow:
            for event in events:
                if event.data.revision in self.poison:
                    raise ValueError("poison")
                if not await uow.seen("test", event.event_id):
                    fresh.append(event.data.revision)
        self.stored.extend(fresh)


def consumer(rabbit: RabbitSettings, queue: str, handler: Batches, prefetch: int = 100, batch_size: int = 50) -> BatchConsumer:
    return BatchConsumer(rabbit, queue=queue, key=KEY, handler=handler, prefetch=prefetch, batch_size=batch_size, window_ms=50)


async def send(rabbit: RabbitSettings, revisions: range, times: int = 1) -> None:
    async with Publisher(rabbit) as publisher:
        events = EventPublisher(publisher, CLOCK)
        for _ in range(times):
            await asyncio.gather(*(events.publish(tenant(number), tenant_id=TENANT, links=repeatable(number)) for number in revisions))


def tenant(revision: int) -> TenantCreated:
    return TenantCreated(name="x", revision=revision)


def repeatable(revision: int) -> Links:
    return Links(event_id=derived_id("test", revision))


def fresh_queue() -> str:
    return f"test{new_id().hex[-8:]}.batch"


@asynccontextmanager
async def consuming(rabbit: RabbitSettings, queue: str, handler: Batches) -> AsyncIterator[None]:
    lane = consumer(rabbit, queue, handler)
    async with looping(lane):
        await until(lambda: exists(rabbit, queue))
        yield


@pytest.mark.broker
class TestBatches:
    async def test_events_come_in_batches_and_each_once(self, rabbit: RabbitSettings) -> None:
        queue, handler = fresh_queue(), Batches()
        async with consuming(rabbit, queue, handler):
            await send(rabbit, range(1, 301), times=2)
            await until(lambda: sum(handler.batches) == 600)
        await until(lambda: is_empty(rabbit, queue))
        assert sorted(handler.stored) == list(range(1, 301))
        assert max(handler.batches) > 1

    async def test_poison_is_dead_lettered_alone_and_its_neighbours_are_stored(self, rabbit: RabbitSettings) -> None:
        queue, handler = fresh_queue(), Batches()
        handler.poison = {7, 101}
        async with consuming(rabbit, queue, handler), DeadLetters(rabbit.url) as dead:
            await send(rabbit, range(1, 121))
            await until(lambda: dead_in(dead, queue, 2))
            await until(lambda: len(handler.stored) == 118)
            assert {letter.attempts for letter in await dead.list() if letter.queue == queue} == {5}
            handler.poison = set()
            await dead.replay()
            await until(lambda: len(handler.stored) == 120)
        assert sorted(handler.stored) == list(range(1, 121))

    async def test_unreadable_body_is_dead_lettered_alone(self, rabbit: RabbitSettings) -> None:
        queue, handler = fresh_queue(), Batches()
        async with consuming(rabbit, queue, handler), Publisher(rabbit) as raw, DeadLetters(rabbit.url) as dead:
            await raw.send(Outgoing(EVENTS, KEY, b"{", str(new_id())))
            await send(rabbit, range(1, 6))
            await until(lambda: len(handler.stored) == 5)
            await until(lambda: dead_in(dead, queue, 1))

    async def test_unavailable_pauses_and_nothing_is_dead_lettered(self, rabbit: RabbitSettings) -> None:
        queue, handler = fresh_queue(), Batches()
        handler.outage = 3
        async with consuming(rabbit, queue, handler), DeadLetters(rabbit.url) as dead:
            await send(rabbit, range(1, 41))
            await until(lambda: len(handler.stored) == 40)
            assert not await dead_in(dead, queue, 1)

    async def test_killed_consumer_loses_nothing(self, rabbit: RabbitSettings) -> None:
        queue, first, second = fresh_queue(), Batches(), Batches()
        first.outage = 1_000
        async with consuming(rabbit, queue, first):
            await send(rabbit, range(1, 61))
            await until(lambda: len(first.batches) > 1)
        async with consuming(rabbit, queue, second):
            await until(lambda: sorted(second.stored) == list(range(1, 61)))

    async def test_deleted_queue_is_made_again(self, rabbit: RabbitSettings) -> None:
        queue, handler = fresh_queue(), Batches()
        async with consuming(rabbit, queue, handler):
            async with Publisher(rabbit) as admin, admin._link.channel() as channel:
                await channel.queue_delete(queue)
            await until(lambda: exists(rabbit, queue))
            await send(rabbit, range(1, 4))
            await until(lambda: len(handler.stored) == 3)


class TestAcknowledger:
    """Which delivery tags are acknowledged to the broker, and whether for several messages at once."""

    async def test_finished_prefix_goes_in_one_frame(self) -> None:
        sent: list[tuple[int, bool]] = []

        class Recording(Session):
            def __init__(self) -> None:
                self.broken = asyncio.Event()

            async def ack(self, tag: int, *, multiple: bool) -> None:
                sent.append((tag, multiple))

        acknowledger = Acknowledger(Recording())
        for tag in range(1, 8):
            acknowledger.delivered(tag)
        for tag in (1, 3, 2, 6):
            acknowledger.done(tag)
        await until(lambda: len(sent) == 2)
        assert sent == [(3, True), (6, False)]
        for tag in (4, 5, 7):
            acknowledger.done(tag)
        await until(lambda: len(sent) == 3)
        assert sent[2] == (7, True)


async def state(rabbit: RabbitSettings, queue: str) -> Any:
    async with Publisher(rabbit) as publisher, publisher._link.channel() as channel:
        return (await channel.declare_queue(queue, passive=True)).declaration_result


async def exists(rabbit: RabbitSettings, queue: str) -> bool:
    try:
        return bool((await state(rabbit, queue)).consumer_count)
    except Exception:
        return False


async def is_empty(rabbit: RabbitSettings, queue: str) -> bool:
    """Returns whether the queue is empty. Call it after the consumer has ended: the broker counts unacknowledged messages only then."""
    async with asyncio.timeout(9):  # after ten seconds the broker drops what nobody has acknowledged
        while True:
            with suppress(Unavailable):
                return bool((await state(rabbit, queue)).message_count == 0)
            await asyncio.sleep(0.02)


async def dead_in(dead: DeadLetters, queue: str, count: int) -> bool:
    with suppress(Unavailable):
        return len([letter for letter in await dead.list() if letter.queue == queue]) >= count
    return False


def test_frame_id_repeats_with_the_frame() -> None:
    first = headers()
    assert isinstance(first.frame_id, UUID)
    assert first.frame_id == first.model_copy(update={"sequence": 9}).frame_id


async def test_what_a_broken_session_left_behind_does_not_end_the_next() -> None:
    """Messages were unacknowledged when the channel broke, and the broker delivers them again later."""
    sessions: list[Any] = []

    class Channel:
        def __init__(self) -> None:
            self.broken = asyncio.Event()
            self.acked: list[int] = []

        async def ack(self, tag: int, *, multiple: bool) -> None:
            self.acked.append(tag)

    class Left(BatchConsumer):
        @asynccontextmanager
        async def _consuming(self) -> AsyncIterator[Any]:
            sessions.append(Channel())
            self._receiver(sessions[-1])
            yield sessions[-1]

    async def handle(_events: list[Event[Any]]) -> None:
        raise AssertionError("there is nothing to handle")

    batches = Left(RabbitSettings(url="amqp://nobody@localhost:1/"), queue="q", key=KEY, handler=handle)
    batches._waiting.append(None)  # type: ignore[arg-type]
    batches._arrived.set()
    async with looping(batches):
        await until(lambda: bool(sessions))
        await asyncio.sleep(0.05)
    assert len(sessions) == 1
    assert sessions[0].acked == []


async def test_a_lane_goes_on_after_any_failure_of_a_session() -> None:
    ends: list[BaseException] = [ZeroDivisionError(), asyncio.CancelledError(), Unavailable()]
    over = asyncio.Event()

    async def ignore(_: Frame) -> None: ...

    class Breaking(FrameConsumer):
        @asynccontextmanager
        async def _consuming(self) -> AsyncIterator[Session]:
            if ends:
                raise ends.pop()
            yield Session(None)  # type: ignore[arg-type]

        async def _consume(self, *_: object) -> None:
            over.set()
            await asyncio.Future()

    task = asyncio.create_task(Breaking(RabbitSettings(url=SecretStr("amqp://127.0.0.1:1/")), 1, ignore).run(Heartbeats().register("lane")))
    async with asyncio.timeout(120):
        await over.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
