"""Tests that pictures are decoded upright for every EXIF orientation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.ai_detect.pictures import stored_turned, street

from ai_detect.gateways.text_reader import decode


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_decoded_upright(form: str, orientation: int) -> None:
    upright = street([("ABC1D23", 80, 100)])
    data = stored_turned(upright, orientation, form)
    pixels = decode(data)
    assert pixels is not None
    assert pixels.shape == (480, 640, 3)
    assert pixels.flags.c_contiguous
    seen = cv2.imdecode(np.frombuffer(upright, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    assert np.abs(pixels.astype(int) - seen.astype(int)).mean() < 2
    assert np.array_equal(pixels, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)), "as every viewer turns it"


def test_what_cannot_be_decoded_is_none() -> None:
    assert decode(b"\xff\xd8\xff\xd9") is None
