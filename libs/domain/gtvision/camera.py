"""What every service knows of a camera: how it should be read, recorded and analysed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from gtvision.geometry import Point


class CameraState(StrEnum):
    """What the product last saw of a camera."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    DISABLED = "disabled"


class ObjectClass(StrEnum):
    """What a detection can be of."""

    CAR = "car"
    MOTORCYCLE = "motorcycle"
    BUS = "bus"
    TRUCK = "truck"
    PERSON = "person"
    PLATE = "plate"
    VEHICLE = "vehicle"
    """A vehicle whose kind the reader could not tell."""


class AiSettings(BaseModel):
    """What the analysis of one camera should do. Travels in every frame's headers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    enabled: bool = True
    fps: Annotated[float, Field(gt=0, le=5)] = 1.0
    """Frames a second offered to the motion gate, at most."""
    classes: tuple[ObjectClass, ...] = (ObjectClass.CAR, ObjectClass.MOTORCYCLE, ObjectClass.BUS, ObjectClass.TRUCK, ObjectClass.PLATE)
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """An object, and a plate, of which the reader is less sure than this is not stored."""
    masks: tuple[tuple[Point, ...], ...] = ()
    """Polygons that the motion gate and the detector must not look at."""


class RecordingSettings(BaseModel):
    """Whether and for how long a camera is recorded."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    enabled: bool = True
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    offsite: bool = False
    offsite_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Whether its recordings are copied off-site, where the installation has an archive, and days that a copy is kept."""


def path_name(camera_id: UUID) -> str:
    """The camera's path on a media server."""
    return f"cam_{camera_id}"


def camera_of_path(path: str) -> str | None:
    """The camera id inside a media path, or None for a path that is not ours."""
    name = path.strip("/")
    if not name.startswith("cam_"):
        return None
    candidate = name.removeprefix("cam_").removesuffix("_sub")
    try:
        return str(UUID(candidate))
    except ValueError:
        return None
