"""A fake of the port."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from alerts.channels.domain import Answer, Channel, Kind, Outcome, Told
from gtvision.ids import new_id
from gtvision.time import FakeClock


class FakeCarrier:
    """A Carrier that collects. `answers` of a channel are given in turn; then every message is delivered."""

    def __init__(self) -> None:
        self.channels: dict[UUID, Channel] = {}
        self.answers: dict[UUID, list[Answer]] = {}
        self.sent: list[tuple[UUID, Told]] = []
        self.hanging: set[UUID] = set()
        """Channels that never answer."""

    def add(self, tenant_id: UUID, *answers: Answer, kind: Kind = Kind.EMAIL, at: datetime | None = None, **more: Any) -> UUID:
        """Returns the id of a new channel."""
        channel_id = new_id()
        made = Channel(channel_id, tenant_id, kind, f"Canal {channel_id}", at or FakeClock().now(), {}, {}, **more)
        self.channels[channel_id], self.answers[channel_id] = made, list(answers)
        return channel_id

    async def list_enabled(self, uow: Any) -> list[Channel]:
        return [each for each in self.channels.values() if each.enabled and each.tenant_id == uow.tenant_id]

    async def names(self, uow: Any) -> dict[UUID, str]:
        return {each.channel_id: each.name for each in self.channels.values() if each.tenant_id == uow.tenant_id}

    async def send(self, tenant_id: UUID, channel_id: UUID, told: Told) -> Answer:  # noqa: ARG002 - the port's
        self.sent.append((channel_id, told))
        if channel_id in self.hanging:
            await asyncio.Event().wait()
        answers = self.answers[channel_id]
        return answers.pop(0) if answers else Answer(Outcome.DELIVERED, "entregue")
