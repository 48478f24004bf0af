"""Rules on what cameras see: the condition, and the sightings that `city.judging` compares with it.

A sighting is at its foot point: the middle of the lower side of its box, where the thing stands on the ground.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import hypot
from typing import Annotated, NamedTuple, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from gtvision.camera import ObjectClass
from gtvision.detection import Confidence, DetectedObject
from gtvision.geometry import Place, Point, crosses, turn
from gtvision.plate import normalise

# --- conditions --------------------------------------------------------------------------------------------------------


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Zone(_Part):
    """A polygon in the picture, its corners in order; the last is joined to the first."""

    points: Annotated[tuple[Point, ...], Field(min_length=3, max_length=32)]

    @model_validator(mode="after")
    def _simple(self) -> Self:
        corners = self.points
        if len({*corners}) < len(corners):
            raise ValueError("two corners of the zone are the same point")
        sides = list(zip(corners, corners[1:] + corners[:1], strict=True))
        for at, one in enumerate(sides):
            if any(crosses(*one, *other) for other in sides[at + 2 :] if not {*one} & {*other}):
                raise ValueError("the sides of the zone cross each other: draw it around in one direction")
        if abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in sides)) < 2e-4:
            raise ValueError("the zone is too small: less than one ten-thousandth of the picture")
        return self


class Direction(StrEnum):
    """Which way a line is crossed. Look from a to b: `a_to_b` is from your left hand to your right hand, as the screen shows it.

    Of a line from the left (a) to the right (b) of the picture, `a_to_b` is what comes down the picture, and `b_to_a` what goes up.
    """

    ANY = "any"
    A_TO_B = "a_to_b"
    B_TO_A = "b_to_a"


class Line(_Part):
    """A line in the picture that is crossed by the way of a foot point from one picture to the next."""

    a: Point
    b: Point
    direction: Direction = Direction.ANY

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if hypot(self.a[0] - self.b[0], self.a[1] - self.b[1]) < 0.01:
            raise ValueError("the ends of the line are less than one hundredth of the picture apart")
        return self

    def crossed(self, before: Place, after: Place) -> Direction | None:
        """Returns in which direction a way crosses the line, or None; whether that is the wanted one is not asked."""
        if not crosses(before, after, self.a, self.b):
            return None
        return Direction.A_TO_B if turn(self.a, self.b, after) > 0 else Direction.B_TO_A


class Count(_Part):
    """So many different things within so many seconds."""

    at_least: Annotated[int, Field(ge=2, le=500)]
    within_s: Annotated[int, Field(ge=1, le=3_600)]


class Holidays(StrEnum):
    """What a holiday of the city changes."""

    AS_USUAL = "as_usual"
    ONLY = "only"
    NEVER = "never"


_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Schedule(_Part):
    """When a rule holds, in the city's time zone. Days are those on which the window begins, 0 is Monday; a window that ends at or before
    its beginning goes on into the next day, and is of the day (and holiday) on which it began. The same time twice is 24 hours.
    """

    days: Annotated[frozenset[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1)] = frozenset(range(7))
    begins: _Clock = Field("00:00", alias="from")
    ends: _Clock = Field("00:00", alias="to")
    holidays: Holidays = Holidays.AS_USUAL

    def holds(self, local: datetime, holidays: frozenset[date]) -> bool:
        """Whether it holds at an instant of the city's own time."""
        begins, ends, now = _minutes(self.begins), _minutes(self.ends), local.hour * 60 + local.minute
        today = local.date()
        if begins < ends:
            return begins <= now < ends and self._is_on(today, holidays)
        return (now >= begins and self._is_on(today, holidays)) or (now < ends and self._is_on(today - timedelta(days=1), holidays))

    def _is_on(self, day: date, holidays: frozenset[date]) -> bool:
        if day.weekday() not in self.days:
            return False
        return self.holidays is Holidays.AS_USUAL or (day in holidays) == (self.holidays is Holidays.ONLY)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _plate(text: str) -> str:
    if text in {"any", "none"}:
        return text
    if not 1 <= len(normalise(text)) <= 7 or normalise(text) != text.upper().replace("-", ""):
        raise ValueError("plate is any, none, or the beginning of a plate: one to seven letters and digits")
    return normalise(text)


class RuleCondition(_Part):
    """What a rule looks for: all that is named must hold; of a list, any. Empty lists name no limit.

    `plate` is `any` (one was read), `none` or the beginning of one, in capitals as it is read. Colours are compared where a sighting has
    one; one without a colour fits no rule that names colours.
    """

    classes: frozenset[ObjectClass] = frozenset()
    camera_ids: Annotated[frozenset[UUID], Field(max_length=500)] = frozenset()
    group_ids: Annotated[frozenset[UUID], Field(max_length=100)] = frozenset()
    min_confidence: Confidence = 0.5
    zone: Zone | None = None
    line: Line | None = None
    dwell_s: Annotated[int | None, Field(ge=1, le=86_400)] = None
    count: Count | None = None
    colours: Annotated[frozenset[Annotated[str, Field(pattern=r"^[a-z]{2,20}$")]], Field(max_length=20)] = frozenset()
    plate: Annotated[str | None, Field(max_length=8), AfterValidator(lambda text: _plate(text) if text is not None else None)] = None
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.zone or self.line) and (len(self.camera_ids) != 1 or self.group_ids):
            raise ValueError("a zone or a line is drawn on one picture: name exactly one camera, and no group")
        if self.line and self.zone:
            raise ValueError("a rule has a zone or a line, not both")
        if self.line and self.dwell_s:
            raise ValueError("a line is crossed in an instant: leave dwell_s out, or draw a zone")
        return self

    def watches(self, camera_id: UUID, groups: frozenset[UUID]) -> bool:
        """Whether it is about a camera, which is in these groups."""
        return not (self.camera_ids or self.group_ids) or camera_id in self.camera_ids or not groups.isdisjoint(self.group_ids)


# --- sightings ---------------------------------------------------------------------------------------------------------


class Sighting(NamedTuple):
    """What is judged of a detection, or of a passage. `at` is the Unix time of its capture; `x`, `y` its foot point."""

    detection_id: UUID
    camera_id: UUID
    at: float
    object_class: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    plate: str | None = None
    confidence: float = 1.0
    colour: str | None = None
    evidence_key: str | None = None

    @classmethod
    def of(cls, detection_id: UUID, camera_id: UUID, captured_at: datetime, seen: DetectedObject, evidence_key: str | None) -> Sighting:
        box, plate, colour = seen.box, seen.plate.text if seen.plate else None, getattr(seen, "colour", None)
        known = (detection_id, camera_id, captured_at.timestamp(), seen.object_class, (box.x1 + box.x2) / 2, box.y2, box.x2 - box.x1)
        return cls(*known, plate, seen.confidence, colour, evidence_key)

    @property
    def captured_at(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)
