"""What deliveries need from the world."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from alerts.channels.domain import Answer, Channel, Told


class Carrier(Protocol):
    """The channels of a tenant, as those see them who send; `channels` is the one, `alerts.deliveries.fakes.FakeCarrier` the other."""

    async def list_enabled(self, uow: Any) -> list[Channel]:
        """Returns the channels that are switched on."""
        ...

    async def names(self, uow: Any) -> dict[UUID, str]:
        """Returns the name of every channel."""
        ...

    async def send(self, tenant_id: UUID, channel_id: UUID, told: Told) -> Answer:
        """Tries once to deliver a message, within a few seconds. Raises: Unavailable, where the database is."""
        ...
