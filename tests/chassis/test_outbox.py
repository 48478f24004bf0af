"""Tests of the outbox relay: every committed event is published, whichever process or server is killed in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY
from sqlalchemy import text
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.workplace import TestServers

from chassis.bus import Bus, Outgoing, Unroutable
from chassis.db import Database
from chassis.envelope import handling, parse, wrap
from chassis.fakes import FakePublisher
from chassis.health import Heartbeats
from chassis.outbox import BATCH, UNROUTABLE_KEEP, OutboxRelay
from chassis.settings import DatabaseSettings, RabbitSettings
from city.audit import record
from gtvision.audit import Action
from gtvision.errors import Unavailable
from gtvision.events import AuditRecorded, Event, TenantCreated
from gtvision.ids import new_id
from gtvision.time import FakeClock, SystemClock

from .waiting import until

SAMPLE = Path(__file__).parent / "sample"
TENANT = new_id()

pytestmark = pytest.mark.db


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def settings(database_for: DatabaseFor) -> DatabaseSettings:
    found: DatabaseSettings = await database_for("sample", migrations=SAMPLE)
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def db(settings: DatabaseSettings) -> AsyncIterator[Database]:
    async with Database(settings, FakeClock()) as database:
        async with database.uow(None) as uow:
            await uow.session.execute(text("DELETE FROM outbox"))
        yield database


async def emit(db: Database, count: int, first: int = 1) -> None:
    async with db.uow(TENANT) as uow:
        for revision in range(first, first + count):
            uow.emit(TenantCreated(name="x", revision=revision))


async def waiting(db: Database) -> int:
    async with db.uow(None) as uow:
        return int(await uow.session.scalar(text("SELECT count(*) FROM outbox")) or 0)


async def all_sent(db: Database) -> bool:
    return await waiting(db) == 0


@asynccontextmanager
async def looping(relay: OutboxRelay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run(Heartbeats().register("outbox")))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class TestRelay:
    """Runs on PostgreSQL, with a publisher that fails as the test says."""

    async def test_publishes_the_envelope_then_deletes_it(self, db: Database) -> None:
        publisher = FakePublisher()
        cause = wrap(TenantCreated(name="cause", revision=1), tenant_id=TENANT, occurred_at=FakeClock().now())
        with handling(cause):
            await emit(db, 2)
        await OutboxRelay(db, publisher, FakeClock()).relay_once()
        assert await waiting(db) == 0
        message = publisher.sent[0]
        event = parse(TenantCreated, message.body)
        assert (message.exchange, message.routing_key, message.message_id) == ("gtvision.events", event.type, str(event.event_id))
        assert (event.tenant_id, event.causation_id, event.correlation_id) == (TENANT, cause.event_id, cause.correlation_id)

    async def test_keeps_what_the_broker_did_not_take(self, db: Database) -> None:
        publisher, relay = FakePublisher(), None
        relay = OutboxRelay(db, publisher, FakeClock())
        publisher.failure = Unavailable()
        await emit(db, 3)
        with pytest.raises(Unavailable):
            await relay.relay_once()
        assert await waiting(db) == 3
        publisher.failure = None
        await relay.relay_once()
        assert await waiting(db) == 0
        assert len(publisher.sent) == 3

    async def test_the_age_grows_while_the_broker_is_away(self, db: Database) -> None:
        publisher, clock = FakePublisher(), FakeClock()
        relay = OutboxRelay(db, publisher, clock)
        publisher.failure = Unavailable()
        await emit(db, 1)
        clock.advance(timedelta(hours=3))

        def seen() -> bool:
            return (REGISTRY.get_sample_value("gtvision_outbox_age_seconds") or 0.0) > 10_000

        async with looping(relay):
            await until(seen)
        assert publisher.sent == []

    async def test_deletes_what_was_taken_before_the_broker_failed(self, db: Database) -> None:
        class Failing(FakePublisher):
            async def send(self, message: Outgoing) -> None:
                if len(self.sent) == 2:
                    raise Unavailable
                await super().send(message)

        await emit(db, 5)
        with pytest.raises(Unavailable):
            await OutboxRelay(db, Failing(), FakeClock()).relay_once()
        assert await waiting(db) == 3

    async def test_event_without_a_listener_waits_then_is_dropped(self, db: Database) -> None:
        publisher, clock = FakePublisher(), FakeClock()
        relay = OutboxRelay(db, publisher, clock)
        publisher.failure = Unroutable()
        await emit(db, 1)
        assert await relay.relay_once() == 1
        assert await relay.relay_once() == 0, "it must not be tried again at once"
        clock.advance(timedelta(minutes=1))
        assert await relay.relay_once() == 1
        assert await waiting(db) == 1
        clock.advance(UNROUTABLE_KEEP)
        await relay.relay_once()
        assert await waiting(db) == 0

    async def test_a_record_is_never_dropped(self, db: Database) -> None:
        """While the ledger's queue is missing an audit record waits in the outbox, and the metric of the outbox's age shows it."""
        publisher, clock = FakePublisher(), FakeClock()
        relay = OutboxRelay(db, publisher, clock)
        publisher.failure = Unroutable()
        async with db.uow(TENANT) as uow:
            record(uow, Action.CAMERA_REMOVED, None)
        for _ in range(3):
            clock.advance(UNROUTABLE_KEEP * 24)
            await relay.relay_once()
            assert await waiting(db) == 1
        await relay.measure()
        assert (REGISTRY.get_sample_value("gtvision_outbox_age_seconds") or 0.0) > UNROUTABLE_KEEP.total_seconds()
        publisher.failure = None
        clock.advance(timedelta(minutes=1))
        await relay.relay_once()
        assert [message.routing_key for message in publisher.sent] == [AuditRecorded.key]
        assert await waiting(db) == 0

    async def test_listener_that_comes_late_gets_it(self, db: Database) -> None:
        publisher, clock = FakePublisher(), FakeClock()
        relay = OutboxRelay(db, publisher, clock)
        publisher.failure = Unroutable()
        await emit(db, 1)
        await relay.relay_once()
        publisher.failure = None
        clock.advance(timedelta(minutes=1))
        await relay.relay_once()
        assert len(publisher.sent) == 1

    async def test_two_relays_share_the_work(self, db: Database) -> None:
        publisher = FakePublisher()
        await emit(db, BATCH * 2)
        relays = [OutboxRelay(db, publisher, FakeClock()) for _ in range(2)]
        await asyncio.gather(*(relay.relay_once() for relay in relays))
        for relay in relays:
            await relay.relay_once()
        ids = [message.message_id for message in publisher.sent]
        assert len(ids) == len(set(ids)) == BATCH * 2

    async def test_commit_wakes_the_loop(self, db: Database) -> None:
        publisher = FakePublisher()
        async with looping(OutboxRelay(db, publisher, SystemClock())):
            for number in range(5):
                await emit(db, 1, first=number + 1)
                await until(lambda expected=number + 1: len(publisher.sent) == expected)

    async def test_loop_survives_a_publisher_that_fails(self, db: Database) -> None:
        publisher = FakePublisher()
        publisher.failure = Unavailable()
        async with looping(OutboxRelay(db, publisher, SystemClock())):
            await emit(db, 3)
            await asyncio.sleep(0.1)
            publisher.failure = None
            await until(lambda: len(publisher.sent) == 3)


@pytest.mark.broker
@pytest.mark.fault
class TestFaults:
    """With servers that are killed, every committed event is handled and has its effect once."""

    async def test_killed_broker_loses_nothing(self, db: Database, rabbit: RabbitSettings, servers: TestServers) -> None:
        async with ledger(db, rabbit, "faultbroker") as effects:
            await emit(db, 20)
            await until(lambda: len(effects) == 20)
            await asyncio.sleep(15)  # RabbitMQ 3.10 loses a quorum queue when it is killed within about 3 s of its declaration
            servers.runner.kill("rabbitmq")
            await emit(db, 30, first=21)
            await servers.running("rabbitmq")
            await emit(db, 10, first=51)
            await until(lambda: len(effects) == 60, timeout_s=300)
            await until(lambda: all_sent(db))
        assert sorted(effects) == list(range(1, 61))
        assert await waiting(db) == 0

    async def test_killed_database_loses_nothing(self, db: Database, rabbit: RabbitSettings, servers: TestServers) -> None:
        async with ledger(db, rabbit, "faultdb") as effects:
            await emit(db, 20)
            await until(lambda: len(effects) == 20)
            servers.runner.kill("postgres")
            with pytest.raises(Unavailable):
                await emit(db, 1, first=1_000)
            await servers.running("postgres")
            await until(lambda: emitted(db, 21))
            await until(lambda: len(effects) == 21, timeout_s=300)
        assert sorted(effects) == list(range(1, 22))


async def emitted(db: Database, revision: int) -> bool:
    try:
        await emit(db, 1, first=revision)
    except Unavailable:
        return False
    return True


@asynccontextmanager
async def ledger(db: Database, rabbit: RabbitSettings, name: str) -> AsyncIterator[list[int]]:
    """Runs a relay and a listener that commits its effect and its inbox entry in one transaction; yields the effects."""
    effects: list[int] = []

    async def on_tenant_created(event: Event[TenantCreated]) -> None:
        async with db.uow(event.tenant_id) as uow:
            if await uow.seen(name, event.event_id):
                return
            uow.after_commit(lambda: remember(event.data.revision))

    async def remember(revision: int) -> None:
        effects.append(revision)

    bus = Bus(rabbit, name, SystemClock())
    bus.subscribe(TenantCreated, on_tenant_created)
    async with bus:
        await until(lambda: ready(bus))
        async with looping(OutboxRelay(db, bus.publisher, SystemClock())):
            yield effects


async def ready(bus: Bus) -> bool:
    try:
        await bus.check()
    except Unavailable:
        return False
    return True
