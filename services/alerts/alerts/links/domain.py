"""The link of a message. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

VALID_FOR: Final = timedelta(hours=24)


class LinkState(StrEnum):
    """What a link is good for."""

    VALID = "valid"
    DONE = "done"
    """It has just acknowledged the alert."""
    USED = "used"
    EXPIRED = "expired"
    OVER = "over"
    """The alert was acknowledged, or is over, without it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Link:
    """Who may acknowledge which alert until when: the reader of one message. `to` is the person's address, where the channel has many."""

    tenant_id: UUID
    alert_id: UUID
    delivery_id: UUID
    channel_id: UUID
    to: str
    ends_at: datetime

    def text(self) -> str:
        """Returns it as it is sealed."""
        ids = (self.tenant_id.hex, self.alert_id.hex, self.delivery_id.hex, self.channel_id.hex)
        return " ".join((*ids, str(int(self.ends_at.timestamp())), self.to))

    @classmethod
    def of(cls, text: str) -> Link:
        """Returns what `text` gave."""
        tenant_id, alert_id, delivery_id, channel_id, ends, to = text.split(" ", 5)
        ends_at = datetime.fromtimestamp(int(ends), UTC)
        return cls(UUID(tenant_id), UUID(alert_id), UUID(delivery_id), UUID(channel_id), to, ends_at)
