"""Tests of the bounds of detections."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.geometry import Box


@pytest.mark.parametrize("text", ["", "abc1234", "ABC-1234", "ÁBC1234", "A" * 17])
def test_a_candidate_is_normalised_text(text: str) -> None:
    with pytest.raises(ValidationError):
        PlateCandidate(text=text, confidence=0.5)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_a_confidence_is_a_probability(confidence: float) -> None:
    with pytest.raises(ValidationError):
        PlateCandidate(text="ABC1234", confidence=confidence)


def test_an_object_travels_as_json() -> None:
    seen = DetectedObject(
        object_class=ObjectClass.PLATE,
        confidence=0.9,
        box=Box(x1=0.1, y1=0.1, x2=0.2, y2=0.2),
        plate=PlateCandidate(text="ABC1D34", confidence=0.8),
        character_confidences=(0.9, 0.8),
        source="rapidocr",
    )
    assert DetectedObject.model_validate_json(seen.model_dump_json()) == seen
