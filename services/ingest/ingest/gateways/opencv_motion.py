"""The motion gate: a learned background per camera, on a small grey picture (OpenCV, numpy).

At one frame a second a vehicle crosses the picture in a few frames, so frames are compared with the *background*, not with each
other. At first the background is the median of what was seen: passing vehicles leave no ghosts in it. Then it follows the light
quickly where nothing is, and hardly at all where something stands; what stands perfectly still for a minute becomes background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gtvision.geometry import Box
from ingest.grabbing.domain import Look, Plane

WIDTH_PX = 320
"""Of the small picture. A vehicle 60 px wide in 1080p is still 10 px here."""

Grey = NDArray[np.float32]
Mask = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How much change is motion. Levels are of 255."""

    seed_level: float = 22.0
    """A change that something starts from."""
    grow_level: float = 11.0
    """A weaker change that belongs to it where they touch: the dark flank of a car on asphalt."""
    min_area: float = 0.001
    """Share of the picture; less is rain and leaves."""
    scene_change: float = 0.7
    """More of the picture than this is the light or the camera, not a vehicle."""


class OpenCvMotionGate:
    """Learns one camera's background, and finds what is not part of it. Used by one thread."""

    _LEARN_S = 12.0
    """Time constant of the background where nothing is."""
    _SETTLE_S = 60.0
    """What has not moved at all for so long is background."""
    _LEARN_BELOW_S = 180.0
    """The same below a vehicle: whatever else went wrong is put right in minutes."""
    _WARM_UP = 15
    """Pictures whose median is the first background."""

    def __init__(self, sensitivity: Sensitivity | None = None, masks: Sequence[Sequence[tuple[float, float]]] = ()) -> None:
        self._tuned = sensitivity or Sensitivity()
        self._masks = masks
        self._first: list[NDArray[np.uint8]] = []
        self._noise = 1.0
        self._background: Grey = np.zeros((0, 0), np.float32)
        self._previous = self._last_sent = self._current = self._background
        self._still_s = self._background
        self._watched: Mask = np.zeros((0, 0), np.uint8)
        self._changed_before: Mask = self._watched

    def look(self, luma: Plane, elapsed_s: float) -> Look:
        """Learns from a picture and returns what moved in it; `elapsed_s` since the one before."""
        grey = _small(luma)
        if grey.shape != self._background.shape:
            return self._begin(grey)
        self._current, before = grey, self._previous
        changed = self._changed(grey, self._background)
        self._learn(grey, changed, min(elapsed_s, 10.0))
        if self._nearly_all(changed):
            # A bus that fills the picture moves on; a light that was switched on, or a camera that was turned, stays as it is.
            if self._nearly_all(self._changed_before) and self._union(self._changed(grey, before)) is None:
                return self._begin(grey)
            self._changed_before = changed
            return Look(moved=_WHOLE, news=True)
        self._changed_before = changed
        moved = self._union(changed)
        return Look(moved=moved, news=self._union(self._changed(grey, self._last_sent)) is not None)

    def sent(self) -> None:
        """Notes that the picture last looked at goes out."""
        self._last_sent = self._current

    def _begin(self, grey: Grey) -> Look:
        """Takes a first picture, or one in which nothing is as before, for the background."""
        self._background, self._previous, self._last_sent, self._current = grey.copy(), grey, grey, grey
        self._still_s = np.zeros_like(grey)
        self._first = [grey.astype(np.uint8)]
        self._watched = _watched(grey.shape[0], grey.shape[1], self._masks)
        self._changed_before = np.zeros_like(self._watched)
        return Look(moved=None, news=True)

    def _nearly_all(self, changed: Mask) -> bool:
        return cv2.countNonZero(changed) > self._tuned.scene_change * max(1, cv2.countNonZero(self._watched))

    def _changed(self, grey: Grey, against: Grey) -> Mask:
        """Where something is that was not: strong changes, and weaker ones that touch them."""
        difference = cv2.absdiff(grey, against)
        weak = self._above(difference, max(self._tuned.grow_level, 4.0 * self._noise))
        strong = self._above(difference, max(self._tuned.seed_level, 8.0 * self._noise))
        strong = cv2.morphologyEx(strong, cv2.MORPH_OPEN, _CROSS).astype(np.uint8)
        if not cv2.countNonZero(strong):
            return strong
        weak = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, _WIDE).astype(np.uint8)
        _, labels = cv2.connectedComponents(weak)
        belongs = np.zeros(int(labels.max()) + 1, np.uint8)
        belongs[labels[strong > 0]] = 255
        belongs[0] = 0
        return np.asarray(np.maximum(belongs[labels], strong), np.uint8)

    def _above(self, difference: NDArray[np.generic], level: float) -> Mask:
        mask = cv2.compare(difference, level, cv2.CMP_GT)  # type: ignore[call-overload]
        return cv2.bitwise_and(mask, self._watched).astype(np.uint8)

    def _learn(self, grey: Grey, changed: Mask, elapsed_s: float) -> None:
        """Follow the light where nothing is; take in what stands still; leave everything else alone."""
        quiet = changed == 0
        step = cv2.absdiff(grey, self._previous)
        if quiet.any():
            self._noise = 0.9 * self._noise + 0.1 * float(step[quiet].mean())
        resting = step < max(self._tuned.grow_level, 4.0 * self._noise)
        resting &= ~_restless(changed, resting)
        self._still_s = np.where(~quiet & resting, self._still_s + np.float32(elapsed_s), np.float32(0.0))
        if self._first:
            self._warm_up(grey)
        else:
            pace = np.where(quiet, 1.0 - np.exp(-elapsed_s / self._LEARN_S), 1.0 - np.exp(-elapsed_s / self._LEARN_BELOW_S))
            self._background += pace.astype(np.float32) * (grey - self._background)
        settled = self._still_s > self._SETTLE_S
        if settled.any():
            self._background[settled] = grey[settled]
            self._still_s[settled] = 0.0
        self._previous = grey

    def _warm_up(self, grey: Grey) -> None:
        self._first.append(grey.astype(np.uint8))
        self._background = np.median(np.stack(self._first), axis=0).astype(np.float32)
        if len(self._first) >= self._WARM_UP:
            self._first = []

    def _union(self, mask: Mask) -> Box | None:
        """One box around every part that is large enough, with a margin for the flanks that look like the road."""
        height, width = mask.shape
        if not cv2.countNonZero(mask):
            return None
        count, _, parts, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, _WIDE).astype(np.uint8))
        grown = self._tuned.min_area * height * width
        boxes = [parts[index] for index in range(1, count) if cv2.countNonZero(_within(mask, parts[index])) >= grown]
        if not boxes:
            return None
        x1 = min(int(box[cv2.CC_STAT_LEFT]) for box in boxes)
        y1 = min(int(box[cv2.CC_STAT_TOP]) for box in boxes)
        x2 = max(int(box[cv2.CC_STAT_LEFT] + box[cv2.CC_STAT_WIDTH]) for box in boxes)
        y2 = max(int(box[cv2.CC_STAT_TOP] + box[cv2.CC_STAT_HEIGHT]) for box in boxes)
        return Box.from_pixels((x1 - _MARGIN_PX, y1 - _MARGIN_PX, x2 + _MARGIN_PX, y2 + _MARGIN_PX), width, height)


_WHOLE = Box(x1=0, y1=0, x2=1, y2=1)
_MARGIN_PX = 4
_MOVING_SHARE = 0.01
_CROSS: Mask = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)).astype(np.uint8)
_WIDE: Mask = cv2.getStructuringElement(cv2.MORPH_RECT, (7, 7)).astype(np.uint8)


def _small(luma: Plane) -> Grey:
    """A twelfth of a megapixel, slightly blurred. Sampled first, then averaged: a full average of 1080p costs as much as all the rest."""
    height, width = luma.shape
    shrunk = (WIDTH_PX, max(2, round(height * WIDTH_PX / width)))
    while width >= 4 * WIDTH_PX:
        luma, width = luma[::2, ::2], width // 2
    small = cv2.resize(np.ascontiguousarray(luma), shrunk, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (3, 3), 0).astype(np.float32)


def _watched(height: int, width: int, masks: Sequence[Sequence[tuple[float, float]]]) -> Mask:
    """255 where changes count."""
    watched = np.full((height, width), 255, np.uint8)
    for polygon in masks:
        if len(polygon) >= 3:
            corners = np.array([(round(x * width), round(y * height)) for x, y in polygon], np.int32)
            cv2.fillPoly(watched, [corners], (0,))
    return watched


def _restless(changed: Mask, resting: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns everything that is connected with a moving part: the smooth roof of a slow lorry only seems to rest."""
    if not cv2.countNonZero(changed):
        return np.zeros_like(resting)
    count, labels, parts, _ = cv2.connectedComponentsWithStats(changed)
    moving = np.bincount(labels[(changed > 0) & ~resting], minlength=count)
    restless = moving > _MOVING_SHARE * parts[:, cv2.CC_STAT_AREA]
    restless[0] = False
    return np.asarray(restless[labels])


def _within(mask: Mask, part: NDArray[np.int32]) -> Mask:
    x, y = int(part[cv2.CC_STAT_LEFT]), int(part[cv2.CC_STAT_TOP])
    return mask[y : y + int(part[cv2.CC_STAT_HEIGHT]), x : x + int(part[cv2.CC_STAT_WIDTH])]
