"""Painting textures: shapes in metres, y up, on a transparent sheet; the result is a `Sprite`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Rgb = tuple[int, int, int]
Picture = NDArray[np.uint8]
Point = tuple[float, float]
FONT = "DejaVuSans-Bold.ttf"
FONT_CONDENSED = "DejaVuSansCondensed-Bold.ttf"
FONT_SLAB = "DejaVuSansMono-Bold.ttf"


@dataclass(frozen=True, slots=True)
class Fill:
    """A vertical gradient from `top` to `bottom` with an opacity of 0 to 1; one colour when they are the same."""

    top: Rgb
    bottom: Rgb
    alpha: float = 1.0


def plain(colour: Rgb, alpha: float = 1.0) -> Fill:
    """One colour."""
    return Fill(colour, colour, alpha)


def shade(colour: Rgb, factor: float) -> Rgb:
    """A darker (below 1) or lighter (above 1) colour."""
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """`first` with a share (0 to 1) of `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


@cache
def font(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """A DejaVu face; found by name in the system's font folders."""
    try:
        return ImageFont.truetype(name, size_px)
    except OSError:
        return ImageFont.truetype(f"/usr/share/fonts/truetype/dejavu/{name}", size_px)


class Sprite:
    """A texture: premultiplied BGRA and its halved copies, so that a far vehicle is sampled without shimmer."""

    def __init__(self, bgra: Picture) -> None:
        self.levels: list[Picture] = [bgra]
        while min(self.levels[-1].shape[:2]) > 8:
            level = self.levels[-1]
            height, width = level.shape[:2]
            self.levels.append(np.asarray(cv2.resize(level, (width // 2, height // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8))

    def level_for(self, projected_px: float) -> Picture:
        """The copy whose longer side is the nearest above `projected_px`."""
        for level in reversed(self.levels):
            if max(level.shape[:2]) >= projected_px * 1.15:
                return level
        return self.levels[0]


def premultiplied(rgba: Image.Image) -> Picture:
    """Premultiplied BGRA of a Pillow picture."""
    array = np.asarray(rgba, dtype=np.uint16)
    alpha = array[..., 3:4]
    colour = (array[..., 2::-1] * alpha + 127) // 255
    return np.concatenate([colour, alpha], axis=2).astype(np.uint8)


class Brush:
    """A sheet of `width_m` x `height_m`; origin at the lower left; drawn at twice its size and reduced at the end."""

    def __init__(self, width_m: float, height_m: float, px_per_m: float) -> None:
        self._k = px_per_m * 2
        self._height_m = height_m
        size = (max(2, round(width_m * self._k)), max(2, round(height_m * self._k)))
        self._sheet = Image.new("RGBA", size, (0, 0, 0, 0))

    def _px(self, point: Point) -> Point:
        return point[0] * self._k, (self._height_m - point[1]) * self._k

    def _lay(self, mask: Image.Image, at: tuple[int, int], fill: Fill) -> None:
        """Lay a mask on the sheet; colour goes over colour, opacity adds up."""
        width, height = mask.size
        if fill.top == fill.bottom:
            layer = Image.new("RGBA", mask.size, fill.top)
            layer.putalpha(mask if fill.alpha >= 1 else mask.point([round(v * fill.alpha) for v in range(256)]))
            self._sheet.alpha_composite(layer, dest=(max(0, at[0]), max(0, at[1])), source=(max(0, -at[0]), max(0, -at[1])))
            return
        ramp = np.linspace(0.0, 1.0, height)[:, None, None]
        colour = np.array(fill.top) * (1 - ramp) + np.array(fill.bottom) * ramp
        body = np.broadcast_to(colour, (height, width, 3)).astype(np.uint8)
        alpha = (np.asarray(mask, dtype=np.float32) * fill.alpha).astype(np.uint8)
        layer = Image.fromarray(np.dstack([body, alpha]))
        self._sheet.alpha_composite(layer, dest=(max(0, at[0]), max(0, at[1])), source=(max(0, -at[0]), max(0, -at[1])))

    def _shape(self, box: tuple[float, float, float, float], blur_m: float) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, int]]:
        pad = round(blur_m * self._k * 2.5) + 2
        left, top = int(box[0]) - pad, int(box[1]) - pad
        mask = Image.new("L", (max(1, int(box[2]) - left + pad), max(1, int(box[3]) - top + pad)), 0)
        return mask, ImageDraw.Draw(mask), (left, top)

    def _finish(self, mask: Image.Image, at: tuple[int, int], fill: Fill, blur_m: float) -> None:
        if blur_m > 0:
            mask = mask.filter(ImageFilter.GaussianBlur(blur_m * self._k))
        if at[0] < self._sheet.width and at[1] < self._sheet.height and at[0] + mask.width > 0 and at[1] + mask.height > 0:
            self._lay(mask, at, fill)

    def polygon(self, points: Sequence[Point], fill: Fill, blur_m: float = 0.0) -> None:
        """A filled polygon."""
        px = [self._px(p) for p in points]
        xs, ys = [p[0] for p in px], [p[1] for p in px]
        mask, draw, at = self._shape((min(xs), min(ys), max(xs), max(ys)), blur_m)
        draw.polygon([(x - at[0], y - at[1]) for x, y in px], fill=255)
        self._finish(mask, at, fill, blur_m)

    def box(self, corners: tuple[float, float, float, float], fill: Fill, radius_m: float = 0.0, blur_m: float = 0.0) -> None:
        """A rectangle (left, bottom, right, top), with round corners when asked."""
        left, bottom = self._px((corners[0], corners[1]))
        right, top = self._px((corners[2], corners[3]))
        mask, draw, at = self._shape((left, top, right, bottom), blur_m)
        draw.rounded_rectangle((left - at[0], top - at[1], right - at[0], bottom - at[1]), radius=radius_m * self._k, fill=255)
        self._finish(mask, at, fill, blur_m)

    def disc(self, centre: Point, radii: Point, fill: Fill, blur_m: float = 0.0) -> None:
        """An ellipse."""
        x, y = self._px(centre)
        rx, ry = radii[0] * self._k, radii[1] * self._k
        mask, draw, at = self._shape((x - rx, y - ry, x + rx, y + ry), blur_m)
        draw.ellipse((x - rx - at[0], y - ry - at[1], x + rx - at[0], y + ry - at[1]), fill=255)
        self._finish(mask, at, fill, blur_m)

    def line(self, points: Sequence[Point], width_m: float, fill: Fill, blur_m: float = 0.0) -> None:
        """A polyline."""
        px = [self._px(p) for p in points]
        xs, ys = [p[0] for p in px], [p[1] for p in px]
        half = width_m * self._k
        mask, draw, at = self._shape((min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half), blur_m)
        draw.line([(x - at[0], y - at[1]) for x, y in px], fill=255, width=max(1, round(width_m * self._k)), joint="curve")
        self._finish(mask, at, fill, blur_m)

    def text(self, centre: Point, cap_height_m: float, text: str, fill: Fill, width_m: float | None = None) -> None:
        """Text centred at a point, its capitals `cap_height_m` high, squeezed or stretched to `width_m` when given."""
        height = max(2, round(cap_height_m * self._k))
        face = font(FONT_CONDENSED, 200)
        box = face.getbbox(text, anchor="ls")
        mask = Image.new("L", (max(1, int(box[2] - box[0])), 200 + 80), 0)
        ImageDraw.Draw(mask).text((-box[0], 200), text, font=face, fill=255, anchor="ls")
        # DejaVu's capitals are 0.729 em high
        ratio = height / (200 * 0.729)
        width = round(width_m * self._k) if width_m else round(mask.width * ratio)
        mask = mask.resize((max(1, width), max(1, round(mask.height * ratio))), Image.Resampling.LANCZOS)
        x, y = self._px(centre)
        self._finish(mask, (round(x - mask.width / 2), round(y + height / 2 - 200 * ratio)), fill, 0.0)

    def glyph(self, box: tuple[float, float, float, float], character: str, fill: Fill, face_name: str = FONT_CONDENSED) -> None:
        """One character whose ink fills a box (left, bottom, right, top) exactly, as stamped characters do."""
        face = font(face_name, 200)
        left, top, right, bottom = (int(v) for v in face.getbbox(character, anchor="ls"))
        mask = Image.new("L", (right - left, bottom - top), 0)
        ImageDraw.Draw(mask).text((-left, -top), character, font=face, fill=255, anchor="ls")
        x0, y0 = self._px((box[0], box[3]))
        x1, y1 = self._px((box[2], box[1]))
        mask = mask.resize((max(1, round(x1 - x0)), max(1, round(y1 - y0))), Image.Resampling.LANCZOS)
        self._finish(mask, (round(x0), round(y0)), fill, 0.0)

    def picture(self) -> Image.Image:
        """What was painted, at its final size."""
        return self._sheet.reduce(2)

    def sprite(self) -> Sprite:
        """What was painted, as a texture."""
        return Sprite(premultiplied(self.picture()))
