"""Tests of paths on the media server, and of the bounds of a camera's settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gtvision.camera import AiSettings, RecordingSettings, camera_of_path, path_name

ID = "01a22418-60c0-7671-a660-6b9b783d157c"


@given(st.uuids())
def test_the_path_names_the_camera(camera_id: object) -> None:
    name = path_name(camera_id)  # type: ignore[arg-type]
    for path in (name, f"/{name}", f"{name}/", f"{name}_sub"):
        assert camera_of_path(path) == str(camera_id)


@given(st.text())
def test_another_path_belongs_to_no_camera(path: str) -> None:
    found = camera_of_path(path)
    assert found is None or path.strip("/").startswith("cam_")


@pytest.mark.parametrize("path", ["", "cam_", "cam_x", "cam_../../etc", f"cam_{ID}/index.m3u8", f"dog_{ID}"])
def test_other_paths(path: str) -> None:
    assert camera_of_path(path) is None


@pytest.mark.parametrize("wrong", [{"fps": 0}, {"fps": 5.1}, {"min_confidence": 1.1}, {"classes": ["dragon"]}, {"masks": [[[2, 0]]]}])
def test_ai_settings_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AiSettings.model_validate(wrong)


@pytest.mark.parametrize("days", [0, 3651])
def test_retention_is_bounded(days: int) -> None:
    with pytest.raises(ValidationError):
        RecordingSettings(retention_days=days)


def test_an_older_listener_survives_newer_settings() -> None:
    assert AiSettings.model_validate({"enabled": False, "a_later_field": 1}) == AiSettings(enabled=False)
