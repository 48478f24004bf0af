"""Hot reads: one statement of one tenant in a transaction of its own, on asyncpg itself.

A unit of work costs 0.56 ms of a core before its statement does anything, a read 0.15 (docs/benchmarks.md, R5). It is for lists that
screens ask for again and again; whatever writes, locks or asks twice takes a unit of work. The tenant is set as there, so row-level
security holds alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

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

    async def read(self, tenant_id: UUID, statement: str, values: tuple[object, ...], opening_s: float) -> list[Any]:
        async with asyncio.timeout(opening_s):  # a frozen server accepts and then says nothing
            # one message for both, which takes no parameters: the UUID writes itself, and nothing else is ever put in
            await self._connection.execute(f"BEGIN READ ONLY; SET LOCAL app.tenant = '{UUID(int=tenant_id.int)}'")
        known = self._prepared.get(statement)
        if known is None:
            known = self._prepared[statement] = await self._connection.prepare(statement)
        # without asyncpg's cache the statement has no name, and is parsed again in the same message that runs it: any server will do
        found: list[Any] = await known.fetch(*values)
        await self._connection.execute("COMMIT")
        return found


class Reads:
    """A lifespan part: connections of its own beside the units of work's, made when they are first needed."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._address = make_url(settings.url.get_secret_value()).set(drivername="postgresql").render_as_string(hide_password=False)
        self._opening_s = settings.timeout_s * 0.8  # as in chassis.db: leaves the caller time to say 503
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

    async def rows(self, tenant_id: UUID, statement: str, *values: object) -> list[Any]:
        """What the statement finds of this tenant's; its values are `$1`, `$2`, ... and jsonb comes as text.

        The statement is a constant of its repository: each connection keeps what it prepared.
        Raises: Unavailable when PostgreSQL or PgBouncer cannot be reached.
        """
        if not self._open:
            raise Unavailable("The database is not open.")
        with unavailable_when_down():
            async with self._line() as line:
                return await line.read(tenant_id, statement, values, self._opening_s)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[_Line]:
        """One that was used last, or a new one. Whatever goes wrong on it, a cancellation too, ends it."""
        async with asyncio.timeout(self._opening_s):
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
