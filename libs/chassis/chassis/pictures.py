"""Pictures from outside: looked at by their header before anything is decoded."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

from gtvision.errors import InvalidImage, TooLarge

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_MIN_SIDE_PX = 16
_TRAILING_ZEROS = 16
"""Some cameras pad their JPEGs; anything else after the end is another file in disguise."""


def check_picture(data: bytes, max_pixels: int) -> tuple[int, int]:
    """Width and height in pixels. Raises InvalidImage (no JPEG or PNG, truncated, something behind its end), TooLarge (too many pixels)."""
    jpeg, png = data.startswith(_JPEG), data.startswith(_PNG)
    if not (jpeg or png):
        raise InvalidImage
    ends = data.rstrip(b"\0") if len(data) - len(data.rstrip(b"\0")) <= _TRAILING_ZEROS else data
    if not ends.endswith(_JPEG_END if jpeg else _PNG_END):
        raise InvalidImage("The picture is truncated, or something follows its end.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the size is checked below, before decoding
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
                width, height = picture.size
    except Image.DecompressionBombError:
        raise TooLarge(f"The picture has far too many pixels; at most {max_pixels} in all.") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise InvalidImage from None
    if width * height > max_pixels:
        raise TooLarge(f"The picture has {width} x {height} pixels; at most {max_pixels} in all.")
    if min(width, height) < _MIN_SIDE_PX:
        raise InvalidImage("The picture is too small to show anything.")
    return width, height
