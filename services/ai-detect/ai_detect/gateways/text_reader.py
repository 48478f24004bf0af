"""Text in a picture with RapidOCR (PP-OCR models inside its package) on OpenVINO. Runs in the reading process.

Measured on two cores with a 500 x 400 vehicle crop: OpenVINO 55 ms of CPU, ONNX Runtime 250 ms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ai_detect.domain import TextLine
from chassis.pictures import orientation_of
from gtvision.geometry import Box

Pixels = NDArray[np.uint8]
"""(height, width, 3) uint8, BGR."""

_LONG_SIDE_PX = 480
"""What the text detector sees at most: its time grows with the area, and plates are large in a motion box."""
_MIN_SCORE = 0.4
_CACHED_SHAPES = 32
_SHORT_SIDE_PX = 16
"""What must be left of the short side when the long one is scaled down: the engine refuses a thinner strip with an error."""


class TextReader:
    """One reader; not safe for two threads."""

    def __init__(self, threads: int) -> None:
        from rapidocr import EngineType, RapidOCR

        engine = EngineType.OPENVINO
        options: dict[str, Any] = {
            "Global.log_level": "error",
            "Global.use_cls": False,  # plates stand upright
            "Global.text_score": _MIN_SCORE,
            "Det.engine_type": engine,
            "Rec.engine_type": engine,
            "Det.limit_side_len": _LONG_SIDE_PX,
            "Det.limit_type": "max",
            "EngineConfig.openvino.inference_num_threads": threads,
        }
        reader: Any = RapidOCR(params=options)
        self._ocr = reader
        self._ocr(_sample())  # its models are loaded by the first text it sees
        for part in (self._ocr.text_det, self._ocr.text_rec):
            _bound_cache(part.session, threads)

    def read(self, crop: Pixels, region: Box) -> list[TextLine]:
        """Lines of text in a crop; `region` is where the crop lies in the picture, and the lines' boxes are the picture's."""
        if min(crop.shape[:2]) * _LONG_SIDE_PX <= _SHORT_SIDE_PX * max(crop.shape[:2]):
            return []
        answer = self._ocr(crop, return_word_box=True, return_single_char_box=True)
        if answer.boxes is None or answer.word_results is None:
            return []
        return [
            line
            for quad, characters in zip(answer.boxes, answer.word_results, strict=True)
            if (line := _line(quad, characters, crop, region))
        ]


def _sample() -> Pixels:
    """Draws a sign with text on it."""
    pixels = np.full((120, 360, 3), 235, np.uint8)
    cv2.putText(pixels, "ABC1234", (30, 80), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (20, 20, 20), 5)
    return pixels


def _bound_cache(session: Any, threads: int) -> None:
    """Compile a model again with a small cache of prepared shapes.

    Every crop has its own shape, and OpenVINO keeps what it prepared for 5,000 of them: the process grew by 0.7 MB a frame, past
    1.2 GB in seven minutes. With 32 it stays at 0.7 GB and costs a tenth more time (74 against 66 ms a frame). RapidOCR has no
    option for it.
    """
    import openvino  # type: ignore[import-untyped]  # ships no type information

    settings = {"INFERENCE_NUM_THREADS": threads, "CPU_RUNTIME_CACHE_CAPACITY": _CACHED_SHAPES}
    session.session = openvino.Core().compile_model(session.model, "CPU", settings).create_infer_request()


def _line(quad: NDArray[np.float32], characters: Iterable[tuple[str, float, object]], crop: Pixels, region: Box) -> TextLine | None:
    height, width = crop.shape[:2]
    text, confidences = "", []
    for character, confidence, _ in characters:
        text += character
        confidences += [float(confidence)] * len(character)
    points = np.asarray(quad, dtype=np.float32)
    wide = float(np.linalg.norm(points[1] - points[0]) + np.linalg.norm(points[2] - points[3])) / 2
    high = float(np.linalg.norm(points[3] - points[0]) + np.linalg.norm(points[2] - points[1])) / 2
    (x1, y1), (x2, y2) = points.min(axis=0), points.max(axis=0)
    if not text or high < 1 or x2 - x1 < 1 or y2 - y1 < 1:
        return None
    scale_x, scale_y = (region.x2 - region.x1) / width, (region.y2 - region.y1) / height
    corners = (float(x1) * scale_x, float(y1) * scale_y, float(x2) * scale_x, float(y2) * scale_y)
    try:
        box = Box.from_pixels([edge + start for edge, start in zip(corners, (region.x1, region.y1) * 2, strict=True)], 1, 1)
    except ValueError:
        return None
    return TextLine(text=text, character_confidences=tuple(confidences), box=box, aspect=wide / high)


def decode(data: bytes) -> Pixels | None:
    """Returns a JPEG or PNG as BGR pixels of the upright picture; None where it cannot be decoded.

    It is turned by the same reading of EXIF that gives `check_picture` its size, so that boxes and size cannot disagree.
    """
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return None if pixels is None else np.ascontiguousarray(_TURNS[orientation_of(data)](np.asarray(pixels, dtype=np.uint8)))


_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}
"""From the stored rows to the upright picture, by EXIF orientation."""


def cut(pixels: Pixels, region: Box | None) -> tuple[Pixels, Box]:
    """The part of the picture in which to look, with a little around it, and where it lies."""
    if region is None:
        return pixels, Box(x1=0, y1=0, x2=1, y2=1)
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = region.expanded(0.04).to_pixels(width, height)
    x2, y2 = min(x2, width), min(y2, height)
    return np.ascontiguousarray(pixels[y1:y2, x1:x2]), Box(x1=x1 / width, y1=y1 / height, x2=x2 / width, y2=y2 / height)
