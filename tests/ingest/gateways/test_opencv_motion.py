"""Tests of motion detection: at one frame a second it sees what passes, and does not take it for background."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from gtvision.geometry import Box
from ingest.gateways.opencv_motion import OpenCvMotionGate, Sensitivity
from ingest.grabbing.domain import Look

WIDTH, HEIGHT = 1280, 720
"""Size of the picture in the tests' coordinates; it is drawn at half of that for speed."""

Picture = NDArray[np.uint8]


class Street:
    """Draws pictures of a textured road with noise and the given objects."""

    def __init__(self, seed: int = 7, noise: float = 2.0, level: int = 110) -> None:
        self._random = np.random.default_rng(seed)
        coarse = self._random.normal(level, 25, (HEIGHT // 20, WIDTH // 20)).astype(np.float32)
        self._road = cv2.resize(coarse, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_CUBIC)
        self._noises = [self._random.standard_normal(self._road.shape, np.float32) for _ in range(9)]
        self._drawn = 0
        self._noise = noise

    def picture(self, *things: tuple[int, int, int, int, int], light: float = 0.0) -> Picture:
        """Returns a picture. `things`: objects as x, y, width, height in pixels and a grey level."""
        canvas = self._road + light
        for x, y, width, height, level in things:
            x1, y1, x2, y2 = (edge // 2 for edge in (max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)))
            if x1 < x2 and y1 < y2:
                canvas[y1:y2, x1:x2] = level
                canvas[y1 + (y2 - y1) // 3 : y1 + (y2 - y1) // 2, x1:x2] = 40  # windows
        self._drawn += 1
        return np.asarray(np.clip(canvas + self._noise * self._noises[self._drawn % len(self._noises)], 0, 255), np.uint8)


def learned(street: Street, **sensitivity: float) -> OpenCvMotionGate:
    gate = OpenCvMotionGate(Sensitivity(**sensitivity))
    for _ in range(10):
        gate.look(street.picture(), 1.0)
        gate.sent()
    return gate


def covers(box: Box | None, thing: tuple[int, int, int, int, int]) -> float:
    """Returns the share of the object's area that lies inside the box."""
    if box is None:
        return 0.0
    x, y, width, height, _ = thing
    x1, y1, x2, y2 = max(0, x), max(0, y), min(WIDTH, x + width), min(HEIGHT, y + height)
    inside_w = min(x2, box.x2 * WIDTH) - max(x1, box.x1 * WIDTH)
    inside_h = min(y2, box.y2 * HEIGHT) - max(y1, box.y1 * HEIGHT)
    return max(0.0, inside_w) * max(0.0, inside_h) / ((x2 - x1) * (y2 - y1))


def test_a_quiet_street_is_quiet() -> None:
    street = Street()
    gate = learned(street)
    looks = [gate.look(street.picture(), 1.0) for _ in range(30)]
    assert [look.moved for look in looks] == [None] * 30


@pytest.mark.parametrize("noise", [1.0, 4.0, 9.0])
def test_noise_alone_is_no_motion(noise: float) -> None:
    street = Street(noise=noise)
    gate = learned(street)
    assert all(gate.look(street.picture(), 1.0).moved is None for _ in range(20))


@pytest.mark.parametrize("level", [30, 75, 180, 235])
def test_a_car_is_seen_and_covered_in_every_frame(level: int) -> None:
    street = Street()
    gate = learned(street)
    for step in range(8):
        car = (step * 170 - 60, 380, 220, 150, level)
        look = gate.look(street.picture(car), 1.0)
        assert look.news
        assert covers(look.moved, car) > 0.97, (step, look)


def test_a_small_far_car_is_seen() -> None:
    street = Street()
    gate = learned(street)
    for step in range(5):
        car = (300 + step * 60, 120, 60, 44, 220)
        assert covers(gate.look(street.picture(car), 1.0).moved, car) > 0.9


def test_two_vehicles_are_in_one_box() -> None:
    street = Street()
    gate = learned(street)
    cars = (60, 100, 120, 80, 230), (900, 500, 240, 160, 30)
    look = gate.look(street.picture(*cars), 1.0)
    assert all(covers(look.moved, car) > 0.97 for car in cars)


def test_a_creeping_lorry_is_not_learned() -> None:
    street = Street()
    gate = learned(street)
    for second in range(100):
        lorry = (200 + second * 4, 300, 400, 250, 200)
        look = gate.look(street.picture(lorry), 1.0)
        gate.sent()
        assert covers(look.moved, lorry) > 0.9, second


def test_what_stands_is_sent_once_and_becomes_background() -> None:
    street = Street()
    gate = learned(street)
    parked = (500, 300, 220, 150, 220)
    first = gate.look(street.picture(parked), 1.0)
    assert first.news
    gate.sent()
    looks = [gate.look(street.picture(parked), 1.0) for _ in range(90)]
    assert not any(look.news for look in looks)
    assert looks[30].moved is not None
    assert looks[-1].moved is None


def test_a_vehicle_in_the_first_picture_leaves_no_ghost_for_long() -> None:
    street = Street()
    gate = OpenCvMotionGate()
    gate.look(street.picture((500, 300, 220, 150, 220)), 1.0)
    gate.sent()
    looks = []
    for _ in range(80):
        looks.append(gate.look(street.picture(), 1.0))
        gate.sent()
    assert looks[-1].moved is None
    assert sum(look.moved is not None and look.news for look in looks) <= 3


def test_a_passing_car_leaves_nothing_behind() -> None:
    street = Street()
    gate = learned(street)
    for step in range(8):
        gate.look(street.picture((step * 170 - 60, 380, 220, 150, 220)), 1.0)
        gate.sent()
    assert gate.look(street.picture(), 1.0).moved is None


def test_slow_light_is_followed() -> None:
    street = Street()
    gate = learned(street)
    assert all(gate.look(street.picture(light=second * 0.8), 1.0).moved is None for second in range(60))


def test_a_sudden_light_is_sent_whole_and_then_known() -> None:
    street = Street()
    gate = learned(street)
    assert gate.look(street.picture(light=60), 1.0) == Look(moved=Box(x1=0, y1=0, x2=1, y2=1), news=True)
    assert gate.look(street.picture(light=60), 1.0).moved is None
    car = (500, 380, 220, 150, 30)
    assert covers(gate.look(street.picture(car, light=60), 1.0).moved, car) > 0.97


def test_a_bus_that_fills_the_picture_is_not_taken_for_a_new_scene() -> None:
    street = Street()
    gate = learned(street)
    for x in (-900, -300, 60, 500):
        gate.look(street.picture((x, 0, 1250, 720, 215 if x % 200 else 160)), 1.0)
        gate.sent()
    assert gate.look(street.picture(), 1.0).moved is None


def test_dense_traffic_at_the_start_leaves_no_ghosts() -> None:
    street = Street()
    gate = OpenCvMotionGate()
    for second in range(20):
        gate.look(street.picture((second * 430 % 1900 - 300, 380, 260, 150, 60 + second * 37 % 190)), 1.0)
        gate.sent()
    car = (900, 380, 220, 150, 235)
    look = gate.look(street.picture(car), 1.0)
    assert covers(look.moved, car) > 0.97
    assert look.moved is not None
    assert look.moved.area < 3 * (220 * 150) / (1280 * 720)


def test_masks_are_not_looked_at() -> None:
    street = Street()
    gate = OpenCvMotionGate(masks=[((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))])
    for _ in range(6):
        gate.look(street.picture(), 1.0)
    assert gate.look(street.picture((100, 300, 220, 150, 220)), 1.0).moved is None
    seen = gate.look(street.picture((900, 300, 220, 150, 220)), 1.0).moved
    assert seen is not None
    assert seen.x1 > 0.5


def test_a_new_size_starts_anew() -> None:
    gate = learned(Street())
    assert gate.look(np.zeros((240, 480), np.uint8), 1.0) == Look(moved=None, news=True)
