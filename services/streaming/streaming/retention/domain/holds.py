"""Legal holds, and what they hold. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from streaming.recordings.domain import CameraFiles, SegmentFile

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

_LONGEST = timedelta(days=1)
"""The media server writes no longer file."""
_FOLLOWING = 10
"""Where so many files in a row ended before a span, those before them did too."""


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
        return any(_overlaps(file, span) for span in self._spans(city, file.camera_id))

    def places(self, city: City, files: CameraFiles) -> list[range]:
        """Where the held files of a camera are, in order."""
        found: list[tuple[int, int]] = []
        for since, until in self._spans(city, files.camera_id):
            first, end = files.place_at(since), files.place_at(until)
            for place in range(first - 1, max(-1, files.place_at(since - _LONGEST) - 1), -1):
                if _overlaps(files[place], (since, until)):
                    first = place
                elif first - place > _FOLLOWING:
                    break
            found.append((first, end))
        joined: list[range] = []
        for first, end in sorted(found):
            if joined and first <= joined[-1].stop:
                joined[-1] = range(joined[-1].start, max(end, joined[-1].stop))
            elif first < end:
                joined.append(range(first, end))
        return joined

    def _spans(self, city: City, camera_id: UUID) -> list[tuple[datetime, datetime]]:
        return [*(self._of_cities if city is None else self._of.get(city, ())), *self._of.get(camera_id, ())]


def _overlaps(file: SegmentFile, span: tuple[datetime, datetime]) -> bool:
    """A file that was copied here has the time of the copy: none is longer than a day."""
    end = min(max(file.modified_at, file.started_at), file.started_at + _LONGEST)
    return file.started_at < span[1] and end > span[0]
