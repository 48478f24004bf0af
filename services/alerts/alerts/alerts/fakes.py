"""A fake of the port."""

from __future__ import annotations

from datetime import datetime

from alerts.alerts.domain import Alert, Notice
from chassis.db import UnitOfWork


class FakeNotifier:
    """Remembers what people were told, once the transaction is committed."""

    def __init__(self) -> None:
        self.noted: list[tuple[Notice, Alert]] = []

    async def note(self, uow: UnitOfWork, alert: Alert, notice: Notice, at: datetime) -> None:  # noqa: ARG002 - the port's
        async def remember() -> None:
            self.noted.append((notice, alert))

        uow.after_commit(remember)
