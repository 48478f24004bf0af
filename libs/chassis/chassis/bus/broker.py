"""State events: typed handlers on FastStream, with tracing, retries and the hold for outages written once.

    bus = Bus(settings.rabbit, "ingest", clock)
    bus.subscribe(StreamWentOnline, on_stream_went_online)
    async with bus: ...

Each subscription has its own quorum queue `<service>.<event>`. Delivery is at least once: the handler's unit of work drops repeats
with `uow.seen`. The bus starts also without a broker and connects when there is one; `check` tells readiness.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeAlias, cast

import orjson
from aio_pika import IncomingMessage
from faststream import BaseMiddleware
from faststream.exceptions import NackMessage
from faststream.middlewares import AckPolicy
from faststream.rabbit import Channel, ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue
from faststream.specification import AsyncAPI

from chassis import tracing
from chassis.bus.document import add_lane
from chassis.bus.link import Link, amqp_url
from chassis.bus.metrics import HANDLER_SECONDS, MESSAGES
from chassis.bus.publisher import Publisher, event_message
from chassis.bus.retry import Hold, Received, Retry, describe
from chassis.envelope import event_model, handling
from chassis.logs import get_logger
from chassis.settings import RabbitSettings
from chassis.topology import EVENTS, event_queue
from gtvision.backoff import Backoff
from gtvision.errors import Unavailable
from gtvision.events import DataT, Event, EventData
from gtvision.time import Clock

log = get_logger(__name__)

Handler: TypeAlias = Callable[[Event[DataT]], Awaitable[None]]

PREFETCH = 10
"""Also how many messages of one queue are held, and tried again, while a dependency is down."""
HANDLER_TIMEOUT_S = 60.0
"""A handler that takes longer counts as unavailable."""


class Bus:
    """A service's subscriptions, and confirmed publishing. Use as a lifespan part."""

    def __init__(self, settings: RabbitSettings, service_name: str, clock: Clock) -> None:
        self._service = service_name
        self._clock = clock
        self._publisher = Publisher(settings, f"{service_name} publisher")
        self._link = Link(settings.url, f"{service_name} topology")
        self._holds: list[Hold] = []
        self._queues: set[str] = set()
        self._lanes: list[type[EventData]] = []
        self._retry = Retry(self._publisher, settings.retry_steps_s, clock)
        self._starting: asyncio.Task[None] | None = None
        self._broker = RabbitBroker(
            amqp_url(settings.url),
            default_channel=Channel(prefetch_count=PREFETCH),
            graceful_timeout=5.0,
            reconnect_interval=1.0,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            middlewares=[self._failures],
            logger=None,
        )

    def subscribe(self, event: type[DataT], handler: Handler[DataT], *, name: str | None = None, one_at_a_time: bool = False) -> None:
        """Calls the handler for each such event; to be said before the bus starts. `name` gives a second subscription its own queue.

        `one_at_a_time`: of several processes of the service one hears the queue, and another one when that is gone.
        """
        queue = event_queue(self._service, event, name)
        arguments: Any = {"x-single-active-consumer": True} if one_at_a_time else None
        if queue in self._queues:
            raise ValueError(f"{queue} has a handler: a second one would take its messages")
        self._queues.add(queue)
        hold = Hold(queue)
        self._holds.append(hold)

        async def receive(body: Any) -> None:
            async def attempt() -> None:
                async with asyncio.timeout(HANDLER_TIMEOUT_S):
                    with handling(body), HANDLER_SECONDS.labels(queue).time():
                        await handler(body)

            await hold.run(attempt)
            MESSAGES.labels(queue, "handled").inc()

        receive.__annotations__["body"] = event_model(event)  # what FastStream parses to, and the schema in AsyncAPI
        self._broker.subscriber(
            RabbitQueue(queue, queue_type=QueueType.QUORUM, durable=True, routing_key=event.key, arguments=arguments),
            RabbitExchange(EVENTS, type=ExchangeType.TOPIC, durable=True),
            decoder=_decode,
            title=queue,
            description=(handler.__doc__ or event.__doc__ or "").strip(),
        )(receive)

    def publishes(self, *events: type[EventData]) -> None:
        """Names the events that this service emits, for its AsyncAPI document."""
        for event in events:
            self._broker.publisher(
                routing_key=event.key,
                exchange=RabbitExchange(EVENTS, type=ExchangeType.TOPIC, durable=True),
                schema=event_model(event),
                title=event.key,
                description=(event.__doc__ or "").strip(),
            )

    def receives(self, *events: type[EventData]) -> None:
        """Names the events that this service consumes on a lane of its own, for its AsyncAPI document."""
        self._lanes.extend(events)

    @property
    def publisher(self) -> Publisher:
        """Returns the publisher, which the outbox relay shares."""
        return self._publisher

    async def publish(self, envelope: Event[Any]) -> None:
        """Publishes without an outbox. Raises: Unroutable, Unavailable."""
        await self._publisher.send(event_message(envelope))

    def asyncapi(self) -> dict[str, Any]:
        """Returns the AsyncAPI 3 document of what is subscribed and published."""
        specification = AsyncAPI(self._broker, title=f"GT-Vision {self._service}", version="0.1.0").to_specification()
        document = cast("dict[str, Any]", specification.to_jsonable())
        for event in self._lanes:
            add_lane(document, event, "receive")
        return document

    async def check(self) -> None:
        """Readiness: subscriptions are up and the broker answers. Raises: Unavailable."""
        if self._starting is None or not self._starting.done() or not await self._broker.ping(timeout=1):
            raise Unavailable("The message broker is not reachable at the moment.")
        await self._publisher.check()

    async def __aenter__(self) -> Bus:
        self._starting = asyncio.create_task(self._start())
        with suppress(TimeoutError):  # a broker that is down must not keep the service from starting
            async with asyncio.timeout(5):
                await asyncio.shield(self._starting)
        return self

    async def __aexit__(self, *_: object) -> None:
        for hold in self._holds:
            hold.end()
        if self._starting is not None:
            self._starting.cancel()
            with suppress(asyncio.CancelledError):
                await self._starting
        with suppress(Exception):
            async with asyncio.timeout(8):
                await self._broker.stop()
        await self._link.aclose()
        await self._publisher.aclose()

    async def _start(self) -> None:
        backoff = Backoff(timedelta(seconds=0.2), timedelta(seconds=5))
        while True:
            try:
                async with asyncio.timeout(15):
                    async with self._link.channel():  # declares the topology
                        pass
                    await self._broker.start()
            except Exception as error:
                log.warning("broker_not_reachable", error=type(error).__name__)
                with suppress(Exception):
                    await self._broker.stop()
            else:
                return
            await asyncio.sleep(backoff.wait_s())

    def _failures(self, message: Any, /, **options: Any) -> BaseMiddleware:
        return _Failures(message, self._retry, **options)


class _Failures(BaseMiddleware):
    """Acknowledges a message (by returning) only when it was handled or is in another queue."""

    def __init__(self, message: Any, retry: Retry, /, **options: Any) -> None:
        super().__init__(message, **options)
        self._retry = retry

    async def consume_scope(self, call_next: Callable[[Any], Awaitable[Any]], msg: Any) -> Any:
        headers = msg.raw_message.headers
        try:
            with tracing.resumed(headers), tracing.consumer_span(msg.raw_message.routing_key or "message", headers):
                return await call_next(msg)
        except Exception as error:
            try:
                await self._retry.failed(_received(msg.raw_message, self.context), error)
            except Unavailable as trouble:
                log.warning("message_given_back", error=describe(trouble.__cause__ or trouble))
                await asyncio.sleep(1)  # the broker fails too: give the message back, but not in a tight loop
                raise NackMessage(requeue=True) from error


async def _decode(message: Any) -> Any:
    """Returns the JSON, or None where it is none: that fails validation inside the middleware, and is dead-lettered."""
    try:
        return orjson.loads(message.body)
    except orjson.JSONDecodeError:
        return None


def _received(message: IncomingMessage, context: Any) -> Received:
    return Received(
        queue=context.get("handler_").queue.name,
        routing_key=message.routing_key or "",
        body=message.body,
        headers=message.headers,
        message_id=message.message_id,
        type=message.type,
        correlation_id=message.correlation_id,
        content_type=message.content_type,
    )
