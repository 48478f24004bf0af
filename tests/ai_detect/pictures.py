"""Pictures of plates, drawn for tests."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"


def street(plates: list[tuple[str, int, int]], width: int = 640, height: int = 480) -> bytes:
    """A grey street as JPEG with plates drawn at (text, x, y), about 130 px wide."""
    image = Image.new("RGB", (width, height), (96, 98, 102))
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(_FONT, 26)
    for text, x, y in plates:
        pen.rectangle((x - 10, y - 6, x + 135, y + 36), fill=(236, 236, 232), outline=(20, 20, 20))
        pen.text((x, y), text, font=font, fill=(12, 12, 12))
    done, jpeg = cv2.imencode(".jpg", np.asarray(image)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return jpeg.tobytes()
