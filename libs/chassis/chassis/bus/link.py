"""One connection to RabbitMQ, made when it is first needed and again after it broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aiormq
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import AMQPError
from pydantic import SecretStr
from yarl import URL

from chassis.amqp import connect
from chassis.topology import DEAD, EXCHANGES, FRAMES, FRAMES_KEY, FRAMES_QUEUE
from gtvision.errors import Unavailable

HEARTBEAT_S = 3
"""A dead link is given up after (3 + 1) * 3 = 12 s; quality.md F7 allows 15."""
CONNECT_TIMEOUT_S = 5.0


def amqp_url(url: SecretStr | str) -> str:
    """Returns the configured address with HEARTBEAT_S, unless it names a heartbeat itself."""
    parsed = URL(url.get_secret_value() if isinstance(url, SecretStr) else url)
    return str(parsed if "heartbeat" in parsed.query else parsed.update_query(heartbeat=HEARTBEAT_S))


@contextmanager
def unavailable_when_broken() -> Iterator[None]:
    """Turns every sign of a broker that cannot be reached into Unavailable.

    A connection that breaks under a waiting call may end it by a cancellation: without this a loop would end without a word in the log.
    """
    try:
        yield
    except (AMQPError, OSError, TimeoutError, asyncio.InvalidStateError, RuntimeError) as error:
        raise Unavailable("The message broker is not reachable at the moment.") from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Unavailable("The connection to the message broker broke.") from error


class Link:
    """A connection that several channels share. Every operation raises Unavailable when the broker cannot be reached."""

    def __init__(self, url: SecretStr | str, name: str) -> None:
        self._url = amqp_url(url)
        self._name = name
        self._connection: AbstractConnection | None = None
        self._connecting = asyncio.Lock()
        self._closed = False
        self._closing: set[asyncio.Task[None]] = set()

    async def _connected(self) -> AbstractConnection:
        async with self._connecting:
            if self._closed:
                raise Unavailable("The connection to the message broker was closed.")
            if self._connection is None or self._connection.is_closed:
                self._connection = await self._connect()
            return self._connection

    async def _connect(self) -> AbstractConnection:
        connection = await connect(self._url, self._name, CONNECT_TIMEOUT_S)
        async with connection.channel() as channel:
            await declare_topology(channel)
        return connection

    async def open_channel(self, *, confirms: bool = True) -> AbstractChannel:
        """Returns a new channel, on the connection that is there or on a new one."""
        with unavailable_when_broken():
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                try:
                    return await self._open(confirms)
                except (AMQPError, RuntimeError):  # the connection had broken unnoticed: once more on a new one
                    return await self._open(confirms)

    async def _open(self, confirms: bool) -> AbstractChannel:
        connection = await self._connected()
        try:
            channel = connection.channel(publisher_confirms=confirms)
            await channel.initialize()
        except BaseException:
            self._forget(connection)
            raise
        return channel

    def _forget(self, connection: AbstractConnection) -> None:
        if self._connection is connection:
            self._connection = None
        task = asyncio.create_task(close_quietly(connection))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    @asynccontextmanager
    async def channel(self, *, confirms: bool = True) -> AsyncIterator[AbstractChannel]:
        """`open_channel` for the length of a block."""
        channel = await self.open_channel(confirms=confirms)
        try:
            yield channel
        finally:
            await close_quietly(channel)

    async def check(self) -> None:
        """Readiness: a channel can be opened. Raises: Unavailable."""
        async with asyncio.timeout(2), self.channel(confirms=False):
            pass

    async def aclose(self) -> None:
        """Close for good."""
        self._closed = True
        if self._connection is not None:
            await close_quietly(self._connection)
        await asyncio.gather(*self._closing)


async def close_quietly(closable: AbstractChannel | AbstractConnection) -> None:
    """Closes, and ignores that it is broken already or breaks while closing."""
    with suppress(Unavailable), unavailable_when_broken():
        async with asyncio.timeout(2):
            await closable.close()


async def declare_topology(channel: AbstractChannel) -> None:
    """Declares the exchanges, the queue of dead letters and the frames' queue. May be repeated."""
    underlay = await channel.get_underlay_channel()
    for name, kind in EXCHANGES.items():
        await underlay.exchange_declare(exchange=name, exchange_type=kind, durable=True)
    await declare_queue(underlay, DEAD, DEAD, "#")
    await declare_queue(underlay, FRAMES_QUEUE, FRAMES, FRAMES_KEY, kind="classic")


async def declare_queue(underlay: aiormq.abc.AbstractChannel, queue: str, exchange: str, key: str, *, kind: str = "quorum") -> None:
    """Declares a durable queue bound to an exchange; its type is its only argument."""
    await underlay.queue_declare(queue=queue, durable=True, arguments={"x-queue-type": kind})
    await underlay.queue_bind(queue=queue, exchange=exchange, routing_key=key)
