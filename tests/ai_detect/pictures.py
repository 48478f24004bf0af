"""Pictures of plates, drawn for tests."""

import io

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
_UNTURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""EXIF orientation -> how the upright picture was turned when it was stored."""


def street(plates: list[tuple[str, int, int]], width: int = 640, height: int = 480) -> bytes:
    """Returns a JPEG of a grey street with plates drawn at (text, x, y), about 130 px wide."""
    image = Image.new("RGB", (width, height), (96, 98, 102))
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(_FONT, 26)
    for text, x, y in plates:
        pen.rectangle((x - 10, y - 6, x + 135, y + 36), fill=(236, 236, 232), outline=(20, 20, 20))
        pen.text((x, y), text, font=font, fill=(12, 12, 12))
    done, jpeg = cv2.imencode(".jpg", np.asarray(image)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return jpeg.tobytes()


def stored_turned(upright: bytes, orientation: int, form: str = "JPEG") -> bytes:
    """Returns the picture as a turned camera or telephone stores it: turned pixels, and the EXIF orientation that says so."""
    with Image.open(io.BytesIO(upright)) as image:
        stored = image.transpose(_UNTURNED[orientation]) if orientation in _UNTURNED else image.copy()
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    stored.save(out, form, exif=exif.tobytes(), quality=95)
    return out.getvalue()
