"""Tests of the console's sign-in by an outside provider, in a real browser against the real service and a provider over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from tests.console.browsing import entered, log_out, opened
from tests.console.origin import one_origin
from tests.contracts.services import build, environment
from tests.identity.federation.oidc_provider import CONSOLE, Client, OidcProvider, running_provider

from chassis.db import Database
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.time import SystemClock
from identity.cities.domain import Tenant
from identity.cities.usecases.installation import Installation
from identity.gateways.signing import RsaKeyMaker
from identity.repository import PostgresRows
from identity.settings import Settings
from servers.ports import free_port

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def provider() -> AsyncIterator[OidcProvider]:
    async with running_provider() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(
    provider: OidcProvider,
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[str]:
    """Yields the address of the page and the service on one origin, as behind the edge."""
    port, tenant_id = free_port(), new_id()
    url = f"http://localhost:{port}"
    known = {"name": "estado", "title": "Governo do Estado", "issuer": provider.issuer, "client_id": CONSOLE, "allow_http": True}
    given = {
        "DATABASE_URL": (await database_for("identity")).url.get_secret_value(),
        "DATABASE_TIMEOUT_S": "60",
        "RABBITMQ_URL": rabbitmq.url.get_secret_value(),
        "REDIS_CACHE_URL": redis_state.cache_url.get_secret_value(),
        "REDIS_STATE_URL": redis_state.state_url.get_secret_value(),
        "PUBLIC_URL": url,
        "OIDC_PROVIDERS": json.dumps([known | {"tenant": str(tenant_id), "create_users": True}]),
    }
    provider.clients = {CONSOLE: Client((f"{url}/api/v1/auth/oidc/estado/callback",))}
    service = build("identity", environment("identity", tmp_path_factory.mktemp("objects"), **given))
    assert isinstance(service.settings, Settings)
    async with Database(service.settings.db, SystemClock()) as db:
        async with db.uow(tenant_id) as uow:
            await PostgresRows(uow).add_tenant(Tenant(tenant_id, "Cidade", 1, SystemClock().now()))
        await Installation(db.uow, PostgresRows, Vault(service.settings.vault), SystemClock()).ensure_signing_key(RsaKeyMaker())
    async with service.started(), one_origin(service.api, port):
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def page(address: str) -> AsyncIterator[Page]:
    async with opened(address) as page:
        yield page


async def test_leads_to_the_provider_and_back_into_the_console(page: Page, address: str, provider: OidcProvider) -> None:
    provider.person = {"sub": "ana", "email": "ana@estado.example", "realm_access": {"roles": ["operator"]}}
    await page.goto(f"{address}/alertas?state=open")
    await page.get_by_role("link", name="Entrar com Governo do Estado").click()
    await entered(page)
    assert page.url == f"{address}/alertas?state=open"
    kept = await page.evaluate("document.cookie + JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    assert "gtr_" not in kept
    await page.reload()
    await entered(page)
    await log_out(page)
    await expect(page.get_by_role("link", name="Entrar com Governo do Estado")).to_be_visible()


async def test_says_in_words_what_went_wrong(page: Page, address: str, provider: OidcProvider) -> None:
    provider.person = {"sub": "bia", "email": "bia@estado.example", "realm_access": {"roles": ["gardener"]}}
    await page.goto(address)
    await page.get_by_role("link", name="Entrar com Governo do Estado").click()
    await expect(page.get_by_role("alert")).to_have_text("Sua conta não tem um papel no GT-Vision. Fale com o administrador.")
    assert "login_error" not in page.url
    await expect(page.get_by_label("E-mail")).to_be_visible()
    await page.goto(f"{address}/?login_error=<img src=x onerror=alert(1)>")
    await expect(page.get_by_role("alert")).to_have_text("Não foi possível entrar. Tente de novo.")
