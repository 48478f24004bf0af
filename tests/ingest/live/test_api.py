"""Tests of the WebSocket on a real server with a real Redis."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import orjson
import pytest
from tests.ingest.conftest import Running
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chassis.redis import connect_redis
from gtvision.events import CameraRegistered, Event
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest import metrics


@pytest.mark.db
@pytest.mark.broker
class TestSocket:
    async def _open(self, running: Running, **caller: Any) -> ClientConnection:
        ticket = running.mint.ticket("ws", running.mint.caller(**caller))
        return await connect(f"{running.live_url}?ticket={ticket}", compression=None, open_timeout=120)

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
        async with connect(url, open_timeout=120) as client:
            await client.send('{"type":"subscribe","topics":[]}')
            await self._hear(client, "subscribed")
            async with connect(url, open_timeout=120) as second:
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
        async with connect(f"{running.live_url}?ticket={ticket(running)}", open_timeout=120) as client:
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
                    while True:  # too many messages within ten seconds close the socket
                        await client.send('{"type":"pong"}')
                        await asyncio.sleep(0)
            assert await self._closed(client) == 1008

    async def test_a_fresh_token_renews_and_a_bad_one_is_told(self, running: Running) -> None:
        caller = running.mint.caller()
        async with connect(f"{running.live_url}?ticket={running.mint.ticket('ws', caller)}", open_timeout=120) as client:
            await client.send(orjson.dumps({"type": "auth", "token": running.mint.token(caller)}).decode())
            await self._hear(client, "authenticated")
            await client.send('{"type":"auth","token":"nonsense"}')
            assert (await self._hear(client, "error"))["code"] == "unauthenticated"

    async def test_a_revoked_session_is_closed(self, running: Running) -> None:
        caller = running.mint.caller()
        async with connect(f"{running.live_url}?ticket={running.mint.ticket('ws', caller)}", open_timeout=120) as client:
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

    async def test_a_slow_reader_delays_no_other(self, running: Running) -> None:
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
        """Connects a client that subscribes and reads nothing more."""
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
