"""What alerts need from the world."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from alerts.alerts.domain import Alert, Notice


class Notifier(Protocol):
    """Sees to it that people are told; `alerts.fakes.FakeNotifier` is the other one. `uow` is the transaction of the change."""

    async def note(self, uow: Any, alert: Alert, notice: Notice, at: datetime) -> None:
        """Writes down who has to be told, in the same transaction."""
        ...
