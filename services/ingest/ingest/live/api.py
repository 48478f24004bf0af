"""The live WebSocket: `/ws/v1/live?ticket=...`.

The client says {"type": "subscribe" | "unsubscribe", "topics": [...]}, {"type": "auth", "token": ...} or {"type": "pong"};
the server says subscribed, error, resync, ping, and detection | camera | alert | system with `topic` and `data`.
Closed with 4401 when the session is over, 4408 when the reader is too slow, 4403 for a ticket of another kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import Field, TypeAdapter, ValidationError

from chassis.auth import Authenticator
from chassis.http import StrictModel
from city.refusals import Attempt
from gtvision.errors import Forbidden, GTVisionError, RateLimited, Unauthenticated, Unavailable
from gtvision.tenancy import Caller
from ingest.live.usecases import Close, LiveFeed, Reader

router = APIRouter()

MESSAGE_BYTES_AT_MOST = 32_768

_MESSAGES_PER_TEN_S = 100

_CLOSE_WITHIN_S = 2.0

_Topics = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=500)]


class Subscribe(StrictModel):
    """Listen to topics, or no longer."""

    type: Literal["subscribe", "unsubscribe"]
    topics: _Topics


class Auth(StrictModel):
    """Go on with a fresh access token."""

    type: Literal["auth"]
    token: Annotated[str, Field(max_length=8_192)]


class Pong(StrictModel):
    """Still here."""

    type: Literal["pong"]


_said: TypeAdapter[Subscribe | Auth | Pong] = TypeAdapter(Annotated[Subscribe | Auth | Pong, Field(discriminator="type")])


@router.websocket("/ws/v1/live")
async def live(websocket: WebSocket, ticket: Annotated[str, Query()] = "") -> None:
    """One connection, from its ticket to its end."""
    feed: LiveFeed = websocket.app.state.live_feed
    authenticator: Authenticator = websocket.app.state.authenticator
    # Accepted first: a browser learns the reason only from a socket that was open.
    await websocket.accept()
    try:
        claims = await authenticator.redeem(ticket, "ws")
        reader = feed.join(claims.caller)
    except GTVisionError as refused:
        await websocket.app.state.refusals.note(ticket, refused, Attempt("socket"))
        await websocket.close(_code(refused), refused.code)
        return
    try:
        await _Conversation(websocket, feed, reader, authenticator.verify).hold()
    finally:
        feed.leave(reader)


def _code(error: GTVisionError) -> Close:
    match error:
        case Unauthenticated():
            return Close.UNAUTHENTICATED
        case Forbidden():
            return Close.FORBIDDEN
        case Unavailable() | RateLimited():
            return Close.TRY_LATER
        case _:
            return Close.POLICY


class _Conversation:
    """Listens and talks at once, until one of both or the feed ends it."""

    def __init__(self, websocket: WebSocket, feed: LiveFeed, reader: Reader, verify: Callable[[str], Awaitable[Caller]]) -> None:
        self._websocket = websocket
        self._feed = feed
        self._reader = reader
        self._verify = verify
        self._heard_since = 0.0
        self._heard = 0

    async def hold(self) -> None:
        listening = asyncio.create_task(self._listen(), name="live listen")
        talking = asyncio.create_task(self._talk(), name="live talk")
        try:
            ends: list[asyncio.Future[Any]] = [listening, talking, self._reader.ended]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, talking):
                task.cancel()
            await asyncio.gather(listening, talking, return_exceptions=True)
        if self._reader.ended.done():
            code, reason = self._reader.ended.result()
            # A reader that does not read cannot be told either; then the connection is dropped.
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await self._websocket.close(code, reason)

    async def _talk(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                for text in await self._reader.take():
                    await self._websocket.send_text(text)

    async def _listen(self) -> None:
        with suppress(WebSocketDisconnect):
            while not self._reader.ended.done():
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await self._hear(message.get("text") or "")

    async def _hear(self, text: str) -> None:
        if len(text) > MESSAGE_BYTES_AT_MOST:
            self._reader.end(Close.TOO_BIG, "message too large")
            return
        if self._talks_too_much():
            self._reader.end(Close.POLICY, "too many messages")
            return
        try:
            said = _said.validate_json(text)
        except ValidationError:
            self._reader.tell("error", code="malformed_message", detail="This is not a message of the protocol.")
            return
        await self._act(said)

    async def _act(self, said: Subscribe | Auth | Pong) -> None:
        match said:
            case Subscribe(type="subscribe"):
                self._feed.subscribe(self._reader, said.topics)
            case Subscribe():
                self._feed.unsubscribe(self._reader, said.topics)
            case Auth():
                await self._renew(said.token)
            case Pong():
                pass

    async def _renew(self, token: str) -> None:
        try:
            self._feed.renew(self._reader, await self._verify(token))
        except GTVisionError as refused:
            self._reader.tell("error", code=refused.code, detail=refused.message)
        else:
            self._reader.tell("authenticated", topics=sorted(str(topic) for topic in self._reader.topics))

    def _talks_too_much(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._heard_since > 10.0:
            self._heard_since, self._heard = now, 0
        self._heard += 1
        return self._heard > _MESSAGES_PER_TEN_S
