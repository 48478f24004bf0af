"""The access matrix, generated from the routes: who may not come in is refused everywhere, in the same words.

A route that is added is in it at once. What belongs to another tenant is test_tenants.py's.
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
"""What no city's own people may do."""


@dataclass(frozen=True)
class Door:
    """One route of one service, to be tried by somebody who has no business there."""

    service: str
    access: Access

    @property
    def path(self) -> str:
        """With made-up ids."""
        return self.access.path.format_map(_Anything())

    def __str__(self) -> str:
        return f"{self.access.method} {self.access.path}"


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return str(new_id()) if key.endswith("_id") else "ABC1D23"


@dataclass
class House:
    """The six APIs with nothing behind them but the keys of tokens: whoever gets further than the door finds out."""

    clients: dict[str, httpx.AsyncClient]
    doors: list[Door]
    mint: TokenMint
    redis: Any
    revoked: str = field(default="", repr=False)

    async def knock(self, door: Door, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        return await self.clients[door.service].request(door.access.method, door.path, headers=headers)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(redis_state: RedisSettings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("objects")
    mint = TokenMint()
    redis = connect_redis(redis_state.state_url)
    await mint.publish(redis)
    gone = mint.caller(Role.ADMIN)
    await mint.revoke(redis, gone.session_id)
    async with redis, AuthRuntime(redis, SystemClock()) as auth:
        clients, doors = {}, []
        for name in SERVICES:
            service = build(name, environment(name, folder))
            service.api.state.provided[Authenticator] = auth.authenticator
            # what lies behind the door is not running: a caller who passes it gets an error that no test here accepts
            transport = httpx.ASGITransport(app=service.api, raise_app_exceptions=False)
            clients[name] = httpx.AsyncClient(transport=transport, base_url=f"http://{name}")
            doors += [Door(name, access) for access in accesses(service) if not access.public]
        yield House(clients, doors, mint, redis, mint.token(gone))
        for client in clients.values():
            await client.aclose()


def refused(answer: httpx.Response, door: Door, status: int, *codes: str) -> None:
    """It is a problem+json of that status, with one of the codes, that tells nothing more."""
    assert answer.status_code == status, f"{door}: {answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"] == "application/problem+json", str(door)
    problem = answer.json()
    assert problem["code"] in codes, f"{door}: {problem}"
    assert problem["type"] == f"urn:gtvision:problem:{problem['code']}"
    assert problem["status"] == status
    assert UUID(problem["correlation_id"])
    assert "errors" not in problem, f"{door} looked at the request before it asked who sends it"


def test_the_matrix_is_not_empty(house: House) -> None:
    assert {door.service for door in house.doors} == set(SERVICES)
    assert len(house.doors) >= 25


async def test_nobody_comes_in_without_a_token(house: House) -> None:
    for door in house.doors:
        refused(await house.knock(door, None), door, 401, "unauthenticated")


async def test_an_expired_token_is_refused(house: House) -> None:
    past = TokenMint(FakeClock(SystemClock().now() - timedelta(hours=1)))
    for door in house.doors:
        refused(await house.knock(door, past.token()), door, 401, "token_expired")


async def test_a_revoked_session_is_refused(house: House) -> None:
    for door in house.doors:
        refused(await house.knock(door, house.revoked), door, 401, "session_revoked")


def _b64(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forgeries(mint: TokenMint) -> Iterator[tuple[str, str]]:
    """Ways to say that one is somebody; tests/chassis/test_auth.py knows many more, at the one place that checks them."""
    clock, someone = SystemClock(), mint.caller(Role.PLATFORM_ADMIN)
    good = mint.token(someone)
    head, claims, signature = good.split(".")
    yield "not a token", "not-a-token"
    yield "our key's name, another key", TokenSigner(private_key_pem("forger"), mint.signer.kid, clock).access_token(someone)
    yield "a key that nobody knows", TokenMint(kid="forger").token(someone)
    yield "no signature", f"{_b64({'alg': 'none', 'typ': 'at+jwt', 'kid': mint.signer.kid})}.{claims}."
    yield "a ticket", mint.ticket("live", someone)
    yield "somebody else's claims", f"{head}.{mint.token().split('.')[1]}.{signature}"


async def test_a_forged_token_is_refused(house: House) -> None:
    for what, token in forgeries(house.mint):
        answers = await asyncio.gather(*(house.knock(door, token) for door in house.doors))
        for door, answer in zip(house.doors, answers, strict=True):
            assert answer.status_code == 401, f"{door} let in: {what}"
            refused(answer, door, 401, "unauthenticated")


async def test_a_token_is_taken_from_the_authorization_header_only(house: House) -> None:
    token = house.mint.token()
    for door in house.doors:
        answer = await house.clients[door.service].request(
            door.access.method, door.path, params={"token": token, "access_token": token}, headers={"x-authorization": f"Bearer {token}"}
        )
        refused(answer, door, 401, "unauthenticated")


async def test_a_role_without_the_scope_is_refused(house: House) -> None:
    tried = 0
    for door in house.doors:
        if not door.access.scopes:
            continue
        for role in [role for role in Role if not ROLE_SCOPES[role] & set(door.access.scopes)]:
            token = house.mint.token(house.mint.caller(role))
            refused(await house.knock(door, token), door, 403, "missing_scope")
            tried += 1
    assert tried > len(house.doors)


@pytest.mark.parametrize("role", Role)
async def test_a_token_without_scopes_opens_nothing_scoped(house: House, role: Role) -> None:
    """Whoever has to change their password first has a token like that, whatever their role."""
    token = house.mint.token(house.mint.caller(role, scopes=()))
    for door in house.doors:
        if door.access.scopes:
            refused(await house.knock(door, token), door, 403, "missing_scope")


async def test_the_scopes_count_and_not_the_role(house: House) -> None:
    """Every scope but the one that is needed, and the highest role: an API key may have less than its role."""
    scoped = [door for door in house.doors if door.access.scopes]
    for needed in {door.access.scopes for door in scoped}:
        token = house.mint.token(house.mint.caller(Role.PLATFORM_ADMIN, scopes=set(Scope) - set(needed)))
        for door in scoped:
            if door.access.scopes == needed:
                refused(await house.knock(door, token), door, 403, "missing_scope")


async def test_every_scoped_route_lets_its_scope_pass_the_door(house: House) -> None:
    """Else the refusals above would prove nothing."""
    token = house.mint.token(house.mint.caller(Role.PLATFORM_ADMIN))
    for door in house.doors:
        answer = await house.knock(door, token)
        assert answer.status_code not in {401, 403}, f"{door}: {answer.text[:200]}"


def test_no_route_asks_for_a_scope_that_no_role_has(house: House) -> None:
    needed = {scope for door in house.doors for scope in door.access.scopes}
    assert needed
    of_a_city = {scope for role, scopes in ROLE_SCOPES.items() if role is not Role.PLATFORM_ADMIN for scope in scopes}
    assert needed - of_a_city <= PLATFORM_ONLY
    assert not PLATFORM_ONLY & of_a_city
    assert needed <= ROLE_SCOPES[Role.PLATFORM_ADMIN]
