"""What the hot lanes share: consuming below aio-pika (half the cost per message) and acknowledging many messages at once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from aiormq.abc import AbstractChannel, DeliveredMessage

from chassis.bus.link import Link, declare_queue, unavailable_when_broken
from chassis.bus.retry import Received
from chassis.health import Heartbeat
from chassis.logs import get_logger
from chassis.settings import RabbitSettings
from gtvision.backoff import Backoff
from gtvision.errors import Unavailable

log = get_logger(__name__)

OnDelivery: TypeAlias = Callable[[DeliveredMessage], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Source:
    """A queue and where its messages come from."""

    queue: str
    exchange: str
    key: str
    kind: str = "quorum"


class Session:
    """One channel from its opening to its end. A message can be acknowledged in the session that delivered it only."""

    def __init__(self, underlay: AbstractChannel) -> None:
        self.underlay = underlay
        self.broken = asyncio.Event()

    def on_close(self, *_: object) -> None:
        """The channel or connection is gone, or the broker cancelled the consumer (its queue was deleted)."""
        self.broken.set()

    async def ack(self, tag: int, *, multiple: bool) -> None:
        """Raises: Unavailable; then the messages come again."""
        with unavailable_when_broken():
            await self.underlay.basic_ack(tag, multiple=multiple, wait=False)


class Lane(ABC):
    """A consumer of one queue: `run` is a loop, `check` tells readiness."""

    def __init__(self, settings: RabbitSettings, source: Source, prefetch: int) -> None:
        self._link = Link(settings.url, f"{source.queue} consumer")
        self._source = source
        self._prefetch = prefetch

    async def run(self, heartbeat: Heartbeat) -> None:
        """Consumes for ever, on a new channel after each that broke, with capped back-off. Only the cancellation of this task ends it."""
        task, name = asyncio.current_task(), self._source.queue
        backoff = Backoff(timedelta(seconds=0.2), timedelta(seconds=2), well=timedelta(seconds=30))
        try:
            while True:
                started = asyncio.get_running_loop().time()
                try:
                    async with self._consuming() as session:
                        await self._consume(session, heartbeat)
                except Unavailable as error:
                    log.warning("consumer_lost_broker", queue=name, error=str(error.__cause__ or error)[:200])
                except asyncio.CancelledError:
                    if task is None or task.cancelling():
                        raise
                    log.error("consumer_cancelled_from_inside", queue=name)
                except Exception:
                    log.exception("consumer_failed", queue=name)
                await heartbeat.sleep(backoff.wait_s(asyncio.get_running_loop().time() - started))
        finally:
            await self.aclose()

    async def check(self) -> None:
        """Readiness. Raises: Unavailable."""
        await self._link.check()

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._link.aclose()

    @abstractmethod
    def _receiver(self, session: Session) -> OnDelivery:
        """Returns what is called for each message of a session."""

    @abstractmethod
    async def _consume(self, session: Session, heartbeat: Heartbeat) -> None:
        """Works until the session is broken."""

    @asynccontextmanager
    async def _consuming(self) -> AsyncIterator[Session]:
        """Consumes until the block ends. Unacknowledged messages go back to the queue. Raises: Unavailable."""
        async with self._link.channel(confirms=False) as channel:
            with unavailable_when_broken():
                underlay = await channel.get_underlay_channel()
                session = Session(underlay)
                channel.close_callbacks.add(session.on_close)
                underlay.on_consumer_cancel_callbacks.add(session.on_close)
                async with asyncio.timeout(10):
                    await declare_queue(underlay, self._source.queue, self._source.exchange, self._source.key, kind=self._source.kind)
                    await underlay.basic_qos(prefetch_count=self._prefetch)
                    await underlay.basic_consume(self._source.queue, self._receiver(session))
            yield session


class Acknowledger:
    """Acknowledges finished messages once a turn of the loop: those up to the first unfinished one together, later ones one by one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open: dict[int, None] = {}
        self._done: set[int] = set()
        self._flushing: asyncio.Task[None] | None = None

    def delivered(self, tag: int) -> None:
        """Notes a message, in order of delivery."""
        self._open[tag] = None

    def done(self, tag: int) -> None:
        """The message may be acknowledged."""
        self._done.add(tag)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        self._flushing = None
        prefix = 0
        for tag in list(self._open):
            if tag not in self._done:
                break
            prefix = tag
            self._done.discard(tag)
            del self._open[tag]
        overtakers, self._done = sorted(self._done), set()
        with suppress(Unavailable):  # the session is broken, and `broken` says so
            if prefix:
                await self._session.ack(prefix, multiple=True)
            for tag in overtakers:
                del self._open[tag]
                await self._session.ack(tag, multiple=False)


def tag_of(message: DeliveredMessage) -> int:
    """Returns the delivery tag; every delivered message has one."""
    return message.delivery_tag or 0


def headers_of(message: DeliveredMessage) -> dict[str, Any]:
    """Returns the message's headers, never None."""
    return dict(message.header.properties.headers or {})


def received(message: DeliveredMessage, queue: str) -> Received:
    """Returns the message as the retry rules take it."""
    properties = message.header.properties
    return Received(
        queue=queue,
        routing_key=message.routing_key or "",
        body=message.body,
        headers=headers_of(message),
        message_id=properties.message_id,
        type=properties.message_type,
        correlation_id=properties.correlation_id,
        content_type=properties.content_type,
    )
