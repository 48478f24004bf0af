"""What is left of recordings that went. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from streaming.recordings.domain import GENESIS, Segment, next_link

_ADJOINING = timedelta(seconds=2)
"""Files of a camera that records on follow one another as closely as that."""


class Reason(StrEnum):
    """Why a recording went."""

    DAYS = "days"
    """Older than its camera's days."""
    REMOVED = "removed"
    """The same, of a camera that was removed."""
    CITY_DAYS = "city_days"
    """Older than its city's days."""
    CITY_QUOTA = "city_quota"
    """The city had reached its own room."""
    QUOTA = "quota"
    """The recordings of the installation had reached their room."""
    FLOOR = "floor"
    """Too little of the disk was free."""
    OFFSITE_DAYS = "offsite_days"
    """An off-site copy: older than its camera's days of copies."""
    CITY_OFFSITE_DAYS = "city_offsite_days"
    """An off-site copy: older than its city's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rule by which a recording goes; `value` in days, gigabytes, or a share of the disk (0..1)."""

    reason: Reason
    value: float


@dataclass(frozen=True, slots=True)
class Tombstone:
    """What is left of recordings that went: adjoining ones of one camera, one UTC day and one policy together.

    `sha256` is a chain over the hashes of their files in the order in which they went, begun as a camera's own chain is (GENESIS).
    """

    tombstone_id: UUID
    camera_id: UUID
    started_at: datetime
    ended_at: datetime
    segments: int
    size_bytes: int
    sha256: str
    policy: Policy
    deleted_at: datetime
    """When the last of them went."""

    def with_segment(self, segment: Segment, at: datetime) -> Tombstone | None:
        """Returns the tombstone that holds a segment too; None where that needs one of its own."""
        gap = segment.started_at - self.ended_at
        if segment.started_at.date() != self.started_at.date() or not -_ADJOINING <= gap <= _ADJOINING:
            return None
        return replace(
            self,
            ended_at=max(self.ended_at, segment.ended_at),
            segments=self.segments + 1,
            size_bytes=self.size_bytes + segment.size_bytes,
            sha256=next_link(self.sha256, segment.sha256),
            deleted_at=at,
        )


def bury(tombstones: list[Tombstone], segments: Iterable[Segment], policy: Policy, at: datetime, new_id: Callable[[], UUID]) -> None:
    """Adds segments of one camera, oldest first, to the last of its tombstones of this policy, or to new ones behind it."""
    for segment in segments:
        grown = tombstones[-1].with_segment(segment, at) if tombstones else None
        if grown is not None:
            tombstones[-1] = grown
            continue
        sha256 = next_link(GENESIS, segment.sha256)
        tombstones.append(
            Tombstone(new_id(), segment.camera_id, segment.started_at, segment.ended_at, 1, segment.size_bytes, sha256, policy, at)
        )
