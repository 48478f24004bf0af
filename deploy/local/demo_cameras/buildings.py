"""What stands along a street: houses, shops, trees, lamp posts. Sizes in metres; every function returns finished textures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from demo_cameras.brush import Brush, Fill, Rgb, Sprite, mix, plain, shade

_WALLS: tuple[Rgb, ...] = (
    *((222, 205, 176), (198, 120, 92), (176, 190, 196)),
    *((230, 226, 216), (208, 172, 110), (150, 168, 150), (188, 150, 150)),
)
_AWNINGS: tuple[Rgb, ...] = ((172, 44, 40), (34, 98, 74), (30, 78, 140), (204, 142, 38), (92, 62, 112))
_SIGNS = ("PADARIA", "FARMACIA", "MERCADO", "ACOUGUE", "BAR DO ZE", "MODAS", "OTICA", "PAPELARIA")
_GLASS, _LIT, _FRAME = Fill((150, 176, 194), (54, 70, 82)), Fill((255, 222, 150), (236, 178, 92)), (70, 66, 62)
_PX_PER_M = 50


@dataclass(frozen=True, slots=True)
class Facade:
    """A house front as the sun shows it and, apart, what shines by itself at night."""

    wall: Sprite
    lights: Sprite


def hazed(sprite: Sprite, colour: Rgb, share: float) -> Sprite:
    """The same texture seen through `share` of haze."""
    base = sprite.levels[0].astype(np.float32)
    haze = np.array(colour[::-1], dtype=np.float32) * (base[..., 3:4] / 255)
    base[..., :3] = base[..., :3] * (1 - share) + haze * share
    return Sprite(base.astype(np.uint8))


def facade(width: float, height: float, seed: int) -> Facade:
    """A shop below, flats above; the seed chooses colours, sign and which windows are lit."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    day, night = Brush(width, height, _PX_PER_M), Brush(width, height, _PX_PER_M)
    wall = dice.choice(_WALLS)
    day.box((0, 0, width, height), Fill(mix(wall, (255, 255, 255), 0.12), shade(wall, 0.82)))
    for _ in range(8):  # weathering
        x, z = dice.uniform(0, width), dice.uniform(2.5, height)
        day.box((x, z - dice.uniform(0.5, 2.0), x + dice.uniform(0.05, 0.4), z), plain(shade(wall, 0.7), 0.25), blur_m=0.15)
    day.box((0, height - 0.25, width, height), plain(shade(wall, 0.7)))
    _shop(day, night, width, dice)
    floors = int((height - 3.6) // 2.8)
    for floor in range(max(0, floors)):
        _flats(day, night, width, 3.9 + floor * 2.8, dice)
    return Facade(day.sprite(), night.sprite())


def _shop(day: Brush, night: Brush, width: float, dice: Random) -> None:
    colour = dice.choice(_AWNINGS)
    day.box((0, 0, width, 0.5), plain((96, 92, 88)))
    bays = max(1, int(width // 2.6))
    for bay in range(bays):
        left, right = bay * width / bays + 0.25, (bay + 1) * width / bays - 0.25
        if dice.random() < 0.3:  # a rolling door that is shut
            day.box((left, 0.05, right, 2.5), Fill((150, 152, 152), (112, 114, 116)))
            for z in range(12):
                day.line([(left, 0.2 + z * 0.19), (right, 0.2 + z * 0.19)], 0.02, plain((92, 94, 96)))
            continue
        day.box((left, 0.1, right, 2.5), plain(_FRAME))
        day.box((left + 0.07, 0.5 if bay % 2 else 0.12, right - 0.07, 2.43), Fill((88, 104, 112), (32, 36, 40)))
        day.box((left + 0.2, 0.55, right - 0.2, 1.2), plain(mix(colour, (120, 110, 100), 0.5), 0.6), blur_m=0.1)
        if dice.random() < 0.6:
            night.box((left + 0.07, 0.5, right - 0.07, 2.43), Fill((255, 236, 196), (214, 170, 110)))
    stripes = max(4, int(width / 0.5))
    for stripe in range(stripes):
        left = stripe * width / stripes
        tone = colour if stripe % 2 else mix(colour, (255, 255, 255), 0.78)
        day.box((left, 2.45, left + width / stripes + 0.02, 2.95), Fill(shade(tone, 1.05), shade(tone, 0.8)))
    day.box((0.2, 3.0, width - 0.2, 3.6), Fill(shade(colour, 0.9), shade(colour, 0.7)))
    sign = dice.choice(_SIGNS)
    day.text((width / 2, 3.3), 0.34, sign, plain((244, 240, 230)))
    night.text((width / 2, 3.3), 0.34, sign, plain((255, 214, 140)))


def _flats(day: Brush, night: Brush, width: float, base: float, dice: Random) -> None:
    count = max(2, int(width // 2.0))
    for index in range(count):
        middle = (index + 0.5) * width / count
        day.box((middle - 0.62, base, middle + 0.62, base + 1.55), plain((236, 232, 222)))
        day.box((middle - 0.54, base + 0.06, middle + 0.54, base + 1.47), _GLASS)
        day.line([(middle, base + 0.06), (middle, base + 1.47)], 0.05, plain((224, 220, 210)))
        if dice.random() < 0.4:
            day.box((middle - 0.52, base + 0.1, middle - 0.1, base + 1.45), plain((226, 214, 190), 0.7), blur_m=0.03)
        day.box((middle - 0.75, base - 0.12, middle + 0.75, base), plain((200, 196, 188)))
        if dice.random() < 0.3:
            day.box((middle - 0.35, base - 0.5, middle + 0.35, base - 0.14), Fill((226, 226, 224), (170, 170, 168)), radius_m=0.03)
        if dice.random() < 0.45:
            night.box((middle - 0.54, base + 0.06, middle + 0.54, base + 1.47), _LIT)


def tower(width: float, height: float, seed: int, night: bool) -> Sprite:
    """A far block of flats."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    tone = mix(dice.choice(_WALLS), (150, 156, 164), 0.6)
    brush = Brush(width, height, 8)
    brush.box((0, 0, width, height), plain(shade(tone, 0.16 if night else 1.0)))
    for row in range(int(height / 1.5)):
        for column in range(int(width / 1.4)):
            left, base = column * 1.4 + 0.4, row * 1.5 + 0.4
            lit = night and dice.random() < 0.3
            if lit or not night:
                brush.box((left, base, left + 0.7, base + 0.8), plain((230, 190, 120) if lit else shade(tone, 0.72)))
    return brush.sprite()


def tree(seed: int) -> Sprite:
    """A leafy street tree, 5 x 7 m."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    brush = Brush(5.0, 7.0, 60)
    brush.polygon([(2.36, 0.0), (2.66, 0.0), (2.58, 3.4), (2.42, 3.4)], Fill((110, 92, 74), (74, 60, 48)))
    for reach in (-1.1, -0.5, 0.6, 1.2):
        brush.line([(2.5, 2.6), (2.5 + reach, 4.2)], 0.1, plain((82, 68, 54)))
    for layer, tone in enumerate(((34, 58, 28), (48, 82, 36), (70, 108, 46), (104, 142, 66))):
        for _ in range(150):
            angle, radius = dice.uniform(0, 6.28), dice.uniform(0, 1) ** 0.5
            x = 2.5 + np.cos(angle) * radius * 1.9 - layer * 0.10
            z = 4.8 + np.sin(angle) * radius * 1.55 + layer * 0.14
            size = dice.uniform(0.12, 0.30) * (1 - layer * 0.14)
            brush.disc((float(x), float(z)), (size, size * 0.8), plain(tone, 0.8))
    return brush.sprite()


def palm(seed: int) -> Sprite:
    """A palm tree, 5 x 8 m."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    brush = Brush(5.0, 8.0, 60)
    brush.line([(2.5, 0.0), (2.46, 3.0), (2.54, 6.0)], 0.26, Fill((150, 134, 112), (108, 94, 78)))
    for index in range(16):
        angle = index / 16 * 6.28 + dice.uniform(-0.1, 0.1)
        reach, drop = 2.0 * np.cos(angle), 0.9 * np.sin(angle)
        points = [(2.54 + float(reach) * t, 6.1 + float(drop) * t + 0.9 * t - 1.5 * t * t) for t in (0, 0.25, 0.5, 0.75, 1.0)]
        brush.line(points, 0.13, plain((58 + index * 3, 98 + index * 3, 44)))
        for x, z in points[1:]:
            brush.line([(x, z), (x, z - 0.35)], 0.12, plain((48, 84, 38), 0.8))
    return brush.sprite()


def lamp_post(side: float) -> Sprite:
    """A concrete post with its arm over the street, 3 x 8 m."""
    brush = Brush(3.0, 8.0, 60)
    brush.polygon([(1.38, 0.0), (1.62, 0.0), (1.57, 8.0), (1.43, 8.0)], Fill((168, 166, 160), (120, 118, 112)))
    brush.line([(1.5, 6.9), (1.5 - side * 1.2, 7.4)], 0.08, plain((120, 122, 124)))
    brush.box((1.5 - side * 1.2 - 0.25, 7.34, 1.5 - side * 1.2 + 0.25, 7.5), plain((70, 72, 74)), radius_m=0.05)
    brush.box((0.9, 7.55, 2.1, 7.66), plain((96, 84, 70)))
    brush.box((1.62, 5.6, 1.95, 6.3), Fill((130, 132, 134), (90, 92, 94)), radius_m=0.08)
    return brush.sprite()


def traffic_light() -> Sprite:
    """A signal on its post, 1 x 4.4 m, showing green."""
    brush = Brush(1.0, 4.4, 120)
    brush.box((0.46, 0.0, 0.54, 3.4), Fill((92, 96, 60), (60, 62, 40)))
    brush.box((0.32, 3.2, 0.68, 4.35), plain((22, 24, 22)), radius_m=0.05)
    for z, colour in ((4.12, (70, 18, 16)), (3.78, (76, 58, 14)), (3.44, (70, 250, 140))):
        brush.disc((0.5, z), (0.12, 0.12), plain(colour))
    return brush.sprite()


def person(seed: int) -> Sprite:
    """Somebody on the pavement, 0.8 x 1.8 m."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    brush = Brush(0.8, 1.8, 160)
    shirt, trousers = dice.choice(_AWNINGS), dice.choice(((40, 46, 64), (70, 66, 60), (30, 30, 34)))
    skin = dice.choice(((120, 84, 62), (176, 132, 104), (88, 60, 46)))
    for x in (0.34, 0.46):
        brush.line([(0.4, 0.9), (x, 0.05)], 0.13, plain(trousers))
    brush.box((0.24, 0.80, 0.56, 1.45), Fill(mix(shirt, (255, 255, 255), 0.15), shade(shirt, 0.7)), radius_m=0.1)
    for x in (0.22, 0.58):
        brush.line([(x, 1.36), (x, 0.85)], 0.09, plain(shade(shirt, 0.85)))
    brush.disc((0.4, 1.61), (0.10, 0.13), Fill(skin, shade(skin, 0.7)))
    brush.disc((0.4, 1.68), (0.10, 0.08), plain((30, 24, 20)))
    return brush.sprite()


def glow(colour: Rgb, sharp: float = 3.0) -> Sprite:
    """Light that fades to nothing at its edge; added to the picture."""
    axis = np.linspace(-1, 1, 128)
    far = np.sqrt(axis[None, :] ** 2 + axis[:, None] ** 2)
    fall = np.clip(1 - far, 0, 1) ** sharp
    bgr = (fall[..., None] * np.array(colour[::-1])).astype(np.uint8)
    return Sprite(np.dstack([bgr, np.zeros((128, 128), dtype=np.uint8)]))
