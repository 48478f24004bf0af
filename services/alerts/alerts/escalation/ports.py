"""What escalation needs from the world."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from alerts.alerts.domain import Alert


class Chosen(Protocol):
    """The channels that a watchlist or a rule names for its own alerts."""

    async def __call__(self, uow: Any, alert: Alert) -> tuple[UUID, ...] | None:
        """Returns None where it names none."""
        ...


async def none_chosen(_uow: Any, _alert: Alert) -> tuple[UUID, ...] | None:
    """Where neither lists nor rules name channels."""
    return None
