"""What an auditor looks for in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.errors import Invalid
from identity.ledger.domain.ledger import instant

EXPORT_AT_MOST = timedelta(days=366)


class RangeTooLong(Invalid):
    """The range is empty or longer than an export may be."""

    code = "range_too_long"


@dataclass(frozen=True, slots=True)
class Sought:
    """None: whatever it is. `since` and `until` are of when the deed occurred; `until` is left out."""

    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] | None = None
    outcome: str | None = None
    actor_id: UUID | None = None
    camera_id: UUID | None = None
    object_kind: str | None = None
    object_id: str | None = None
    correlation_id: UUID | None = None
    address: str | None = None
    purpose: str | None = None

    def told(self) -> Mapping[str, str]:
        """What was asked for, for the record of the search."""
        asked = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in {"since", "until"}}
        return {name: ",".join(value) if isinstance(value, tuple) else str(value) for name, value in asked.items() if value is not None}


def check_export_range(since: datetime, until: datetime) -> None:
    """Raises: RangeTooLong."""
    if not timedelta(0) < until - since <= EXPORT_AT_MOST:
        raise RangeTooLong(f"An export covers at most {EXPORT_AT_MOST.days} days, from {instant(since)} on.")
