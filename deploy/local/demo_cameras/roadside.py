"""What stands beside the street, put up from far to near."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from demo_cameras import buildings
from demo_cameras.brush import Picture, Rgb, Sprite
from demo_cameras.lens import Lens, Points
from demo_cameras.stage import Face, draw


@dataclass(frozen=True, slots=True)
class Light:
    """Sun, sky and haze; `night` switches the lamps on."""

    zenith: Rgb = (104, 156, 206)
    horizon: Rgb = (206, 220, 228)
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Multiplies red, green and blue of everything that does not shine."""
    night: bool = False

    def gain(self, factor: float = 1.0) -> Points:
        """The tint as a blue, green, red factor."""
        return np.array(self.tint[::-1]) * factor


@dataclass(frozen=True, slots=True)
class Street:
    """A street along Y beside the camera; `side` is 1 when it lies to the right of the camera, -1 to the left."""

    side: float = 1.0
    kerb_m: float = 0.35
    width_m: float = 7.0
    dashes_at_m: float = 3.7
    hump_m: tuple[float, float] | None = None
    crossing_m: tuple[float, float] | None = None
    stop_line_m: float | None = None
    side_street_m: tuple[float, float] | None = None
    seed: int = 1


def upright(sprite: Sprite, x: float, y: float, size: tuple[float, float], z: float = 0.0) -> Face:
    """A face towards the camera, standing at (x, y), centred on x."""
    return Face(np.array([x - size[0] / 2, y, z + size[1]]), np.array([size[0], 0.0, 0.0]), np.array([0.0, 0.0, -size[1]]), sprite)


def _row(canvas: Picture, lens: Lens, street: Street, light: Light, line: float) -> None:
    """One row of houses along x = `line`, from far to near."""
    y, items = 118.0, 0
    while y > 6.0:
        width = 7.0 + (street.seed * 7 + items * 5) % 6
        near = y - width
        crossed = street.side_street_m and near < street.side_street_m[1] + 2 and y > street.side_street_m[0] - 2
        if not crossed:
            height = 4.2 + ((street.seed + items * 3) % 4) * 2.8
            front = buildings.facade(width, height, street.seed * 100 + items + (50 if line * street.side < 0 else 0))
            haze = min(0.55, y / 190)
            wall = buildings.hazed(front.wall, light.horizon, 0.0 if light.night else haze)
            corner = np.array([line, near if line < 0 else y, height])
            along = np.array([0.0, width if line < 0 else -width, 0.0])
            down = np.array([0.0, 0.0, -height])
            gable = np.array([line, near, height])
            draw(canvas, Face(corner, along, down, wall, lit=0.92), lens, light.gain())
            draw(canvas, Face(gable, np.array([np.sign(line) * 9.0, 0, 0]), down, wall, lit=0.6), lens, light.gain())
            if light.night:
                draw(canvas, Face(corner, along, down, front.lights, lit=max(0.4, 1 - y / 160)), lens)
        y, items = near, items + 1


def _furniture(canvas: Picture, lens: Lens, street: Street, light: Light) -> None:
    """Trees and lamp posts, from far to near."""
    side, far_walk = street.side, street.kerb_m + street.width_m + 1.4
    lamp = buildings.lamp_post(side)
    things: list[tuple[float, Face]] = []
    for index, y in enumerate((96.0, 78.0, 62.0, 47.0, 36.0)):
        things.append((y, upright(buildings.tree(street.seed + index), side * far_walk, y, (5.0, 7.0))))
        things.append((y - 7, upright(lamp, side * (far_walk - 0.6), y - 7, (3.0, 8.0))))
    for index, y in enumerate((104.0, 84.0, 66.0)):
        things.append((y, upright(buildings.tree(street.seed + 20 + index), side * -3.2, y, (5.0, 7.0))))
    for y, face in sorted(things, key=lambda thing: -thing[0]):
        hazy = face.sprite if light.night else buildings.hazed(face.sprite, light.horizon, min(0.5, y / 220))
        draw(canvas, replace(face, sprite=hazy), lens, light.gain())


def _lamps(canvas: Picture, lens: Lens, street: Street) -> None:
    """Street lamps: the lamp's own glow and a pool of light below it."""
    halo, pool = buildings.glow((255, 206, 138), 3.0), buildings.glow((150, 112, 66), 1.6)
    x = street.side * (street.kerb_m + street.width_m - 0.4)
    for y in (107.0, 89.0, 71.0, 55.0, 40.0, 29.0, 12.0):
        ground = Face(np.array([x - 8.5, y + 8, 0.01]), np.array([15.0, 0, 0]), np.array([0.0, -15.0, 0]), pool, glow=True, lit=0.8)
        draw(canvas, ground, lens)
        draw(canvas, replace(upright(halo, x, y, (3.2, 3.2), z=5.8), glow=True), lens)


def furnish(canvas: Picture, lens: Lens, street: Street, light: Light) -> None:
    """Put up everything that stands beside the street."""
    _row(canvas, lens, street, light, street.side * -11.0)
    _row(canvas, lens, street, light, street.side * (street.kerb_m + street.width_m + 3.2))
    _furniture(canvas, lens, street, light)
    if light.night:
        _lamps(canvas, lens, street)
