"""Dead letters: what `gtv dead list/show/replay` does. Listing takes nothing out of the queue."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from aiormq.abc import AbstractChannel, DeliveredMessage
from pamqp.commands import Basic
from pydantic import SecretStr

from chassis.bus.lane import headers_of, received, tag_of
from chassis.bus.link import Link, unavailable_when_broken
from chassis.bus.publisher import Publisher
from chassis.bus.retry import ATTEMPT, BURIED_AT, ERROR, ORIGINAL_KEY, QUEUE, REASON
from chassis.settings import RabbitSettings
from chassis.topology import DEAD
from gtvision.errors import Conflict, NotFound
from gtvision.ids import derived_id

LOOK_AT_MOST = 10_000
"""Messages that one command reads; they are in memory while it runs."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that failed for good."""

    id: UUID
    """Of this dead letter: the same event may have failed in two queues."""
    event_id: str
    key: str
    queue: str
    """Where it failed, and where a replay goes."""
    reason: str
    error: str
    attempts: int
    buried_at: datetime | None
    body: bytes

    def pretty(self) -> str:
        """The body, indented where it is JSON."""
        try:
            return json.dumps(json.loads(self.body), indent=2, ensure_ascii=False)
        except ValueError:
            return repr(self.body[:2_000])


class DeadLetters:
    """The queue of dead letters. Every method raises Unavailable when the broker cannot be reached."""

    def __init__(self, url: SecretStr | str) -> None:
        secret = url if isinstance(url, SecretStr) else SecretStr(url)
        self._link = Link(secret, "dead letters")
        self._publisher = Publisher(RabbitSettings(url=secret), "dead letters replay")

    async def list(self, limit: int = 100) -> list[DeadLetter]:
        """Returns at most so many, the oldest first."""
        async with self._link.channel(confirms=False) as channel:
            underlay = await channel.get_underlay_channel()
            letters = [_letter(message) async for message in _look(underlay, limit)]
            await _give_back(underlay)
        # Giving messages back turns their order around.
        return sorted(letters, key=lambda letter: (letter.buried_at.timestamp() if letter.buried_at else 0.0, str(letter.id)))

    async def show(self, letter_id: UUID | str) -> DeadLetter:
        """Returns one by its id or the beginning of it. Raises: NotFound, Conflict (several begin so)."""
        found = [letter for letter in await self.list(LOOK_AT_MOST) if str(letter.id).startswith(str(letter_id))]
        if not found:
            raise NotFound("There is no such dead letter.")
        if len({letter.id for letter in found}) > 1:
            raise Conflict("The ids of several dead letters begin so: say more of it.")
        return found[0]

    async def replay(self, letter_id: UUID | str | None = None) -> int:
        """Sends one (by its id or the beginning of it), or all with None, back to the queue where it failed, as if it had never failed.

        Each leaves the dead letters only once the broker has it in its queue again. Returns how many were sent.
        Raises: NotFound, Conflict (several begin so), Unroutable (that queue is gone).
        """
        wanted = None if letter_id is None else (await self.show(letter_id)).id
        replayed = 0
        async with self._link.channel(confirms=False) as channel:
            underlay = await channel.get_underlay_channel()
            # All are read first: one that fails again at once is a dead letter before the loop ends, and would be sent again.
            for message in [message async for message in _look(underlay, LOOK_AT_MOST)]:
                letter = _letter(message)
                if wanted is not None and letter.id != wanted:
                    continue
                await self._publisher.send(received(message, letter.queue).replayed(letter.key))
                with unavailable_when_broken():
                    await underlay.basic_ack(tag_of(message))
                replayed += 1
            await _give_back(underlay)
        if wanted is not None and not replayed:  # another command was faster
            raise NotFound("There is no such dead letter.")
        return replayed

    async def aclose(self) -> None:
        """Close the connections."""
        await self._link.aclose()
        await self._publisher.aclose()

    async def __aenter__(self) -> DeadLetters:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


async def _give_back(underlay: AbstractChannel) -> None:
    """Puts back what was looked at, so that the next look, over another channel, finds it."""
    with unavailable_when_broken():
        await underlay.basic_nack(0, multiple=True, requeue=True)


async def _look(underlay: AbstractChannel, limit: int) -> AsyncIterator[DeliveredMessage]:
    """Returns messages in order. What is not acknowledged returns to the queue, at the latest some time after the channel closes."""
    for _ in range(limit):
        with unavailable_when_broken():
            message = await underlay.basic_get(DEAD, timeout=5)
        if isinstance(message.delivery, Basic.GetEmpty):
            return
        yield message


def _letter(message: DeliveredMessage) -> DeadLetter:
    headers = headers_of(message)
    broker = _broker_death(headers)
    queue = str(headers.get(QUEUE) or broker.get("queue") or "")
    event_id = message.header.properties.message_id or ""
    buried_at = headers.get(BURIED_AT) or broker.get("time")
    return DeadLetter(
        id=derived_id("dead", queue, event_id),
        event_id=event_id,
        key=str(headers.get(ORIGINAL_KEY) or message.routing_key or ""),
        queue=queue,
        reason=str(headers.get(REASON) or broker.get("reason") or "unknown"),
        error=str(headers.get(ERROR) or ""),
        attempts=int(str(headers.get(ATTEMPT) or broker.get("count") or 0)),
        buried_at=buried_at if isinstance(buried_at, datetime) else None,
        body=message.body,
    )


def _broker_death(headers: dict[str, Any]) -> dict[str, Any]:
    """Returns what the broker wrote when it dead-lettered the message itself (too many crashes of its consumers)."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else {}
    return first if isinstance(first, dict) else {}
