"""Events in: what every service recorded, in batches."""

from __future__ import annotations

from gtvision.events import AuditRecorded, Event
from identity.ledger.usecases import Ledger


class AuditEvents:
    """Records on their way into the ledger, which drops repeats itself."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def on_audit_recorded(self, events: list[Event[AuditRecorded]]) -> None:
        """A batch of any tenants' records."""
        await self._ledger.add_records(events)
