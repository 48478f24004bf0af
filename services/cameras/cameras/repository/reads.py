"""Hot reads: one statement of one tenant in one message, on asyncpg itself.

It is for lists that screens ask for again and again (docs/benchmarks.md, R5); whatever writes, locks or asks twice takes a unit of work.
The statement calls a function made by `chassis.migrations.reading_function`, which sets the tenant: row-level security holds as in a
unit of work, and a statement that calls none sees no tenant's rows.
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


class _Line:
    """A connection and what it prepared. asyncpg's own pool forgets that at each release, which costs a round trip a read."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._prepared: dict[str, Any] = {}

    @property
    def is_closed(self) -> bool:
        closed: bool = self._connection.is_closed()
        return closed

    def drop(self) -> None:
        """Without a word to the server, which may be frozen; it ends what it was doing by itself."""
        self._connection.terminate()

    async def read(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        known = self._prepared.get(statement)
        if known is None:
            known = self._prepared[statement] = await self._connection.prepare(statement)
        # without asyncpg's cache the statement has no name, and is parsed again in the same message that runs it: any server will do
        found: list[Any] = await known.fetch(*values)
        return found


class Reads:
    """A lifespan part: connections of its own beside the units of work's, made when they are first needed."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._address = make_url(settings.url.get_secret_value()).set(drivername="postgresql").render_as_string(hide_password=False)
        self._opening_s = settings.timeout_s * 0.8  # as in chassis.db: leaves the caller time to say 503 within timeout_s
        self._room = asyncio.Semaphore(2 * settings.pool_size)
        self._idle: list[_Line] = []
        self._open = False

    async def __aenter__(self) -> Reads:
        self._open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._open = False
        while self._idle:
            self._idle.pop().drop()

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """What the statement, `SELECT * FROM <reading function>($1, ...)`, finds: the first value is the tenant. jsonb comes as text.

        The statement is a constant of its repository: each connection keeps what it prepared.
        Raises: Unavailable when PostgreSQL or PgBouncer cannot be reached, or says nothing in time.
        """
        if not self._open:
            raise Unavailable("The database is not open.")
        with unavailable_when_down():
            async with asyncio.timeout(self._opening_s) as opening:
                try:
                    async with self._line() as line, asyncio.timeout(self._opening_s / 2):
                        return await line.read(statement, values)
                except TimeoutError:  # frozen, or only slow: one message cannot say which
                    return await self._read_if_it_lives(opening, statement, values)

    async def _read_if_it_lives(self, opening: asyncio.Timeout, statement: str, values: tuple[object, ...]) -> list[Any]:
        """A frozen server answers nothing. One that does, and whose table a migration locks or whose disk is busy, is waited for as in a
        unit of work: a list that comes late is better than none."""
        async with self._line() as line:
            await line.read("SELECT 1", ())
            opening.reschedule(None)  # COMMAND_TIMEOUT_S from here
            return await line.read(statement, values)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        """One that was used last, or a new one. Whatever goes wrong on it, a cancellation too, ends it."""
        await self._room.acquire()
        try:
            line = self._waiting_line() or await self._connect()
            try:
                yield line
            except BaseException:
                line.drop()
                raise
            if self._open:
                self._idle.append(line)
            else:
                line.drop()
        finally:
            self._room.release()

    def _waiting_line(self) -> _Line | None:
        while self._idle:
            line = self._idle.pop()
            if not line.is_closed:
                return line
        return None

    async def _connect(self) -> _Line:
        connection = await asyncpg.connect(
            self._address,
            statement_cache_size=0,  # PgBouncer gives the server's connection to somebody else after each transaction
            connection_class=DroppingConnection,
            timeout=self._opening_s,
            command_timeout=COMMAND_TIMEOUT_S,
        )
        return _Line(connection)
