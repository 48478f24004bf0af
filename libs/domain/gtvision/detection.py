"""What was detected in one frame."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from gtvision.camera import ObjectClass
from gtvision.geometry import Box

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class PlateCandidate(BaseModel):
    """One way of reading a plate. `text` is normalised (A-Z, 0-9), 7 characters where the grammar holds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[A-Z0-9]+$")]
    confidence: Confidence


class DetectedObject(BaseModel):
    """One object in one frame.

    `plate` is the best reading where the object is a plate or carries one; `plate_alternates` the others, best first;
    `plate_box` where the plate is, in the frame's coordinates.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    object_class: ObjectClass
    confidence: Confidence
    box: Box
    plate: PlateCandidate | None = None
    plate_alternates: tuple[PlateCandidate, ...] = ()
    plate_box: Box | None = None
    character_confidences: tuple[Confidence, ...] = ()
    source: Annotated[str, Field(max_length=64)] = ""
    """Which part of the provider found it, for example `rapidocr` or `yolo`."""
