"""Tests that lens and compositor place objects alike, and that vehicles do not jump at the seam of the loop."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from demo_cameras.brush import Brush, plain
from demo_cameras.lens import Lens, clip_near
from demo_cameras.plates import Plate
from demo_cameras.scenes import FPS, LOOP_S, OVER_THE_HUMP, Passage
from demo_cameras.stage import Face, box_of, draw
from demo_cameras.traffic import Ride, plate_box

LENS = Lens(2900, 2.0, 4.2, 7.0)


def _square(x: float, y: float) -> Face:
    brush = Brush(1.0, 1.0, 100)
    brush.box((0, 0, 1, 1), plain((255, 255, 255)))
    return Face(np.array([x, y, 1.0]), np.array([1.0, 0, 0]), np.array([0, 0, -1.0]), brush.sprite())


def test_what_is_straight_ahead_is_in_the_middle() -> None:
    pixels, depth = Lens(1000, 2.0, 0.0).project(np.array([[0.0, 10.0, 2.0]]))
    assert pixels[0] == pytest.approx([640, 360])
    assert depth[0] == pytest.approx(10)


def test_size_halves_with_twice_the_distance() -> None:
    near, far = (box_of(_square(1, y), Lens(1000, 2.0, 0.0)) for y in (10.0, 20.0))
    assert near is not None
    assert far is not None
    assert near[2] - near[0] == pytest.approx(2 * (far[2] - far[0]))


def test_a_face_is_drawn_where_its_box_says() -> None:
    face = _square(1.0, 12.0)
    frame = np.zeros((720, 1280, 3), dtype=np.uint8)
    draw(frame, face, LENS)
    rows, columns = np.nonzero(frame[..., 0] > 128)
    box = box_of(face, LENS)
    assert box is not None
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == pytest.approx(box, abs=2.5)


def test_a_face_behind_the_camera_draws_nothing() -> None:
    frame = np.zeros((720, 1280, 3), dtype=np.uint8)
    draw(frame, _square(0.0, -5.0), LENS)
    assert not frame.any()


def test_a_polygon_is_cut_at_the_near_plane() -> None:
    points = np.array([[0.0, -1, 0], [1, -1, 0], [1, 3, 0], [0, 3, 0]])
    cut = clip_near(points, points[:, 1])
    assert len(cut) == 4
    assert cut[:, 1].min() == pytest.approx(0.6)


@pytest.fixture(scope="module")
def ride() -> Ride:
    return Ride(Passage(4.0, "hatch", (200, 30, 30), Plate("BRA2E19"), OVER_THE_HUMP, 1.9), 10.0)


def test_a_ride_is_at_its_mark_on_time_and_only_comes_closer(ride: Ride) -> None:
    at = ride.distance(4.0)
    assert at == pytest.approx(10.0, abs=0.1)
    seen = [d for frame in range(FPS * 6) if (d := ride.distance(frame / FPS)) is not None]
    assert all(later < earlier for earlier, later in pairwise(seen))


def test_a_ride_goes_on_over_the_seam_of_the_loop(ride: Ride) -> None:
    before, after = ride.distance(LOOP_S - 1 / FPS), ride.distance(0.0)
    assert before is not None
    assert after is not None
    assert 0 < before - after < 1.5


def test_the_plate_stays_readable_for_two_seconds_inside_the_picture(ride: Ride) -> None:
    boxes = [box for frame in range(LOOP_S * FPS) if (box := plate_box(ride, LENS, frame)) is not None]
    assert len(boxes) >= 2 * FPS
    assert all(0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 for x1, y1, x2, y2 in boxes)
