"""The detections lane: events in batches, one transaction each, acknowledged after it committed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias

from aiormq.abc import DeliveredMessage
from pydantic import ValidationError

from chassis import logs
from chassis.bus.lane import Lane, OnDelivery, Session, Source, received, tag_of
from chassis.bus.metrics import HANDLER_SECONDS, MESSAGES
from chassis.bus.publisher import Publisher
from chassis.bus.retry import Hold, Parked, Received, Retry
from chassis.envelope import handling, parse
from chassis.health import Heartbeat
from chassis.loops import beating
from chassis.settings import RabbitSettings
from chassis.topology import EVENTS
from gtvision.events import Event, event_types

BatchHandler: TypeAlias = Callable[[list[Event[Any]]], Awaitable[None]]

HANDLER_TIMEOUT_S = 30.0
"""As long as a database statement may take."""
HOLD_AT_MOST_S = 240.0
"""Two batches are held at once: the second must not wait until the broker takes it back (30 min)."""


class BatchConsumer(Lane):
    """Collects events for `window_ms` or up to `batch_size` and hands them over in one call; while that works, the next batch fills.

    A batch that fails is halved until the message that fails is alone: it is retried or dead-lettered, the others are handled.
    Unavailable pauses the whole lane. Delivery is at least once, so the handler drops repeats.
    """

    def __init__(  # noqa: PLR0913 - the lane's whole configuration, by keyword
        self,
        settings: RabbitSettings,
        *,
        queue: str,
        key: str,
        handler: BatchHandler,
        prefetch: int = 400,
        batch_size: int = 200,
        window_ms: float = 4.0,
    ) -> None:
        super().__init__(settings, Source(queue, EVENTS, key), prefetch)
        self._publisher = Publisher(settings, f"{queue} retries")
        self._retry = Retry(self._publisher, settings.retry_steps_s)
        self._hold = Hold(queue, at_most_s=HOLD_AT_MOST_S)
        self._event = event_types()[key]
        self._handler = handler
        self._batch_size = batch_size
        self._window_s = window_ms / 1000
        self._waiting: deque[DeliveredMessage] = deque()
        self._arrived = asyncio.Event()

    async def aclose(self) -> None:
        """Closes the connections."""
        await super().aclose()
        await self._publisher.aclose()

    async def _consume(self, session: Session, heartbeat: Heartbeat) -> None:
        while not session.broken.is_set():
            if not await heartbeat.wait(self._arrived, 1):
                continue
            batch = await self._collect()
            async with beating(heartbeat):
                await self._settle(batch)
            await session.ack(tag_of(batch[-1]), multiple=True)

    def _receiver(self, session: Session) -> OnDelivery:
        self._waiting.clear()  # the broker delivers them again
        self._arrived.clear()

        async def receive(message: DeliveredMessage) -> None:
            if not session.broken.is_set():
                self._waiting.append(message)
                self._arrived.set()

        return receive

    async def _collect(self) -> list[DeliveredMessage]:
        if len(self._waiting) < self._batch_size:
            await asyncio.sleep(self._window_s)
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_size))]
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _settle(self, batch: list[DeliveredMessage]) -> None:
        """Returns when every message was handled or is in another queue. Raises: Unavailable."""
        readable: list[tuple[Received, Event[Any]]] = []
        for message in batch:
            arrived = received(message, self._source.queue)
            try:
                readable.append((arrived, parse(self._event, message.body)))
            except ValidationError as error:
                await self._retry.failed(arrived, error)
        await self._handle(readable)

    async def _handle(self, items: list[tuple[Received, Event[Any]]]) -> None:
        if not items:
            return
        try:
            await self._hold.run(partial(self._attempt, [event for _, event in items]))
            MESSAGES.labels(self._source.queue, "handled").inc(len(items))
        except Exception as error:
            if len(items) > 1 and not isinstance(error, Parked):
                middle = len(items) // 2
                await self._handle(items[:middle])
                await self._handle(items[middle:])
                return
            for message, _ in items:
                await self._retry.failed(message, error)

    async def _attempt(self, events: list[Event[Any]]) -> None:
        context: AbstractContextManager[object] = handling(events[0]) if len(events) == 1 else logs.correlated()
        async with asyncio.timeout(HANDLER_TIMEOUT_S):
            with context, HANDLER_SECONDS.labels(self._source.queue).time():
                await self._handler(events)
