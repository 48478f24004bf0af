"""Fakes of the chassis' ports. The same test class runs on them and on the real ones (tests/chassis)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from jose.backends.base import Key
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth.tokens import read_jwks
from chassis.bus.publisher import Outgoing
from chassis.db import UnitOfWork
from gtvision.errors import Unavailable
from gtvision.events import Event
from gtvision.time import Clock, FakeClock


class FakeUnitOfWork(UnitOfWork):
    """The unit of work without a database. Its repositories are fakes too, so it has no session."""

    def __init__(self, factory: FakeUow, tenant_id: UUID | None) -> None:
        super().__init__(tenant_id, factory.clock)
        self._factory = factory
        self.seen_now: set[tuple[str, UUID]] = set()

    @property
    def session(self) -> AsyncSession:
        raise AssertionError("a FakeUnitOfWork has no session: give the usecase fake repositories")

    async def seen(self, consumer: str, event_id: UUID) -> bool:
        mark = (consumer, event_id)
        repeat = mark in self.seen_now or mark in self._factory.inbox
        self.seen_now.add(mark)
        return repeat


class FakeUow:
    """The factory that verbs are given: `FakeUow()` in place of `db.uow`. Remembers what was committed, and only that."""

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
        uow = FakeUnitOfWork(self, tenant_id)
        yield uow
        self.emitted.extend(uow.emitted)
        self.inbox |= uow.seen_now
        await uow.run_actions()


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
    """A LivePublisher that collects: `published` holds (tenant, topic, message)."""

    def __init__(self) -> None:
        self.published: list[tuple[UUID, str, dict[str, Any]]] = []

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None:
        self.published.append((tenant_id, topic, message))


class StaticKeys:
    """A KeyProvider whose keys never change."""

    def __init__(self, jwks: dict[str, object]) -> None:
        self.keys: dict[str, Key] = read_jwks(json.dumps(jwks).encode())
        self.generation = 1

    def find(self, kid: str) -> Key | None:
        return self.keys.get(kid)

    async def refresh(self) -> None: ...


class StaticRevocations:
    """A RevocationList of the sessions in `revoked`."""

    def __init__(self) -> None:
        self.revoked: set[UUID] = set()

    def is_revoked(self, session_id: UUID) -> bool:
        return session_id in self.revoked
