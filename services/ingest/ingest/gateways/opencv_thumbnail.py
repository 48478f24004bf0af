"""Parts of pictures, small, with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np

from chassis.pictures import check_picture
from gtvision.errors import InvalidImage, NotFound, TooLarge
from gtvision.geometry import Box

_LARGEST_PX = 240
_QUALITY = 80
_MAX_PIXELS = 50_000_000
"""No camera's picture has more; a small file may claim far more, and is decoded to all of them."""


def cut_thumbnail(jpeg: bytes, area: Box) -> bytes:
    """Returns that part of the picture as a JPEG, 240 px wide and high at most, never enlarged. Takes some 10 ms of a core: call it off the
    event loop. Raises: NotFound, where the bytes are no picture, or far too large a one."""
    # The boxes were found in the picture as it is stored, without the turn that its metadata may ask for.
    try:
        check_picture(jpeg, _MAX_PIXELS)
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except (InvalidImage, TooLarge, cv2.error):
        pixels = None
    if pixels is None:
        raise NotFound("The picture that was kept of this detection cannot be read.")
    high, wide = pixels.shape[:2]
    x1, y1, x2, y2 = area.to_pixels(wide, high)
    part = pixels[y1:y2, x1:x2]
    scale = _LARGEST_PX / max(part.shape[:2])
    if scale < 1:
        size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()
