"""Hot reads: one statement of one tenant in a transaction of its own, on asyncpg itself.

A unit of work costs 0.56 ms of a core before its statement does anything, a read 0.15 (docs/benchmarks.md, R5). It is for lists that
screens ask for again and again; whatever writes, locks or asks twice takes a unit of work. The tenant is set as there, so row-level
security holds alike.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import make_url

from chassis.db import COMMAND_TIMEOUT_S, DroppingConnection, unavailable_when_down
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable

_CLOSING_S = 2.0


class Reads:
    """A lifespan part: a pool of its own beside the units of work's. Connects when it is first asked."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._opening_s = settings.timeout_s * 0.8  # as in chassis.db: leaves the caller time to say 503
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def __aenter__(self) -> Reads:
        self._pool = await asyncpg.create_pool(
            make_url(self._settings.url.get_secret_value()).set(drivername="postgresql").render_as_string(hide_password=False),
            min_size=0,
            max_size=self._settings.pool_size,
            statement_cache_size=0,  # PgBouncer gives the connection to somebody else after each transaction
            reset=_nothing,
            connection_class=DroppingConnection,
            timeout=self._settings.timeout_s,
            command_timeout=COMMAND_TIMEOUT_S,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(_CLOSING_S):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def rows(self, tenant_id: UUID, statement: str, *values: object) -> list[Any]:
        """What the statement finds of this tenant's; its values are `$1`, `$2`, ... and jsonb comes as text.

        Raises: Unavailable when PostgreSQL or PgBouncer cannot be reached.
        """
        if self._pool is None:
            raise Unavailable("The database is not open.")
        with unavailable_when_down():
            async with self._pool.acquire(timeout=self._opening_s) as connection:
                try:
                    return await self._read(connection, tenant_id, statement, values)
                except BaseException:
                    # a cancelled connection is given up in the loop's next turn: only then may the pool look at it
                    await asyncio.sleep(0)
                    raise

    async def _read(self, connection: Any, tenant_id: UUID, statement: str, values: tuple[object, ...]) -> list[Any]:
        async with asyncio.timeout(self._opening_s):  # a frozen server accepts and then says nothing
            # one message for both, which takes no parameters: the UUID writes itself, and nothing else is ever put in
            await connection.execute(f"BEGIN READ ONLY; SET LOCAL app.tenant = '{UUID(int=tenant_id.int)}'")
        found: list[Any] = await connection.fetch(statement, *values)
        await connection.execute("COMMIT")
        return found


async def _nothing(_: object) -> None:
    """No session outlives its transaction, so there is nothing to reset; asyncpg rolls back what an error left open."""
