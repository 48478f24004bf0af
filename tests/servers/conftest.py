"""Fixtures of servers and small processes that belong to one test."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from servers import MIGRATOR, SUPERUSER, ProcessSpec, ServerRunner, new_secret


@pytest.fixture
async def runner(data_folder: Path) -> AsyncIterator[ServerRunner]:
    async with ServerRunner(data_folder / "logs") as running:
        yield running


@pytest.fixture
def secrets() -> dict[str, str]:
    return {SUPERUSER: new_secret(), MIGRATOR: new_secret(), "cameras": new_secret()}


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., ProcessSpec]:
    """Returns a function that makes the specification of a process from Python source."""

    def make(code: str, **env: str) -> ProcessSpec:
        return ProcessSpec([sys.executable, "-c", code], tmp_path, {"PATH": "/usr/bin:/bin", **env})

    return make
