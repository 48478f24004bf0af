"""PostgreSQL behind PgBouncer in transaction mode: the engine, the unit of work, the tables that every service has.

Only the unit of work commits. It sets the tenant for row-level security as its first statement, with a setting that ends with the
transaction: PgBouncer gives the connection to another client afterwards.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import timedelta
from socket import gaierror
from typing import Any, Protocol
from uuid import UUID

import asyncpg
from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, bindparam, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from chassis import tracing
from chassis.envelope import Links, to_bytes, wrap
from chassis.logs import get_logger
from chassis.loops import every
from chassis.settings import DatabaseSettings
from gtvision.errors import Unavailable
from gtvision.events import DataT, Event
from gtvision.ids import new_id
from gtvision.time import Clock

log = get_logger(__name__)

AfterCommit = Callable[[], Awaitable[object]]

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names that migrations can rely on."""


class UnitOfWork(ABC):
    """One transaction of one tenant: rows, outgoing events and the memory of incoming ones commit together or not at all."""

    def __init__(self, tenant_id: UUID | None, clock: Clock) -> None:
        self.tenant_id = tenant_id
        """Whose rows this sees. None sees no tenant's rows."""
        self.emitted: list[Event[Any]] = []
        self._clock = clock
        self._actions: list[AfterCommit] = []

    @property
    @abstractmethod
    def session(self) -> AsyncSession:
        """For repositories. Never commit it."""

    @abstractmethod
    async def seen(self, consumer: str, event_id: UUID) -> bool:
        """Remembers an incoming event; True means that it is a repeat and nothing must be done."""

    def emit(self, data: DataT, *, camera_id: UUID | None = None, event_id: UUID | None = None, correlation_id: UUID | None = None) -> None:
        """Announces a fact; it is written to the outbox with the commit. Needs a tenant."""
        if self.tenant_id is None:
            raise ValueError("an event belongs to a tenant: open the unit of work with one")
        links = Links(event_id, correlation_id)
        self.emitted.append(wrap(data, tenant_id=self.tenant_id, occurred_at=self._clock.now(), camera_id=camera_id, links=links))

    def after_commit(self, action: AfterCommit) -> None:
        """Runs something lossy (a live message) once the commit is certain. Its failure is logged, never raised."""
        self._actions.append(action)

    async def run_actions(self) -> None:
        """After the commit: each action by itself, so that the failure of one costs nothing else."""
        for action in self._actions:
            try:
                await action()
            except Exception:
                log.warning("after_commit_failed", exc_info=True)


class UowFactory(Protocol):
    """What verbs are given: `async with self._uow(tenant_id) as uow`."""

    def __call__(self, tenant_id: UUID | None) -> AbstractAsyncContextManager[UnitOfWork]: ...


class _PostgresUnitOfWork(UnitOfWork):
    def __init__(self, session: AsyncSession, tenant_id: UUID | None, clock: Clock) -> None:
        super().__init__(tenant_id, clock)
        self._session = session

    @property
    def session(self) -> AsyncSession:
        return self._session

    async def seen(self, consumer: str, event_id: UUID) -> bool:
        inserted = await self._session.execute(_INSERT_INBOX, {"consumer": consumer, "event_id": event_id, "seen_at": self._clock.now()})
        return inserted.first() is None

    async def write_outbox(self) -> None:
        """Writes the collected events."""
        if not self.emitted:
            return
        headers = tracing.inject()
        numbers = sorted(new_id() for _ in self.emitted)  # the relay goes by them, and within a millisecond they are in no order
        rows = [
            {
                "id": number,
                "tenant_id": event.tenant_id,
                "event_id": event.event_id,
                "key": event.type,
                "body": to_bytes(event).decode(),
                "headers": headers,
                "created_at": self._clock.now(),
            }
            for number, event in zip(numbers, self.emitted, strict=True)
        ]
        await self._session.execute(_INSERT_OUTBOX, rows)


COMMAND_TIMEOUT_S = 35.0
"""Above the server's own statement_timeout of 30 s: where a statement takes longer, the server does not answer any more."""


class DroppingConnection(asyncpg.Connection):
    """Closes the connection of a cancelled statement instead of asking the server to cancel.

    The request to cancel is a second connection: with a frozen server it hangs, and PgBouncer 1.18 ends itself over it ("bad client
    state"). Without the client the server ends the statement by itself (`client_connection_check_interval`, `statement_timeout`).
    """

    def _cancel_current_command(self, *_: object) -> None:
        asyncio.get_running_loop().call_soon(self.terminate)


class Database:
    """A service's connection pool and its units of work.

    `outbox_filled` is set by each commit that wrote an event, so that the relay of the same process need not wait for its poll.
    `forget_handled` is a loop that prunes the inbox every hour.
    """

    def __init__(self, settings: DatabaseSettings, clock: Clock) -> None:
        self._clock = clock
        self.outbox_filled = asyncio.Event()
        self.engine: AsyncEngine = create_async_engine(
            settings.url.get_secret_value(),
            pool_size=settings.pool_size,
            max_overflow=settings.pool_size,
            pool_timeout=settings.timeout_s,
            # asyncpg's cache off, SQLAlchemy's own at its default: the one recipe that gave no errors behind PgBouncer.
            connect_args={
                "statement_cache_size": 0,
                "timeout": settings.timeout_s,
                "command_timeout": COMMAND_TIMEOUT_S,
                "connection_class": DroppingConnection,
            },
        )
        self._opening_s = settings.timeout_s * 0.8  # leaves the caller time to say 503 within timeout_s
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.forget_handled = every(timedelta(hours=1), self.prune_inbox)

    @asynccontextmanager
    async def uow(self, tenant_id: UUID | None) -> AsyncIterator[UnitOfWork]:
        """One transaction; commits on a normal exit. Raises: Unavailable when PostgreSQL or PgBouncer cannot be reached."""
        with unavailable_when_down():
            async with self._sessions() as session, session.begin():
                async with asyncio.timeout(self._opening_s):  # a frozen server accepts and then says nothing
                    await session.execute(_SET_TENANT, {"tenant": str(tenant_id or "")})
                uow = _PostgresUnitOfWork(session, tenant_id, self._clock)
                yield uow
                await uow.write_outbox()
        if uow.emitted:
            self.outbox_filled.set()
        await uow.run_actions()

    async def check(self) -> None:
        """Readiness. Raises: Unavailable."""
        with unavailable_when_down():
            async with asyncio.timeout(self._opening_s), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))

    async def prune_inbox(self, keep: timedelta = timedelta(days=7)) -> int:
        """Forgets events seen longer ago than any redelivery can take. Returns how many."""
        async with self.uow(None) as uow:
            result = await uow.session.execute(_PRUNE_INBOX, {"before": self._clock.now() - keep})
            return len(result.all())

    async def aclose(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@contextmanager
def unavailable_when_down() -> Iterator[None]:
    """Turns every sign of a database that cannot be reached into Unavailable; other errors pass."""
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if is_down(error):
            raise Unavailable("The database is not reachable at the moment.") from error
        raise


_DOWN_STATES = ("08", "53", "57", "40001", "40P01", "55P03", "25006")
"""SQLSTATE prefixes: connection, resources, operator intervention (also a statement timeout), serialization, deadlock, lock, failover."""
_DOWN_TEXTS = ("server conn crashed", "server login has been failing", "query_wait_timeout", "connection is closed", "was closed")


def is_down(error: BaseException) -> bool:
    """Returns whether trying the same again later can help."""
    if isinstance(error, DBAPIError | asyncpg.PostgresError | asyncpg.InterfaceError):
        origin = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(origin, "sqlstate", None) or ""
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        return lost or state.startswith(_DOWN_STATES) or any(sign in str(origin) for sign in _DOWN_TEXTS)
    return isinstance(error, PoolTimeout | ConnectionError | TimeoutError | gaierror) or type(error) is OSError  # asyncio's "all addresses"


def outbox_table(metadata: MetaData) -> Table:
    """Returns the table of events on their way to the broker. No policy: the relay sees every tenant's."""
    return Table(
        "outbox",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("tenant_id", Uuid, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("key", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False),
        Column("retry_at", DateTime(timezone=True), nullable=True),
    )


def inbox_table(metadata: MetaData) -> Table:
    """Returns the table of events that a consumer has handled. No policy: the key is the event."""
    return Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("event_id", Uuid, primary_key=True),
        Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index(None, "seen_at"),
    )


# Unqualified on purpose: the role's search_path is its service's schema.
_SET_TENANT = text("SELECT set_config('app.tenant', :tenant, true)")
_INSERT_INBOX = text(
    "INSERT INTO inbox (consumer, event_id, seen_at) VALUES (:consumer, :event_id, :seen_at) ON CONFLICT DO NOTHING RETURNING event_id"
).bindparams(bindparam("event_id", type_=Uuid()))
_PRUNE_INBOX = text("DELETE FROM inbox WHERE seen_at < :before RETURNING 1")
_INSERT_OUTBOX = text(
    "INSERT INTO outbox (id, tenant_id, event_id, key, body, headers, created_at) "
    "VALUES (:id, :tenant_id, :event_id, :key, :body, :headers, :created_at)"
).bindparams(
    bindparam("id", type_=Uuid()),
    bindparam("tenant_id", type_=Uuid()),
    bindparam("event_id", type_=Uuid()),
    bindparam("headers", type_=JSONB()),
)
