"""What channels need from the world."""

from __future__ import annotations

from typing import Protocol

from alerts.channels.domain import Answer, Message, OpenChannel


class Sender(Protocol):
    """Sends by one medium."""

    async def send(self, channel: OpenChannel, message: Message) -> Answer:
        """Tries once, within ten seconds. Never raises: what went wrong is in the answer."""
