"""Publishing with a time limit, confirmed by the broker, and routed to some queue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from uuid import UUID

import aiormq
from aio_pika.abc import AbstractChannel
from pamqp.commands import Basic

from chassis import tracing
from chassis.bus.link import Link, close_quietly, unavailable_when_broken
from chassis.bus.metrics import PUBLISHED
from chassis.envelope import Links, to_bytes, wrap
from chassis.settings import RabbitSettings
from chassis.topology import EVENTS
from gtvision.errors import Unavailable
from gtvision.events import DataT, Event
from gtvision.time import Clock

IN_FLIGHT = 64
"""Confirms awaited at once on one channel; more than 32 are not faster, and without a bound memory grows."""


class Unroutable(Unavailable):
    """Nobody listens to this message yet."""

    code = "unroutable"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message as it goes to the broker. Mandatory: an unroutable one is an error, not a success."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    type: str | None = None
    correlation_id: str | None = None
    content_type: str = "application/json"
    persistent: bool = True

    def properties(self) -> Basic.Properties:
        return Basic.Properties(
            content_type=self.content_type,
            headers=dict(self.headers),
            delivery_mode=2 if self.persistent else 1,
            message_id=self.message_id,
            message_type=self.type,
            correlation_id=self.correlation_id,
        )


class Sender(Protocol):
    """What relay, retries and event publishers need; `chassis.fakes.FakePublisher` is the other one."""

    async def send(self, message: Outgoing) -> None:
        """Returns once the broker has the message. Raises: Unroutable, Unavailable."""
        ...

    async def declare(self, queue: str, arguments: Mapping[str, Any]) -> None:
        """Declares a durable queue that only its name addresses. May be repeated. Raises: Unavailable."""
        ...


class Publisher:
    """One long-lived channel with publisher confirms, opened again after it broke."""

    def __init__(self, settings: RabbitSettings, name: str = "publisher") -> None:
        self._link = Link(settings.url, name)
        self._timeout_s = settings.publish_timeout_s
        self._channel: AbstractChannel | None = None
        self._underlay: aiormq.abc.AbstractChannel | None = None
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(IN_FLIGHT)

    async def send(self, message: Outgoing) -> None:
        """Publishes and waits for the confirm. Raises: Unroutable, Unavailable (then it may or may not have arrived)."""
        try:
            with unavailable_when_broken():
                async with asyncio.timeout(self._timeout_s), self._slots:
                    confirm = await (await self._open()).basic_publish(
                        message.body,
                        exchange=message.exchange,
                        routing_key=message.routing_key,
                        properties=message.properties(),
                        mandatory=True,
                    )
        except Unavailable:
            PUBLISHED.labels(message.exchange, "failed").inc()
            raise
        if isinstance(confirm, Basic.Ack):
            PUBLISHED.labels(message.exchange, "confirmed").inc()
            return
        # An unroutable message "succeeds": the returned message comes in place of the ack.
        PUBLISHED.labels(message.exchange, "unroutable").inc()
        raise Unroutable(f"No queue takes '{message.routing_key}' from '{message.exchange}'.")

    async def declare(self, queue: str, arguments: Mapping[str, Any]) -> None:
        """Declares a durable queue that only its name addresses. Raises: Unavailable."""
        async with self._link.channel(confirms=False) as channel:
            with unavailable_when_broken():
                underlay = await channel.get_underlay_channel()
                await underlay.queue_declare(queue=queue, durable=True, arguments=dict(arguments), timeout=self._timeout_s)

    async def _open(self) -> aiormq.abc.AbstractChannel:
        async with self._opening:
            if self._underlay is None or self._underlay.is_closed:
                self._channel = await self._link.open_channel()
                self._underlay = await self._channel.get_underlay_channel()
            return self._underlay

    async def check(self) -> None:
        """Readiness. Raises: Unavailable."""
        with unavailable_when_broken():
            async with asyncio.timeout(2):
                await self._open()

    async def aclose(self) -> None:
        """Close the channel and the connection."""
        if self._channel is not None:
            await close_quietly(self._channel)
        await self._link.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def event_message(event: Event[Any]) -> Outgoing:
    """Returns an envelope as a message, with the current trace."""
    return Outgoing(
        exchange=EVENTS,
        routing_key=event.type,
        body=to_bytes(event),
        message_id=str(event.event_id),
        headers=tracing.inject(),
        type=event.type,
        correlation_id=str(event.correlation_id),
    )


class EventPublisher:
    """For a service without tables: publish, confirmed, *before* the input is acknowledged, under an id derived from the input."""

    def __init__(self, sender: Sender, clock: Clock) -> None:
        self._sender = sender
        self._clock = clock

    async def publish(self, data: DataT, *, tenant_id: UUID, camera_id: UUID | None = None, links: Links | None = None) -> Event[DataT]:
        """Raises: Unroutable (no listener has ever started), Unavailable."""
        event = wrap(data, tenant_id=tenant_id, occurred_at=self._clock.now(), camera_id=camera_id, links=links)
        await self._sender.send(event_message(event))
        return event
