"""Settings whose retry steps are short enough for tests."""

from __future__ import annotations

import pytest

from chassis.settings import RabbitSettings

STEPS_S = (0.05, 0.1, 0.15, 0.2)


@pytest.fixture(scope="module")
def rabbit(rabbitmq: RabbitSettings) -> RabbitSettings:
    return rabbitmq.model_copy(update={"retry_steps_s": STEPS_S})
