"""Events in: what every service recorded, in batches."""

from __future__ import annotations

from gtvision.events import AuditRecorded, Event
from identity.ledger.usecases.ledger import Ledger


class AuditEvents:
    """Deeds on their way into the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def on_audit_recorded(self, events: list[Event[AuditRecorded]]) -> None:
        """Repeats are dropped by the ledger itself."""
        await self._ledger.chain_records(events)
