"""What the tests of gtv share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gtv.children import Command
from gtv.home import Home

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty data folder."""
    made = Home(tmp_path / "data")
    made.prepare()
    return made


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Command]:
    """A process that runs some Python."""

    def make(code: str, **env: str) -> Command:
        return Command([sys.executable, "-c", code], {"PATH": "/usr/bin:/bin", **env}, cwd=tmp_path)

    return make
