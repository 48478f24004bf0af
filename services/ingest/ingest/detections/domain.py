"""What is stored of a frame, and which frames may be stored at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision import plate
from gtvision.detection import DetectedObject
from gtvision.errors import InvalidPlate
from gtvision.events import DetectionMade, StoredDetection
from gtvision.ids import derived_id
from gtvision.time import isoformat

FUTURE_ALLOWED = timedelta(minutes=5)
"""A frame from further ahead has a wrong clock."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One object of one frame, as it is stored."""

    detection_id: UUID
    camera_id: UUID
    captured_at: datetime
    arrived_at: datetime
    seen: DetectedObject
    evidence_key: str | None
    evidence_sha256: str | None
    provider: str
    model: str
    clock_skew_ms: int | None = None
    stored_at: datetime | None = None
    """None until it is stored."""

    def announced(self) -> StoredDetection:
        """The row as `detections.stored` carries it."""
        return StoredDetection(
            detection_id=self.detection_id,
            camera_id=self.camera_id,
            captured_at=self.captured_at,
            object=self.seen,
            evidence_key=self.evidence_key,
        )


def detections_of(frame: DetectionMade) -> list[Detection]:
    """One row per object. The same frame gives the same ids, so that a redelivery finds its rows there already."""
    return [
        Detection(
            detection_id=derived_id("detection", frame.camera_id, isoformat(frame.captured_at), index),
            camera_id=frame.camera_id,
            captured_at=frame.captured_at,
            arrived_at=frame.arrived_at,
            seen=seen,
            evidence_key=frame.evidence_key,
            evidence_sha256=frame.evidence_sha256,
            provider=frame.provider,
            model=frame.model,
            clock_skew_ms=frame.clock_skew_ms or None,
        )
        for index, seen in enumerate(frame.objects)
    ]


class Refusal(StrEnum):
    """Why a row is not stored."""

    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"


@dataclass(frozen=True, slots=True)
class Window:
    """The capture times that are stored: [oldest, newest]."""

    oldest: datetime
    newest: datetime

    @classmethod
    def around(cls, now: datetime, retention: timedelta) -> Window:
        return cls(oldest=now - retention, newest=now + FUTURE_ALLOWED)

    def refusal(self, captured_at: datetime) -> Refusal | None:
        """None where the row may be stored."""
        if captured_at < self.oldest:
            return Refusal.TOO_OLD
        return Refusal.FROM_THE_FUTURE if captured_at > self.newest else None

    def days(self) -> list[date]:
        """The days whose partitions must exist, and the two after them."""
        first = self.oldest.date()
        return [first + timedelta(days=step) for step in range((self.newest.date() - first).days + 3)]


class PlateMatch(StrEnum):
    """How a plate is looked for."""

    ERA = "era"
    """The vehicle, whichever era its plate was read in."""
    EXACT = "exact"
    """The text."""


@dataclass(frozen=True, slots=True)
class PlateSearch:
    """A plate to look for. Raises InvalidPlate for a text of neither era."""

    text: str
    match: PlateMatch = PlateMatch.ERA

    def __post_init__(self) -> None:
        if len(self.text) > 16 or not plate.is_valid(self.text):
            raise InvalidPlate("A plate looks like ABC-1234 or ABC1D23.")

    @property
    def column(self) -> str:
        """Which stored key answers."""
        return "plate_key" if self.match is PlateMatch.ERA else "plate"

    @property
    def value(self) -> str:
        return plate.key(self.text) if self.match is PlateMatch.ERA else plate.normalise(self.text)


@dataclass(frozen=True, slots=True)
class Search:
    """Which detections are asked for, newest first. `camera_ids` None means every camera; `after` is the last one already seen."""

    limit: int
    camera_ids: frozenset[UUID] | None = None
    start: datetime | None = None
    end: datetime | None = None
    object_class: str | None = None
    min_confidence: float | None = None
    plate: PlateSearch | None = None
    after: tuple[datetime, UUID] | None = None
