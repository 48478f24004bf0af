"""What is stored of a frame, and which frames may be stored at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision import plate
from gtvision.detection import DetectedObject
from gtvision.errors import Invalid, InvalidPlate
from gtvision.events import DetectionMade, StoredDetection
from gtvision.geometry import Box
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
    PREFIX = "prefix"
    """Every text that begins so."""


class InvalidPlateBeginning(InvalidPlate):
    """A beginning has at least two letters or digits and nothing else, such as ABC or ABC1; * and ? have no meaning here."""

    code = "invalid_plate_beginning"


_BEGINNING = re.compile(rf"[A-Za-z0-9]{{2,{plate.MAX_TEXT}}}")
_NOT_A_PLATE = "A plate looks like ABC-1234 or ABC1D23. For the beginning of one use mode=prefix; * and ? have no meaning here."


@dataclass(frozen=True, slots=True)
class PlateSearch:
    """A plate, or the beginning of one, to look for. Raises: InvalidPlate, InvalidPlateBeginning."""

    text: str
    match: PlateMatch = PlateMatch.ERA

    def __post_init__(self) -> None:
        if self.match is PlateMatch.PREFIX:
            if not _BEGINNING.fullmatch(self.text.replace("-", "")):
                raise InvalidPlateBeginning
        elif len(self.text) > plate.MAX_TEXT or not plate.is_valid(self.text) or {*self.text} & {*"*?"}:
            raise InvalidPlate(_NOT_A_PLATE)

    @property
    def column(self) -> str:
        """Which stored key answers."""
        return "plate_key" if self.match is PlateMatch.ERA else "plate"

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last value of that key that are meant: one and the same, but for a beginning."""
        if self.match is PlateMatch.PREFIX:
            return plate.span(self.text)
        value = plate.key(self.text) if self.match is PlateMatch.ERA else plate.normalise(self.text)
        return value, value


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
    plates_only: bool = False
    """Only those with a plate."""
    after: tuple[datetime, UUID] | None = None


# --- counts ------------------------------------------------------------------------------------------------------------

COUNTED_AT_MOST = timedelta(days=7)
"""Rows are counted when asked for, from an index alone: 100,000 plates, a day of some 50 cameras, take a tenth of a second on two busy
cores. A longer time, or many times the cameras, wants a table of sums."""
_HOUR = timedelta(hours=1)


class RangeTooLong(Invalid):
    """Plates are counted over seven days at most: ask for less at a time."""

    code = "range_too_long"


@dataclass(frozen=True, slots=True)
class Period:
    """[start, end). Raises: Invalid, RangeTooLong."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise Invalid("'from' must be before 'to'.")
        if self.end - self.start > COUNTED_AT_MOST:
            raise RangeTooLong

    def hours(self) -> list[datetime]:
        """The hours that it touches, each by its beginning."""
        first = self.start.replace(minute=0, second=0, microsecond=0)
        return [first + _HOUR * step for step in range(-((first - self.end) // _HOUR))]


# --- thumbnails --------------------------------------------------------------------------------------------------------


def thumbnail_area(seen: DetectedObject) -> Box:
    """Returns the part of the picture that shows what was read: the plate with half of it on every side, or the object with a rim."""
    return seen.plate_box.expanded(0.5) if seen.plate_box else seen.box.expanded(0.1)
