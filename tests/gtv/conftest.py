"""Fixtures that the tests of gtv share."""

from __future__ import annotations

from pathlib import Path

import pytest

from gtv.home import Home

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder."""
    made = Home(tmp_path / "data")
    made.prepare()
    return made
