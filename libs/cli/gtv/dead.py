"""`gtv dead`: messages that failed for good, as `chassis.bus.dead` finds them, for a person to read and decide."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
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


@asynccontextmanager
async def letters_of(home: Home, state: Mapping[str, Any]) -> AsyncIterator[DeadLetters]:
    """Those of the running installation. Raises: GtvError."""
    password = load_or_make(home.secrets_file).parts["rabbitmq"]
    try:
        async with DeadLetters(f"amqp://gtvision:{password}@{HOST}:{state['ports']['rabbitmq']}/") as letters:
            yield letters
    except GTVisionError as error:
        raise GtvError(error.message) from None


def sheet(letters: Iterable[DeadLetter]) -> Table:
    """One line a message."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("id", "buried", "queue", "event", "tries", "reason", "error"):
        table.add_column(title, overflow="fold")
    for letter in letters:
        cells = (str(letter.id)[:13], _buried(letter), letter.queue, letter.key, str(letter.attempts), letter.reason, letter.error)
        # what others wrote is no markup: brackets would vanish, or make the whole list unreadable
        table.add_row(*map(Text, cells))
    return table


def page(letter: DeadLetter) -> str:
    """One message in full."""
    head = {
        "id": letter.id,
        "event": f"{letter.key} {letter.event_id}",
        "queue": letter.queue,
        "tries": letter.attempts,
        "buried": _buried(letter),
        "reason": f"{letter.reason} {letter.error}",
    }
    return "\n".join(f"{name:<8}{value}" for name, value in head.items()) + f"\n\n{letter.pretty()}"


def _buried(letter: DeadLetter) -> str:
    return isoformat(letter.buried_at) if letter.buried_at else ""
