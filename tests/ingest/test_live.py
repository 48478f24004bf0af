"""The live feed: its rules on fakes, and the socket on a real server with a real Redis."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from tests.fixtures.tokens import StaticRevocations
from tests.ingest.conftest import Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chassis.live import LiveMessage
from chassis.redis import connect_redis
from gtvision.camera import AiSettings
from gtvision.errors import MissingScope, RateLimited
from gtvision.events import CameraRegistered, Event
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from gtvision.time import FakeClock, SystemClock
from ingest import metrics
from ingest.domain.cameras import KnownCamera
from ingest.usecases.cameras import CameraBook
from ingest.usecases.live import Close, FeedLimits, LiveFeed, Reader

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Catalogue:
    def __init__(self, *cameras: KnownCamera) -> None:
        self.cameras = list(cameras)

    async def living(self) -> list[KnownCamera]:
        return self.cameras


class Case:
    """Two tenants; one camera in a group, one in none."""

    def __init__(self, limits: FeedLimits | None = None) -> None:
        self.clock = FakeClock(NOW)
        self.tenant, self.other_tenant, self.group = new_id(), new_id(), new_id()
        self.grouped = KnownCamera(self.tenant, new_id(), 1, True, frozenset({self.group}), AiSettings())
        self.free = KnownCamera(self.tenant, new_id(), 1, True, frozenset(), AiSettings())
        self.book = CameraBook(Catalogue(self.grouped, self.free))
        self.revocations = StaticRevocations()
        self.feed = LiveFeed(self.book, self.revocations, self.clock, limits)

    def caller(self, *, tenant: UUID | None = None, groups: frozenset[UUID] | None = None, scopes: frozenset[str] | None = None) -> Caller:
        rights = frozenset(map(str, ROLE_SCOPES[Role.OPERATOR])) if scopes is None else scopes
        return Caller(tenant or self.tenant, new_id(), Role.OPERATOR, rights, new_id(), groups, expires_at=NOW.timestamp() + 900)

    def say(self, topic: str, data: Any, tenant: UUID | None = None) -> None:
        self.feed.forward(LiveMessage(tenant or self.tenant, topic, data, orjson.dumps(data)))


async def heard(reader: Reader) -> list[dict[str, Any]]:
    """Everything that waits for the reader; nothing if nothing does."""
    try:
        async with asyncio.timeout(0):
            return [orjson.loads(text) for text in await reader.take()]
    except TimeoutError:
        return []


@pytest.fixture
async def case() -> Case:
    made = Case()
    await made.book.refresh()
    return made


class TestFeed:
    async def test_a_reader_hears_its_topics_and_no_other(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, [f"detections:{case.free.camera_id}", "alerts"])
        assert await heard(reader) == [{"type": "subscribed", "topics": ["alerts", f"detections:{case.free.camera_id}"]}]
        case.say(f"detections:{case.free.camera_id}", {"n": 1})
        case.say(f"detections:{case.grouped.camera_id}", {"n": 2})
        case.say("cameras", {"n": 3})
        case.say("alerts", {"n": 4})
        assert [(each["type"], each["data"]["n"]) for each in await heard(reader)] == [("detection", 1), ("alert", 4)]

    async def test_all_detections_come_once_even_to_who_also_named_a_camera(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, ["detections", f"detections:{case.free.camera_id}"])
        await heard(reader)
        case.say(f"detections:{case.free.camera_id}", {"n": 1})
        assert len(await heard(reader)) == 1

    async def test_another_tenant_hears_nothing(self, case: Case) -> None:
        reader = case.feed.join(case.caller(tenant=case.other_tenant))
        case.feed.subscribe(reader, ["detections", "cameras", "alerts", "system", f"detections:{case.free.camera_id}"])
        assert [each["code"] for each in await heard(reader) if each["type"] == "error"] == ["not_found"]
        for topic in (f"detections:{case.free.camera_id}", "cameras", "alerts", "system"):
            case.say(topic, {})
        assert await heard(reader) == []

    async def test_camera_groups_limit_every_topic(self, case: Case) -> None:
        reader = case.feed.join(case.caller(groups=frozenset({case.group})))
        case.feed.subscribe(reader, ["detections", "cameras", f"detections:{case.free.camera_id}"])
        assert "not_found" in [each.get("code") for each in await heard(reader)]
        for camera in (case.free, case.grouped):
            case.say(f"detections:{camera.camera_id}", {"of": str(camera.camera_id)})
            case.say("cameras", {"camera_id": str(camera.camera_id)})
        assert {each["data"].get("of") or each["data"].get("camera_id") for each in await heard(reader)} == {str(case.grouped.camera_id)}

    async def test_a_topic_needs_its_scope(self, case: Case) -> None:
        reader = case.feed.join(case.caller(scopes=frozenset({str(Scope.ALERTS_READ)})))
        case.feed.subscribe(reader, ["detections", "alerts", "nonsense"])
        answers = await heard(reader)
        assert [(each["code"], each["topic"]) for each in answers[:2]] == [("missing_scope", "detections"), ("unknown_topic", "nonsense")]
        assert answers[2]["topics"] == ["alerts"]

    async def test_a_slow_reader_is_dropped_and_the_others_hear_all(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(waiting_messages=10))
        slow, quick = feed.join(case.caller()), feed.join(case.caller())
        for reader in (slow, quick):
            feed.subscribe(reader, ["alerts"])
        count = 0
        for each in range(50):
            feed.forward(LiveMessage(case.tenant, "alerts", each, b"1"))
            count += sum(message["type"] == "alert" for message in await heard(quick))
        assert slow.ended.result()[0] is Close.SLOW
        assert count == 50
        assert not quick.ended.done()

    async def test_bytes_count_too(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(waiting_bytes=1_000))
        reader = feed.join(case.caller())
        feed.subscribe(reader, ["alerts"])
        feed.forward(LiveMessage(case.tenant, "alerts", "", b'"' + b"x" * 2_000 + b'"'))
        assert reader.ended.result()[0] is Close.SLOW

    async def test_who_left_is_forgotten(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.subscribe(reader, ["alerts"])
        await heard(reader)
        case.feed.leave(reader)
        case.feed.leave(reader)
        case.say("alerts", {})
        assert await heard(reader) == []

    async def test_there_is_room_for_so_many(self, case: Case) -> None:
        feed = LiveFeed(case.book, case.revocations, case.clock, FeedLimits(readers=1))
        first = feed.join(case.caller())
        with pytest.raises(RateLimited):
            feed.join(case.caller())
        feed.leave(first)
        feed.join(case.caller())

    async def test_a_session_ends_unless_renewed(self, case: Case) -> None:
        caller = case.caller()
        reader, other = case.feed.join(caller), case.feed.join(case.caller())
        case.clock.advance(800)
        fresh = Caller(
            **{**{field: getattr(caller, field) for field in caller.__slots__}, "expires_at": case.clock.now().timestamp() + 900}
        )
        case.feed.renew(reader, fresh)
        case.clock.advance(200)
        case.feed.tend()
        assert other.ended.result()[0] is Close.UNAUTHENTICATED
        assert not reader.ended.done()

    async def test_a_renewal_takes_back_what_may_no_longer_be_seen(self, case: Case) -> None:
        caller = case.caller()
        reader = case.feed.join(caller)
        case.feed.subscribe(reader, ["alerts", "detections"])
        fewer = Caller(**{**{field: getattr(caller, field) for field in caller.__slots__}, "scopes": frozenset({str(Scope.ALERTS_READ)})})
        case.feed.renew(reader, fewer)
        assert {str(topic) for topic in reader.topics} == {"alerts"}

    async def test_somebody_elses_token_renews_nothing(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        with pytest.raises(MissingScope):
            case.feed.renew(reader, case.caller())

    async def test_a_revoked_session_ends(self, case: Case) -> None:
        caller = case.caller()
        reader = case.feed.join(caller)
        case.revocations.revoked.add(caller.session_id)
        case.feed.tend()
        assert reader.ended.result()[0] is Close.UNAUTHENTICATED

    async def test_pings_come_by_the_clock(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        for _ in range(45):
            case.clock.advance(1)
            case.feed.tend()
        assert [each["type"] for each in await heard(reader)] == ["ping", "ping"]

    async def test_everybody_is_told_to_resync(self, case: Case) -> None:
        reader = case.feed.join(case.caller())
        case.feed.forward(LiveMessage(None, "resync", None))
        assert await heard(reader) == [{"type": "resync"}]


@pytest.mark.db
@pytest.mark.broker
class TestSocket:
    async def _open(self, running: Running, **caller: Any) -> ClientConnection:
        return await connect(f"{running.live_url}?ticket={running.mint.ticket('ws', running.mint.caller(**caller))}", compression=None)

    async def _hear(self, client: ClientConnection, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(120):
            while True:
                message: dict[str, Any] = orjson.loads(await client.recv())
                if message["type"] == kind:
                    return message

    async def _closed(self, client: ClientConnection) -> int | None:
        async with asyncio.timeout(120):
            try:
                while True:
                    await client.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None

    async def test_what_is_said_live_arrives(self, running: Running) -> None:
        async with await self._open(running) as client:
            await client.send('{"type":"subscribe","topics":["alerts","detections"]}')
            assert (await self._hear(client, "subscribed"))["topics"] == ["alerts", "detections"]
            await running.live.publish(running.mint.tenant_id, "alerts", {"plate": "ABC1234"})
            assert (await self._hear(client, "alert")) == {"type": "alert", "topic": "alerts", "data": {"plate": "ABC1234"}}

    async def test_one_ticket_opens_one_connection(self, running: Running) -> None:
        url = f"{running.live_url}?ticket={running.mint.ticket('ws')}"
        async with connect(url) as client:
            await client.send('{"type":"subscribe","topics":[]}')
            await self._hear(client, "subscribed")
            async with connect(url) as second:
                assert await self._closed(second) == 4401

    @pytest.mark.parametrize(
        ("ticket", "code"),
        [
            (lambda running: "", 4401),
            (lambda running: "nonsense", 4401),
            (lambda running: running.mint.token(), 4401),
            (lambda running: running.mint.ticket("ws", lifetime_s=-1), 4401),
            (lambda running: running.mint.ticket("live"), 4403),
        ],
        ids=["none", "nonsense", "an access token", "expired", "for something else"],
    )
    async def test_a_bad_ticket_is_told_why(self, running: Running, ticket: Any, code: int) -> None:
        async with connect(f"{running.live_url}?ticket={ticket(running)}") as client:
            assert await self._closed(client) == code

    async def test_nonsense_is_answered_and_survived(self, running: Running) -> None:
        async with await self._open(running) as client:
            for said in (
                "nonsense",
                "[]",
                '{"type":"drop"}',
                '{"type":"subscribe","topics":[],"extra":1}',
                '{"type":"subscribe","topics":"alerts"}',
            ):
                await client.send(said)
                assert (await self._hear(client, "error"))["code"] == "malformed_message"
            await client.send(b"\x00\x01")
            assert (await self._hear(client, "error"))["code"] == "malformed_message"
            await client.send('{"type":"subscribe","topics":["alerts"]}')
            assert (await self._hear(client, "subscribed"))["topics"] == ["alerts"]

    async def test_too_large_and_too_many_end_it(self, running: Running) -> None:
        async with await self._open(running) as client:
            await client.send(b" " * 100_000)
            assert await self._closed(client) == 1009
        async with await self._open(running) as client:
            async with asyncio.timeout(120):
                with suppress(ConnectionClosed):
                    while True:  # it is too many within ten seconds that end it
                        await client.send('{"type":"pong"}')
                        await asyncio.sleep(0)
            assert await self._closed(client) == 1008

    async def test_a_fresh_token_renews_and_a_bad_one_is_told(self, running: Running) -> None:
        caller = running.mint.caller()
        async with connect(f"{running.live_url}?ticket={running.mint.ticket('ws', caller)}") as client:
            await client.send(orjson.dumps({"type": "auth", "token": running.mint.token(caller)}).decode())
            await self._hear(client, "authenticated")
            await client.send('{"type":"auth","token":"nonsense"}')
            assert (await self._hear(client, "error"))["code"] == "unauthenticated"

    async def test_a_revoked_session_is_closed(self, running: Running) -> None:
        caller = running.mint.caller()
        async with connect(f"{running.live_url}?ticket={running.mint.ticket('ws', caller)}") as client:
            state = connect_redis(running.settings.redis.state_url)
            await running.mint.revoke(state, caller.session_id)
            await state.aclose()
            assert await self._closed(client) == 4401

    async def test_a_camera_of_the_group_is_heard_as_soon_as_it_is_known(self, running: Running) -> None:
        group, camera, clock = new_id(), new_id(), SystemClock()
        data = CameraRegistered(camera_id=camera, revision=1, name="a", url_encrypted="x", groups=(group,))
        event = Event[CameraRegistered](
            type=CameraRegistered.key, occurred_at=clock.now(), tenant_id=running.mint.tenant_id, camera_id=camera, data=data
        )
        await running.bus.publish(event)
        async with await self._open(running, groups=[group]) as client, asyncio.timeout(120):
            while True:
                await client.send(orjson.dumps({"type": "subscribe", "topics": [f"detections:{camera}"]}).decode())
                if (await self._hear(client, "subscribed"))["topics"]:
                    break
                await asyncio.sleep(0.5)
            await running.live.publish(running.mint.tenant_id, f"detections:{camera}", {"n": 1})
            assert (await self._hear(client, "detection"))["data"] == {"n": 1}

    async def test_a_slow_reader_costs_nobody_else(self, running: Running) -> None:
        async with await self._open(running) as quick:
            slow = await self._mute(running)
            dropped = metrics.LIVE_SLOW._value.get()
            await quick.send('{"type":"subscribe","topics":["alerts"]}')
            await self._hear(quick, "subscribed")
            big = "x" * 60_000
            for each in range(300):
                await running.live.publish(running.mint.tenant_id, "alerts", {"n": each, "big": big})
                assert (await self._hear(quick, "alert"))["data"]["n"] == each
            assert metrics.LIVE_SLOW._value.get() == dropped + 1
            slow.transport.abort()

    async def _mute(self, running: Running) -> asyncio.StreamWriter:
        """A client that subscribes and never reads again."""
        reading, writing = await asyncio.open_connection("127.0.0.1", running.settings.http_port, limit=1_000)
        writing.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        path = f"/ws/v1/live?ticket={running.mint.ticket('ws')}"
        writing.write(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reading.readuntil(b"\r\n\r\n")
        said = b'{"type":"subscribe","topics":["alerts"]}'
        writing.write(bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said)
        await writing.drain()
        await reading.readuntil(b"}")
        writing.transport.pause_reading()  # type: ignore[attr-defined]
        return writing
