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
from chassis.http import Provided, StrictModel
from chassis.logs import get_logger
from city.refusals import Attempt, Refusals
from gtvision.errors import Forbidden, GTVisionError, RateLimited, Unauthenticated, Unavailable
from gtvision.tenancy import Caller
from ingest.live.domain import EndReason
from ingest.live.usecases import LiveFeed, Reader

log = get_logger(__name__)
router = APIRouter()

MESSAGE_BYTES_AT_MOST = 32_768
_MESSAGES_PER_TEN_S = 100
_CLOSE_WITHIN_S = 2.0
# WebSocket close codes
_POLICY, _TOO_LARGE, _TRY_LATER, _UNAUTHENTICATED, _FORBIDDEN, _TOO_SLOW = 1008, 1009, 1013, 4401, 4403, 4408
_ENDED = {
    EndReason.TOO_SLOW: _TOO_SLOW,
    EndReason.TOO_LARGE: _TOO_LARGE,
    EndReason.TOO_MANY: _POLICY,
    EndReason.EXPIRED: _UNAUTHENTICATED,
    EndReason.REVOKED: _UNAUTHENTICATED,
}
_REFUSED = {Unauthenticated: _UNAUTHENTICATED, Forbidden: _FORBIDDEN, Unavailable: _TRY_LATER, RateLimited: _TRY_LATER}

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


_messages: TypeAdapter[Subscribe | Auth | Pong] = TypeAdapter(Annotated[Subscribe | Auth | Pong, Field(discriminator="type")])


@router.websocket("/ws/v1/live")
async def live(
    websocket: WebSocket,
    feed: Annotated[LiveFeed, Provided(LiveFeed)],
    authenticator: Annotated[Authenticator, Provided(Authenticator)],
    refusals: Annotated[Refusals, Provided(Refusals)],
    ticket: Annotated[str, Query()] = "",
) -> None:
    """One connection, from its ticket to its end."""
    # Accepted first: a browser learns the reason only from a socket that was open.
    await websocket.accept()
    try:
        claims = await authenticator.redeem(ticket, "ws")
        reader = feed.join(claims.caller)
    except GTVisionError as refused:
        await refusals.note(ticket, refused, Attempt("socket"))
        code = next((code for kind, code in _REFUSED.items() if isinstance(refused, kind)), _POLICY)
        await websocket.close(code, refused.code)
        return
    try:
        await _Conversation(websocket, feed, reader, authenticator.verify).hold()
    finally:
        feed.leave(reader)


class _Conversation:
    """Receives and sends at once, until the client, the network or the feed ends it."""

    def __init__(self, websocket: WebSocket, feed: LiveFeed, reader: Reader, verify: Callable[[str], Awaitable[Caller]]) -> None:
        self._websocket = websocket
        self._feed = feed
        self._reader = reader
        self._verify = verify
        self._received_since = 0.0
        self._received = 0

    async def hold(self) -> None:
        """Returns when the connection has ended; where the feed ended it, the client has been sent the reason."""
        receiving = asyncio.create_task(self._receive(), name="live receive")
        sending = asyncio.create_task(self._send(), name="live send")
        try:
            ends: list[asyncio.Future[Any]] = [receiving, sending, self._reader.ended]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (receiving, sending):
                task.cancel()
            for error in await asyncio.gather(receiving, sending, return_exceptions=True):
                if isinstance(error, Exception):
                    log.warning("live_connection_failed", exc_info=error)
        if self._reader.ended.done():
            reason = self._reader.ended.result()
            # A client that does not read does not get the reason either: then the connection is dropped.
            with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
                async with asyncio.timeout(_CLOSE_WITHIN_S):
                    await self._websocket.close(_ENDED[reason], reason)

    async def _send(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                for text in await self._reader.take():
                    await self._websocket.send_text(text)

    async def _receive(self) -> None:
        with suppress(WebSocketDisconnect):
            while not self._reader.ended.done():
                message = await self._websocket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                await self._take(message.get("text") or "")

    async def _take(self, text: str) -> None:
        if len(text) > MESSAGE_BYTES_AT_MOST:
            self._reader.end(EndReason.TOO_LARGE)
            return
        if self._too_many():
            self._reader.end(EndReason.TOO_MANY)
            return
        try:
            message = _messages.validate_json(text)
        except ValidationError:
            self._reader.tell("error", code="malformed_message", detail="This is not a message of the protocol.")
            return
        match message:
            case Subscribe(type="subscribe"):
                self._feed.subscribe(self._reader, message.topics)
            case Subscribe():
                self._feed.unsubscribe(self._reader, message.topics)
            case Auth():
                await self._renew(message.token)
            case Pong():
                pass

    async def _renew(self, token: str) -> None:
        try:
            self._feed.renew(self._reader, await self._verify(token))
        except GTVisionError as refused:
            self._reader.tell("error", code=refused.code, detail=refused.message)
        else:
            self._reader.tell("authenticated", topics=sorted(str(topic) for topic in self._reader.topics))

    def _too_many(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._received_since > 10.0:
            self._received_since, self._received = now, 0
        self._received += 1
        return self._received > _MESSAGES_PER_TEN_S
