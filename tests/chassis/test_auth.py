from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key
from fastapi import APIRouter
from jose import jwk, jws
from jose.backends.base import Key
from redis.asyncio import Redis

from chassis.auth import (
    EPOCH_KEY,
    JWKS_KEY,
    REVOCATIONS_CHANNEL,
    REVOKED_KEY,
    Authenticator,
    AuthRuntime,
    RedisKeys,
    RedisRevocations,
    TokenSigner,
    requires,
    route_access,
)
from chassis.auth.access import UndeclaredAccess
from chassis.auth.tokens import read_jwks
from chassis.redis import connect_redis
from chassis.service import create_app
from chassis.settings import RedisSettings, ServiceSettings
from chassis.testing.tokens import StaticKeys, TokenMint, private_key_pem
from gtvision.errors import Forbidden, SessionRevoked, TokenExpired, Unauthenticated, Unavailable
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


async def test_an_end_is_an_end(mint: TokenMint, clock: FakeClock) -> None:
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


# --- what is refused ---------------------------------------------------------------------------------------------------


def _b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@functools.cache
def _signing_key(pem: str) -> Key:
    return jwk.construct(pem, "RS256")


class Forger:
    """Somebody who knows the public key, the format and a valid token."""

    def __init__(self, mint: TokenMint) -> None:
        self.mint = mint
        self.kid = mint.signer.kid
        now = int(mint.clock.now().timestamp())
        ids = {name: str(new_id()) for name in ("sub", "tenant", "sid", "jti")}
        self.claims: dict[str, Any] = {"iss": "gtvision", "aud": "gtvision", "role": "admin", "scopes": ["cameras:read"], **ids}
        self.claims |= {"iat": now, "nbf": now, "exp": now + 900}
        self.header: dict[str, Any] = {"alg": "RS256", "typ": "at+jwt", "kid": self.kid}

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Properly signed with the true key: only what is signed is wrong."""
        payload = {name: value for name, value in (self.claims | claims).items() if value is not ...}
        return self.raw(self.header if header is None else header, payload, private_key_pem(self.kid))

    def raw(self, header: dict[str, Any], payload: dict[str, Any] | bytes, pem: str) -> str:
        message = f"{_b64(header)}.{_b64(payload)}"
        signature = _signing_key(pem).sign(message.encode())
        return f"{message}.{_b64(signature)}"

    def hmac(self, secret: bytes, algorithm: str = "HS256", name: str = "sha256") -> str:
        message = f"{_b64(self.header | {'alg': algorithm})}.{_b64(self.claims)}"
        return f"{message}.{_b64(hmac.new(secret, message.encode(), name).digest())}"

    @property
    def public_pem(self) -> bytes:
        key = load_pem_private_key(private_key_pem(self.kid).encode(), None, unsafe_skip_rsa_key_validation=True)
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _own_key() -> tuple[str, dict[str, str]]:
    pem = private_key_pem("attacker")
    return pem, TokenSigner(pem, "attacker", FakeClock()).jwk()


def _without_signature(forger: Forger) -> str:
    return forger.signed().rsplit(".", 1)[0] + "."


def _tampered_payload(forger: Forger) -> str:
    head, _, signature = forger.signed().split(".")
    return f"{head}.{_b64(forger.claims | {'role': 'platform_admin'})}.{signature}"


def _flipped_signature(forger: Forger) -> str:
    head, body, signature = forger.signed().split(".")
    return f"{head}.{body}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


def _weak_key(forger: Forger) -> str:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=1024).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return forger.raw(forger.header, forger.claims, pem.decode())


FORGERIES: dict[str, Callable[[Forger], str]] = {
    # the algorithm
    "alg none, no signature": lambda f: f"{_b64(f.header | {'alg': 'none'})}.{_b64(f.claims)}.",
    "alg None, old signature": lambda f: f"{_b64(f.header | {'alg': 'None'})}.{_b64(f.claims)}.{f.signed().rsplit('.', 1)[1]}",
    "alg none in capitals": lambda f: f"{_b64(f.header | {'alg': 'NONE'})}.{_b64(f.claims)}.AA",
    "alg missing": lambda f: f.signed({"typ": "at+jwt", "kid": f.kid}),
    "alg null": lambda f: f.signed(f.header | {"alg": None}),
    "alg a list": lambda f: f.signed(f.header | {"alg": ["RS256"]}),
    "HS256 with the public key": lambda f: f.hmac(f.public_pem),
    "HS256 with the public key, trimmed": lambda f: f.hmac(f.public_pem.strip()),
    "HS256 with the JWK": lambda f: f.hmac(json.dumps(f.mint.signer.jwk()).encode()),
    "HS256 with the key id": lambda f: f.hmac(f.kid.encode()),
    "HS256 with nothing": lambda f: f.hmac(b""),
    "HS512 with the public key": lambda f: f.hmac(f.public_pem, "HS512", "sha512"),
    "HS256 signature under RS256": lambda f: f"{_b64(f.header)}.{_b64(f.claims)}.{f.hmac(f.public_pem).rsplit('.', 1)[1]}",
    "RS512 header": lambda f: f.signed(f.header | {"alg": "RS512"}),
    "PS256 header": lambda f: f.signed(f.header | {"alg": "PS256"}),
    "ES256 header": lambda f: f.signed(f.header | {"alg": "ES256"}),
    # the key
    "another key, our kid": lambda f: f.raw(f.header, f.claims, _own_key()[0]),
    "a weak key, our kid": _weak_key,
    "jwk injected": lambda f: f.raw(f.header | {"jwk": _own_key()[1]}, f.claims, _own_key()[0]),
    "jku injected": lambda f: f.raw(f.header | {"jku": "https://evil.example/jwks.json"}, f.claims, _own_key()[0]),
    "x5u injected": lambda f: f.raw(f.header | {"x5u": "https://evil.example/chain.pem"}, f.claims, _own_key()[0]),
    "x5c injected": lambda f: f.raw(f.header | {"x5c": ["AAAA"]}, f.claims, _own_key()[0]),
    "jku beside a true signature": lambda f: f.signed(f.header | {"jku": "https://evil.example/jwks.json"}),
    "kid unknown": lambda f: f.signed(f.header | {"kid": "nobody"}),
    "kid missing": lambda f: f.signed({"alg": "RS256", "typ": "at+jwt"}),
    "kid empty": lambda f: f.signed(f.header | {"kid": ""}),
    "kid null": lambda f: f.signed(f.header | {"kid": None}),
    "kid a number": lambda f: f.signed(f.header | {"kid": 1}),
    "kid a path": lambda f: f.raw(f.header | {"kid": "../../../dev/null"}, f.claims, _own_key()[0]),
    "kid with SQL": lambda f: f.raw(f.header | {"kid": "x' UNION SELECT 'key"}, f.claims, _own_key()[0]),
    "kid with NUL": lambda f: f.signed(f.header | {"kid": f.kid + "\x00"}),
    # the header
    "crit unknown": lambda f: f.signed(f.header | {"crit": ["exp"]}),
    "crit empty": lambda f: f.signed(f.header | {"crit": []}),
    "crit b64": lambda f: f.signed(f.header | {"crit": ["b64"], "b64": False}),
    "compressed": lambda f: f.signed(f.header | {"zip": "DEF"}),
    "typ JWT": lambda f: f.signed(f.header | {"typ": "JWT"}),
    "typ missing": lambda f: f.signed({"alg": "RS256", "kid": f.kid}),
    "typ of a ticket": lambda f: f.signed(f.header | {"typ": "ticket+jwt"}),
    "a ticket": lambda f: f.mint.ticket("ws"),
    # the claims
    "wrong issuer": lambda f: f.signed(iss="https://accounts.example"),
    "issuer missing": lambda f: f.signed(iss=...),
    "wrong audience": lambda f: f.signed(aud="account"),
    "audience of a ticket": lambda f: f.signed(aud="gtvision-ticket"),
    "audience a list": lambda f: f.signed(aud=["gtvision", "account"]),
    "audience missing": lambda f: f.signed(aud=...),
    "not yet valid": lambda f: f.signed(nbf=f.claims["nbf"] + 60),
    "issued in the future": lambda f: f.signed(iat=f.claims["iat"] + 60),
    "ends before it begins": lambda f: f.signed(exp=f.claims["iat"]),
    "expired": lambda f: f.signed(iat=1, nbf=1, exp=f.claims["iat"] - 1),
    "expired this moment": lambda f: f.signed(iat=1, nbf=1, exp=f.claims["iat"]),
    "exp missing": lambda f: f.signed(exp=...),
    "exp null": lambda f: f.signed(exp=None),
    "exp a text": lambda f: f.signed(exp="9999999999"),
    "exp infinite": lambda f: f.raw(f.header, json.dumps(f.claims | {"exp": float("inf")}).encode(), private_key_pem(f.kid)),
    "nbf missing": lambda f: f.signed(nbf=...),
    "iat missing": lambda f: f.signed(iat=...),
    "sub missing": lambda f: f.signed(sub=...),
    "sub no id": lambda f: f.signed(sub="admin"),
    "tenant missing": lambda f: f.signed(tenant=...),
    "tenant a list": lambda f: f.signed(tenant=[f.claims["tenant"]]),
    "sid missing": lambda f: f.signed(sid=...),
    "jti missing": lambda f: f.signed(jti=...),
    "role unknown": lambda f: f.signed(role="root"),
    "scopes a text": lambda f: f.signed(scopes="cameras:read cameras:write"),
    "scopes missing": lambda f: f.signed(scopes=...),
    "groups a text": lambda f: f.signed(groups="all"),
    # the form
    "no signature": _without_signature,
    "payload exchanged": _tampered_payload,
    "signature flipped": _flipped_signature,
    "an opaque refresh token": lambda _: "gtr_" + hashlib.sha256(b"x").hexdigest(),
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "two parts": lambda f: f.signed().rsplit(".", 1)[0],
    "four parts": lambda f: f.signed() + ".AA",
    "five parts, as JWE": lambda f: "a.b.c.d.e",
    "header no base64": lambda f: "?" + f.signed()[1:],
    "header no JSON": lambda f: f"{_b64(b'x')}.{_b64(f.claims)}.AA",
    "header a list": lambda f: f"{_b64(b'[]')}.{_b64(f.claims)}.AA",
    "payload no JSON": lambda f: f.raw(f.header, b"x", private_key_pem(f.kid)),
    "payload a list": lambda f: f.raw(f.header, b"[]", private_key_pem(f.kid)),
    "trailing space": lambda f: f.signed() + " ",
    "not ASCII": lambda f: f.signed() + "é",
    "huge": lambda f: f.signed(scopes=["x" * 9_000]),
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_forged_tokens_are_refused(mint: TokenMint, forgery: Callable[[Forger], str]) -> None:
    forger = Forger(mint)
    authenticator = mint.authenticator()
    assert await authenticator.verify(forger.signed()), "the forger's craft itself is sound"
    token = forgery(forger)
    with pytest.raises(Unauthenticated) as first:
        await authenticator.verify(token)
    with pytest.raises(type(first.value)):
        await authenticator.verify(token)
    if not isinstance(first.value, TokenExpired):
        assert str(first.value) == Unauthenticated.__doc__, "every refusal is told alike"


async def test_duplicate_claims_do_not_smuggle(mint: TokenMint) -> None:
    forger = Forger(mint)
    body = json.dumps(forger.claims)[:-1] + ', "iss": "somebody"}'
    with pytest.raises(Unauthenticated):
        await mint.authenticator().verify(forger.raw(forger.header, body.encode(), private_key_pem(forger.kid)))


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
            purpose="live",
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
        good | {"kid": "weak", "n": _b64(weak.n.to_bytes(256, "big"))},
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
    service = create_app(settings, title="Things", lifespan_parts=[], routers=[router], state={"authenticator": mint.authenticator()})
    return httpx.AsyncClient(transport=httpx.ASGITransport(service.api), base_url="http://things")


async def test_a_route_asks_for_its_scope(mint: TokenMint) -> None:
    nobody, viewer = mint.caller(scopes=[]), mint.caller(Role.VIEWER)
    async with _service(mint) as client:

        async def status(path: str, caller: Caller) -> int:
            return (await client.get(f"/api/v1/{path}", headers=mint.headers(caller))).status_code

        assert [await status(path, viewer) for path in ("cameras", "either", "me")] == [200, 200, 200]
        assert [await status(path, nobody) for path in ("cameras", "either", "me")] == [403, 403, 200]


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

    service = create_app(ServiceSettings(service_name="things"), title="Things", lifespan_parts=[], routers=[router])
    found = {access.path: access for access in route_access(service.api)}
    assert found["/api/v1/scoped"].scopes == (Scope.CAMERAS_READ,)
    assert found["/api/v1/public"].public
    assert all(access.public for path, access in found.items() if path.startswith("/api/v1/docs/"))

    @service.api.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(UndeclaredAccess, match="forgotten"):
        list(route_access(service.api))


# --- the copies of the state Redis -------------------------------------------------------------------------------------


@pytest.fixture
async def redis(redis_state: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_state.state_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.mark.broker
async def test_before_an_epoch_was_seen_nobody_is_let_in_or_turned_away(redis: Redis, mint: TokenMint) -> None:
    async with AuthRuntime(redis, mint.clock) as auth:
        with pytest.raises(Unavailable):
            await auth.authenticator.verify(mint.token())
        with pytest.raises(Unavailable):
            await auth.check()
        await redis.set(JWKS_KEY, json.dumps(mint.jwks))
        await auth.keys.load()
        with pytest.raises(Unavailable):
            await auth.authenticator.verify(mint.token())
        await redis.set(EPOCH_KEY, "1")
        await auth.revocations.load()
        await auth.authenticator.verify(mint.token())
        await auth.check()


@pytest.mark.broker
async def test_a_revocation_arrives_by_itself(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    token = mint.token(caller)
    async with AuthRuntime(redis, mint.clock) as auth:
        await auth.authenticator.verify(token)
        await mint.revoke(redis, caller.session_id)
        await _until(lambda: auth.revocations.is_revoked(caller.session_id))
        with pytest.raises(SessionRevoked):
            await auth.authenticator.verify(token)


@pytest.mark.broker
async def test_a_revocation_is_told_at_once(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    async with AuthRuntime(redis, mint.clock, poll_s=3_600) as auth, asyncio.timeout(10):
        while not dict(await redis.pubsub_numsub(REVOCATIONS_CHANNEL)).get(REVOCATIONS_CHANNEL.encode()):
            await asyncio.sleep(0.01)
        await mint.revoke(redis, caller.session_id)
        await _until(lambda: auth.revocations.is_revoked(caller.session_id))


@pytest.mark.broker
async def test_an_empty_redis_frees_nobody(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    await mint.revoke(redis, caller.session_id)
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    await keys.load()
    await redis.flushall()
    await revocations.load()
    await keys.load()
    assert revocations.is_revoked(caller.session_id)
    assert not revocations.is_revoked(new_id()), "and the others stay"
    assert keys.find(mint.signer.kid) is not None


@pytest.mark.broker
async def test_a_revocation_is_forgotten_only_long_after_its_end(redis: Redis, mint: TokenMint, clock: FakeClock) -> None:
    await mint.publish(redis)
    session = new_id()
    await mint.revoke(redis, session)
    revocations = RedisRevocations(redis, clock)
    await revocations.load()
    await redis.delete(REVOKED_KEY)
    clock.advance(3_600 + 900)
    await revocations.load()
    assert revocations.is_revoked(session), "a clock may jump an hour and back"
    clock.advance(3_600 + 1)
    await revocations.load()
    assert not revocations.is_revoked(session)


@pytest.mark.broker
async def test_without_redis_the_copies_go_on(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    await keys.load()
    dead = connect_redis("redis://127.0.0.1:1/0")
    for copy in (revocations, keys):
        copy._redis = dead
        await copy.load()
    await Authenticator(keys, revocations, mint.clock).verify(mint.token())
    await dead.aclose()


@pytest.mark.broker
async def test_unreadable_entries_spoil_nothing(redis: Redis, mint: TokenMint) -> None:
    await mint.publish(redis)
    caller = mint.caller()
    await mint.revoke(redis, caller.session_id)
    await redis.hset(REVOKED_KEY, mapping={"nonsense": "1", str(new_id()): "never"})
    await redis.hset(REVOKED_KEY, b"\xff\xfe", "1")
    revocations, keys = RedisRevocations(redis, mint.clock), RedisKeys(redis, mint.clock)
    await revocations.load()
    assert revocations.is_revoked(caller.session_id)
    await keys.load()
    await redis.set(JWKS_KEY, b"\xff{")
    await keys.load()
    assert keys.find(mint.signer.kid) is not None


@pytest.fixture
async def verifier(redis: Redis, mint: TokenMint) -> tuple[Authenticator, RedisKeys]:
    """One that has seen the mint's key, and nothing tells it of others."""
    await mint.publish(redis)
    keys, revocations = RedisKeys(redis, mint.clock), RedisRevocations(redis, mint.clock)
    await keys.load()
    await revocations.load()
    return Authenticator(keys, revocations, mint.clock), keys


async def _looks(redis: Redis) -> int:
    return int((await redis.info("commandstats"))["cmdstat_get"]["calls"])


@pytest.mark.broker
async def test_a_new_key_is_looked_up_even_just_after_a_look(
    redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]
) -> None:
    authenticator, _ = verifier
    forger = Forger(mint)
    with pytest.raises(Unauthenticated):
        await authenticator.verify(forger.signed(forger.header | {"kid": "made-up"}))
    following = TokenSigner(private_key_pem("second"), "second", mint.clock)
    await redis.set(JWKS_KEY, json.dumps({"keys": [mint.signer.jwk(), following.jwk()]}))
    assert await authenticator.verify(following.access_token(mint.caller()))


@pytest.mark.broker
async def test_made_up_keys_share_a_look(redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]) -> None:
    authenticator, _ = verifier
    forger = Forger(mint)
    tokens = [forger.signed(forger.header | {"kid": f"made-up-{number}"}) for number in range(200)]
    before = await _looks(redis)
    refused = await asyncio.gather(*(authenticator.verify(token) for token in tokens), return_exceptions=True)
    assert {type(each) for each in refused} == {Unauthenticated}
    assert await _looks(redis) - before == 1


@pytest.mark.broker
async def test_a_good_token_among_made_up_ones_is_not_refused(
    redis: Redis, mint: TokenMint, verifier: tuple[Authenticator, RedisKeys]
) -> None:
    """Its key is published while a look is on its way for somebody else: it gets a look of its own."""
    authenticator, keys = verifier
    forger, following = Forger(mint), TokenSigner(private_key_pem("second"), "second", mint.clock)
    made_up = [authenticator.verify(forger.signed(forger.header | {"kid": f"made-up-{number}"})) for number in range(50)]
    flood = asyncio.gather(*made_up, return_exceptions=True)
    await keys.load()
    await redis.set(JWKS_KEY, json.dumps({"keys": [mint.signer.jwk(), following.jwk()]}))
    assert await authenticator.verify(following.access_token(mint.caller()))
    assert {type(each) for each in await flood} == {Unauthenticated}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def test_the_tenant_of_a_token_is_a_uuid(mint: TokenMint) -> None:
    assert isinstance(mint.caller().tenant_id, UUID)
