"""Identity with two outside identity providers over HTTP, and the steps of a browser between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from sqlalchemy import text
from tests.contracts.services import build, environment
from tests.identity.federation.oidc_provider import API, CONSOLE, Client, OidcProvider, query_of, running_provider

from chassis.db import Database
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.time import SystemClock
from identity.cities.domain import Tenant
from identity.cities.usecases.installation import Installation
from identity.gateways.signing import RsaKeyMaker
from identity.repository import PostgresRows
from identity.settings import Settings

URL = "https://console.example"
PASSWORD = "uma senha bem longa mesmo"
GROUP = UUID("0198c5d0-0000-7000-8000-000000000001")


@dataclass
class Federation:
    """The service, its database, and two providers: the state's has users of two tenants, the partner's of one and creates no accounts."""

    service: Service
    db: Database
    settings: Settings
    state: OidcProvider
    partner: OidcProvider
    norte: UUID
    sul: UUID

    def browser(self, address: str = "203.0.113.9") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.service.api, raise_app_exceptions=False, client=(address, 4711))
        return httpx.AsyncClient(transport=transport, base_url=URL)

    async def rows(self, sql: str, tenant: UUID, **given: object) -> list[Any]:
        async with self.db.uow(tenant) as uow:
            return list(await uow.session.execute(text(sql), given))

    async def audited(self, tenant: UUID, action: str, **details: str) -> None:
        """Waits until the ledger has such an entry."""
        async with asyncio.timeout(240):
            while True:
                found = await self.rows("SELECT details FROM audit_entry WHERE action = :a", tenant, a=action)
                if any(details.items() <= row.details.items() for row in found):
                    return
                await asyncio.sleep(0.1)

    def begin(self) -> None:
        """Resets the providers: no user is signed in there, and they answer correctly."""
        for name, provider in (("estado", self.state), ("parceiro", self.partner)):
            provider.person, provider.discovery, provider.answers, provider.forged = {}, {}, {}, {}
            provider.clients = {CONSOLE: Client((f"{URL}/api/v1/auth/oidc/{name}/callback",))}

    async def forget_attempts(self) -> None:
        """Removes the counts of logins and of begun sign-ins."""
        async with connect_redis(self.settings.redis.state_url) as client:
            for pattern in ("identity:throttle:*", "identity:oidc:starts:*"):
                async for key in client.scan_iter(pattern):
                    await client.delete(key)


@asynccontextmanager
async def running_federation(given: Mapping[str, str], objects: Path) -> AsyncIterator[Federation]:
    """Runs the service with both providers. `given`: the addresses of the servers."""
    async with running_provider() as state, running_provider() as partner:
        norte, sul = new_id(), new_id()
        known = {"client_id": CONSOLE, "audiences": [API], "allow_http": True}
        first = {
            "name": "estado",
            "title": "Governo do Estado",
            "issuer": state.issuer,
            "tenant_claim": "city",
            "tenants": {"norte": "Cidade Norte", "sul": str(sul), "nowhere": "Cidade Nenhuma"},
            "roles": {"ti": "admin", "operador": "operator", "consulta": "viewer"},
            "groups_claim": "camera_groups",
            "create_users": True,
            "link_verified_email": True,
        }
        second = {"name": "parceiro", "title": "Parceiro", "issuer": partner.issuer, "tenant": "Cidade Norte", "roles": {"p": "partner"}}
        more = {
            "DATABASE_TIMEOUT_S": "60",
            "PUBLIC_URL": URL,
            "OIDC_PROVIDERS": json.dumps([known | first, known | second]),
            "OIDC_REFRESH_S": "1",
        }
        service = build("identity", environment("identity", objects, **given, **more))
        settings = service.settings
        assert isinstance(settings, Settings)
        async with Database(settings.db, SystemClock()) as db:
            for tenant_id, name in ((norte, "Cidade Norte"), (sul, "Cidade Sul")):
                async with db.uow(tenant_id) as uow:
                    await PostgresRows(uow).add_tenant(Tenant(tenant_id, name, 1, SystemClock().now()))
            await Installation(db.uow, PostgresRows, Vault(settings.vault), SystemClock()).ensure_signing_key(RsaKeyMaker())
            async with service.started():
                yield Federation(service, db, settings, state, partner, norte, sul)


def person(name: str, **over: Any) -> dict[str, Any]:
    good = {"sub": f"{name}-1", "email": f"{name}@estado.example", "email_verified": True, "city": "norte"}
    return good | {"realm_access": {"roles": ["operador", "offline_access"]}, "camera_groups": [str(GROUP)]} | over


async def begin(browser: httpx.AsyncClient, name: str = "estado", return_to: str | None = None) -> str:
    """Begins a sign-in and returns the address at the provider."""
    params = {} if return_to is None else {"return_to": return_to}
    answer = await browser.get(f"/api/v1/auth/oidc/{name}/start", params=params)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def at_provider(url: str) -> str:
    """Visits the provider and returns the path and query of the callback to which it redirects."""
    async with httpx.AsyncClient(timeout=120) as outside:
        answer = await outside.get(url)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == URL
    return f"{back.path}?{back.query}"


async def sign_in(browser: httpx.AsyncClient, name: str = "estado", return_to: str | None = None) -> httpx.Response:
    return await browser.get(await at_provider(await begin(browser, name, return_to)))


def error_of(answer: httpx.Response) -> str:
    """Returns the error code for the console, and checks that the answer only redirects to its login page."""
    assert answer.status_code == 303, answer.text
    target = urlsplit(answer.headers["location"])
    assert (target.scheme, target.netloc, target.path) == ("", "", "/")
    assert "__Secure-gtv_refresh" not in answer.headers.get("set-cookie", "")
    return query_of(answer.headers["location"])["login_error"]


async def session_of(browser: httpx.AsyncClient) -> dict[str, Any]:
    """Renews the session as the console does when the page loads, and returns the answer."""
    answer = await browser.post("/api/v1/auth/refresh", headers={"x-csrf-token": browser.cookies["__Secure-gtv_csrf"]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
