"""Hot reads: one statement of one tenant in one message, on asyncpg itself.

It is for lists that screens ask for again and again (docs/benchmarks.md, R5). A unit of work does everything that writes, locks or needs
two statements. The statement calls a function made by `chassis.migrations.reading_function`, which sets the tenant: row-level security
holds as in a unit of work, and a statement that calls no such function sees no tenant's rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import make_url

from chassis.db import COMMAND_TIMEOUT_S, DroppingConnection, unavailable_when_down
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable


class _Connection:
    """A connection and the statements that it prepared. asyncpg's pool forgets these at each release, which costs a round trip a read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._prepared: dict[str, Any] = {}

    @property
    def is_closed(self) -> bool:
        closed: bool = self._connection.is_closed()
        return closed

    def drop(self) -> None:
        """Closes the socket without telling the server, which may be frozen and ends its statement by itself."""
        self._connection.terminate()

    async def read(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        known = self._prepared.get(statement)
        if known is None:
            known = self._prepared[statement] = await self._connection.prepare(statement)
        # without asyncpg's cache the statement has no name and is parsed again in the message that runs it: any server can take it
        found: list[Any] = await known.fetch(*values)
        return found


class Reads:
    """A lifespan part: connections beside those of the units of work, opened when they are first needed."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._address = make_url(settings.url.get_secret_value()).set(drivername="postgresql").render_as_string(hide_password=False)
        self._opening_s = settings.timeout_s * 0.8  # as in chassis.db: leaves the caller time to say 503 within timeout_s
        self._permits = asyncio.Semaphore(2 * settings.pool_size)
        self._idle: list[_Connection] = []
        self._open = False

    async def __aenter__(self) -> Reads:
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        while self._idle:
            self._idle.pop().drop()

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """Returns the rows of the statement, `SELECT * FROM <reading function>($1, ...)`, whose first value is the tenant.

        jsonb comes as text. The statement is a constant of its repository: each connection keeps the statements that it prepared.
        Raises: Unavailable, when PostgreSQL or PgBouncer cannot be reached or does not answer in time.
        """
        if not self._open:
            raise Unavailable("The database is not open.")
        with unavailable_when_down():
            async with asyncio.timeout(self._opening_s) as opening:
                try:
                    async with self._borrow() as connection, asyncio.timeout(self._opening_s / 2):
                        return await connection.read(statement, values)
                except TimeoutError:  # frozen or only slow: one message cannot tell
                    return await self._read_if_it_lives(opening, statement, values)

    async def _read_if_it_lives(self, opening: asyncio.Timeout, statement: str, values: tuple[object, ...]) -> list[Any]:
        """Asks the server for an answer to `SELECT 1` first, which a frozen one does not give. A server that is only slow, because a
        migration locks the table or the disk is busy, is waited for as in a unit of work."""
        async with self._borrow() as connection:
            await connection.read("SELECT 1", ())
            opening.reschedule(None)  # COMMAND_TIMEOUT_S from here
            return await connection.read(statement, values)

    @asynccontextmanager
    async def _borrow(self) -> AsyncIterator[_Connection]:
        """Gives the connection that was used last, or a new one. An error or a cancellation inside the block closes it."""
        await self._permits.acquire()
        try:
            connection = self._idle_connection() or await self._connect()
            try:
                yield connection
            except BaseException:
                connection.drop()
                raise
            if self._open:
                self._idle.append(connection)
            else:
                connection.drop()
        finally:
            self._permits.release()

    def _idle_connection(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed:
                return connection
        return None

    async def _connect(self) -> _Connection:
        opened = await asyncpg.connect(
            self._address,
            statement_cache_size=0,  # PgBouncer gives the server's connection to another client after each transaction
            connection_class=DroppingConnection,
            timeout=self._opening_s,
            command_timeout=COMMAND_TIMEOUT_S,
        )
        return _Connection(opened)
