"""What is painted on a vehicle's panels. Sizes in metres; every function returns a finished texture."""

from __future__ import annotations

from functools import cache

from demo_cameras.brush import Brush, Fill, Rgb, Sprite, mix, plain, shade

SKY, GLASS, RUBBER, DARK, CHROME = (196, 214, 228), (26, 32, 38), (22, 22, 24), (14, 14, 16), (206, 210, 214)
AMBER, LAMP = (230, 130, 30), (238, 242, 246)
_FACE_PX = 460
_FLANK_PX = 130


def _body(colour: Rgb) -> Fill:
    """Paint that mirrors the sky above and the street below."""
    return Fill(mix(colour, SKY, 0.22), shade(colour, 0.66))


@cache
def shadow() -> Sprite:
    """A soft shadow; stretched under the vehicle."""
    brush = Brush(2.0, 4.0, 40)
    brush.box((0.25, 0.25, 1.75, 3.75), plain((8, 9, 12), 0.72), radius_m=0.3, blur_m=0.11)
    return brush.sprite()


def wheels_from_front(width: float) -> Sprite:
    """Two tyres and the darkness between them."""
    brush = Brush(width, 0.6, 200)
    brush.box((0.05, 0.18, width - 0.05, 0.6), plain((6, 6, 8)))
    for left in (0.02, width - 0.24):
        brush.box((left, 0.0, left + 0.22, 0.55), Fill((34, 34, 36), (14, 14, 15)), radius_m=0.04)
    return brush.sprite()


def roof(colour: Rgb) -> Sprite:
    """A roof seen along its length."""
    brush = Brush(1.4, 1.6, 120)
    brush.box((0, 0, 1.4, 1.6), Fill(mix(colour, SKY, 0.25), mix(colour, SKY, 0.5)), radius_m=0.1)
    brush.box((0.3, 0.15, 0.62, 1.5), plain(SKY, 0.22), blur_m=0.07)
    return brush.sprite()


def windscreen(colour: Rgb, width: float, taper: float) -> Sprite:
    """The windscreen with its pillars; the upper edge is `taper` metres shorter on each side."""
    height = 0.9
    brush = Brush(width, height, _FACE_PX)
    frame = [(0.0, 0.0), (width, 0.0), (width - taper, height), (taper, height)]
    brush.polygon(frame, Fill(mix(colour, SKY, 0.25), shade(colour, 0.8)))
    inner = [(0.07, 0.02), (width - 0.07, 0.02), (width - taper - 0.06, height - 0.06), (taper + 0.06, height - 0.06)]
    brush.polygon(inner, Fill((66, 84, 98), (18, 22, 27)))
    gleam = [(width * 0.52, 0.05), (width * 0.86, 0.05), (width * 0.74, height - 0.08), (width * 0.56, height - 0.08)]
    brush.polygon(gleam, plain(SKY, 0.10), 0.03)
    for seat in (0.30, 0.70):  # head rests behind the glass
        brush.disc((width * seat, 0.50), (0.085, 0.12), plain((10, 12, 14), 0.7), blur_m=0.012)
    return brush.sprite()


def bonnet(colour: Rgb, width: float) -> Sprite:
    """The bonnet, narrower at the front, with its two folds."""
    height = 1.0
    brush = Brush(width, height, 240)
    outline = [(0.05, 0.0), (width - 0.05, 0.0), (width - 0.02, height), (0.02, height)]
    brush.polygon(outline, Fill(mix(colour, SKY, 0.18), mix(colour, SKY, 0.48)))
    for x in (width * 0.24, width * 0.76):
        brush.line([(x, 0.05), (x + (width / 2 - x) * -0.12, height)], 0.02, plain(shade(colour, 0.72), 0.7), blur_m=0.008)
    brush.box((width * 0.3, 0.1, width * 0.52, height), plain(SKY, 0.28), blur_m=0.06)
    brush.line([(0.06, 0.012), (width - 0.06, 0.012)], 0.02, plain(shade(colour, 0.5)))
    return brush.sprite()


def mirrors(colour: Rgb, width: float) -> Sprite:
    """Two outside mirrors with nothing between."""
    brush = Brush(width, 0.2, 240)
    brush.line([(0.1, 0.06), (0.4, 0.01)], 0.03, plain(DARK))
    brush.line([(width - 0.1, 0.06), (width - 0.4, 0.01)], 0.03, plain(DARK))
    for left in (0.0, width - 0.20):
        brush.box((left, 0.02, left + 0.20, 0.19), Fill(mix(colour, SKY, 0.25), shade(colour, 0.6)), radius_m=0.05)
    return brush.sprite()


def _headlight(brush: Brush, x: float, z: float, turn: float) -> None:
    """A slanted lamp at its centre; `turn` is -1 on the left, 1 on the right."""
    points = [(x - turn * 0.20, z - 0.07), (x + turn * 0.14, z - 0.05), (x + turn * 0.22, z + 0.09), (x - turn * 0.10, z + 0.04)]
    brush.polygon(points, plain((34, 36, 40)), 0.004)
    brush.polygon([(px * 0.94 + x * 0.06, pz * 0.9 + z * 0.1) for px, pz in points], Fill((226, 232, 238), (120, 128, 136)), 0.005)
    brush.disc((x + turn * 0.05, z + 0.005), (0.058, 0.05), Fill((255, 255, 255), (190, 200, 210)))
    brush.disc((x + turn * 0.05, z + 0.005), (0.03, 0.03), plain((120, 130, 140)))
    brush.disc((x - turn * 0.08, z - 0.02), (0.035, 0.03), plain(AMBER, 0.85))


def car_face(colour: Rgb, width: float, height: float, body: str) -> Sprite:
    """Grille, headlights, bumper and the recess where the plate sits."""
    brush = Brush(width, height, _FACE_PX)
    tall = body in {"suv", "pickup"}
    brush.box((0.0, 0.0, width, height), _body(colour), radius_m=0.09)
    brush.box((0.05, height - 0.055, width - 0.05, height - 0.01), plain(mix(colour, SKY, 0.6), 0.7), radius_m=0.02, blur_m=0.012)
    grille_low = height - (0.30 if tall else 0.20)
    inset = 0.42 if tall else 0.50
    brush.box((inset, grille_low, width - inset, height - 0.06), plain(DARK), radius_m=0.03)
    rows = 5 if tall else 3
    for row in range(rows):
        z = grille_low + 0.03 + row * (height - 0.09 - grille_low) / rows
        brush.line([(inset + 0.03, z), (width - inset - 0.03, z)], 0.012, plain(CHROME if tall else (96, 100, 104)))
    brush.disc((width / 2, (grille_low + height - 0.06) / 2), (0.055, 0.05), Fill(CHROME, (130, 134, 138)))
    for turn, x in ((-1.0, 0.26), (1.0, width - 0.26)):
        _headlight(brush, x, height - 0.16, turn)
    brush.line([(0.03, grille_low - 0.04), (width - 0.03, grille_low - 0.04)], 0.012, plain(shade(colour, 0.45), 0.8), blur_m=0.003)
    brush.box((0.30, 0.05, width - 0.30, 0.13), plain(DARK), radius_m=0.03)
    for x in (0.20, width - 0.20):
        brush.box((x - 0.10, 0.08, x + 0.10, 0.19), plain((20, 20, 22)), radius_m=0.03)
        brush.disc((x, 0.135), (0.042, 0.042), Fill((220, 226, 230), (120, 126, 130)))
    brush.box((0.04, 0.0, width - 0.04, 0.035), plain(RUBBER), radius_m=0.015)
    return brush.sprite()


def _wheel(brush: Brush, x: float, radius: float, base: float) -> None:
    brush.disc((x, radius + base), (radius * 1.14, radius * 1.14), plain((8, 8, 9)))
    brush.disc((x, radius + base), (radius, radius), plain(RUBBER))
    brush.disc((x, radius + base), (radius * 0.64, radius * 0.64), Fill((190, 194, 198), (110, 114, 118)))
    for dx, dz in ((0, 1), (1, 0.3), (0.6, -0.8), (-0.6, -0.8), (-1, 0.3)):
        brush.line([(x, radius + base), (x + dx * radius * 0.6, radius + base + dz * radius * 0.6)], radius * 0.16, plain((70, 72, 76)))


def flank(colour: Rgb, length: float, height: float, bonnet_height: float) -> Sprite:
    """Doors and wheels; the front edge falls with the bonnet. Starts 0.12 m above the street."""
    brush = Brush(length, height + 0.12, _FLANK_PX)
    rear = [(length - 0.1, 0.14), (length, height * 0.8), (length - 0.1, height + 0.12)]
    body = [(0.0, 0.14), *rear, (1.0, height + 0.12), (0.0, bonnet_height + 0.1)]
    brush.polygon(body, _body(colour))
    brush.line([(0.1, height * 0.62), (length - 0.1, height * 0.66)], 0.03, plain(mix(colour, SKY, 0.45), 0.7), blur_m=0.01)
    for x in (length * 0.33, length * 0.56, length * 0.78):
        brush.line([(x, 0.2), (x, height + 0.1)], 0.012, plain(shade(colour, 0.4), 0.8))
        brush.box((x - 0.24, height * 0.80, x - 0.08, height * 0.86), plain(shade(colour, 0.5)), radius_m=0.02)
    for x in (0.72, length - 0.78):
        _wheel(brush, x, 0.30, -0.04)
    return brush.sprite()


def side_windows(colour: Rgb, length: float, height: float) -> Sprite:
    """The cabin's flank between belt and roof."""
    brush = Brush(length, height, _FLANK_PX)
    outline = [(0.0, 0.0), (length, 0.0), (length - 0.3, height), (0.72, height)]
    brush.polygon(outline, _body(colour))
    brush.polygon([(0.22, 0.04), (length - 0.16, 0.04), (length - 0.4, height - 0.07), (0.76, height - 0.07)], Fill((74, 92, 104), GLASS))
    for x in (length * 0.45, length * 0.74):
        brush.line([(x, 0.0), (x, height)], 0.06, plain(shade(colour, 0.35)))
    return brush.sprite()


def cab_face(colour: Rgb, width: float, height: float, board: str) -> Sprite:
    """The front of a lorry, or of a bus, which has a destination board above a taller windscreen."""
    brush = Brush(width, height, 380)
    low, high = (0.42, height - 0.44) if board else (0.53, height - 0.19)
    brush.box((0.0, 0.05, width, height), _body(colour), radius_m=0.12)
    brush.box((0.10, height * low - 0.03, width - 0.10, height - 0.12), plain(DARK), radius_m=0.10)
    brush.box((0.14, height * low, width - 0.14, high), Fill((96, 118, 132), (22, 28, 34)), radius_m=0.07)
    brush.text((width / 2, height - 0.27), 0.15, board or " ", plain((255, 176, 40)), width_m=width * 0.66)
    brush.box((0.36, height * 0.30, width - 0.36, height * 0.38), plain(DARK), radius_m=0.02)
    for row in range(3):
        brush.line([(0.4, height * (0.31 + row * 0.025)), (width - 0.4, height * (0.31 + row * 0.025))], 0.016, plain(CHROME))
    brush.box((0.0, 0.0, width, 0.20), Fill((96, 100, 104), (44, 46, 48)), radius_m=0.05)
    for x in (0.28, width - 0.28):
        brush.box((x - 0.19, 0.42, x + 0.19, 0.62), plain((26, 28, 30)), radius_m=0.06)
        brush.box((x - 0.14, 0.46, x + 0.14, 0.58), Fill(LAMP, (140, 146, 152)), radius_m=0.03)
        brush.box((x - 0.14, 0.33, x + 0.14, 0.38), plain(AMBER), radius_m=0.02)
    return brush.sprite()


def cab_side(colour: Rgb, length: float, height: float) -> Sprite:
    """A lorry's cab or a bus from the side: windows in a row, wheels."""
    brush = Brush(length, height, 90)
    brush.box((0.0, 0.1, length, height), _body(colour), radius_m=0.08)
    count = int(length // 1.1)
    for index in range(count):
        left, right = 0.12 + index * (length - 0.25) / count, 0.05 + (index + 1) * (length - 0.25) / count
        brush.box((left, height * 0.50, right, height - 0.3), Fill((108, 130, 146), (30, 36, 42)), radius_m=0.04)
    for x in {1.0, max(1.0, length - 1.6)}:
        _wheel(brush, x, 0.44, -0.16)
    return brush.sprite()


@cache
def cargo_front() -> Sprite:
    """The front wall of a lorry's box, seen above its cab."""
    brush = Brush(2.3, 2.1, 120)
    brush.box((0, 0, 2.3, 2.1), Fill((214, 216, 214), (168, 170, 168)), radius_m=0.03)
    brush.box((0, 2.04, 2.3, 2.1), plain((120, 122, 124)))
    return brush.sprite()


def cargo_side(length: float) -> Sprite:
    """The long wall of a lorry's box."""
    brush = Brush(length, 2.1, 80)
    brush.box((0, 0, length, 2.1), Fill((206, 208, 206), (158, 160, 160)))
    brush.box((0, 0.75, length, 1.15), plain((34, 92, 160)))
    brush.text((length * 0.4, 1.45), 0.3, "CEREALISTA", plain((34, 92, 160)))
    return brush.sprite()


def chassis_side(length: float) -> Sprite:
    """What is under a lorry's box: frame, tank, wheels."""
    brush = Brush(length, 0.95, 80)
    brush.box((0, 0.6, length, 0.95), plain((26, 26, 28)))
    brush.box((0.3, 0.25, 1.3, 0.7), Fill((120, 122, 124), (50, 52, 54)), radius_m=0.1)
    _wheel(brush, length - 1.2, 0.42, -0.08)
    return brush.sprite()


def rider_from_behind(colour: Rgb) -> Sprite:
    """Helmet, jacket, arms and mirrors of a rider."""
    brush = Brush(0.95, 1.72, 420)
    jacket, helmet = (44, 48, 56), mix(colour, (240, 240, 240), 0.2)
    for turn in (-1.0, 1.0):
        x = 0.475 + turn * 0.40
        brush.line([(0.475 + turn * 0.12, 1.02), (x, 1.06), (x, 1.22)], 0.022, plain(DARK))
        brush.disc((x, 1.24), (0.065, 0.04), plain((60, 64, 70)))
        arm = [(0.475 + turn * 0.17, 1.34), (0.475 + turn * 0.31, 1.12), (0.475 + turn * 0.33, 0.98)]
        leg = [(0.475 + turn * 0.13, 0.82), (0.475 + turn * 0.24, 0.66), (0.475 + turn * 0.20, 0.30)]
        brush.line(arm, 0.12, Fill((66, 70, 80), (34, 36, 42)))
        brush.line(leg, 0.13, Fill((52, 60, 84), (34, 40, 58)))
        brush.box((0.475 + turn * 0.21 - 0.06, 0.20, 0.475 + turn * 0.21 + 0.06, 0.32), plain(DARK), radius_m=0.03)
    brush.box((0.255, 0.78, 0.695, 1.42), Fill((74, 80, 92), jacket), radius_m=0.13)
    brush.box((0.27, 1.08, 0.68, 1.13), plain((206, 220, 90), 0.85))
    brush.line([(0.475, 0.85), (0.475, 1.38)], 0.01, plain(DARK, 0.6))
    brush.disc((0.475, 1.55), (0.135, 0.155), Fill(mix(helmet, SKY, 0.35), shade(helmet, 0.55)))
    brush.box((0.36, 1.48, 0.59, 1.51), plain(shade(helmet, 0.4), 0.8), radius_m=0.01)
    return brush.sprite()


def motorcycle_tail(colour: Rgb) -> Sprite:
    """Rear wheel, mudguard with the plate's holder, tail light, indicators, exhaust."""
    brush = Brush(0.6, 1.0, 520)
    brush.box((0.235, 0.0, 0.365, 0.66), Fill((40, 40, 42), (16, 16, 17)), radius_m=0.05)
    for z in range(6):
        brush.line([(0.25, 0.04 + z * 0.07), (0.30, 0.07 + z * 0.07), (0.35, 0.04 + z * 0.07)], 0.008, plain((8, 8, 8)))
    brush.box((0.40, 0.26, 0.49, 0.42), Fill((190, 192, 194), (80, 82, 84)), radius_m=0.04)
    brush.disc((0.445, 0.34), (0.026, 0.03), plain(DARK))
    brush.polygon([(0.17, 0.70), (0.43, 0.70), (0.40, 0.99), (0.20, 0.99)], Fill(mix(colour, SKY, 0.2), shade(colour, 0.6)), 0.006)
    brush.box((0.185, 0.52, 0.415, 0.74), plain((18, 18, 20)), radius_m=0.015)
    brush.box((0.22, 0.755, 0.38, 0.835), Fill((240, 70, 60), (150, 14, 14)), radius_m=0.02)
    for x in (0.09, 0.51):
        brush.line([(0.3, 0.77), (x, 0.77)], 0.02, plain(DARK))
        brush.disc((x, 0.77), (0.045, 0.032), Fill((255, 170, 60), (190, 90, 10)))
    return brush.sprite()
