"""Settings whose retry steps are short enough for tests, and servers of a test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chassis.settings import RabbitSettings
from servers import MIGRATOR, SUPERUSER, ServerRunner, new_secret

STEPS_S = (0.05, 0.1, 0.15, 0.2)


@pytest.fixture(scope="module")
def rabbit(rabbitmq: RabbitSettings) -> RabbitSettings:
    return rabbitmq.model_copy(update={"retry_steps_s": STEPS_S})


@pytest.fixture
async def runner(data_folder: Path) -> AsyncIterator[ServerRunner]:
    async with ServerRunner(data_folder / "logs") as running:
        yield running


@pytest.fixture
def secrets() -> dict[str, str]:
    return {SUPERUSER: new_secret(), MIGRATOR: new_secret(), "cameras": new_secret()}
