"""The access matrix, generated from the routes: a request without the needed token or scope gets the same refusal on every route.

A new route is covered by existing. Data of another tenant is the matter of test_tenants.py.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from tests.contracts.services import SERVICES, accesses, build, environment
from tests.fixtures.routes import Access
from tests.fixtures.tokens import TokenMint, private_key_pem

from chassis.auth import Authenticator, AuthRuntime, TokenSigner
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Role, Scope
from gtvision.time import FakeClock, SystemClock

pytestmark = pytest.mark.broker

PLATFORM_ONLY = {Scope.TENANTS_READ, Scope.TENANTS_WRITE}
"""Scopes that only the platform's administrators have."""


@dataclass(frozen=True)
class ClosedRoute:
    """One route of one service that needs a token."""

    service: str
    access: Access

    @property
    def path(self) -> str:
        """The path with made-up ids."""
        return self.access.path.format_map(_Anything())

    def __str__(self) -> str:
        return f"{self.access.method} {self.access.path}"


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return str(new_id()) if key.endswith("_id") else "ABC1D23"


@dataclass
class Apis:
    """The APIs of the six services, with signing keys in Redis and nothing else behind them, so that an accepted request fails later on."""

    clients: dict[str, httpx.AsyncClient]
    routes: list[ClosedRoute]
    mint: TokenMint
    redis: Any
    revoked: str = field(default="", repr=False)

    async def ask(self, route: ClosedRoute, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.clients[route.service].request(route.access.method, route.path, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def apis(redis_state: RedisSettings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Apis]:
    folder = tmp_path_factory.mktemp("objects")
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    gone = mint.caller(Role.ADMIN)
    await mint.revoke(redis, gone.session_id)
    async with redis, AuthRuntime(redis, SystemClock()) as auth:
        clients, routes = {}, []
        for name in SERVICES:
            service = build(name, environment(name, folder))
            service.api.state.provided[Authenticator] = auth.authenticator
            # databases and brokers are not running: an accepted request gets an error that no test here expects
            transport = httpx.ASGITransport(app=service.api, raise_app_exceptions=False)
            clients[name] = httpx.AsyncClient(transport=transport, base_url=f"http://{name}")
            routes += [ClosedRoute(name, access) for access in accesses(service) if not access.public]
        yield Apis(clients, routes, mint, redis, mint.token(gone))
        for client in clients.values():
            await client.aclose()


def refused(answer: httpx.Response, route: ClosedRoute, status: int, *codes: str) -> None:
    """Checks that the answer is a problem+json of that status with one of the codes, and without further details."""
    assert answer.status_code == status, f"{route}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", str(route)
    problem = answer.json()
    assert problem["code"] in codes, f"{route}: {problem}"
    assert problem["type"] == f"urn:gtvision:problem:{problem['code']}"
    assert problem["status"] == status
    assert UUID(problem["correlation_id"])
    assert "errors" not in problem, f"{route} looked at the request before it asked who sends it"


def test_the_matrix_is_not_empty(apis: Apis) -> None:
    assert {route.service for route in apis.routes} == set(SERVICES)
    assert len(apis.routes) >= 25


async def test_a_request_without_a_token_is_refused(apis: Apis) -> None:
    for route in apis.routes:
        refused(await apis.ask(route, None), route, 401, "unauthenticated")


async def test_an_expired_token_is_refused(apis: Apis) -> None:
    past = TokenMint(FakeClock(SystemClock().now() - timedelta(hours=1)))
    for route in apis.routes:
        refused(await apis.ask(route, past.token()), route, 401, "token_expired")


async def test_a_revoked_session_is_refused(apis: Apis) -> None:
    for route in apis.routes:
        refused(await apis.ask(route, apis.revoked), route, 401, "session_revoked")


def _b64(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(mint: TokenMint) -> Iterator[tuple[str, str]]:
    """Yields forged tokens with their names. tests/chassis/test_auth_forgeries.py tries many more on the authenticator itself."""
    clock, someone = SystemClock(), mint.caller(Role.PLATFORM_ADMIN)
    good = mint.token(someone)
    head, claims, signature = good.split(".")
    yield "not a token", "not-a-token"
    yield "our key's name, another key", TokenSigner(private_key_pem("forger"), mint.signer.kid, clock).access_token(someone)
    yield "an unknown key", TokenMint(kid="forger").token(someone)
    yield "no signature", f"{_b64({'alg': 'none', 'typ': 'at+jwt', 'kid': mint.signer.kid})}.{claims}."
    yield "a ticket", mint.ticket("live", someone)
    yield "the claims of another token", f"{head}.{mint.token().split('.')[1]}.{signature}"


async def test_a_forged_token_is_refused(apis: Apis) -> None:
    for what, token in forgeries(apis.mint):
        answers = await asyncio.gather(*(apis.ask(route, token) for route in apis.routes))
        for route, answer in zip(apis.routes, answers, strict=True):
            assert answer.status_code == 401, f"{route} let in: {what}"
            refused(answer, route, 401, "unauthenticated")


async def test_a_token_is_taken_from_the_authorization_header_only(apis: Apis) -> None:
    token = apis.mint.token()
    for route in apis.routes:
        answer = await apis.clients[route.service].request(
            route.access.method, route.path, params={"token": token, "access_token": token}, headers={"x-authorization": f"Bearer {token}"}
        )
        refused(answer, route, 401, "unauthenticated")


async def test_a_role_without_the_scope_is_refused(apis: Apis) -> None:
    tried = 0
    for route in apis.routes:
        if not route.access.scopes:
            continue
        for role in [role for role in Role if not ROLE_SCOPES[role] & set(route.access.scopes)]:
            token = apis.mint.token(apis.mint.caller(role))
            refused(await apis.ask(route, token), route, 403, "missing_scope")
            tried += 1
    assert tried > len(apis.routes)


@pytest.mark.parametrize("role", Role)
async def test_a_token_without_scopes_opens_nothing_scoped(apis: Apis, role: Role) -> None:
    """A user who has to change the password first has a token without scopes, whatever their role."""
    token = apis.mint.token(apis.mint.caller(role, scopes=()))
    for route in apis.routes:
        if route.access.scopes:
            refused(await apis.ask(route, token), route, 403, "missing_scope")


async def test_the_scopes_count_and_not_the_role(apis: Apis) -> None:
    """The highest role with every scope but the needed one is refused: an API key may have fewer scopes than its role."""
    scoped = [route for route in apis.routes if route.access.scopes]
    for needed in {route.access.scopes for route in scoped}:
        token = apis.mint.token(apis.mint.caller(Role.PLATFORM_ADMIN, scopes=set(Scope) - set(needed)))
        for route in scoped:
            if route.access.scopes == needed:
                refused(await apis.ask(route, token), route, 403, "missing_scope")


async def test_every_scoped_route_accepts_its_scope(apis: Apis) -> None:
    """The needed scope is accepted, so the refusals above come from its absence."""
    token = apis.mint.token(apis.mint.caller(Role.PLATFORM_ADMIN))
    for route in apis.routes:
        answer = await apis.ask(route, token)
        assert answer.status_code not in {401, 403}, f"{route}: {answer.text[:200]}"


def test_no_route_asks_for_a_scope_that_no_role_has(apis: Apis) -> None:
    needed = {scope for route in apis.routes for scope in route.access.scopes}
    assert needed
    of_a_city = {scope for role, scopes in ROLE_SCOPES.items() if role is not Role.PLATFORM_ADMIN for scope in scopes}
    assert needed - of_a_city <= PLATFORM_ONLY
    assert not PLATFORM_ONLY & of_a_city
    assert needed <= ROLE_SCOPES[Role.PLATFORM_ADMIN]
