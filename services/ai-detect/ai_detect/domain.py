"""From lines of text and boxes of vehicles to plates and detected objects. Pure: no I/O, no clock.

A picture's text is mostly not a plate: shop signs, the word BRASIL, the camera's own caption. A line (or two stacked lines, on a
motorcycle) becomes a plate where the grammar explains it well enough *and* its shape is a plate's. The grammar re-ranks readings, it
never discards one: alternates travel with the winner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gtvision import plate as plates
from gtvision.camera import AiSettings, ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.geometry import Box, in_polygon

VEHICLES = frozenset({ObjectClass.CAR, ObjectClass.MOTORCYCLE, ObjectClass.BUS, ObjectClass.TRUCK, ObjectClass.VEHICLE})


@dataclass(frozen=True, slots=True)
class Picture:
    """One encoded picture and where to look in it: `region` in the upright picture's coordinates; None: everywhere."""

    data: bytes = field(repr=False)
    region: Box | None


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text as the reader saw it. `character_confidences` (0..1) has one value per character of `text`.

    `box` is in the picture's coordinates; `aspect` is the line's width over its height in pixels.
    """

    text: str
    character_confidences: tuple[float, ...]
    box: Box
    aspect: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector says of one thing in a picture. `candidates` are ways of reading a plate, best first."""

    object_class: ObjectClass
    confidence: float
    box: Box
    source: str
    candidates: tuple[PlateCandidate, ...] = ()
    character_confidences: tuple[float, ...] = ()


class ProviderState(StrEnum):
    """Whether a provider can be asked."""

    IDLE = "idle"
    """Its models load with the first picture."""
    STARTING = "starting"
    READY = "ready"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How a provider is doing. `error` says why it fails."""

    name: str
    model: str
    state: ProviderState
    pictures: int = 0
    error: str | None = None


def evidence_key(tenant_id: UUID, camera_id: UUID, captured_at: datetime) -> str:
    """Returns where the picture is kept that was read. The same frame has the same key."""
    return f"evidence/{tenant_id}/{camera_id}/{captured_at:%Y/%m/%d}/{captured_at:%H%M%S%f}.jpg"


# --- plates ------------------------------------------------------------------------------------------------------------

MIN_PROBABILITY = 0.25
"""Below this share the best valid reading is more likely something else: a phone number, a shop sign."""
_LINE_ASPECT = (1.6, 9.0)
"""One row of seven characters, seen from the front or at an angle; the plate itself is 400 x 130 mm."""
_STACKED_ASPECT = (0.8, 5.0)
"""One row of a motorcycle's plate: three or four characters on 200 mm."""
_STACK_GAP = 0.9
"""Two rows belong together when the gap between them is less than this share of a row's height."""
_ALTERNATES = 4


def read_plates(lines: Sequence[TextLine]) -> list[Finding]:
    """Plates among the lines of a picture. Of readings that overlap, the more probable one stays."""
    found = [finding for line in lines if (finding := _plate_of(line)) is not None]
    for upper, lower in _stacks(lines):
        joined = TextLine(
            text=upper.text + lower.text,
            character_confidences=upper.character_confidences + lower.character_confidences,
            box=_union(upper.box, lower.box),
            aspect=_LINE_ASPECT[0],
        )
        if (finding := _plate_of(joined)) is not None:
            found.append(finding)
    kept: list[Finding] = []
    for finding in sorted(found, key=lambda item: -item.confidence):
        if all(finding.box.iou(other.box) == 0.0 for other in kept):
            kept.append(finding)
    return kept


def _plate_of(line: TextLine) -> Finding | None:
    read = plates.normalise(line.text)
    if not plates.LENGTH <= len(read) <= plates.LENGTH + 2 or not _LINE_ASPECT[0] <= line.aspect <= _LINE_ASPECT[1]:
        return None
    confidences = [c for character, c in zip(line.text, line.character_confidences, strict=True) if plates.normalise(character)]
    if len(confidences) != len(read):
        return None
    ranked = plates.repair(read, confidences)
    valid = [candidate for candidate in ranked if plates.is_valid(candidate.text)]
    if not valid or valid[0].confidence < MIN_PROBABILITY:
        return None
    best = valid[0]
    # The grammar says which text; how well it was read is the reader's own doubt about its characters.
    confidence = best.confidence * (sum(confidences) / len(confidences))
    scaled = [PlateCandidate(text=c.text, confidence=min(1.0, confidence if c is best else c.confidence)) for c in valid]
    return Finding(
        object_class=ObjectClass.PLATE,
        confidence=confidence,
        box=line.box,
        source="rapidocr",
        candidates=tuple(scaled[: _ALTERNATES + 1]),
        character_confidences=tuple(confidences),
    )


def _stacks(lines: Sequence[TextLine]) -> Iterable[tuple[TextLine, TextLine]]:
    """Pairs of rows that may be the two lines of one plate: three characters above four, close and centred on each other."""
    for upper in lines:
        if len(plates.normalise(upper.text)) != 3 or not _STACKED_ASPECT[0] <= upper.aspect <= _STACKED_ASPECT[1]:
            continue
        for lower in lines:
            if len(plates.normalise(lower.text)) == 4 and _stacked(upper.box, lower.box):
                yield upper, lower


def _stacked(upper: Box, lower: Box) -> bool:
    height = min(upper.y2 - upper.y1, lower.y2 - lower.y1)
    close = -0.5 * height <= lower.y1 - upper.y2 <= _STACK_GAP * height
    alike = max(upper.y2 - upper.y1, lower.y2 - lower.y1) <= 1.8 * height
    apart = abs(upper.centre[0] - lower.centre[0])
    return close and alike and apart <= 0.35 * max(upper.x2 - upper.x1, lower.x2 - lower.x1)


def _union(a: Box, b: Box) -> Box:
    return Box(x1=min(a.x1, b.x1), y1=min(a.y1, b.y1), x2=max(a.x2, b.x2), y2=max(a.y2, b.y2))


# --- detected objects ------------------------------------------------------------------------------------------------------


def assemble(findings: Sequence[Finding], settings: AiSettings) -> list[DetectedObject]:
    """Objects as the camera's settings want them. A plate belongs to the smallest vehicle around it; a lone one stands for itself."""
    wanted = [finding for finding in findings if _wanted(finding, settings)]
    vehicles = [finding for finding in wanted if finding.object_class in VEHICLES]
    carried: dict[int, Finding] = {}
    lone: list[Finding] = []
    for plate in (finding for finding in wanted if finding.object_class is ObjectClass.PLATE):
        around = [i for i, vehicle in enumerate(vehicles) if vehicle.box.contains(plate.box.centre) and i not in carried]
        if around:
            carried[min(around, key=lambda i: vehicles[i].box.area)] = plate
        else:
            lone.append(plate)
    others = [finding for finding in wanted if finding.object_class not in VEHICLES | {ObjectClass.PLATE}]
    objects = [_object(vehicle, carried.get(i)) for i, vehicle in enumerate(vehicles)]
    return objects + [_object(plate, plate) for plate in lone] + [_object(other, None) for other in others]


def _wanted(finding: Finding, settings: AiSettings) -> bool:
    if any(in_polygon(finding.box.centre, mask) for mask in settings.masks):
        return False
    named = finding.object_class in settings.classes or finding.object_class is ObjectClass.VEHICLE
    return named and finding.confidence >= settings.min_confidence


def _object(finding: Finding, plate: Finding | None) -> DetectedObject:
    return DetectedObject(
        object_class=finding.object_class,
        confidence=finding.confidence,
        box=finding.box,
        plate=plate.candidates[0] if plate else None,
        plate_alternates=plate.candidates[1:] if plate else (),
        plate_box=plate.box if plate else None,
        character_confidences=plate.character_confidences if plate else (),
        source=finding.source if plate is None or plate is finding else f"{finding.source}+{plate.source}",
    )
