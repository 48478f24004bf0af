"""Vehicles and people with an ultralytics YOLO model that was exported for OpenVINO. Runs in the reading process.

Expects the output of the v8 and 11 families: (1, 4 + classes, anchors), boxes as centre and size in input pixels, COCO classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ai_detect.domain import Finding
from ai_detect.gateways.text_reader import Pixels
from gtvision.camera import ObjectClass
from gtvision.geometry import Box

COCO_CLASSES = {0: ObjectClass.PERSON, 2: ObjectClass.CAR, 3: ObjectClass.MOTORCYCLE, 5: ObjectClass.BUS, 7: ObjectClass.TRUCK}
_MIN_CONFIDENCE = 0.25
_NMS_IOU = 0.5
_PADDING = 114


class YoloOpenVino:
    """One compiled model; not safe for two threads."""

    def __init__(self, path: Path, threads: int) -> None:
        """Raises FileNotFoundError, and RuntimeError for a model of another kind."""
        import openvino  # type: ignore[import-untyped]  # ships no type information

        model_file = next(path.glob("*.xml"), None) if path.is_dir() else path
        if model_file is None or not model_file.is_file():
            raise FileNotFoundError(f"no OpenVINO model at {path}; export one with: yolo export model=<weights>.pt format=openvino")
        core = openvino.Core()
        self._model: Any = core.compile_model(str(model_file), "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"})
        shape = self._model.input(0).partial_shape
        if shape.rank.get_length() != 4 or shape[2].is_dynamic:
            raise RuntimeError(f"{model_file.name} has no fixed picture size; export it without dynamic=True")
        self._side_px = int(shape[2].get_length())

    def find(self, pixels: Pixels) -> list[Finding]:
        """Vehicles and people in a picture; boxes in its coordinates."""
        blob, scale, left, top = self._letterbox(pixels)
        output: NDArray[np.float32] = self._model(blob)[0][0]
        scores = output[4:].T
        classes = scores.argmax(axis=1)
        confidences = scores.max(axis=1)
        chosen = np.flatnonzero((confidences >= _MIN_CONFIDENCE) & np.isin(classes, list(COCO_CLASSES)))
        centres = output[:4].T[chosen]
        corners = np.column_stack([centres[:, 0] - centres[:, 2] / 2, centres[:, 1] - centres[:, 3] / 2, centres[:, 2], centres[:, 3]])
        kept = cv2.dnn.NMSBoxesBatched(corners.tolist(), confidences[chosen].tolist(), classes[chosen].tolist(), _MIN_CONFIDENCE, _NMS_IOU)
        height, width = pixels.shape[:2]
        findings = []
        for i in np.asarray(kept, dtype=int).flatten():
            x, y, w, h = corners[i]
            x1, y1 = (x - left) / scale, (y - top) / scale
            try:
                box = Box.from_pixels((x1, y1, x1 + w / scale, y1 + h / scale), width, height)
            except ValueError:
                continue  # wholly in the padding
            object_class = COCO_CLASSES[int(classes[chosen][i])]
            findings.append(Finding(object_class, min(1.0, float(confidences[chosen][i])), box, "yolo"))
        return findings

    def _letterbox(self, pixels: Pixels) -> tuple[NDArray[np.float32], float, int, int]:
        height, width = pixels.shape[:2]
        side = self._side_px
        scale = min(side / width, side / height)
        resized = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_LINEAR)
        left, top = (side - resized.shape[1]) // 2, (side - resized.shape[0]) // 2
        canvas = np.full((side, side, 3), _PADDING, np.uint8)
        canvas[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
        blob = canvas[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255.0
        return np.ascontiguousarray(blob), scale, left, top
