"""What becomes of a message whose handler failed: held, tried again later, or dead-lettered.

| failure | then |
|---|---|
| unavailable: a dependency is down | held and tried in place with capped back-off, as long as it takes; never dead-lettered |
| invalid: it can never be accepted | dead-lettered at once |
| anything else ("poison") | tried again after 1, 5, 25 and 125 s, then dead-lettered |

Attempts are counted in the header `x-attempt`: the broker's own count also rises when a worker dies that held other messages.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from aiormq.exceptions import AMQPError
from pydantic import ValidationError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from chassis.bus.metrics import HELD, MESSAGES
from chassis.bus.publisher import Outgoing, Sender, Unroutable
from chassis.db import is_down
from chassis.logs import get_logger, redact
from chassis.topology import DEAD, delay_arguments, delay_queue
from gtvision.backoff import Backoff
from gtvision.errors import Invalid, RateLimited, Unavailable
from gtvision.time import Clock, SystemClock

log = get_logger(__name__)

ATTEMPT = "x-attempt"
"""How many times the handler has failed on this message."""
ORIGINAL_KEY = "x-original-key"
QUEUE = "x-queue"
REASON = "x-reason"
ERROR = "x-error"
BURIED_AT = "x-buried-at"
OURS = (ATTEMPT, ORIGINAL_KEY, QUEUE, REASON, ERROR, BURIED_AT)
BROKERS = ("x-death", "x-first-death", "x-last-death", "x-delivery-count")
"""Header prefixes that the broker writes. They are left out when a message is sent again: it would keep their first reason."""

_HOLD_FIRST = timedelta(seconds=0.2)
HOLD_AT_MOST_S = 600.0
"""The broker takes an unacknowledged message back after 30 min and counts it: before that it is put into a delay queue."""

T = TypeVar("T")
HeaderValue: TypeAlias = str | int | datetime


class Parked(Exception):
    """The message was not handled: the process ends, or the outage outlasts the hold. It goes into a delay queue without counting."""


class Verdict(StrEnum):
    """What a failure says about its message."""

    UNAVAILABLE = "unavailable"
    INVALID = "invalid"
    POISON = "poison"


def judge(error: BaseException) -> Verdict:
    """Returns which kind of failure this is."""
    if isinstance(error, BaseExceptionGroup):
        verdicts = {judge(inner) for inner in error.exceptions}
        return verdicts.pop() if len(verdicts) == 1 else Verdict.POISON
    if isinstance(error, Unavailable | RateLimited | ConnectionError | TimeoutError | RedisConnectionError | RedisTimeoutError | AMQPError):
        return Verdict.UNAVAILABLE
    if isinstance(error, DBAPIError | PoolTimeout) and is_down(error):
        return Verdict.UNAVAILABLE
    return Verdict.INVALID if isinstance(error, Invalid | ValidationError) else Verdict.POISON


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came, from whichever library."""

    queue: str
    routing_key: str
    body: bytes
    headers: Mapping[str, Any]
    message_id: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    content_type: str | None = None

    @property
    def attempt(self) -> int:
        """Returns how often its handler has failed before."""
        value = self.headers.get(ATTEMPT)
        return value if isinstance(value, int) else 0

    @property
    def original_key(self) -> str:
        """Returns the event's key; after a delay the routing key is the queue's name."""
        return str(self.headers.get(ORIGINAL_KEY) or self.routing_key)

    def sent_again(self, exchange: str, routing_key: str, **extra: HeaderValue) -> Outgoing:
        """Returns the message for another exchange or queue, with its history."""
        return self._outgoing(exchange, routing_key, {ORIGINAL_KEY: self.original_key, QUEUE: self.queue, **extra}, drop=BROKERS)

    def replayed(self, key: str) -> Outgoing:
        """Returns the message for its own queue, without its history."""
        return self._outgoing("", self.queue, {ORIGINAL_KEY: key}, drop=BROKERS + OURS)

    def _outgoing(self, exchange: str, routing_key: str, extra: Mapping[str, HeaderValue], drop: tuple[str, ...]) -> Outgoing:
        headers = {key: value for key, value in self.headers.items() if not key.startswith(drop)}
        return Outgoing(
            exchange=exchange,
            routing_key=routing_key,
            body=self.body,
            message_id=self.message_id or "",
            headers={**headers, **extra},
            type=self.type,
            correlation_id=self.correlation_id,
            content_type=self.content_type or "application/json",
        )


class Hold:
    """Tries in place until the dependency that is down is up again. Ends early when the process ends."""

    def __init__(self, queue: str, *, longest_s: float = 5.0, at_most_s: float = HOLD_AT_MOST_S) -> None:
        self._queue = queue
        self._longest = timedelta(seconds=longest_s)
        self._at_most_s = at_most_s
        self._ending = asyncio.Event()

    def end(self) -> None:
        """From now on nothing is held: every message that waits is parked."""
        self._ending.set()

    async def run(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Returns the attempt's result, or raises its failure unless that is Unavailable. Raises: Parked."""
        backoff, held_s = Backoff(_HOLD_FIRST, self._longest), 0.0
        while True:
            try:
                return await attempt()
            except Exception as error:
                if judge(error) is not Verdict.UNAVAILABLE:
                    raise
                if held_s == 0.0:
                    log.warning("message_held", queue=self._queue, error=describe(error))
                if held_s >= self._at_most_s or self._ending.is_set():
                    raise Parked from error
            pause_s = backoff.wait_s() * (0.5 + random.random() / 2)  # noqa: S311 - jitter, so that probes do not march in step
            await self._pause(pause_s)
            held_s += pause_s

    async def _pause(self, seconds: float) -> None:
        with HELD.labels(self._queue).track_inprogress():
            try:
                async with asyncio.timeout(seconds):
                    await self._ending.wait()
            except TimeoutError:
                return


class Retry:
    """Puts failed messages into delay queues or the dead letters. The caller acknowledges the original afterwards, never before."""

    def __init__(self, sender: Sender, steps_s: Sequence[float], clock: Clock | None = None) -> None:
        self._sender = sender
        self._clock = clock or SystemClock()
        self._steps_s = tuple(steps_s)

    async def failed(self, message: Received, error: BaseException) -> None:
        """The handler failed. Raises: Unavailable when the broker would not take it; then do not acknowledge."""
        if isinstance(error, Parked):
            await self._delay(message, self._steps_s[0], message.attempt)
            MESSAGES.labels(message.queue, "parked").inc()
        elif judge(error) is Verdict.INVALID:
            await self.bury(message, "invalid", error)
        elif message.attempt >= len(self._steps_s):
            await self.bury(message, "attempts exhausted", error)
        else:
            log.warning(
                "message_failed", queue=message.queue, event_id=message.message_id, attempt=message.attempt + 1, error=describe(error)
            )
            await self._delay(message, self._steps_s[message.attempt], message.attempt + 1)
            MESSAGES.labels(message.queue, "retried").inc()

    async def bury(self, message: Received, reason: str, error: BaseException) -> None:
        """Puts a message into the dead letters, where `gtv dead` shows and replays it. Raises: Unavailable."""
        extra: dict[str, HeaderValue] = {
            REASON: reason,
            ERROR: describe(error),
            ATTEMPT: message.attempt + 1,
            BURIED_AT: self._clock.now(),
        }
        await self._sender.send(message.sent_again(DEAD, message.original_key, **extra))
        log.error("message_dead", queue=message.queue, event_id=message.message_id, reason=reason, error=describe(error))
        MESSAGES.labels(message.queue, "dead").inc()

    async def _delay(self, message: Received, delay_s: float, attempt: int) -> None:
        name = delay_queue(message.queue, delay_s)
        again = message.sent_again("", name, **{ATTEMPT: attempt})
        for pause_s in (0.05, 0.2, 0.8):
            try:
                return await self._sender.send(again)
            except Unroutable:  # the first failure of this kind: there is no delay queue yet
                await self._sender.declare(name, delay_arguments(message.queue, delay_s))
            except Unavailable:  # a delay queue that was just made may refuse its first messages
                await asyncio.sleep(pause_s)
        return await self._sender.send(again)


def describe(error: BaseException) -> str:
    """Returns one short line without secrets or input values, for headers and logs."""
    if isinstance(error, ValidationError):
        text = "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_input=False)[:5])
    else:
        text = (str(error).splitlines() or [""])[0]
    return redact(f"{type(error).__name__}: {text}")[:300]
