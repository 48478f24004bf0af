"""What came of a message. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a try came to."""

    DELIVERED = "delivered"
    LATER = "later"
    """It may be delivered later: too many requests, an error of the server, no answer, no connection, no trust."""
    REFUSED = "refused"
    """It will not be delivered however often it is tried: the key, the address or the message is not accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel answered. `detail` is for people, and holds no secret; `gone` are push endpoints that exist no more."""

    outcome: Outcome
    detail: str
    status: int | None = None
    retry_after_s: float | None = None
    external_id: str | None = None
    gone: tuple[str, ...] = ()

    @property
    def is_delivered(self) -> bool:
        return self.outcome is Outcome.DELIVERED
