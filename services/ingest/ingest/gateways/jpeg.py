"""Pictures to JPEG with libjpeg-turbo, straight from the decoder's planes: no detour over RGB."""

from __future__ import annotations

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]

from ingest.grabbing.domain import Picture, Plane

# Video keeps 16..235 (luma) and 16..240 (chroma) of 0..255; JPEG uses all of it. Without this, pictures are grey in grey.
_LEVELS = np.arange(256, dtype=np.float32)
_LUMA: Plane = np.clip((_LEVELS - 16) * 255 / 219 + 0.5, 0, 255).astype(np.uint8)
_CHROMA: Plane = np.clip((_LEVELS - 128) * 255 / 224 + 128.5, 0, 255).astype(np.uint8)


class TurboJpegEncoder:
    """Pictures to JPEG. Keeps no state between pictures."""

    def __init__(self, quality: int = 80) -> None:
        self._quality = quality

    def encode(self, picture: Picture) -> bytes:
        y, u, v = picture.y, picture.u, picture.v
        if not picture.full_range:
            y, u, v = (cv2.LUT(y, _LUMA), cv2.LUT(u, _CHROMA), cv2.LUT(v, _CHROMA))  # type: ignore[assignment]
        return bytes(simplejpeg.encode_jpeg_yuv_planes(y, u, v, quality=self._quality))
