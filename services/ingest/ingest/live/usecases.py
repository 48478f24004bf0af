"""The live feed: one subscription in, any number of readers out. A slow reader holds up no other."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from chassis.auth import RevocationList
from chassis.live import LiveBus, LiveMessage
from gtvision.errors import GTVisionError, MissingScope, NotFound, RateLimited, Unavailable
from gtvision.tenancy import Caller
from gtvision.time import Clock
from ingest import metrics
from ingest.grabbing.domain import CameraBook
from ingest.live.domain import MESSAGE_TYPES, EndReason, Topic, UnknownTopic


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What one reader may take, and how many there may be."""

    readers: int = 1_000
    topics_per_reader: int = 300
    waiting_messages: int = 500
    waiting_bytes: int = 2_000_000
    ping_s: float = 4.0
    """So often that a client which misses two of them finds a half-open link within 10 s."""
    session_s: float = 900.0
    """How long a socket lives on one ticket: as long as an access token. An `auth` message gives it a new end."""


class Reader:
    """One connection: its caller, its topics, and the messages that wait for it."""

    def __init__(self, caller: Caller, ends_at: float, limits: FeedLimits) -> None:
        self.caller = caller
        self.ends_at = ends_at
        self.topics: set[Topic] = set()
        self.ended: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self._limits = limits
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._filled = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queues a message; never waits. A reader for which too much is waiting is ended."""
        if self.ended.done():
            return
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        if len(self._waiting) > self._limits.waiting_messages or self._waiting_bytes > self._limits.waiting_bytes:
            self._waiting.clear()
            metrics.LIVE_SLOW.inc()
            self.end(EndReason.TOO_SLOW)
        self._filled.set()

    def tell(self, kind: str, **fields: Any) -> None:
        """Queues a message of the protocol itself."""
        self.offer(orjson.dumps({"type": kind, **fields}).decode())

    def end(self, reason: EndReason) -> None:
        """Has the connection closed; the first reason counts."""
        if not self.ended.done():
            self.ended.set_result(reason)

    async def take(self) -> Iterator[str]:
        """Waits until there are messages, and returns them; what arrives while they are sent is among them."""
        await self._filled.wait()
        self._filled.clear()
        return self._drain()

    def _drain(self) -> Iterator[str]:
        while self._waiting:
            text = self._waiting.popleft()
            self._waiting_bytes -= len(text)
            yield text


class LiveFeed:
    """All readers of this process."""

    def __init__(self, book: CameraBook, revocations: RevocationList, clock: Clock, limits: FeedLimits | None = None) -> None:
        self._book = book
        self._revocations = revocations
        self._clock = clock
        self._limits = limits or FeedLimits()
        self._readers: set[Reader] = set()
        self._index: defaultdict[tuple[UUID, Topic], set[Reader]] = defaultdict(set)
        self._pinged_at = clock.monotonic()

    # --- readers come and go ---

    def join(self, caller: Caller) -> Reader:
        """Raises: RateLimited, where there are too many."""
        if len(self._readers) >= self._limits.readers:
            raise RateLimited("Too many live connections.")
        reader = Reader(caller, self._clock.now().timestamp() + self._limits.session_s, self._limits)
        self._readers.add(reader)
        metrics.LIVE_CONNECTIONS.set(len(self._readers))
        return reader

    def leave(self, reader: Reader) -> None:
        """May be repeated."""
        self._readers.discard(reader)
        for topic in list(reader.topics):
            self._unlist(reader, topic)
        metrics.LIVE_CONNECTIONS.set(len(self._readers))

    def renew(self, reader: Reader, caller: Caller) -> None:
        """Takes a fresh token of the same user: a new end, and rights as they are now. Raises: MissingScope, for another user's."""
        if (caller.tenant_id, caller.user_id) != (reader.caller.tenant_id, reader.caller.user_id):
            raise MissingScope("The token is another user's.")
        reader.caller, reader.ends_at = caller, caller.expires_at
        for topic in list(reader.topics):
            if self._refusal(caller, topic) is not None:
                self._unlist(reader, topic)

    def subscribe(self, reader: Reader, names: Sequence[str]) -> None:
        """Adds topics and answers with all of the reader's; one that is refused is answered by an error of its own."""
        for name in names:
            try:
                topic = Topic.parse(name)
                refusal = self._refusal(reader.caller, topic)
            except UnknownTopic as unknown:
                refusal = unknown
            if refusal is None and topic not in reader.topics and len(reader.topics) >= self._limits.topics_per_reader:
                refusal = RateLimited("Too many topics.")
            if refusal is not None:
                reader.tell("error", code=refusal.code, topic=name[:100], detail=refusal.message)
                continue
            reader.topics.add(topic)
            self._index[reader.caller.tenant_id, topic].add(reader)
        self._confirm(reader)

    def unsubscribe(self, reader: Reader, names: Sequence[str]) -> None:
        """Drops topics and answers with those that are left."""
        for topic in [topic for topic in reader.topics if str(topic) in names]:
            self._unlist(reader, topic)
        self._confirm(reader)

    def _confirm(self, reader: Reader) -> None:
        reader.tell("subscribed", topics=sorted(str(topic) for topic in reader.topics))

    def _unlist(self, reader: Reader, topic: Topic) -> None:
        reader.topics.discard(topic)
        key = (reader.caller.tenant_id, topic)
        self._index[key].discard(reader)
        if not self._index[key]:
            del self._index[key]

    def _refusal(self, caller: Caller, topic: Topic) -> GTVisionError | None:
        if topic.scope not in caller.scopes:
            return MissingScope(f"This needs the scope '{topic.scope}'.")
        if topic.camera_id is None or (self._book.knows(caller.tenant_id, topic.camera_id) and self._book.may_see(caller, topic.camera_id)):
            return None
        return NotFound("There is no such camera.")

    # --- messages ---

    async def follow(self, live: LiveBus) -> None:
        """Forwards everything that is published, for ever."""
        async for message in live.subscribe(["*"]):
            self.forward(message)

    def forward(self, message: LiveMessage) -> None:
        """Queues a message for every reader that listens to its topic and may see its camera; it is serialised once."""
        if message.tenant_id is None:
            for reader in self._readers:
                reader.tell("resync")
            return
        try:
            topic = Topic.parse(message.topic)
        except UnknownTopic:
            return
        readers = self._listening(message.tenant_id, topic) | self._listening(message.tenant_id, Topic(topic.kind))
        if not readers:
            return
        cameras = [topic.camera_id] if topic.camera_id else _cameras_of(message.data)
        text = _text(topic, message.raw)
        for reader in readers:
            if not cameras or any(self._book.may_see(reader.caller, each) for each in cameras):
                reader.offer(text)
                metrics.LIVE_DELIVERED.inc()

    def _listening(self, tenant_id: UUID, topic: Topic) -> set[Reader]:
        return self._index.get((tenant_id, topic), set())

    async def end_sessions(self) -> None:
        """Ends the readers whose session expired or was revoked, and pings the others when it is time."""
        now, ping = self._clock.now().timestamp(), self._clock.monotonic() - self._pinged_at >= self._limits.ping_s
        if ping:
            self._pinged_at = self._clock.monotonic()
        for reader in list(self._readers):
            if reader.ends_at <= now:
                reader.end(EndReason.EXPIRED)
            elif self._revoked(reader.caller.session_id):
                reader.end(EndReason.REVOKED)
            elif ping:
                reader.tell("ping")

    def _revoked(self, session_id: UUID) -> bool:
        try:
            return self._revocations.is_revoked(session_id)
        except Unavailable:
            return False  # the reader was let in by a list that was seen


def _cameras_of(data: Any) -> list[UUID]:
    """Returns the cameras that a message is about whose topic names none: whoever may see one of them may read it."""
    if not isinstance(data, dict):
        return []
    named = [data.get("camera_id"), *(data.get("camera_ids") or ())]
    found = []
    for each in named:
        with suppress(ValueError):
            found += [UUID(each)] if isinstance(each, str) else []
    return found


def _text(topic: Topic, raw: bytes) -> str:
    """Returns the message for a reader; the JSON that was published is put into it as it is."""
    head = orjson.dumps({"type": MESSAGE_TYPES[topic.kind], "topic": str(topic)})
    return (head[:-1] + b',"data":' + raw + b"}").decode()
