"""Vehicles as flat painted faces: what a street camera sees of them from the front (of a motorcycle: from behind).

Local frame: x to the right as the camera sees it, y away from the camera with 0 at the vehicle's near end, z up; metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from demo_cameras import bodywork
from demo_cameras.brush import Rgb, Sprite
from demo_cameras.plates import Plate, plate_sprite
from demo_cameras.stage import Face

Vec = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Panel:
    """A face of a vehicle in its own frame; `outward` is x of its normal for a side, 0 for a face always seen."""

    name: str
    corner: Vec
    along: Vec
    down: Vec
    sprite: Sprite
    outward: float = 0.0
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle ready to be placed: its panels from back to front, its plate last."""

    kind: str
    plate: Plate
    size_m: Vec
    panels: tuple[Panel, ...]
    lamps: tuple[Vec, ...]
    lamp_colour: Rgb = (255, 244, 214)

    def faces(self, x: float, y: float, eye_x: float = 0.0) -> list[Face]:
        """The faces to draw, back to front, with the near end's centre at (x, y) on the street."""
        faces = []
        for panel in self.panels:
            offset = x + panel.corner[0]
            if panel.outward * (eye_x - offset) < 0:
                continue
            corner = np.array([offset, y + panel.corner[1], panel.corner[2]])
            faces.append(Face(corner, np.array(panel.along), np.array(panel.down), panel.sprite, steady=panel.steady))
        return faces

    def plate_face(self, x: float, y: float) -> Face:
        """The plate alone, as placed; the truth of where it is in the picture."""
        panel = self.panels[-1]
        corner = np.array([x + panel.corner[0], y + panel.corner[1], panel.corner[2]])
        return Face(corner, np.array(panel.along), np.array(panel.down), panel.sprite)


@dataclass(slots=True)
class _Assembly:
    """Collects panels; the usual shapes have short names."""

    panels: list[Panel] = field(default_factory=list)

    def front(self, name: str, y: float, z: tuple[float, float], width: float, sprite: Sprite) -> None:
        """An upright face towards the camera, from z[0] to z[1], centred."""
        self.panels.append(Panel(name, (-width / 2, y, z[1]), (width, 0, 0), (0, 0, z[0] - z[1]), sprite))

    def slope(self, name: str, far: tuple[float, float], near: tuple[float, float], width: float, sprite: Sprite) -> None:
        """A face that falls from (y, z) `far` to (y, z) `near`: bonnet, windscreen, roof."""
        down = (0.0, near[0] - far[0], near[1] - far[1])
        self.panels.append(Panel(name, (-width / 2, far[0], far[1]), (width, 0, 0), down, sprite))

    def sides(self, name: str, reach: tuple[float, float], z: tuple[float, float], half: tuple[float, float], sprite: Sprite) -> None:
        """Both flanks from y `reach[0]` to `reach[1]`; half width `half[0]` at the lower edge, `half[1]` at the upper."""
        lower, upper = half
        for sign in (-1.0, 1.0):
            corner = (sign * upper, reach[0], z[1])
            down = (sign * (lower - upper), 0.0, z[0] - z[1])
            self.panels.append(Panel(name, corner, (0, reach[1] - reach[0], 0), down, sprite, outward=sign))

    def shadow(self, length: float, width: float) -> None:
        """Soft darkness under the vehicle, a little to the right as the sun stands left."""
        corner, along, down = (-width / 2 - 0.35, length + 0.4, 0.0), (width + 1.0, 0.0, 0.0), (0.0, -length - 0.75, 0.0)
        self.panels.append(Panel("shadow", corner, along, down, bodywork.shadow(), steady=True))

    def plate(self, plate: Plate, y: float, z: float) -> None:
        """The plate, centred at height z; always the last panel."""
        width, height = plate.size_m
        corner = (-width / 2, y, z + height / 2)
        self.panels.append(Panel("plate", corner, (width, 0, 0), (0, 0, -height), plate_sprite(plate), steady=True))


@dataclass(frozen=True, slots=True)
class _CarShape:
    length: float
    width: float
    bonnet: float
    """z of the bonnet's front edge."""
    belt: float
    """z where the windows begin."""
    roof: float
    cowl: float
    """y where the windscreen begins."""


_CAR_SHAPES = {
    "hatch": _CarShape(3.9, 1.70, 0.80, 0.98, 1.48, 0.95),
    "sedan": _CarShape(4.4, 1.76, 0.76, 0.95, 1.44, 1.15),
    "suv": _CarShape(4.4, 1.84, 0.96, 1.14, 1.70, 1.05),
    "pickup": _CarShape(5.1, 1.88, 1.02, 1.18, 1.78, 1.25),
}


def _car(body: str, colour: Rgb, plate: Plate) -> Vehicle:
    shape = _CAR_SHAPES[body]
    half = shape.width / 2
    build = _Assembly()
    build.shadow(shape.length, shape.width)
    build.front("wheels", 0.55, (0.0, 0.45), shape.width - 0.06, bodywork.wheels_from_front(shape.width - 0.06))
    cabin = (shape.cowl - 0.1, shape.length - (0.35 if body != "pickup" else 1.6))
    flank = bodywork.flank(colour, shape.length, shape.belt - 0.12, shape.bonnet - 0.12)
    windows = bodywork.side_windows(colour, cabin[1] - cabin[0], shape.roof - shape.belt)
    build.sides("flank", (0.0, shape.length), (0.12, shape.belt), (half, half - 0.03), flank)
    build.sides("windows", cabin, (shape.belt, shape.roof), (half - 0.04, half - 0.20), windows)
    roof_y = shape.cowl + (shape.roof - shape.belt) * 1.45
    build.slope("roof", (cabin[1] - 0.3, shape.roof - 0.02), (roof_y, shape.roof), shape.width - 0.36, bodywork.roof(colour))
    glass = bodywork.windscreen(colour, shape.width - 0.06, 0.15)
    build.slope("windscreen", (roof_y, shape.roof), (shape.cowl, shape.belt), shape.width - 0.06, glass)
    bonnet = bodywork.bonnet(colour, shape.width)
    build.slope("bonnet", (shape.cowl, shape.belt + 0.01), (0.0, shape.bonnet - 0.03), shape.width - 0.02, bonnet)
    mirrors = bodywork.mirrors(colour, shape.width + 0.34)
    build.front("mirrors", shape.cowl + 0.35, (shape.belt - 0.04, shape.belt + 0.16), shape.width + 0.34, mirrors)
    face = bodywork.car_face(colour, shape.width, shape.bonnet - 0.16, body)
    build.front("face", 0.0, (0.16, shape.bonnet), shape.width, face)
    build.plate(plate, -0.02, 0.40 if body in {"hatch", "sedan"} else 0.50)
    lamp = (half - 0.26, -0.03, shape.bonnet - 0.16)
    return Vehicle("car", plate, (shape.width, shape.length, shape.roof), tuple(build.panels), ((-lamp[0], *lamp[1:]), lamp))


def _box_vehicle(kind: str, colour: Rgb, plate: Plate) -> Vehicle:
    width, length, roof = (2.3, 7.2, 2.95) if kind == "bus" else (2.1, 2.0, 2.35)
    build = _Assembly()
    cargo = 0.0 if kind == "bus" else 4.6
    build.shadow(length + cargo, width)
    build.front("wheels", 0.9, (0.0, 0.6), width - 0.06, bodywork.wheels_from_front(width - 0.06))
    if cargo:
        build.sides("box", (length + 0.25, length + cargo), (0.95, 3.05), (1.15, 1.15), bodywork.cargo_side(cargo))
        build.sides("chassis", (length, length + cargo), (0.1, 0.95), (1.0, 1.0), bodywork.chassis_side(cargo))
        build.front("box front", length + 0.25, (0.95, 3.05), 2.3, bodywork.cargo_front())
    build.sides("side", (0.0, length), (0.2, roof), (width / 2, width / 2 - 0.03), bodywork.cab_side(colour, length, roof - 0.2))
    build.slope("roof", (length, roof), (0.15, roof), width - 0.1, bodywork.roof(colour))
    build.front("mirrors", 0.05, (roof * 0.52, roof * 0.72), width + 0.6, bodywork.mirrors((30, 30, 32), width + 0.6))
    face = bodywork.cab_face(colour, width, roof - 0.2, "TERMINAL CENTRO" if kind == "bus" else "")
    build.front("face", 0.0, (0.2, roof), width, face)
    build.plate(plate, -0.02, 0.50 if kind == "bus" else 0.52)
    lamp = (width / 2 - 0.3, -0.03, 0.72)
    return Vehicle(kind, plate, (width, length + cargo, roof), tuple(build.panels), ((-lamp[0], *lamp[1:]), lamp))


def _motorcycle(colour: Rgb, plate: Plate) -> Vehicle:
    build = _Assembly()
    build.shadow(1.6, 0.5)
    build.front("rider", 0.55, (0.0, 1.72), 0.95, bodywork.rider_from_behind(colour))
    build.front("tail", 0.0, (0.0, 1.0), 0.6, bodywork.motorcycle_tail(colour))
    build.plate(plate, -0.02, 0.62)
    return Vehicle("motorcycle", plate, (0.95, 2.0, 1.72), tuple(build.panels), ((0.0, -0.03, 0.80),), lamp_colour=(255, 40, 30))


_BUILDERS: dict[str, Callable[[Rgb, Plate], Vehicle]] = {
    **{body: partial(_car, body) for body in _CAR_SHAPES},
    "bus": partial(_box_vehicle, "bus"),
    "truck": partial(_box_vehicle, "truck"),
    "motorcycle": _motorcycle,
}


def build_vehicle(body: str, colour: Rgb, plate: Plate) -> Vehicle:
    """Build a vehicle: hatch, sedan, suv, pickup, bus, truck or motorcycle."""
    return _BUILDERS[body](colour, plate)
