"""Tests that drawn plates have the colours, sizes and marks of their era."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from demo_cameras.plates import CAR_SIZE_M, MERCOSUL, MOTORCYCLE_SIZE_M, OLD, Plate, plate_sprite
from demo_cameras.scenes import SCENES


def _bgr(plate: Plate) -> NDArray[np.int64]:
    return plate_sprite(plate).levels[0][..., :3].astype(np.int64)


@pytest.mark.parametrize(("text", "era"), [("ABC1234", OLD), ("ABC1D23", MERCOSUL), ("NZL0I52", MERCOSUL)])
def test_the_fifth_character_tells_the_era(text: str, era: str) -> None:
    assert Plate(text).era == era


def test_a_mercosul_plate_has_a_blue_band_over_white() -> None:
    picture = _bgr(Plate("ABC1D23"))
    height = picture.shape[0]
    band = picture[int(height * 0.08) : int(height * 0.16), 200:240].mean(axis=(0, 1))
    body = picture[int(height * 0.30) : int(height * 0.32), 60:500].mean(axis=(0, 1))
    assert band[0] > band[2] + 80
    assert body.min() > 200


def test_an_old_plate_is_grey_all_over() -> None:
    picture = _bgr(Plate("ABC1234"))
    blue, green, red = np.median(picture.reshape(-1, 3), axis=0)
    assert max(blue, green, red) - min(blue, green, red) < 12
    assert 150 < green < 210


def test_paid_transport_is_red_in_both_eras() -> None:
    old, new = _bgr(Plate("DTR7720", paid=True)), _bgr(Plate("GHT5E31", paid=True))
    assert np.median(old[..., 2] - old[..., 0]) > 80  # red body
    assert np.median(new[..., 2]) > 200  # white body ...
    assert ((new[..., 2] - new[..., 0]) > 80).mean() > 0.1  # ... red characters


@pytest.mark.parametrize(("two_lines", "size"), [(False, CAR_SIZE_M), (True, MOTORCYCLE_SIZE_M)])
def test_the_picture_has_the_proportions_of_the_plate(two_lines: bool, size: tuple[float, float]) -> None:
    height, width = _bgr(Plate("ABC1D23", two_lines=two_lines)).shape[:2]
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)


def test_different_texts_draw_different_plates() -> None:
    assert not np.array_equal(_bgr(Plate("ABC1D23")), _bgr(Plate("ABC1D28")))


def test_the_cast_covers_both_eras_all_vehicles_and_no_plate_twice() -> None:
    passages = [passage for scene in SCENES for passage in scene.passages]
    texts = [passage.plate.text for passage in passages]
    assert len(texts) == len(set(texts)) == 28
    assert {passage.plate.era for passage in passages} == {OLD, MERCOSUL}
    assert {"bus", "truck", "motorcycle", "hatch", "sedan", "suv", "pickup"} == {passage.body for passage in passages}
    assert {passage.plate.era for passage in passages if passage.plate.two_lines} == {OLD, MERCOSUL}
