"""The still picture of a car park's gate: a yard and the building's open mouth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from demo_cameras.brush import Brush, Fill, Picture, Sprite, plain
from demo_cameras.lens import Lens
from demo_cameras.roadside import Light
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
    left, right = MOUTH_M[0] + width / 2, MOUTH_M[1] + width / 2
    brush.box((left - 0.35, 0, right + 0.35, _MOUTH_HEIGHT_M + 0.35), Fill((210, 170, 40), (170, 132, 30)))
    brush.box((left, 0, right, _MOUTH_HEIGHT_M), Fill((26, 27, 30), (12, 12, 14)))
    brush.box((left + 0.3, _MOUTH_HEIGHT_M + 0.42, right - 0.3, _MOUTH_HEIGHT_M + 1.06), plain((18, 64, 130)), radius_m=0.06)
    brush.text(((left + right) / 2, _MOUTH_HEIGHT_M + 0.74), 0.34, "ESTACIONAMENTO", plain((244, 246, 248)))
    for x in (1.0, 3.2, 12.4, 14.2):
        brush.box((x, 1.2, x + 1.3, 2.7), plain((236, 232, 224)))
        brush.box((x + 0.08, 1.28, x + 1.22, 2.62), Fill((128, 152, 168), (52, 64, 74)))
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
    small = cv2.GaussianBlur(canvas, (3, 3), 0)
    return finish(np.asarray(small, dtype=np.uint8), lens, 41)
