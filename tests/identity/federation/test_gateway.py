"""Tests of which outside tokens are accepted, with a provider that answers over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey, RSAKey
from starlette.responses import JSONResponse, RedirectResponse, Response
from tests.identity.federation.oidc_provider import API, CONSOLE, Client, OidcProvider, query_of, running_provider, strangers_key

from chassis.auth import read_issuer_keys
from gtvision.errors import Unavailable
from gtvision.time import FakeClock, SystemClock
from identity.federation.domain import LoginRefused, LoginSecrets, ProviderTokenRefused, TokenKind
from identity.gateways.oidc import HttpIssuer, ProviderSettings

CALLBACK = "https://console.example/api/v1/auth/oidc/city/callback"
SECRETS = LoginSecrets.of("cookie", "state")
ANA = {"sub": "ana", "email": "ana@cidade.example"}


def settings_for(provider: OidcProvider, **given: Any) -> ProviderSettings:
    known = {"name": "city", "title": "Cidade", "issuer": provider.issuer, "client_id": CONSOLE, "audiences": [API], "tenant": "Cidade"}
    return ProviderSettings.model_validate(known | {"allow_http": True} | given)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(SystemClock().now())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[OidcProvider]:
    async with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: OidcProvider, clock: FakeClock) -> OidcProvider:
    running.reset(clock)
    running.clients = {CONSOLE: Client((CALLBACK,)), "confidential": Client((CALLBACK,), secret="s3cret: +%&é")}
    running.person = dict(ANA)
    return running


@pytest_asyncio.fixture(loop_scope="session")
async def open_issuer(provider: OidcProvider, clock: FakeClock) -> AsyncIterator[Callable[..., HttpIssuer]]:
    opened: list[HttpIssuer] = []

    def make(**given: Any) -> HttpIssuer:
        opened.append(HttpIssuer(settings_for(provider, **given), clock, timeout_s=60))
        return opened[-1]

    yield make
    for issuer in opened:
        await issuer.aclose()


@pytest.fixture
def issuer(open_issuer: Callable[..., HttpIssuer]) -> HttpIssuer:
    return open_issuer()


class TestAGoodToken:
    async def test_says_who_it_is(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        assert (await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN))["sub"] == "ana"

    async def test_costs_the_provider_one_look(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        for _ in range(5):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        assert provider.asked["/jwks"] == 1
        assert provider.asked["/.well-known/openid-configuration"] == 1

    async def test_may_be_signed_with_an_elliptic_curve_where_that_is_said(
        self, provider: OidcProvider, open_issuer: Callable[..., HttpIssuer]
    ) -> None:
        for curve, algorithm in (("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")):
            provider.keys = [ECKey.generate_key(curve, {"kid": curve, "use": "sig"})]
            token = provider.sign(provider.claims(), alg=algorithm)
            assert await open_issuer(algorithms=[algorithm]).claims_of(token, TokenKind.ACCESS_TOKEN)
            with pytest.raises(ProviderTokenRefused):
                await open_issuer().claims_of(token, TokenKind.ACCESS_TOKEN)

    @pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
    async def test_may_be_signed_with_rsa_in_another_way_where_that_is_said(
        self, provider: OidcProvider, open_issuer: Callable[..., HttpIssuer], algorithm: str
    ) -> None:
        plain = RSAKey.import_key({name: value for name, value in provider.keys[0].as_dict(private=True).items() if name != "alg"})
        provider.keys = [plain]
        token = provider.sign(provider.claims(), plain, alg=algorithm, kid=plain.kid)
        assert await open_issuer(algorithms=[algorithm]).claims_of(token, TokenKind.ACCESS_TOKEN)
        for others in (["RS256"], ["ES256"], ["PS256" if algorithm != "PS256" else "PS384"]):
            with pytest.raises(ProviderTokenRefused):
                await open_issuer(algorithms=others).claims_of(token, TokenKind.ACCESS_TOKEN)

    async def test_needs_no_key_id_where_there_is_one_key(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        assert await issuer.claims_of(provider.sign(provider.claims(), kid=None), TokenKind.ACCESS_TOKEN)

    @pytest.mark.parametrize("presented", [TokenKind.ID_TOKEN, TokenKind.LOGIN])
    async def test_for_a_login_is_meant_for_our_client(self, provider: OidcProvider, issuer: HttpIssuer, presented: TokenKind) -> None:
        token = provider.sign(provider.id_claims(CONSOLE, "n"))
        assert await issuer.claims_of(token, presented, "n")


def unsigned(token: str, header: dict[str, Any]) -> str:
    _, body, signature = token.split(".")
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b'=').decode()}.{body}.{signature}"


FORGERIES: dict[str, Callable[[OidcProvider], str]] = {
    "alg none": lambda p: unsigned(p.token(), {"alg": "none", "typ": "JWT"}).rpartition(".")[0] + ".",
    "alg none, signed": lambda p: unsigned(p.token(), {"alg": "none", "kid": p.keys[0].kid}),
    "HS256 with the public key": lambda p: p.hs256(p.public_pem),
    "HS256 with the public key, stripped": lambda p: p.hs256(p.public_pem.strip()),
    "HS256 with the modulus": lambda p: p.hs256(str(p.keys[0].as_dict()["n"]).encode()),
    "HS256 with nothing": lambda p: p.hs256(b""),
    "another algorithm of the same key": lambda p: p.sign(
        p.claims(), RSAKey.import_key(p.keys[0].as_pem(private=True)), alg="RS512", kid=p.keys[0].kid
    ),
    "a stranger's key under a known id": lambda p: p.sign(p.claims(), strangers_key(str(p.keys[0].kid))),
    "a stranger's key under its own id": lambda p: p.sign(p.claims(), strangers_key("mine")),
    "a changed body": lambda p: ".".join([p.token().split(".")[0], p.token(sub="root").split(".")[1], p.token().split(".")[2]]),
    "crit": lambda p: unsigned(p.token(), {"alg": "RS256", "kid": p.keys[0].kid, "crit": ["exp"], "exp": 1}),
    "b64": lambda p: unsigned(p.token(), {"alg": "RS256", "kid": p.keys[0].kid, "b64": False}),
    "jwk in the header": lambda p: p.sign(p.claims(), strangers_key("mine"), jwk=p.keys[0].as_dict(private=False)),
    "jku in the header": lambda p: unsigned(p.token(), {"alg": "RS256", "kid": p.keys[0].kid, "jku": f"{p.issuer}/evil"}),
    "x5u in the header": lambda p: unsigned(p.token(), {"alg": "RS256", "kid": p.keys[0].kid, "x5u": f"{p.issuer}/evil"}),
    "kid that is no text": lambda p: unsigned(p.token(), {"alg": "RS256", "kid": {"a": 1}}),
    "kid that is a path": lambda p: p.sign(p.claims(), kid="../../../../dev/null"),
    "alg that is a list": lambda p: unsigned(p.token(), {"alg": ["RS256"], "kid": p.keys[0].kid}),
    "a logout token": lambda p: p.sign(p.claims(events={"http://schemas.openid.net/event/backchannel-logout": {}}), typ="logout+jwt"),
    "a logout token without its type": lambda p: p.sign(p.claims(events={"http://schemas.openid.net/event/backchannel-logout": {}})),
    "a refresh token of Keycloak": lambda p: p.token(typ="Refresh"),
    "another issuer": lambda p: p.token(iss="https://evil.example"),
    "an issuer with a slash more": lambda p: p.token(iss=f"{p.issuer}/"),
    "no issuer": lambda p: p.token(iss=None),
    "another audience": lambda p: p.token(aud=["somebody-else"]),
    "an audience that only begins like ours": lambda p: p.token(aud=f"{API}-x"),
    "no audience": lambda p: p.token(aud=None),
    "an audience that is no text": lambda p: p.token(aud=[{"a": API}]),
    "an ID token where an access token is asked for": lambda p: p.sign(p.id_claims(CONSOLE)),
    "expired": lambda p: p.token(exp=int(p.clock.now().timestamp())),
    "no end": lambda p: p.token(exp=None),
    "an end in words": lambda p: p.token(exp="tomorrow"),
    "an end that is true": lambda p: p.token(exp=True),
    "an end at infinity": lambda p: p.token(exp=1e30),
    "no beginning": lambda p: p.token(iat=None),
    "from the future": lambda p: p.token(iat=int(p.clock.now().timestamp()) + 120),
    "not valid yet": lambda p: p.token(nbf=int(p.clock.now().timestamp()) + 120),
    "five parts": lambda p: "a.b.c.d.e",
    "no token": lambda p: "hello",
    "not ASCII": lambda p: p.token() + "é",
    "a newline": lambda p: p.token() + "\n",
    "too long": lambda p: p.token(padding="x" * 20_000),
    "a header that is no object": lambda p: unsigned(p.token(), []),  # type: ignore[arg-type]
}


class TestAForgedToken:
    @pytest.mark.parametrize("forgery", FORGERIES)
    async def test_is_refused(self, provider: OidcProvider, issuer: HttpIssuer, forgery: str) -> None:
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        with pytest.raises(ProviderTokenRefused):
            await issuer.claims_of(FORGERIES[forgery](provider), TokenKind.ACCESS_TOKEN)

    @pytest.mark.parametrize(
        ("presented", "claims"),
        [
            (TokenKind.LOGIN, {"nonce": "another"}),
            (TokenKind.LOGIN, {"nonce": None}),
            (TokenKind.LOGIN, {"aud": [API]}),
            (TokenKind.LOGIN, {"azp": "another-client"}),
            (TokenKind.ID_TOKEN, {"aud": [CONSOLE, "another"], "azp": None}),
            (TokenKind.ID_TOKEN, {"aud": [CONSOLE, "another"], "azp": "another"}),
        ],
    )
    async def test_of_a_login_is_refused(
        self, provider: OidcProvider, issuer: HttpIssuer, presented: TokenKind, claims: dict[str, Any]
    ) -> None:
        with pytest.raises(ProviderTokenRefused):
            await issuer.claims_of(provider.sign(provider.id_claims(CONSOLE, "n") | claims), presented, "n")

    async def test_asked_for_by_an_unlisted_party_is_refused(self, provider: OidcProvider, open_issuer: Callable[..., HttpIssuer]) -> None:
        strict = open_issuer(authorized_parties=[CONSOLE])
        assert await strict.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        with pytest.raises(ProviderTokenRefused):
            await strict.claims_of(provider.token(azp="a-game"), TokenKind.ACCESS_TOKEN)


class TestKeys:
    async def test_that_are_new_are_fetched(self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock) -> None:
        await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        provider.rotate()
        clock.advance(11)
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)

    async def test_are_not_fetched_for_every_made_up_id(self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock) -> None:
        await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        clock.advance(11)
        for number in range(20):
            with pytest.raises(ProviderTokenRefused):
                await issuer.claims_of(provider.sign(provider.claims(), kid=f"made-up-{number}"), TokenKind.ACCESS_TOKEN)
        assert provider.asked["/jwks"] == 2

    async def test_that_were_withdrawn_count_no_more(self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock) -> None:
        old = provider.keys[0]
        await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        provider.rotate(keep=0)
        clock.advance(timedelta(hours=1, seconds=1))
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        with pytest.raises(ProviderTokenRefused):
            await issuer.claims_of(provider.sign(provider.claims(), old), TokenKind.ACCESS_TOKEN)

    @pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=5)])
    async def test_are_kept_while_the_provider_is_down(
        self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock, later: timedelta
    ) -> None:
        await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        await provider.down()
        clock.advance(later)
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        await provider.up()

    async def test_that_were_never_seen_are_no_reason_to_say_the_token_is_wrong(
        self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock
    ) -> None:
        await provider.down()
        with pytest.raises(Unavailable):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        await provider.up()
        clock.advance(3)
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)

    @pytest.mark.parametrize("broken", [Response("<html>"), JSONResponse({"keys": []}), JSONResponse([]), Response(status_code=500)])
    async def test_are_kept_while_the_provider_talks_nonsense(
        self, provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock, broken: Response
    ) -> None:
        await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        provider.answers["/jwks"] = broken
        clock.advance(timedelta(hours=2))
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)

    def test_that_cannot_sign_or_are_weak_are_passed_over(self) -> None:
        good = strangers_key("good")
        listed: list[Any] = [
            good.as_dict(private=False),
            {**good.as_dict(private=False), "kid": "for encryption", "use": "enc"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
            {"kty": "RSA", "n": "AQAB" * 32, "e": "AQAB", "kid": "short"},
            {"kty": "RSA", "kid": "without a modulus"},
            {"kty": "EC", "crv": "P-0", "x": "AA", "y": "AA", "kid": "no curve"},
            "text",
            None,
        ]
        assert list(read_issuer_keys({"keys": listed})) == ["good"]
        assert read_issuer_keys({"keys": "many"}) == {}


class TestDiscovery:
    @pytest.mark.parametrize(
        "said",
        [
            {"issuer": "https://evil.example"},
            {"issuer": None},
            {"jwks_uri": "http://169.254.169.254/latest/meta-data"},
            {"jwks_uri": "http://10.0.0.5/jwks"},
            {"jwks_uri": "https://169.254.169.254/jwks"},
            {"jwks_uri": "https://[::ffff:169.254.169.254]/jwks"},
            {"jwks_uri": "https://[fe80::1]/jwks"},
            {"jwks_uri": "https://0.0.0.0/jwks"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": "https://user:pass@provider.example/jwks"},
            {"jwks_uri": None},
            {"token_endpoint": "http://provider.example/token"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"authorization_endpoint": "//evil.example/authorize"},
        ],
    )
    async def test_that_leads_astray_is_not_followed(self, provider: OidcProvider, issuer: HttpIssuer, said: dict[str, Any]) -> None:
        provider.discovery = said
        with pytest.raises(Unavailable):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        with pytest.raises(Unavailable):
            await issuer.login_url("state", SECRETS, CALLBACK)

    async def test_follows_no_redirect(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        provider.answers["/jwks"] = RedirectResponse(f"{provider.issuer}/elsewhere")
        with pytest.raises(Unavailable):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        assert provider.asked["/elsewhere"] == 0

    async def test_reads_only_so_much(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        provider.answers["/jwks"] = JSONResponse({"keys": [], "padding": "x" * 300_000})
        with pytest.raises(Unavailable):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)

    async def test_does_not_unpack(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        provider.answers["/jwks"] = Response(b"\x1f\x8b", headers={"content-encoding": "gzip"})
        with pytest.raises(Unavailable):
            await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)

    async def test_over_https_trusts_no_unknown_authority(self, clock: FakeClock, provider: OidcProvider) -> None:
        known = {"name": "x", "title": "X", "issuer": f"https://127.0.0.1:{provider.port}", "client_id": "x", "tenant": "x"}
        outside = HttpIssuer(ProviderSettings.model_validate(known), clock)
        with pytest.raises(Unavailable):
            await outside.login_url("s", SECRETS, CALLBACK)
        await outside.aclose()
        assert not provider.asked  # an https provider on loopback is refused before any request


class TestACode:
    async def authorize(self, provider: OidcProvider, issuer: HttpIssuer) -> dict[str, str]:
        """Signs in at the provider as a browser does, and returns the fields of the callback."""
        import httpx

        async with httpx.AsyncClient(timeout=120) as browser:
            answer = await browser.get(await issuer.login_url("state", SECRETS, CALLBACK))
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(f"{CALLBACK}?")
        return query_of(answer.headers["location"])

    async def test_becomes_an_id_token(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        back = await self.authorize(provider, issuer)
        assert back["state"] == "state"
        token = await issuer.redeem(back["code"], SECRETS.verifier, CALLBACK)
        assert (await issuer.claims_of(token, TokenKind.LOGIN, SECRETS.nonce))["sub"] == "ana"

    @pytest.mark.parametrize("auth", ["basic", "post"])
    async def test_is_redeemed_by_a_confidential_client(
        self, provider: OidcProvider, open_issuer: Callable[..., HttpIssuer], auth: str
    ) -> None:
        given = {"client_id": "confidential", "client_secret": "s3cret: +%&é", "client_auth": auth}
        issuer = open_issuer(**given)
        back = await self.authorize(provider, issuer)
        assert await issuer.redeem(back["code"], SECRETS.verifier, CALLBACK)
        wrong = open_issuer(**given | {"client_secret": "not the secret"})
        back = await self.authorize(provider, wrong)
        with pytest.raises(LoginRefused):
            await wrong.redeem(back["code"], SECRETS.verifier, CALLBACK)

    async def test_is_worth_nothing_without_the_browsers_verifier(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        back = await self.authorize(provider, issuer)
        thief = LoginSecrets.of("another cookie", "state")
        with pytest.raises(LoginRefused):
            await issuer.redeem(back["code"], thief.verifier, CALLBACK)

    async def test_is_good_once(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        back = await self.authorize(provider, issuer)
        await issuer.redeem(back["code"], SECRETS.verifier, CALLBACK)
        with pytest.raises(LoginRefused):
            await issuer.redeem(back["code"], SECRETS.verifier, CALLBACK)

    @pytest.mark.parametrize("answer", [JSONResponse({"access_token": "x"}), JSONResponse({"id_token": 7})])
    async def test_without_an_id_token_is_refused(self, provider: OidcProvider, issuer: HttpIssuer, answer: Response) -> None:
        provider.answers["/token"] = answer
        with pytest.raises(LoginRefused):
            await issuer.redeem("code", "verifier", CALLBACK)

    async def test_waits_for_a_provider_that_is_broken(self, provider: OidcProvider, issuer: HttpIssuer) -> None:
        provider.answers["/token"] = Response(status_code=502)
        with pytest.raises(Unavailable):
            await issuer.redeem("code", "verifier", CALLBACK)


async def test_two_providers_believe_only_their_own(provider: OidcProvider, issuer: HttpIssuer, clock: FakeClock) -> None:
    async with running_provider(clock=clock, person=dict(ANA)) as second:
        other = HttpIssuer(settings_for(second, name="other"), clock, timeout_s=60)
        assert await issuer.claims_of(provider.token(), TokenKind.ACCESS_TOKEN)
        assert await other.claims_of(second.token(), TokenKind.ACCESS_TOKEN)
        for believer, stranger in ((issuer, second), (other, provider)):
            with pytest.raises(ProviderTokenRefused):
                await believer.claims_of(stranger.token(), TokenKind.ACCESS_TOKEN)
            with pytest.raises(ProviderTokenRefused):
                await believer.claims_of(stranger.token(iss=believer.provider.issuer), TokenKind.ACCESS_TOKEN)
        await other.aclose()
