"""The still picture of a car park's gate: a yard, the building's open mouth, a booth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from demo_cameras.brush import Brush, Fill, Picture, Sprite, plain, shade
from demo_cameras.lens import Lens
from demo_cameras.roadside import Light, upright
from demo_cameras.scenery import Field, finish, ground_points, noise, sample
from demo_cameras.stage import Face, draw

WALL_Y_M = 36.0
"""The building's front; vehicles come out of the dark behind it."""
MOUTH_M = (-2.3, 3.1)
_MOUTH_HEIGHT_M = 2.45


def _building() -> Sprite:
    width, height = 16.0, 6.0
    brush = Brush(width, height, 150)
    brush.box((0, 0, width, height), Fill((226, 220, 206), (190, 182, 166)))
    for row in range(28):  # brick courses
        z = row * 0.22
        brush.line([(0, z), (width, z)], 0.012, plain((150, 142, 128), 0.5))
        for column in range(40):
            x = column * 0.44 + (row % 2) * 0.22
            brush.line([(x, z), (x, z + 0.22)], 0.01, plain((150, 142, 128), 0.35))
    left, right = MOUTH_M[0] + width / 2, MOUTH_M[1] + width / 2
    brush.box((left - 0.35, 0, right + 0.35, _MOUTH_HEIGHT_M + 0.35), Fill((210, 170, 40), (170, 132, 30)))
    brush.box((left, 0, right, _MOUTH_HEIGHT_M), Fill((26, 27, 30), (12, 12, 14)))
    for index in range(5):  # tubes of light inside, and pillars
        x = left + 0.7 + index
        brush.box((x, _MOUTH_HEIGHT_M - 0.45, x + 0.5, _MOUTH_HEIGHT_M - 0.38), plain((226, 236, 240), 0.75), blur_m=0.01)
        brush.box((x + 0.18, 0.9, x + 0.34, _MOUTH_HEIGHT_M - 0.8), plain((46, 46, 48)))
    brush.box((left, 0, right, 0.9), Fill((30, 30, 32), (54, 54, 55)))
    for index in range(22):  # black and yellow frame
        x = left - 0.35 + index * 0.28
        low, high = _MOUTH_HEIGHT_M, _MOUTH_HEIGHT_M + 0.35
        brush.polygon([(x, low), (x + 0.14, low), (x + 0.30, high), (x + 0.16, high)], plain((24, 24, 24)))
    brush.box((left + 0.3, _MOUTH_HEIGHT_M + 0.42, right - 0.3, _MOUTH_HEIGHT_M + 1.06), plain((18, 64, 130)), radius_m=0.06)
    brush.text(((left + right) / 2, _MOUTH_HEIGHT_M + 0.74), 0.34, "ESTACIONAMENTO", plain((244, 246, 248)))
    for x in (1.0, 3.2, 12.4, 14.2):
        brush.box((x, 1.2, x + 1.3, 2.7), plain((236, 232, 224)))
        brush.box((x + 0.08, 1.28, x + 1.22, 2.62), Fill((128, 152, 168), (52, 64, 74)))
        for bar in range(6):
            brush.line([(x + 0.15 + bar * 0.2, 1.28), (x + 0.15 + bar * 0.2, 2.62)], 0.025, plain((216, 212, 204)))
    return brush.sprite()


def _booth() -> Sprite:
    brush = Brush(1.5, 2.5, 220)
    brush.box((0.05, 0, 1.45, 2.35), Fill((232, 232, 228), (176, 178, 178)), radius_m=0.03)
    brush.box((0, 2.25, 1.5, 2.45), plain((120, 34, 34)), radius_m=0.03)
    brush.box((0.15, 1.0, 1.35, 2.0), Fill((120, 146, 160), (44, 56, 64)))
    brush.box((0.55, 1.0, 0.95, 1.45), plain((52, 66, 96)), radius_m=0.1)
    brush.disc((0.75, 1.6), (0.10, 0.13), plain((132, 96, 74)))
    brush.box((0.12, 0.92, 1.38, 1.0), plain(shade((176, 178, 178), 0.7)))
    brush.text((0.75, 0.55), 0.12, "PORTARIA", plain((60, 64, 70)))
    return brush.sprite()


def _barrier() -> Sprite:
    """The post of the barrier with its arm up."""
    brush = Brush(0.6, 3.6, 220)
    brush.box((0.1, 0, 0.5, 1.05), Fill((236, 172, 40), (186, 126, 22)), radius_m=0.03)
    brush.box((0.15, 0.75, 0.45, 0.95), plain((30, 30, 32)), radius_m=0.02)
    brush.disc((0.3, 1.1), (0.05, 0.05), plain((70, 230, 120)))
    for index in range(7):
        brush.box((0.33, 1.0 + index * 0.36, 0.41, 1.36 + index * 0.36), plain((206, 40, 36) if index % 2 else (240, 240, 238)))
    return brush.sprite()


def _yard(lens: Lens) -> Field:
    x, y, hit = ground_points(lens, 1.0)
    near = np.clip(14 / np.maximum(y, 1), 0.15, 1)
    grain = sample(noise(31, 512), x, y, 120) * 8 * near + sample(noise(32, 30), x, y, 30) * 6 + sample(noise(33, 9), x, y, 14) * 7
    ground = np.array([148.0, 154.0, 158.0]) + grain[..., None]
    joint = (np.mod(x + 0.6, 2.4) < 0.03) | (np.mod(y, 2.4) < 0.04)
    ground[joint] *= 0.72
    oil = np.exp(-((x / 0.35) ** 2)) * 0.22 * np.clip(sample(noise(34, 40), x, y, 25) + 0.4, 0, 1)
    ground *= (1 - oil)[..., None]
    for edge in (-2.0, 2.4):
        ground[(np.abs(x - edge) < 0.06) & hit] = (60.0, 190.0, 226.0)
    stop = (y > 7.6) & (y < 7.9) & (x > -2.0) & (x < 2.4)
    ground[stop] = ground[stop] * 0.3 + np.array([228.0, 230.0, 230.0]) * 0.7
    shade_of_wall = np.clip((y - (WALL_Y_M - 3.0)) / 3.0, 0, 1)[..., None] * 0.45
    return np.asarray(ground * (1 - shade_of_wall))


def gate_scenery(lens: Lens, light: Light) -> Picture:
    """The empty gate as the camera sees it: BGR, uint8."""
    large = replace(lens, focal_px=lens.focal_px * 2, width_px=lens.width_px * 2, height_px=lens.height_px * 2)
    canvas = np.clip(_yard(large) * light.gain(), 0, 255).astype(np.uint8)
    wall = Face(np.array([-8.0, WALL_Y_M, 6.0]), np.array([16.0, 0, 0]), np.array([0, 0, -6.0]), _building())
    draw(canvas, wall, large, light.gain())
    shadow = Brush(2.0, 1.0, 60)
    shadow.disc((1.0, 0.5), (0.85, 0.3), plain((10, 10, 12), 0.5), blur_m=0.08)
    for x, y, size in ((-2.75, 16.0, (1.5, 2.5)), (2.05, 12.0, (0.6, 3.6))):
        foot = np.array([x - size[0], y + 0.7, 0.0])
        draw(canvas, Face(foot, np.array([size[0] * 2.2, 0, 0]), np.array([0, -1.4, 0]), shadow.sprite()), large)
        draw(canvas, upright(_booth() if y > 14 else _barrier(), x, y, size), large, light.gain())
    small = cv2.GaussianBlur(canvas, (3, 3), 0)
    return finish(np.asarray(small, dtype=np.uint8), lens, 41)
