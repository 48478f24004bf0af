"""Tests of the event bus on a real RabbitMQ: repeated messages, retries, dead letters, outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError

from chassis import tracing
from chassis.bus import Bus, DeadLetters, Outgoing, Publisher, Unroutable
from chassis.bus.retry import Hold, Parked, Verdict, judge
from chassis.envelope import wrap
from chassis.fakes import FakeUow
from chassis.logs import correlation_id
from chassis.settings import RabbitSettings
from chassis.topology import EVENTS, POLICIES, QUORUM, delay_queue, event_queue
from gtvision.errors import Conflict, Invalid, InvalidPlate, NotFound, Unavailable
from gtvision.events import Event, EventData, StreamWentOnline, TenantCreated, UserDisabled
from gtvision.ids import new_id
from gtvision.time import SystemClock

from .waiting import until

TENANT = new_id()
CLOCK = SystemClock()


def event(data: EventData) -> Event[Any]:
    return wrap(data, tenant_id=TENANT, occurred_at=CLOCK.now())


def service() -> str:
    """Returns a service name that no other test uses, so that its queues are empty."""
    return f"test{new_id().hex[-8:]}"


@asynccontextmanager
async def running(rabbit: RabbitSettings, name: str, handler: Any, cls: type[EventData] = TenantCreated) -> AsyncIterator[Bus]:
    bus = Bus(rabbit, name, CLOCK)
    bus.subscribe(cls, handler)
    async with bus:
        await until(lambda: checked(bus))
        yield bus


async def checked(bus: Bus) -> bool:
    try:
        await bus.check()
    except Unavailable:
        return False
    return True


class Recorder:
    """A handler that keeps the events that it got, and fails as often as the test says."""

    def __init__(self, *failures: Exception) -> None:
        self.handled: list[Event[Any]] = []
        self.failures = list(failures)
        self.calls = 0

    async def __call__(self, event: Event[Any]) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        self.handled.append(event)

    @property
    def revisions(self) -> list[int]:
        return sorted(found.data.revision for found in self.handled)


@pytest.mark.broker
class TestDelivery:
    async def test_event_arrives_typed_and_keeps_its_correlation(self, rabbit: RabbitSettings) -> None:
        seen: list[Any] = []

        async def handler(arrived: Event[TenantCreated]) -> None:
            answer = wrap(UserDisabled(user_id=new_id()), tenant_id=TENANT, occurred_at=CLOCK.now())
            seen.append((arrived, correlation_id(), answer))

        sent = event(TenantCreated(name="Praia", revision=3))
        async with running(rabbit, service(), handler) as bus:
            await bus.publish(sent)
            await until(lambda: bool(seen))
        arrived, correlation, answer = seen[0]
        assert arrived == sent
        assert correlation == sent.correlation_id
        assert (answer.correlation_id, answer.causation_id) == (sent.correlation_id, sent.event_id)

    async def test_event_delivered_twice_is_handled_once(self, rabbit: RabbitSettings) -> None:
        open_uow, effects, calls = FakeUow(), [], []

        async def handler(arrived: Event[TenantCreated]) -> None:
            calls.append(1)
            async with open_uow(arrived.tenant_id) as uow:
                if not await uow.seen("test.tenant_created", arrived.event_id):
                    effects.append(arrived.data.name)

        async with running(rabbit, service(), handler) as bus:
            for number in range(10):
                repeated = event(TenantCreated(name=f"city {number}", revision=1))
                await bus.publish(repeated)
                await bus.publish(repeated)
            await until(lambda: len(calls) == 20)
        assert sorted(effects) == [f"city {number}" for number in range(10)]

    async def test_an_event_without_a_queue(self, rabbit: RabbitSettings) -> None:
        async with running(rabbit, service(), Recorder()) as bus:
            with pytest.raises(Unroutable):
                await bus.publish(event(UserDisabled(user_id=new_id())))

    async def test_document_names_events_listened_to_and_published(self, rabbit: RabbitSettings) -> None:
        bus = Bus(rabbit, "sample", CLOCK)
        bus.subscribe(StreamWentOnline, Recorder())
        bus.publishes(TenantCreated)
        document = bus.asyncapi()
        assert document["asyncapi"].startswith("3.")
        assert "read_url" in str(document)
        assert "tenant.created.v1" in str(document)


@pytest.mark.broker
class TestPoison:
    async def test_is_tried_five_times_then_dead_lettered_and_neighbours_are_handled(self, rabbit: RabbitSettings) -> None:
        name, tried, good = service(), [], []

        async def handler(arrived: Event[TenantCreated]) -> None:
            if arrived.data.revision == 13:
                tried.append(arrived)
                raise RuntimeError("unlucky password=hunter2\nsecond line")
            good.append(arrived.data.revision)

        poison = event(TenantCreated(name="poison", revision=13))
        async with running(rabbit, name, handler) as bus, DeadLetters(rabbit.url) as dead:
            for revision in range(1, 26):
                await bus.publish(poison if revision == 13 else event(TenantCreated(name="good", revision=revision)))
            await until(lambda: buried(dead, name))
            await until(lambda: len(good) == 24)
            letter = (await dead_of(dead, name))[0]
        assert tried == [poison] * 5
        assert sorted(good) == [revision for revision in range(1, 26) if revision != 13]
        assert (letter.event_id, letter.key, letter.attempts) == (str(poison.event_id), "tenant.created.v1", 5)
        assert letter.reason == "attempts exhausted"
        assert letter.error.startswith("RuntimeError: unlucky")
        assert "hunter2" not in letter.error
        assert "second line" not in letter.error
        assert letter.buried_at is not None
        assert '"name": "poison"' in letter.pretty()

    async def test_failure_that_passes_is_retried_to_success(self, rabbit: RabbitSettings) -> None:
        name, recorder = service(), Recorder(KeyError("x"), Conflict())
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            await bus.publish(event(TenantCreated(name="x", revision=1)))
            await until(lambda: recorder.revisions == [1])
            assert recorder.calls == 3
            assert await dead_of(dead, name) == []

    async def test_input_that_can_never_be_accepted_is_dead_lettered_at_once(self, rabbit: RabbitSettings) -> None:
        name, recorder = service(), Recorder(InvalidPlate())
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            await bus.publish(event(TenantCreated(name="x", revision=1)))
            await until(lambda: buried(dead, name))
            assert (await dead_of(dead, name))[0].reason == "invalid"
        assert recorder.calls == 1

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b"[]", b'{"data": 1}', b"null"])
    async def test_unreadable_body_is_dead_lettered_at_once(self, rabbit: RabbitSettings, body: bytes) -> None:
        name, recorder = service(), Recorder()
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            await bus.publisher.send(Outgoing(EVENTS, "tenant.created.v1", body, str(new_id())))
            await bus.publish(event(TenantCreated(name="good", revision=2)))
            await until(lambda: buried(dead, name))
            await until(lambda: recorder.revisions == [2])
            assert (await dead_of(dead, name))[0].body == body

    async def test_replay_sends_it_back_to_its_queue_only(self, rabbit: RabbitSettings) -> None:
        name, other = service(), service()
        broken, bystander = Recorder(*[RuntimeError("x")] * 10), Recorder()
        async with running(rabbit, name, broken) as bus, running(rabbit, other, bystander), DeadLetters(rabbit.url) as dead:
            for revision in (1, 2):
                await bus.publish(event(TenantCreated(name="x", revision=revision)))
            await until(lambda: buried(dead, name, 2))
            letters = await dead_of(dead, name)
            assert len(letters) == 2
            assert [found.id for found in await dead_of(dead, name)] == [found.id for found in letters]  # listing takes no dead letter away
            assert (await dead.show(str(letters[0].id)[:13])).event_id == letters[0].event_id
            assert await dead.replay(letters[0].id) == 1
            await until(lambda: len(broken.handled) == 1)
            assert len(await dead_of(dead, name)) == 1
            await dead.replay()
            await until(lambda: broken.revisions == [1, 2])
            assert await dead_of(dead, name) == []
            with pytest.raises(NotFound):
                await dead.replay(letters[0].id)
            await until(lambda: bystander.revisions == [1, 2])

    async def test_replay_sends_each_once_though_it_fails_again_at_once(self, rabbit: RabbitSettings) -> None:
        name, recorder = service(), Recorder(*[InvalidPlate()] * 100)
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            for revision in range(1, 21):
                await bus.publish(event(TenantCreated(name="x", revision=revision)))
            await until(lambda: buried(dead, name, 20))
            ours = await dead_of(dead, name)
            for letter in ours:
                assert await dead.replay(letter.id) == 1
            await until(lambda: buried(dead, name, 20))
            assert {letter.id for letter in await dead_of(dead, name)} == {letter.id for letter in ours}
        assert recorder.calls == 40

    async def test_beginning_that_several_share_names_none(self, rabbit: RabbitSettings) -> None:
        name, recorder = service(), Recorder(*[InvalidPlate()] * 2)
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            for revision in (1, 2):
                await bus.publish(event(TenantCreated(name="x", revision=revision)))
            await until(lambda: buried(dead, name, 2))
            for verb in (dead.show, dead.replay):
                with pytest.raises(Conflict):
                    await verb("")
            assert len(await dead_of(dead, name)) == 2

    async def test_message_that_crashes_its_consumers_is_dead_lettered_by_the_broker(self, rabbit: RabbitSettings) -> None:
        """The delivery limit of the queue's policy dead-letters a message that kills every process that takes it."""
        queue = f"alerts.crash_{service()}"
        async with Publisher(rabbit) as publisher, DeadLetters(rabbit.url) as dead:
            await publisher.declare(queue, QUORUM)
            await publisher.send(Outgoing("", queue, b"{}", "the-id"))
            async with publisher._link.channel() as channel:
                found = await channel.get_queue(queue)

                async def crashed_often_enough() -> bool:
                    if message := await found.get(fail=False, timeout=60):
                        await message.nack(requeue=True)
                    return await buried(dead, queue)

                await until(crashed_often_enough)
            letter = (await dead_of(dead, queue))[0]
            assert (letter.reason, letter.queue, letter.event_id) == ("delivery_limit", queue, "the-id")
            await dead.replay(letter.id)
            assert await dead_of(dead, queue) == []

    async def test_trace_goes_on_from_event_to_event(self, rabbit: RabbitSettings) -> None:
        parent, seen = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", []

        async def handler(arrived: Event[TenantCreated]) -> None:
            seen.append(tracing.inject().get("traceparent"))

        async with running(rabbit, service(), handler) as bus:
            with tracing.resumed({"traceparent": parent}):
                await bus.publish(event(TenantCreated(name="x", revision=1)))
            await until(lambda: bool(seen))
        assert seen == [parent]


@pytest.mark.broker
class TestUnavailable:
    async def test_is_held_and_handled_when_the_dependency_is_back(self, rabbit: RabbitSettings) -> None:
        name = service()
        recorder = Recorder(Unavailable(), ConnectionResetError(), TimeoutError(), RedisConnectionError("gone"), Unavailable())
        async with running(rabbit, name, recorder) as bus, DeadLetters(rabbit.url) as dead:
            await bus.publish(event(TenantCreated(name="x", revision=1)))
            await until(lambda: recorder.revisions == [1])
            assert await dead_of(dead, name) == []
        assert recorder.calls == 6

    async def test_survives_a_restart_of_the_consumer_during_the_outage(self, rabbit: RabbitSettings) -> None:
        name, down, up = service(), Recorder(*[Unavailable()] * 1_000), Recorder()
        async with running(rabbit, name, down) as bus:
            for revision in range(1, 31):
                await bus.publish(event(TenantCreated(name="x", revision=revision)))
            await until(lambda: down.calls > 10)
        async with running(rabbit, name, up), DeadLetters(rabbit.url) as dead:
            await until(lambda: set(up.revisions) == set(range(1, 31)))
            assert await dead_of(dead, name) == []

    async def test_service_starts_without_a_broker(self) -> None:
        settings = RabbitSettings(url=SecretStr("amqp://a:b@127.0.0.1:1/"))
        bus = Bus(settings, "sample", CLOCK)
        bus.subscribe(TenantCreated, Recorder())
        async with bus:
            with pytest.raises(Unavailable):
                await bus.check()
            with pytest.raises(Unavailable):
                await bus.publish(event(TenantCreated(name="x", revision=1)))


class TestRules:
    """Rules that need no broker."""

    @pytest.mark.parametrize(
        ("error", "verdict"),
        [
            (Unavailable(), Verdict.UNAVAILABLE),
            (ConnectionRefusedError(), Verdict.UNAVAILABLE),
            (ExceptionGroup("x", [Unavailable(), TimeoutError()]), Verdict.UNAVAILABLE),
            (ExceptionGroup("x", [Unavailable(), KeyError()]), Verdict.POISON),
            (Invalid(), Verdict.INVALID),
            (Conflict(), Verdict.POISON),
            (FileNotFoundError(), Verdict.POISON),
        ],
    )
    def test_judgement(self, error: BaseException, verdict: Verdict) -> None:
        assert judge(error) is verdict

    async def test_hold_ends_with_the_process(self) -> None:
        hold, down = Hold("q"), Recorder(*[Unavailable()] * 100)
        waiting = asyncio.create_task(hold.run(lambda: down(event(TenantCreated(name="x", revision=1)))))
        await until(lambda: down.calls > 1)
        hold.end()
        with pytest.raises(Parked):
            await waiting

    def test_names(self) -> None:
        assert event_queue("ingest", StreamWentOnline) == "ingest.stream_went_online"
        assert event_queue("ingest", StreamWentOnline, "grabber_online") == "ingest.grabber_online"
        assert delay_queue("ingest.x", 0.25) == "retry.ingest.x.250ms"

    def test_policies_cover_what_they_should(self) -> None:
        import re

        events = next(policy for policy in POLICIES if policy.name == "gtvision-events")
        matches = {name: bool(re.search(events.pattern, name)) for name in ("ingest.detection_made", "ai-detect.frames", "gtvision.dead")}
        assert matches == {"ingest.detection_made": True, "ai-detect.frames": False, "gtvision.dead": False}


async def dead_of(dead: DeadLetters, name: str) -> list[Any]:
    return [letter for letter in await dead.list() if letter.queue.startswith(name)]


async def buried(dead: DeadLetters, name: str, count: int = 1) -> bool:
    with suppress(Unavailable):
        return len(await dead_of(dead, name)) >= count
    return False
