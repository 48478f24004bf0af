"""Fixtures of the console's tests: identity, the page's origin in front of it, and a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from tests.console.browsing import Console, browsing, chromium
from tests.console.origin import one_origin
from tests.identity.running import Running, running_identity

from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings


@pytest.fixture(scope="module")
async def running(
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Running]:
    objects = tmp_path_factory.mktemp("objects")
    async with running_identity(await database_for("identity"), rabbitmq, redis_state, objects) as service:
        yield service


@pytest.fixture(scope="module")
async def address(running: Running) -> AsyncIterator[str]:
    """The address of the page. A module may have its own, with something between the page and identity."""
    async with one_origin(running.service.api) as origin:
        yield origin


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as launched:
        yield launched


@pytest.fixture
async def console(address: str, browser: Browser, running: Running) -> AsyncIterator[Console]:
    """A fresh browser profile, with the counts of logins forgotten afterwards."""
    async with browsing(address, browser, running) as opened:
        yield opened
    await running.forget_attempts()


@pytest.fixture
async def page(console: Console) -> Page:
    """The console before a sign-in."""
    return await console.tab()
