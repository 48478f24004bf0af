"""Pictures from outside: looked at by their header before anything is decoded.

A picture's width, height and boxes are those of the upright picture, as people see it: turned as its EXIF orientation says.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from gtvision.errors import InvalidImage, TooLarge

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_MIN_SIDE_PX = 16
_TRAILING_ZEROS = 16
"""Some cameras pad their JPEGs; anything else after the end is another file in disguise."""
_ORIENTATION = 0x0112
UPRIGHT = 1
_LYING = range(5, 9)
"""Orientations in which the stored rows are the columns of the upright picture."""


def check_picture(data: bytes, max_pixels: int) -> tuple[int, int]:
    """Returns the upright picture's width and height in pixels.

    Raises InvalidImage (no JPEG or PNG, truncated, something behind its end), TooLarge (too many pixels).
    """
    jpeg, png = data.startswith(_JPEG), data.startswith(_PNG)
    if not (jpeg or png):
        raise InvalidImage
    ends = data.rstrip(b"\0") if len(data) - len(data.rstrip(b"\0")) <= _TRAILING_ZEROS else data
    if not ends.endswith(_JPEG_END if jpeg else _PNG_END):
        raise InvalidImage("The picture is truncated, or something follows its end.")
    try:
        with _opened(data) as picture:
            width, height = picture.size
            lies = _orientation(picture) in _LYING
    except Image.DecompressionBombError:
        raise TooLarge(f"The picture has far too many pixels; at most {max_pixels} in all.") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise InvalidImage from None
    if width * height > max_pixels:
        raise TooLarge(f"The picture has {width} x {height} pixels; at most {max_pixels} in all.")
    if min(width, height) < _MIN_SIDE_PX:
        raise InvalidImage("The picture is too small to show anything.")
    return (height, width) if lies else (width, height)


def orientation_of(data: bytes) -> int:
    """Returns the EXIF orientation of a JPEG or PNG, 1 to 8; `UPRIGHT` where the picture has none, or cannot be opened."""
    try:
        with _opened(data) as picture:
            return _orientation(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return UPRIGHT


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Opens by the header; nothing is decoded, so a size that is a warning to Pillow is the caller's to judge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            yield picture


def _orientation(picture: Image.Image) -> int:
    """Reads Exif only: what else Pillow looks at (XMP) no decoder or browser follows. An unreadable one counts as none, as there."""
    exif = Image.Exif()
    try:
        exif.load(picture.info.get("exif") or b"")
        found = exif.get(_ORIENTATION, UPRIGHT)
    except (ValueError, KeyError, TypeError, OSError, SyntaxError, struct.error):
        return UPRIGHT
    return found if found in range(1, 9) else UPRIGHT
