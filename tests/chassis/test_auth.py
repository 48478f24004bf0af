"""Tests of the caller that a token names, of tickets, and of the scopes of routes."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import APIRouter
from jose import jws
from tests.chassis.forging import Forger, b64
from tests.fixtures.routes import UndeclaredAccess, route_access
from tests.fixtures.tokens import TokenMint, private_key_pem

from chassis.auth import Authenticator, TokenSigner, requires
from chassis.auth.tokens import read_jwks
from chassis.fakes import StaticKeys
from chassis.service import create_app
from chassis.settings import ServiceSettings
from gtvision.errors import Forbidden, SessionRevoked, TokenExpired, Unauthenticated
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from gtvision.time import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def mint(clock: FakeClock) -> TokenMint:
    return TokenMint(clock)


# --- what is accepted --------------------------------------------------------------------------------------------------


async def test_a_valid_token_names_its_bearer(mint: TokenMint) -> None:
    groups = frozenset({new_id(), new_id()})
    caller = mint.caller(Role.OPERATOR, groups=groups)
    found = await mint.authenticator().verify(mint.token(caller))
    assert found == caller
    assert found.camera_groups == groups
    assert Scope.PLATES_SEARCH in found.scopes
    assert found.expires_at == mint.clock.now().timestamp() + 900


async def test_no_groups_and_an_empty_list_differ(mint: TokenMint) -> None:
    authenticator = mint.authenticator()
    assert (await authenticator.verify(mint.token(mint.caller()))).camera_groups is None
    assert (await authenticator.verify(mint.token(mint.caller(groups=[])))).camera_groups == frozenset()


async def test_a_token_ends_at_its_expiry(mint: TokenMint, clock: FakeClock) -> None:
    authenticator, token = mint.authenticator(), mint.token(lifetime_s=100)
    clock.advance(99.9)
    await authenticator.verify(token)
    clock.advance(0.1)
    with pytest.raises(TokenExpired):
        await authenticator.verify(token)


async def test_a_token_from_a_moment_ahead_is_tolerated_and_not_one_from_further(mint: TokenMint, clock: FakeClock) -> None:
    clock.advance(4)
    near = mint.token()
    clock.advance(10)
    far = mint.token()
    clock.advance(-14)
    authenticator = mint.authenticator()
    await authenticator.verify(near)
    with pytest.raises(Unauthenticated):
        await authenticator.verify(far)


async def test_a_remembered_token_still_ends_and_can_be_revoked(mint: TokenMint, clock: FakeClock) -> None:
    authenticator = mint.authenticator()
    caller = mint.caller()
    token = mint.token(caller)
    await authenticator.verify(token)
    mint.revocations.revoked.add(caller.session_id)
    with pytest.raises(SessionRevoked):
        await authenticator.verify(token)
    mint.revocations.revoked.clear()
    await authenticator.verify(token)
    clock.advance(900)
    with pytest.raises(TokenExpired):
        await authenticator.verify(token)


async def test_a_remembered_token_does_not_outlive_its_key(mint: TokenMint, clock: FakeClock) -> None:
    keys = StaticKeys(mint.jwks)
    authenticator = Authenticator(keys, mint.revocations, clock)
    token = mint.token()
    await authenticator.verify(token)
    keys.keys.clear()
    keys.generation += 1
    with pytest.raises(Unauthenticated):
        await authenticator.verify(token)


async def test_two_keys_are_valid_during_rotation(mint: TokenMint, clock: FakeClock) -> None:
    following = TokenSigner(private_key_pem("second"), "second", clock)
    authenticator = Authenticator(StaticKeys({"keys": [mint.signer.jwk(), following.jwk()]}), mint.revocations, clock)
    caller = mint.caller()
    assert await authenticator.verify(mint.token(caller)) == await authenticator.verify(following.access_token(caller))


# --- tickets -----------------------------------------------------------------------------------------------------------


async def test_a_ticket_opens_one_thing_once(mint: TokenMint) -> None:
    caller, camera = mint.caller(Role.VIEWER), new_id()
    authenticator, ticket = mint.authenticator(), mint.ticket("live", caller, camera)
    claims = await authenticator.redeem(ticket, "live")
    assert (claims.caller, claims.purpose, claims.camera_id) == (
        Caller(
            caller.tenant_id,
            caller.user_id,
            caller.role,
            caller.scopes,
            caller.session_id,
            expires_at=claims.caller.expires_at,
        ),
        "live",
        camera,
    )
    with pytest.raises(Unauthenticated):
        await authenticator.redeem(ticket, "live")


async def test_a_ticket_for_a_server_that_asks_again_may_be_shown_again(mint: TokenMint) -> None:
    authenticator, ticket = mint.authenticator(), mint.ticket("live")
    first = await authenticator.redeem(ticket, "live", single_use=False)
    assert (await authenticator.redeem(ticket, "live", single_use=False)).jti == first.jti


async def test_a_ticket_for_something_else_is_refused_and_not_spent(mint: TokenMint) -> None:
    authenticator, ticket = mint.authenticator(), mint.ticket("ws")
    with pytest.raises(Forbidden):
        await authenticator.redeem(ticket, "live")
    await authenticator.redeem(ticket, "ws")


async def test_tickets_end_and_are_revoked_with_their_session(mint: TokenMint, clock: FakeClock) -> None:
    authenticator, caller = mint.authenticator(), mint.caller()
    revoked, late = mint.ticket("ws", caller), mint.ticket("ws")
    mint.revocations.revoked.add(caller.session_id)
    with pytest.raises(SessionRevoked):
        await authenticator.redeem(revoked, "ws")
    clock.advance(60)
    with pytest.raises(TokenExpired):
        await authenticator.redeem(late, "ws")


async def test_an_access_token_is_no_ticket(mint: TokenMint) -> None:
    with pytest.raises(Unauthenticated):
        await mint.authenticator().redeem(mint.token(), "ws")
    forger = Forger(mint)
    without_purpose = forger.signed(forger.header | {"typ": "ticket+jwt"}, aud="gtvision-ticket")
    with pytest.raises(Unauthenticated):
        await mint.authenticator().redeem(without_purpose, "ws")


async def test_only_an_admitted_ticket_outlives_its_key(mint: TokenMint, clock: FakeClock) -> None:
    retired, caller = TokenMint(clock, "retired"), mint.caller()
    ticket, authenticator = retired.ticket("live", caller), mint.authenticator()
    found = await authenticator.whose(ticket, admitted=True)
    assert found is not None
    assert found.caller.session_id == caller.session_id
    assert await authenticator.whose(ticket) is None
    with pytest.raises(Unauthenticated):
        await authenticator.redeem(ticket, "live")
    head, body, _ = mint.ticket("live", caller).split(".")
    unsigned = f"{head}.{body}.{ticket.split('.')[2]}"  # of a key that is known
    for other in (unsigned, retired.token(caller), f"{ticket.split('.')[0]}.{b64(b'{}')}.x"):
        assert await authenticator.whose(other, admitted=True) is None


async def test_of_many_who_redeem_one_ticket_at_once_one_wins(mint: TokenMint) -> None:
    authenticator, ticket = mint.authenticator(), mint.ticket("ws")
    results = await asyncio.gather(*(authenticator.redeem(ticket, "ws") for _ in range(20)), return_exceptions=True)
    assert sum(not isinstance(result, BaseException) for result in results) == 1


# --- keys --------------------------------------------------------------------------------------------------------------


def test_only_strong_rsa_keys_for_signing_are_taken(mint: TokenMint) -> None:
    good = mint.signer.jwk()
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    others = [
        good | {"kid": ""},
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "alg", "alg": "HS256"},
        {"kty": "oct", "kid": "oct", "k": "AAAA"},
        good | {"kid": "weak", "n": b64(weak.n.to_bytes(256, "big"))},
        {"kty": "RSA", "kid": "bare"},
        "nonsense",
    ]
    assert set(read_jwks(json.dumps({"keys": [*others, good]}).encode())) == {good["kid"]}
    for text in (b"", b"[]", b"{}", b'{"keys": 5}'):
        with pytest.raises(ValueError):
            read_jwks(text)


def test_the_signers_tokens_verify_with_any_library(mint: TokenMint) -> None:
    claims = json.loads(jws.verify(mint.token(), mint.signer.jwk(), ["RS256"]))
    assert {"iss", "sub", "aud", "tenant", "role", "scopes", "sid", "jti", "iat", "nbf", "exp"} <= set(claims)


# --- routes ------------------------------------------------------------------------------------------------------------


def _service(mint: TokenMint) -> httpx.AsyncClient:
    router = APIRouter(prefix="/api/v1")

    @router.get("/cameras")
    async def cameras(caller: Annotated[Caller, requires(Scope.CAMERAS_READ)]) -> dict[str, str]:
        return {"tenant": str(caller.tenant_id)}

    @router.get("/either")
    async def either(_: Annotated[Caller, requires(Scope.USERS_READ, Scope.ALERTS_READ)]) -> dict[str, str]:
        return {}

    @router.get("/me")
    async def me(_: Annotated[Caller, requires()]) -> dict[str, str]:
        return {}

    settings = ServiceSettings(service_name="things")
    service = create_app(settings, title="Things", lifespan_parts=[], routers=[router], provides=[mint.authenticator()])
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://things")


async def test_a_route_asks_for_its_scope(mint: TokenMint) -> None:
    scopeless, viewer = mint.caller(scopes=[]), mint.caller(Role.VIEWER)
    async with _service(mint) as client:

        async def status(path: str, caller: Caller) -> int:
            return (await client.get(f"/api/v1/{path}", headers=mint.headers(caller))).status_code

        assert [await status(path, viewer) for path in ("cameras", "either", "me")] == [200, 200, 200]
        assert [await status(path, scopeless) for path in ("cameras", "either", "me")] == [403, 403, 200]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer x.y.z", "Token x"])
async def test_without_a_token_there_is_no_entry(mint: TokenMint, header: str) -> None:
    async with _service(mint) as client:
        answer = await client.get("/api/v1/cameras", headers={"authorization": header} if header else {})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        by_query = await client.get(f"/api/v1/cameras?token={mint.token()}", headers={"cookie": f"token={mint.token()}"})
        assert by_query.status_code == 401


async def test_access_is_known_without_calling(mint: TokenMint) -> None:
    async with _service(mint) as client:
        spec = (await client.get("/api/v1/docs/things/openapi.json")).json()
    assert spec["paths"]["/api/v1/cameras"]["get"]["security"] == [{"bearer": ["cameras:read"]}]
    router = APIRouter(prefix="/api/v1")

    @router.get("/scoped")
    async def scoped(_: Annotated[Caller, requires(Scope.CAMERAS_READ)]) -> None: ...

    @router.get("/public", openapi_extra={"x-access": "public"})
    async def public() -> None: ...

    service = create_app(
        ServiceSettings(service_name="things"), title="Things", lifespan_parts=[], routers=[router], provides=[mint.authenticator()]
    )
    found = {access.path: access for access in route_access(service.api)}
    assert found["/api/v1/scoped"].scopes == (Scope.CAMERAS_READ,)
    assert found["/api/v1/public"].public
    assert all(access.public for path, access in found.items() if path.startswith("/api/v1/docs/"))

    @service.api.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(UndeclaredAccess, match="forgotten"):
        list(route_access(service.api))


def test_the_tenant_of_a_token_is_a_uuid(mint: TokenMint) -> None:
    assert isinstance(mint.caller().tenant_id, UUID)
