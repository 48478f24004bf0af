"""`gtv dead`: what `chassis.bus.dead` finds, for a person to read and decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from chassis.bus.dead import DeadLetter, DeadLetters
from gtv.composition import HOST
from gtv.credentials import load_or_make
from gtv.failures import GtvError
from gtv.home import Home
from gtvision.errors import GTVisionError
from gtvision.time import isoformat


def _desk(home: Home, state: Mapping[str, Any]) -> DeadLetters:
    password = load_or_make(home.secrets_file).parts["rabbitmq"]
    return DeadLetters(f"amqp://gtvision:{password}@{HOST}:{state['ports']['rabbitmq']}/")


async def listing(home: Home, state: Mapping[str, Any], limit: int) -> Table | str:
    """A table, or a sentence where there are none."""
    try:
        async with _desk(home, state) as desk:
            letters = await desk.list(limit)
    except GTVisionError as error:
        raise GtvError(error.message) from None
    if not letters:
        return "No message has failed for good."
    return sheet(letters)


def sheet(letters: Iterable[DeadLetter]) -> Table:
    """One line a message."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "buried", "queue", "event", "tries", "reason", "error"):
        table.add_column(title, overflow="fold")
    for letter in letters:
        buried = isoformat(letter.buried_at) if letter.buried_at else ""
        cells = (str(letter.id)[:13], buried, letter.queue, letter.key, str(letter.attempts), letter.reason, letter.error)
        # what others wrote is no markup: brackets would vanish, or make the whole list unreadable
        table.add_row(*map(Text, cells))
    return table


async def reading(home: Home, state: Mapping[str, Any], letter_id: str) -> str:
    """One message in full."""
    try:
        async with _desk(home, state) as desk:
            letter = await desk.show(letter_id)
    except GTVisionError as error:
        raise GtvError(error.message) from None
    head = {
        "id": letter.id,
        "event": f"{letter.key} {letter.event_id}",
        "queue": letter.queue,
        "tries": letter.attempts,
        "buried": isoformat(letter.buried_at) if letter.buried_at else "",
        "reason": f"{letter.reason} {letter.error}",
    }
    return "\n".join(f"{name:<8}{value}" for name, value in head.items()) + f"\n\n{letter.pretty()}"


async def replaying(home: Home, state: Mapping[str, Any], letter_id: str | None) -> int:
    """Send one, or all, back. Returns how many."""
    try:
        async with _desk(home, state) as desk:
            return await desk.replay(letter_id)
    except GTVisionError as error:
        raise GtvError(error.message) from None
