"""Live messages over Redis pub/sub: screens and WebSockets only, loss allowed.

Channel `live:{tenant}:{topic}`, topic `detections:{camera}`, `cameras`, `alerts` or `system`. Redis never delays or fails a publisher;
a subscriber that lost its connection gets `resync`, since the messages of that time are lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from redis.asyncio import Redis

from chassis import logs, metrics
from chassis.redis import LISTEN_S, UNREACHABLE
from gtvision.backoff import Backoff

PREFIX: Final = "live"
RESYNC: Final = "resync"

_PAUSE_AFTER_FAILURE_S = 1.0
"""A Redis that is down costs a publisher one timeout a second, not one for each message."""

log = logs.get_logger("chassis.live")


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One message, or `topic == RESYNC` (tenant None): the subscriber reads from the API what it may have missed."""

    tenant_id: UUID | None
    topic: str
    data: Any
    raw: bytes = b""
    """The JSON as it came, to be forwarded without serialising it again."""


_RESYNC_MESSAGE = LiveMessage(None, RESYNC, None)


class LivePublisher(Protocol):
    """What emits live messages; `chassis.fakes.FakeLive` is the other one."""

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None:
        """Never raises."""
        ...


class LiveBus:
    """Live messages of all tenants."""

    def __init__(self, redis_cache: Redis) -> None:
        self._redis = redis_cache
        self._silent_until = 0.0

    async def publish(self, tenant_id: UUID, topic: str, message: dict[str, Any]) -> None:
        """Publishes to the subscribers of this moment. Never raises: what cannot be published is counted and dropped."""
        now = asyncio.get_running_loop().time()
        if now < self._silent_until:
            metrics.LIVE_MESSAGES.labels("dropped").inc()
            return
        try:
            await self._redis.publish(channel(tenant_id, topic), orjson.dumps(message, default=str))
        except UNREACHABLE as error:
            self._silent_until = now + _PAUSE_AFTER_FAILURE_S
            metrics.LIVE_MESSAGES.labels("dropped").inc()
            log.warning("live_message_dropped", topic=topic, cause=type(error).__name__)
        else:
            metrics.LIVE_MESSAGES.labels("published").inc()

    async def subscribe(self, patterns: Sequence[str], *, ready: asyncio.Event | None = None) -> AsyncIterator[LiveMessage]:
        """Returns messages on `live:<pattern>` (`*:cameras`, `<tenant>:detections:*`) for ever; after each reconnect first a resync marker.

        `ready` is set while subscribed. Close the iterator (or cancel the task) to end.
        """
        backoff = Backoff(timedelta(seconds=0.25), timedelta(seconds=2))
        lost = False
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:
                    await pubsub.psubscribe(*(f"{PREFIX}:{pattern}" for pattern in patterns))
                    await _confirmed(pubsub, len(patterns))
                    backoff.reset()
                    if ready is not None:
                        ready.set()
                    if lost:
                        yield _RESYNC_MESSAGE
                    lost = True  # the next connection begins with a resync
                    async for message in _messages(pubsub):
                        yield message
            except UNREACHABLE as error:
                log.warning("live_subscription_lost", cause=type(error).__name__)
            if ready is not None:
                ready.clear()
            await asyncio.sleep(backoff.wait_s())


async def _confirmed(pubsub: Any, count: int) -> None:
    """Waits for the confirmations: redis-py subscribes again by itself, and they are the only sign of a reconnect."""
    while count > 0:
        message = await pubsub.get_message(timeout=2.0)
        if message is None:
            raise TimeoutError("no confirmation of the subscription")
        if message["type"] == "psubscribe":
            count -= 1


async def _messages(pubsub: Any) -> AsyncIterator[LiveMessage]:
    """Returns messages until the connection was lost: a further confirmation means that the client reconnected by itself."""
    while True:
        message = await pubsub.get_message(timeout=LISTEN_S)
        if message is None:
            continue
        if message["type"] == "psubscribe":
            return
        found = _read(message)
        if found is not None:
            metrics.LIVE_MESSAGES.labels("received").inc()
            yield found


def channel(tenant_id: UUID, topic: str) -> str:
    """Returns `live:{tenant}:{topic}`."""
    return f"{PREFIX}:{tenant_id}:{topic}"


def _read(message: dict[str, Any]) -> LiveMessage | None:
    try:
        _, tenant, topic = message["channel"].decode().split(":", 2)
        return LiveMessage(UUID(tenant), topic, orjson.loads(message["data"]), message["data"])
    except ValueError:
        metrics.LIVE_MESSAGES.labels("unreadable").inc()
        return None
