"""A pinhole camera over a flat street.

World: X to the right, Y forward along the street, Z up, metres; the camera stands at (0, 0, `height_m`).
Picture: pixels, x to the right, y down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
NEAR_M = 0.6
"""Nothing closer than this is drawn."""


@dataclass(frozen=True, slots=True)
class Lens:
    """Where the camera looks: focal length in pixels, height, pitch (down positive) and yaw (to the right positive)."""

    focal_px: float
    height_m: float
    pitch_deg: float
    yaw_deg: float = 0.0
    width_px: int = 1280
    height_px: int = 720

    def axes(self) -> Points:
        """Rows: right, up and forward of the camera in world coordinates."""
        pitch, yaw = math.radians(self.pitch_deg), math.radians(self.yaw_deg)
        right = (math.cos(yaw), -math.sin(yaw), 0.0)
        forward = (math.sin(yaw) * math.cos(pitch), math.cos(yaw) * math.cos(pitch), -math.sin(pitch))
        up = (math.sin(yaw) * math.sin(pitch), math.cos(yaw) * math.sin(pitch), math.cos(pitch))
        return np.array([right, up, forward])

    def matrix(self) -> Points:
        """The 3x4 projection from homogeneous world coordinates to homogeneous pixels."""
        return _matrix(self)

    def project(self, points: Points) -> tuple[Points, Points]:
        """Pixels (N, 2) and depths in metres (N) of world points (N, 3); the pixel of a point behind the camera means nothing."""
        homogeneous = np.hstack([points, np.ones((len(points), 1))]) @ self.matrix().T
        depth = homogeneous[:, 2]
        return homogeneous[:, :2] / np.where(np.abs(depth) < 1e-6, 1e-6, depth)[:, None], depth

    def rays(self, scale: int) -> Points:
        """World directions (H*scale, W*scale, 3) through the pixels of a picture drawn `scale` times larger."""
        right, up, forward = self.axes()
        xs = (np.arange(self.width_px * scale) + 0.5) / scale - self.width_px / 2
        ys = (np.arange(self.height_px * scale) + 0.5) / scale - self.height_px / 2
        result: Points = forward + right * (xs[None, :, None] / self.focal_px) - up * (ys[:, None, None] / self.focal_px)
        return result


@cache
def _matrix(lens: Lens) -> Points:
    right, up, forward = lens.axes()
    f, cx, cy = lens.focal_px, lens.width_px / 2, lens.height_px / 2
    rows = np.array([f * right + cx * forward, -f * up + cy * forward, forward])
    eye = np.array([0.0, 0.0, lens.height_m])
    return np.hstack([rows, -(rows @ eye)[:, None]])


def clip_near(points: Points, depth: Points) -> Points:
    """The part of a polygon (N, 3) with depth >= NEAR_M, as a polygon."""
    kept: list[Points] = []
    for i in range(len(points)):
        j = (i + 1) % len(points)
        inside, next_inside = depth[i] >= NEAR_M, depth[j] >= NEAR_M
        if inside:
            kept.append(points[i])
        if inside != next_inside:
            ratio = (NEAR_M - depth[i]) / (depth[j] - depth[i])
            kept.append(points[i] + ratio * (points[j] - points[i]))
    return np.array(kept) if kept else np.zeros((0, 3))
