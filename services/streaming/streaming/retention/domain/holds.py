"""Legal holds, and what they hold. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from streaming.recordings.domain import SegmentFile

City = UUID | None
"""None: of a file whose camera is not known."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: who keeps which recordings for which reason. It ends when it is lifted, or at `expires_at`."""

    hold_id: UUID
    tenant_id: UUID
    camera_id: UUID | None
    """None: every camera of the city."""
    since: datetime
    until: datetime
    """The end of what is held."""
    reason: str
    placed_by: UUID
    placed_at: datetime
    expires_at: datetime | None
    lifted_by: UUID | None = None
    lifted_at: datetime | None = None
    lift_reason: str | None = None

    def is_active(self, now: datetime) -> bool:
        return self.lifted_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class Held:
    """A span whose recordings stay: of one camera, or (None) of every camera of the city."""

    tenant_id: UUID
    camera_id: UUID | None
    since: datetime
    until: datetime


_MARGIN = timedelta(minutes=1)
"""A held span is wider by so much at both ends, because how long a file is stands in its pictures, not in its name."""


class HeldSpans:
    """What is held at one time, asked for each file."""

    def __init__(self, held: Iterable[Held] = ()) -> None:
        self._of: defaultdict[UUID, list[tuple[datetime, datetime]]] = defaultdict(list)
        """By camera, and by tenant for all its cameras."""
        self._of_cities: list[tuple[datetime, datetime]] = []
        for each in held:
            span = each.since - _MARGIN, each.until + _MARGIN
            self._of[each.camera_id or each.tenant_id].append(span)
            if each.camera_id is None:
                self._of_cities.append(span)

    def cover(self, city: City, file: SegmentFile) -> bool:
        """Whether a file shows something of a held span. A file whose city is not known is held with those of every city."""
        whole = self._of_cities if city is None else self._of.get(city, ())
        own = self._of.get(file.camera_id, ())
        if not whole and not own:
            return False
        end = max(file.modified_at, file.started_at)
        return any(file.started_at < until and end > since for span in (whole, own) for since, until in span)
