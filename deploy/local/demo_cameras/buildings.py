"""What stands along a street: houses with shops, trees, lamp posts. Sizes in metres; every function returns finished textures."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from demo_cameras.brush import Brush, Fill, Rgb, Sprite, mix, plain, shade

_WALLS: tuple[Rgb, ...] = ((222, 205, 176), (198, 120, 92), (176, 190, 196), (230, 226, 216), (208, 172, 110), (150, 168, 150))
_AWNINGS: tuple[Rgb, ...] = ((172, 44, 40), (34, 98, 74), (30, 78, 140), (204, 142, 38), (92, 62, 112))
_SIGNS = ("PADARIA", "FARMACIA", "MERCADO", "ACOUGUE", "BAR DO ZE", "MODAS", "OTICA", "PAPELARIA")
_GLASS, _LIT = Fill((150, 176, 194), (54, 70, 82)), Fill((255, 222, 150), (236, 178, 92))
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
    wall, colour, sign = dice.choice(_WALLS), dice.choice(_AWNINGS), dice.choice(_SIGNS)
    day.box((0, 0, width, height), Fill(mix(wall, (255, 255, 255), 0.12), shade(wall, 0.82)))
    bays = max(1, int(width // 2.6))
    for bay in range(bays):
        window = (bay * width / bays + 0.3, 0.3, (bay + 1) * width / bays - 0.3, 2.43)
        day.box(window, Fill((88, 104, 112), (32, 36, 40)))
        if dice.random() < 0.5:
            night.box(window, Fill((255, 236, 196), (214, 170, 110)))
    day.box((0, 2.45, width, 2.95), Fill(shade(colour, 1.05), shade(colour, 0.8)))
    day.box((0.2, 3.0, width - 0.2, 3.6), Fill(shade(colour, 0.9), shade(colour, 0.7)))
    day.text((width / 2, 3.3), 0.34, sign, plain((244, 240, 230)))
    night.text((width / 2, 3.3), 0.34, sign, plain((255, 214, 140)))
    for floor in range(max(0, int((height - 3.6) // 2.8))):
        for index in range(max(2, int(width // 2.0))):
            middle, base = (index + 0.5) * width / max(2, int(width // 2.0)), 3.9 + floor * 2.8
            window = (middle - 0.54, base, middle + 0.54, base + 1.47)
            day.box((middle - 0.62, base - 0.1, middle + 0.62, base + 1.55), plain((236, 232, 222)))
            day.box(window, _GLASS)
            if dice.random() < 0.45:
                night.box(window, _LIT)
    return Facade(day.sprite(), night.sprite())


def tree(seed: int) -> Sprite:
    """A leafy street tree, 5 x 7 m."""
    dice = Random(seed)  # noqa: S311 - decoration, not a secret
    brush = Brush(5.0, 7.0, 60)
    brush.polygon([(2.36, 0.0), (2.66, 0.0), (2.58, 4.0), (2.42, 4.0)], Fill((110, 92, 74), (74, 60, 48)))
    for layer, tone in enumerate(((34, 58, 28), (48, 82, 36), (70, 108, 46), (104, 142, 66))):
        for _ in range(150):
            angle, radius = dice.uniform(0, 6.28), dice.uniform(0, 1) ** 0.5
            x = 2.5 + np.cos(angle) * radius * 1.9 - layer * 0.10
            z = 4.8 + np.sin(angle) * radius * 1.55 + layer * 0.14
            size = dice.uniform(0.12, 0.30) * (1 - layer * 0.14)
            brush.disc((float(x), float(z)), (size, size * 0.8), plain(tone, 0.8))
    return brush.sprite()


def lamp_post(side: float) -> Sprite:
    """A concrete post with its arm over the street, 3 x 8 m."""
    brush = Brush(3.0, 8.0, 60)
    brush.polygon([(1.38, 0.0), (1.62, 0.0), (1.57, 8.0), (1.43, 8.0)], Fill((168, 166, 160), (120, 118, 112)))
    brush.line([(1.5, 6.9), (1.5 - side * 1.2, 7.4)], 0.08, plain((120, 122, 124)))
    brush.box((1.5 - side * 1.2 - 0.25, 7.34, 1.5 - side * 1.2 + 0.25, 7.5), plain((70, 72, 74)), radius_m=0.05)
    return brush.sprite()


def glow(colour: Rgb, sharp: float = 3.0) -> Sprite:
    """Light that fades to nothing at its edge; added to the picture."""
    axis = np.linspace(-1, 1, 128)
    far = np.sqrt(axis[None, :] ** 2 + axis[:, None] ** 2)
    fall = np.clip(1 - far, 0, 1) ** sharp
    bgr = (fall[..., None] * np.array(colour[::-1])).astype(np.uint8)
    return Sprite(np.dstack([bgr, np.zeros((128, 128), dtype=np.uint8)]))
