"""Putting textures into the picture: flat faces in the world, drawn through the lens from back to front."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from demo_cameras.brush import Picture, Sprite
from demo_cameras.lens import NEAR_M, Lens, Points, clip_near


@dataclass(frozen=True, slots=True)
class Face:
    """A parallelogram in the world: upper left corner of the texture, the way along its upper edge, the way down its left edge."""

    corner: Points
    along: Points
    down: Points
    sprite: Sprite
    lit: float = 1.0
    """Brightness; 1 leaves the texture as painted."""
    glow: bool = False
    """Light is added to the picture instead of covering it (lamps at night)."""
    steady: bool = False
    """Not dimmed with the vehicle (a plate that reflects, a lamp)."""

    def corners(self) -> Points:
        """The four corners (4, 3), clockwise from the upper left."""
        return np.array([self.corner, self.corner + self.along, self.corner + self.along + self.down, self.corner + self.down])


def box_of(face: Face, lens: Lens) -> tuple[float, float, float, float] | None:
    """The face's box in pixels (left, top, right, bottom), not cut at the picture's edge; None when partly behind the camera."""
    pixels, depth = lens.project(face.corners())
    if float(depth.min()) < NEAR_M:
        return None
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _region(face: Face, lens: Lens) -> tuple[int, int, int, int, float] | None:
    corners = face.corners()
    _, depth = lens.project(corners)
    visible = clip_near(corners, depth)
    if len(visible) < 3:
        return None
    pixels, _ = lens.project(visible)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    left, top = max(0, int(low[0]) - 1), max(0, int(low[1]) - 1)
    right, bottom = min(lens.width_px, int(high[0]) + 3), min(lens.height_px, int(high[1]) + 3)
    if right - left < 1 or bottom - top < 1:
        return None
    return left, top, right, bottom, float(max(high - low))


def draw(frame: Picture, face: Face, lens: Lens, tint: Points | None = None) -> None:
    """Draw one face into a BGR frame, in place. `tint` multiplies blue, green and red (night, garage)."""
    region = _region(face, lens)
    if region is None:
        return
    left, top, right, bottom, extent = region
    texture = face.sprite.level_for(extent)
    height, width = texture.shape[:2]
    # texture pixel -> world (homogeneous) -> picture pixel, exact also where a part of the plane is behind the camera
    plane = np.zeros((4, 3))
    plane[:3, 0], plane[:3, 1] = face.along / width, face.down / height
    plane[:3, 2], plane[3, 2] = face.corner, 1.0
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    warped = cv2.warpPerspective(
        texture, shift @ lens.matrix() @ plane, (right - left, bottom - top), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    under = frame[top:bottom, left:right]
    gain = np.full(3, face.lit) if tint is None or face.steady else tint * face.lit
    if not np.allclose(gain, 1.0):
        warped = cv2.transform(warped, np.diag([*gain, 1.0]))
    light = warped[..., :3]
    if face.glow:
        cv2.add(under, light, dst=under)
        return
    # premultiplied "over" in bytes: what lies below is kept by what the texture does not cover
    kept = cv2.multiply(under, cv2.cvtColor(255 - warped[..., 3], cv2.COLOR_GRAY2BGR), scale=1 / 255)
    cv2.add(kept, light, dst=kept)
    under[...] = kept
