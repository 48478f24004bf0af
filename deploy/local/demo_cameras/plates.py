"""Brazilian plates, drawn to their sizes in millimetres.

Old era (1990 to 2018): grey, "ABC-1234" under the town's name; red for paid transport.
Mercosul (since 2018): white, blue band with "BRASIL", "ABC1D23"; red characters for paid transport.
Motorcycles carry the same text in two lines on 200 x 170 mm.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from demo_cameras.brush import FONT_CONDENSED, FONT_SLAB, Brush, Fill, Rgb, Sprite, plain, shade

OLD = "old"
MERCOSUL = "mercosul"
CAR_SIZE_M = (0.400, 0.130)
MOTORCYCLE_SIZE_M = (0.200, 0.170)
_PX_PER_M = 1400
_GREY, _WHITE, _RED, _BLUE, _BLACK = (196, 199, 200), (238, 240, 240), (172, 22, 30), (16, 56, 150), (16, 17, 20)

_WIDTHS = {"I": 0.24, "1": 0.50, "O": 0.90, "Q": 0.90, "0": 0.72, "J": 0.62, "M": 0.92, "W": 0.96}
"""Share of its cell that a character's ink fills; 0.80 unless told."""

_MERCOSUL_SLAB = "I"
"""The new plates' lettering gives the I feet, so that it is no 1; the old one's I is a bare stroke."""


@dataclass(frozen=True, slots=True)
class Plate:
    """A plate as it is mounted: text without separator, whether it has two lines, whether it is a paid-transport plate."""

    text: str
    two_lines: bool = False
    paid: bool = False
    town: str = "SP-SAO PAULO"

    @property
    def era(self) -> str:
        """`old` or `mercosul`, told by the fifth character."""
        return OLD if re.fullmatch(r"[A-Z]{3}[0-9]{4}", self.text) else MERCOSUL

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height in metres."""
        return MOTORCYCLE_SIZE_M if self.two_lines else CAR_SIZE_M


def _characters(brush: Brush, text: str, box: tuple[float, float, float, float], ink: Fill, slab: str = "") -> None:
    """Characters in equal cells of a box (left, bottom, right, top), each stretched to its cell as number plates do."""
    left, bottom, right, top = box
    cell = (right - left) / len(text)
    for index, character in enumerate(text):
        face = FONT_SLAB if character in slab else FONT_CONDENSED
        half = cell * (0.52 if character in slab else _WIDTHS.get(character, 0.80)) / 2
        middle = left + cell * (index + 0.5)
        brush.glyph((middle - half, bottom, middle + half, top), character, ink, face)


def _blank(plate: Plate, body: Rgb, rim: Rgb) -> Brush:
    width, height = plate.size_m
    brush = Brush(width, height, _PX_PER_M)
    brush.box((0, 0, width, height), plain(rim), radius_m=0.012)
    edge = 0.004
    brush.box((edge, edge, width - edge, height - edge), Fill(body, shade(body, 0.93)), radius_m=0.009)
    return brush


def _old(plate: Plate) -> Brush:
    body, ink = (_RED, _WHITE) if plate.paid else (_GREY, _BLACK)
    brush = _blank(plate, body, ink)
    width, height = plate.size_m
    fill = plain(ink)
    if plate.two_lines:
        brush.text((width / 2, height - 0.017), 0.012, plate.town, fill, width_m=0.13)
        _characters(brush, plate.text[:3], (0.034, 0.084, 0.166, 0.140), fill)
        _characters(brush, plate.text[3:], (0.014, 0.014, 0.186, 0.070), fill)
        return brush
    brush.text((width / 2, height - 0.016), 0.013, plate.town, fill)
    _characters(brush, plate.text[:3], (0.014, 0.017, 0.168, 0.087), fill)
    brush.box((0.174, 0.046, 0.190, 0.056), fill)
    _characters(brush, plate.text[3:], (0.196, 0.017, 0.388, 0.087), fill)
    return brush


def _mercosul(plate: Plate) -> Brush:
    brush = _blank(plate, _WHITE, (40, 42, 46))
    width, height = plate.size_m
    band = 0.026 if plate.two_lines else 0.030
    brush.box((0.004, height - band, width - 0.004, height - 0.004), Fill((22, 70, 172), _BLUE), radius_m=0.004)
    brush.text((width / 2, height - band / 2 - 0.002), band * 0.48, "BRASIL", plain(_WHITE))
    flag = width - 0.028
    brush.box((flag - 0.011, height - band + 0.006, flag + 0.011, height - 0.010), plain((20, 140, 70)))
    brush.disc((flag, height - band / 2 - 0.002), (0.005, 0.005), plain((240, 210, 40)))
    brush.disc((0.026, height - band / 2 - 0.002), (0.008, 0.005), plain((150, 190, 240)))
    ink = plain(_RED if plate.paid else _BLACK)
    if plate.two_lines:
        _characters(brush, plate.text[:3], (0.034, 0.080, 0.166, 0.136), ink, _MERCOSUL_SLAB)
        _characters(brush, plate.text[3:], (0.014, 0.012, 0.186, 0.068), ink, _MERCOSUL_SLAB)
        return brush
    brush.text((0.021, 0.020), 0.009, "BR", ink)
    _characters(brush, plate.text, (0.034, 0.017, 0.388, 0.085), ink, _MERCOSUL_SLAB)
    return brush


def plate_sprite(plate: Plate) -> Sprite:
    """The plate as a texture of its true proportions."""
    return (_old(plate) if plate.era == OLD else _mercosul(plate)).sprite()
