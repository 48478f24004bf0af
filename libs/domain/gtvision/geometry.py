"""Boxes and polygons in the picture. Coordinates are normalised: 0..1 from the top left, x to the right, y down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Unit = Annotated[float, Field(ge=0.0, le=1.0)]
Point = tuple[Unit, Unit]
Place = tuple[float, float]


class Box(BaseModel):
    """An axis-aligned box, xyxy, normalised; never empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x1: Unit
    y1: Unit
    x2: Unit
    y2: Unit

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.x2 <= self.x1 or self.y2 <= self.y1:
            raise ValueError("a box needs x1 < x2 and y1 < y2")
        return self

    @classmethod
    def from_pixels(cls, xyxy: Sequence[float], width_px: int, height_px: int) -> Self:
        """Clip a pixel box to the picture and normalise it. Raises ValueError if nothing is left."""
        x1, y1, x2, y2 = xyxy
        return cls(
            x1=min(max(x1 / width_px, 0.0), 1.0),
            y1=min(max(y1 / height_px, 0.0), 1.0),
            x2=min(max(x2 / width_px, 0.0), 1.0),
            y2=min(max(y2 / height_px, 0.0), 1.0),
        )

    def to_pixels(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """xyxy in whole pixels, at least one pixel wide and high."""
        x1, y1 = int(self.x1 * width_px), int(self.y1 * height_px)
        return x1, y1, max(x1 + 1, round(self.x2 * width_px)), max(y1 + 1, round(self.y2 * height_px))

    @property
    def area(self) -> float:
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        overlap = width * height
        return overlap / (self.area + other.area - overlap)

    def contains(self, point: tuple[float, float]) -> bool:
        return self.x1 <= point[0] <= self.x2 and self.y1 <= point[1] <= self.y2

    def expanded(self, by: float) -> Box:
        """Grown by a fraction of its own size on every side, clipped to the picture."""
        dx, dy = (self.x2 - self.x1) * by, (self.y2 - self.y1) * by
        return Box(x1=max(0.0, self.x1 - dx), y1=max(0.0, self.y1 - dy), x2=min(1.0, self.x2 + dx), y2=min(1.0, self.y2 + dy))


def in_polygon(point: tuple[float, float], polygon: Sequence[tuple[float, float]]) -> bool:
    """Even-odd rule. A polygon of fewer than three corners holds nothing."""
    x, y = point
    inside = False
    x1, y1 = polygon[-1] if polygon else (0.0, 0.0)
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside if len(polygon) >= 3 else False


def turn(a: Place, b: Place, p: Place) -> float:
    """Above 0 where p lies to the right of the way from a to b on the screen (y points down), below 0 where to its left."""
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def crosses(p: Place, q: Place, a: Place, b: Place) -> bool:
    """Whether the way from p to q crosses the line from a to b. A point on a line counts to its left."""
    return (turn(a, b, p) > 0) != (turn(a, b, q) > 0) and (turn(p, q, a) > 0) != (turn(p, q, b) > 0)
