"""Connections to RabbitMQ that end where their owner closes them."""

from __future__ import annotations

import aio_pika
from pamqp.common import FieldTable


class OwnedConnection(aio_pika.Connection):
    """A connection without a finaliser.

    The library's finaliser starts `close()` wherever the garbage collector runs: outside the event loop that leaves a coroutine that is
    never awaited, one for each attempt on a broker that is not up yet.
    """

    def __del__(self) -> None:
        """The transport, where there is one, has a finaliser of its own."""


async def connect(url: str, name: str = "", timeout_s: float = 5.0) -> OwnedConnection:
    """Returns an open connection; the caller closes it. Raises: AMQPError, OSError, TimeoutError."""
    properties: FieldTable | None = {"connection_name": name} if name else None
    return await aio_pika.connect(url, timeout=timeout_s, client_properties=properties, connection_class=OwnedConnection)
