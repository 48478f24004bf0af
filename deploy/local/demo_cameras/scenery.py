"""The still picture behind the traffic: street, pavement, houses and sky, drawn once per camera at twice its size."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from demo_cameras import roadside
from demo_cameras.brush import Picture, Rgb
from demo_cameras.lens import Lens
from demo_cameras.roadside import Light, Street

Field = NDArray[np.float64]
_SCALE = 2


@cache
def noise(seed: int, cells: int, size: int = 1024) -> NDArray[np.float32]:
    """Smooth noise of -1 to 1 that repeats at its edges."""
    grain = np.random.default_rng(seed).uniform(-1, 1, (cells, cells)).astype(np.float32)
    tiled = np.tile(grain, (3, 3))
    big = cv2.resize(tiled, (size * 3, size * 3), interpolation=cv2.INTER_CUBIC)
    return np.asarray(big[size : 2 * size, size : 2 * size], dtype=np.float32)


def sample(noise: NDArray[np.float32], x: Field, y: Field, px_per_m: float) -> Field:
    size = noise.shape[0]
    u = np.mod(x * px_per_m, size).astype(np.float32)
    v = np.mod(y * px_per_m, size).astype(np.float32)
    return np.asarray(cv2.remap(noise, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), dtype=np.float64)


def _paint(picture: Field, where: NDArray[np.bool_], colour: Rgb, share: Field | float = 1.0) -> None:
    weight = np.where(where, share, 0.0)[..., None]
    picture += (np.array(colour[::-1], dtype=np.float64) - picture) * weight


def _between(values: Field, low: float, high: float) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = (values >= low) & (values < high)
    return result


def _sky(lens: Lens, light: Light) -> Field:
    rays = lens.rays(1)
    rise = np.clip(rays[..., 2] / 0.16, 0, 1)[..., None]
    low, high = np.array(light.horizon[::-1], float), np.array(light.zenith[::-1], float)
    sky = low * (1 - rise) + high * rise
    across, above = rays[..., 0] * 60, rays[..., 2] * 190
    clouds = sample(noise(7, 9), across, above, 12) + 0.5 * sample(noise(8, 30), across, above, 12)
    share = np.clip(clouds - 0.15, 0, 0.8)[..., None] * (0.25 if light.night else 0.85)
    return np.asarray(sky + (np.array([246.0, 244.0, 240.0]) * (0.12 if light.night else 1.0) - sky) * share)


def ground_points(lens: Lens, side: float) -> tuple[Field, Field, NDArray[np.bool_]]:
    """Where each pixel's ray meets the street: x (away from the camera's kerb), y, and whether it does."""
    rays = lens.rays(1)
    down = rays[..., 2] < -1e-4
    reach = np.where(down, -lens.height_m / np.where(down, rays[..., 2], -1.0), 0.0)
    return rays[..., 0] * reach * side, rays[..., 1] * reach, down & (rays[..., 1] * reach < 400)


def _asphalt(x: Field, y: Field, seed: int, base: Rgb) -> Field:
    near = np.clip(26 / np.maximum(y, 1), 0.08, 1)
    fine = sample(noise(seed, 512), x, y, 90) * 8 * near
    rough = sample(noise(seed + 1, 40), x, y, 22) * 5 + sample(noise(seed + 2, 12), x, y * 0.3, 14) * 6
    return np.asarray(np.array(base[::-1], float) + (fine + rough)[..., None])


def _markings(ground: Field, x: Field, y: Field, street: Street) -> None:
    worn = np.clip(0.86 + 0.35 * sample(noise(street.seed + 5, 200), x, y, 60), 0.3, 0.95)
    far_kerb = street.kerb_m + street.width_m
    white, yellow = (226, 226, 220), (222, 176, 48)
    road = _between(x, street.kerb_m, far_kerb)
    _paint(ground, _between(x, street.dashes_at_m - 0.07, street.dashes_at_m + 0.07) & (np.mod(y, 6) < 3) & (y > 18), white, worn)
    for edge in (street.kerb_m + 0.25, far_kerb - 0.35):
        _paint(ground, _between(x, edge, edge + 0.12), white, worn * 0.85)
    if street.crossing_m:
        _paint(ground, road & _between(y, *street.crossing_m) & (np.mod(x, 1.0) < 0.5), white, worn)
    if street.stop_line_m:
        _paint(ground, road & _between(y, street.stop_line_m, street.stop_line_m + 0.45), white, worn)
    if street.hump_m:
        low, high = street.hump_m
        on = road & _between(y, low, high)
        _paint(ground, on, (74, 74, 76))
        _paint(ground, on & (np.mod(x + (y - low) * 0.45, 1.1) < 0.55), yellow, worn)
        _paint(ground, road & _between(y, low - 0.12, low), (40, 40, 42), 0.6)
    for track in (street.kerb_m + 0.95, street.kerb_m + 2.35):  # darker where wheels roll
        _paint(ground, road, (62, 63, 66), 0.28 * np.exp(-(((x - track) / 0.28) ** 2)))


def _pavement(ground: Field, x: Field, y: Field, street: Street) -> None:
    far_kerb = street.kerb_m + street.width_m
    grain = sample(noise(street.seed + 9, 300), x, y, 40) * 8
    for low, high in ((-30.0, street.kerb_m), (far_kerb, 60.0)):
        where = _between(x, low, high)
        if street.side_street_m:
            where &= ~_between(y, *street.side_street_m)
        tone = np.array([166.0, 172.0, 176.0]) + grain[..., None]
        if low < 0:  # a lawn behind the near pavement
            lawn = sample(noise(street.seed + 12, 300), x, y, 30) * 14 + sample(noise(street.seed + 13, 20), x, y, 9) * 10
            tone = np.where((x < street.kerb_m - 2.4)[..., None], np.array([70.0, 122.0, 104.0]) + lawn[..., None], tone)
        # Sao Paulo's black and white stones, suggested
        dark = (np.floor(x / 0.6) + np.floor(y / 0.6)) % 2 < 1
        tone = np.where((dark & (y < 60) & (x > street.kerb_m - 2.4))[..., None], tone * 0.88, tone)
        ground[where] = tone[where]
    kerb = _between(x, street.kerb_m - 0.16, street.kerb_m) | _between(x, far_kerb, far_kerb + 0.16)
    if street.side_street_m:
        kerb &= ~_between(y, street.side_street_m[0] - 0.3, street.side_street_m[1] + 0.3)
    _paint(ground, kerb, (196, 194, 188), 0.9)
    gutter = _between(x, street.kerb_m, street.kerb_m + 0.22) | _between(x, far_kerb - 0.22, far_kerb)
    _paint(ground, gutter, (112, 112, 110), 0.55)


def finish(canvas: Picture, lens: Lens, seed: int) -> Picture:
    small = cv2.resize(canvas, (lens.width_px, lens.height_px), interpolation=cv2.INTER_AREA).astype(np.float32)
    # a real sensor is never perfectly flat; the grain stands still so that it costs no bits
    grain = np.random.default_rng(seed).normal(0, 0.9, small.shape[:2])[..., None]
    ys, xs = np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j]
    vignette = (1 - 0.10 * (xs**2 + ys**2))[..., None]
    lit: Picture = np.clip((small + grain) * vignette, 0, 255).astype(np.uint8)
    return lit


def street_scenery(lens: Lens, street: Street, light: Light) -> Picture:
    """The empty street as the camera sees it: BGR, uint8."""
    large = replace(lens, focal_px=lens.focal_px * _SCALE, width_px=lens.width_px * _SCALE, height_px=lens.height_px * _SCALE)
    picture = _sky(large, light)
    x, y, hit = ground_points(large, street.side)
    ground = _asphalt(x, y, street.seed, (98, 99, 102))
    _pavement(ground, x, y, street)
    _markings(ground, x, y, street)
    haze = np.clip(y / 260, 0, 0.7)[..., None]
    ground = ground * light.gain() * (1 - haze) + np.array(light.horizon[::-1]) * haze
    picture = np.where(hit[..., None], ground, picture)
    canvas = np.clip(picture, 0, 255).astype(np.uint8)
    roadside.furnish(canvas, large, street, light)
    return finish(canvas, lens, street.seed)
