"""Tests of boxes and polygons in coordinates normalised to the picture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gtvision.geometry import Box, in_polygon

unit = st.floats(0, 1, allow_nan=False)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x1, x2 = sorted(draw(st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True)))
    return Box(x1=x1 / 1000, y1=y1 / 1000, x2=x2 / 1000, y2=y2 / 1000)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9


@given(boxes())
def test_a_box_overlaps_itself_wholly(box: Box) -> None:
    assert box.iou(box) == pytest.approx(1)
    assert box.contains(box.centre)


@given(boxes(), st.integers(8, 4000), st.integers(8, 4000))
def test_pixels_there_and_back(box: Box, width_px: int, height_px: int) -> None:
    x1, y1, x2, y2 = box.to_pixels(width_px, height_px)
    assert 0 <= x1 < x2 <= width_px + 1
    assert 0 <= y1 < y2 <= height_px + 1
    back = Box.from_pixels((x1, y1, x2, y2), width_px, height_px)
    assert back.x1 == pytest.approx(box.x1, abs=1.01 / width_px)
    assert back.y2 == pytest.approx(box.y2, abs=1.01 / height_px)


@given(boxes(), st.floats(0, 3))
def test_a_grown_box_holds_the_old_one_inside_the_picture(box: Box, by: float) -> None:
    grown = box.expanded(by)
    assert grown.x1 <= box.x1
    assert grown.y1 <= box.y1
    assert grown.x2 >= box.x2
    assert grown.y2 >= box.y2
    assert grown.area >= box.area - 1e-12


def test_pixels_outside_the_picture_are_clipped() -> None:
    assert Box.from_pixels((-5, -5, 200, 50), 100, 100) == Box(x1=0, y1=0, x2=1, y2=0.5)
    with pytest.raises(ValidationError):
        Box.from_pixels((110, 0, 120, 50), 100, 100)


@pytest.mark.parametrize("corners", [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (0, 0, 1.1, 1), (-0.1, 0, 1, 1), (0, 0, float("nan"), 1)])
def test_empty_and_outside_boxes_are_refused(corners: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = corners
    with pytest.raises(ValidationError):
        Box(x1=x1, y1=y1, x2=x2, y2=y2)


def test_separate_boxes_do_not_overlap() -> None:
    assert Box(x1=0, y1=0, x2=0.4, y2=1).iou(Box(x1=0.5, y1=0, x2=1, y2=1)) == 0


@given(unit, unit)
def test_inside_a_rectangle_drawn_as_a_polygon(x: float, y: float) -> None:
    square = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    if 0.25 < x < 0.75 and 0.25 < y < 0.75:
        assert in_polygon((x, y), square)
    elif x < 0.25 or x > 0.75 or y < 0.25 or y > 0.75:
        assert not in_polygon((x, y), square)


@pytest.mark.parametrize("polygon", [(), ((0.0, 0.0),), ((0.0, 0.0), (1.0, 1.0))])
def test_a_polygon_of_fewer_than_three_corners_holds_nothing(polygon: tuple[tuple[float, float], ...]) -> None:
    assert not in_polygon((0.5, 0.5), polygon)
