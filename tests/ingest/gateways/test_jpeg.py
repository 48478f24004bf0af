"""Tests of JPEG encoding from the planes of a decoded picture."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest

from ingest.gateways.jpeg import TurboJpegEncoder
from ingest.grabbing.domain import Picture, Plane


def colour_bars(full_range: bool) -> tuple[Picture, Plane]:
    """Returns colour bars as a decoder gives them, and the same picture as BGR."""
    shown = np.zeros((64, 128, 3), np.uint8)
    for each, colour in enumerate([(200, 200, 200), (30, 30, 30), (40, 40, 220), (220, 60, 40)]):
        shown[:, each * 32 : each * 32 + 32] = colour
    frame = av.VideoFrame.from_ndarray(shown, format="bgr24").reformat(format="yuvj420p" if full_range else "yuv420p")
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width] for plane in frame.planes
    )
    return Picture(y, u, v, 0.0, full_range), shown


@pytest.mark.parametrize("full_range", [False, True])
def test_a_jpeg_shows_what_the_camera_saw(full_range: bool) -> None:
    picture, shown = colour_bars(full_range)
    jpeg = TurboJpegEncoder(95).encode(picture)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    for x in (16, 48, 80, 112):
        assert np.abs(decoded[32, x].astype(int) - shown[32, x].astype(int)).max() <= 8
