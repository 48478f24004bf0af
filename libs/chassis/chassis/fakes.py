"""Stand-ins that behave like the real thing where a usecase can tell; the same test class runs on both (tests/chassis/test_db.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bus.publisher import Outgoing
from chassis.db import AfterCommit, UnitOfWork
from chassis.envelope import Links, wrap
from chassis.logs import get_logger
from gtvision.errors import Unavailable
from gtvision.events import DataT, Event
from gtvision.time import Clock, FakeClock

log = get_logger(__name__)


class FakeUnitOfWork:
    """The unit of work without a database. Its repositories are fakes too, so it has no session."""

    def __init__(self, factory: FakeUow, tenant_id: UUID | None) -> None:
        self._factory = factory
        self._tenant_id = tenant_id
        self.emitted: list[Event[Any]] = []
        self.seen_now: set[tuple[str, UUID]] = set()
        self.actions: list[AfterCommit] = []

    @property
    def session(self) -> AsyncSession:
        raise AssertionError("a FakeUnitOfWork has no session: give the usecase fake repositories")

    @property
    def tenant_id(self) -> UUID | None:
        return self._tenant_id

    def emit(
        self,
        data: DataT,
        *,
        camera_id: UUID | None = None,
        event_id: UUID | None = None,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
    ) -> Event[DataT]:
        if self._tenant_id is None:
            raise ValueError("an event belongs to a tenant: open the unit of work with one")
        links = Links(event_id, correlation_id, causation_id)
        event = wrap(data, tenant_id=self._tenant_id, occurred_at=self._factory.clock.now(), camera_id=camera_id, links=links)
        self.emitted.append(event)
        return event

    async def seen(self, consumer: str, event_id: UUID) -> bool:
        mark = (consumer, event_id)
        repeat = mark in self.seen_now or mark in self._factory.inbox
        self.seen_now.add(mark)
        return repeat

    def after_commit(self, action: AfterCommit) -> None:
        self.actions.append(action)


class FakeUow:
    """The factory that usecases are given: `FakeUow()` in place of `db.uow`. Remembers what was committed, and only that."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.emitted: list[Event[Any]] = []
        """Events of committed units of work, in order."""
        self.inbox: set[tuple[str, UUID]] = set()
        self.tenants: list[UUID | None] = []
        """Whose units of work were opened."""
        self.down = False
        """True: every unit of work raises Unavailable, as with PostgreSQL gone."""

    @asynccontextmanager
    async def __call__(self, tenant_id: UUID | None) -> AsyncIterator[UnitOfWork]:
        if self.down:
            raise Unavailable("The database is not reachable at the moment.")
        self.tenants.append(tenant_id)
        work = FakeUnitOfWork(self, tenant_id)
        yield work
        self.emitted.extend(work.emitted)
        self.inbox |= work.seen_now
        for action in work.actions:
            try:
                await action()
            except Exception:
                log.warning("after_commit_failed", exc_info=True)


class FakePublisher:
    """A Sender without a broker. Set `failure` to make each send raise it."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []
        self.declared: dict[str, Mapping[str, Any]] = {}
        self.failure: Exception | None = None

    async def send(self, message: Outgoing) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent.append(message)

    async def declare(self, queue: str, arguments: Mapping[str, Any]) -> None:
        self.declared[queue] = arguments


class FakeLive:
    """Collects live messages: `published` holds (tenant, topic, message)."""

    def __init__(self) -> None:
        self.published: list[tuple[UUID, str, dict[str, Any]]] = []

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None:
        self.published.append((tenant_id, topic, message))
