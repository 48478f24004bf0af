"""Tests of thumbnails on pictures whose parts have colours of their own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from gtvision.errors import NotFound
from gtvision.geometry import Box
from ingest.gateways.opencv_thumbnail import cut_thumbnail


def picture(wide: int, high: int, plate: Box) -> bytes:
    """Returns a black JPEG with a white plate."""
    pixels = np.zeros((high, wide, 3), np.uint8)
    x1, y1, x2, y2 = plate.to_pixels(wide, high)
    pixels[y1:y2, x1:x2] = 255
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def opened(jpeg: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return pixels


PLATE = Box(x1=0.5, y1=0.5, x2=0.75, y2=0.6)


def test_a_plate_is_in_the_middle_of_its_surroundings() -> None:
    found = opened(cut_thumbnail(picture(1920, 1080, PLATE), PLATE.expanded(0.5)))
    high, wide = found.shape
    assert (wide, high) == (240, 54)
    assert found[high // 2, wide // 2] > 240
    assert max(int(found[edge]) for edge in ((2, 2), (2, wide - 3), (high - 3, 2), (high - 3, wide - 3))) < 16


def test_a_tall_part_stays_within_the_square() -> None:
    assert opened(cut_thumbnail(picture(1000, 1000, PLATE), Box(x1=0.4, y1=0, x2=0.6, y2=1))).shape == (240, 48)


def test_a_small_part_is_not_enlarged() -> None:
    assert opened(cut_thumbnail(picture(400, 200, PLATE), PLATE)).shape == (20, 100)


def test_a_part_of_less_than_a_pixel_is_one() -> None:
    assert opened(cut_thumbnail(picture(400, 200, PLATE), Box(x1=0.9999, y1=0.9999, x2=1, y2=1))).shape == (1, 1)


def claiming(wide: int, high: int) -> bytes:
    """Returns a small JPEG whose header says that it is as large."""
    small = picture(64, 64, PLATE)
    header = small.index(b"\xff\xc0") + 5
    return small[:header] + high.to_bytes(2, "big") + wide.to_bytes(2, "big") + small[header + 4 :]


@pytest.mark.parametrize("data", [b"", b"no picture", claiming(20_000, 20_000), claiming(65_500, 65_500)])
def test_what_is_no_picture_is_not_found(data: bytes) -> None:
    with pytest.raises(NotFound):
        cut_thumbnail(data, PLATE)
