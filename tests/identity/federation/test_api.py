"""Tests of outside identity providers over HTTP on real servers: list of providers, callback, exchange of tokens."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import httpx
import pytest
from tests.identity.federation.oidc_provider import CONSOLE, query_of
from tests.identity.federation.providers import URL, Federation, at_provider, begin, error_of, person, sign_in

from chassis.redis import connect_redis
from identity.federation.api import LOGIN_COOKIE

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("fresh_federation")]

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"


class TestTheLoginPage:
    async def test_has_a_button_for_each_provider(self, federation: Federation) -> None:
        async with federation.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc")
        assert answer.json() == {
            "providers": [
                {"name": "estado", "title": "Governo do Estado", "start": "/api/v1/auth/oidc/estado/start"},
                {"name": "parceiro", "title": "Parceiro", "start": "/api/v1/auth/oidc/parceiro/start"},
            ]
        }

    async def test_asks_with_pkce_and_shows_no_secret(self, federation: Federation) -> None:
        async with federation.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc/estado/start")
        asked = query_of(answer.headers["location"])
        assert answer.headers["location"].startswith(f"{federation.state.issuer}/authorize?")
        assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CONSOLE)
        assert asked["redirect_uri"] == f"{URL}/api/v1/auth/oidc/estado/callback"
        cookie = answer.headers["set-cookie"]
        for part in (f"{LOGIN_COOKIE}=", "HttpOnly", "Secure", "SameSite=lax", "Max-Age=600", "Path=/api/v1/auth/oidc"):
            assert part in cookie
        assert cookie.partition("=")[2].partition(";")[0] not in answer.headers["location"]
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")

    async def test_knows_no_other_provider(self, federation: Federation) -> None:
        async with federation.browser() as browser:
            for path in ("start", "callback?state=x&code=y"):
                assert (await browser.get(f"/api/v1/auth/oidc/nobody/{path}")).status_code == 404

    async def test_sends_to_a_provider_that_is_down_but_known(self, federation: Federation) -> None:
        async with federation.browser() as browser:
            await begin(browser)
            await federation.state.down()
            try:
                assert (await begin(browser)).startswith(federation.state.issuer)
            finally:
                await federation.state.up()

    async def test_is_not_begun_a_thousand_times_a_minute(self, federation: Federation) -> None:
        async with federation.browser("203.0.113.77") as browser, connect_redis(federation.settings.redis.state_url) as client:
            answers = [await browser.get("/api/v1/auth/oidc/estado/start")]
            async for key in client.scan_iter("identity:oidc:starts:*"):
                await client.expire(key, 3_600)  # the limit's minute must not pass on a slow machine
            answers += [await browser.get("/api/v1/auth/oidc/estado/start") for _ in range(120)]
        assert {answer.headers["location"].split("?")[0] for answer in answers[:120]} == {f"{federation.state.issuer}/authorize"}
        assert error_of(answers[120]) == "rate_limited"


class TestTheWayBack:
    async def test_is_open_once(self, federation: Federation) -> None:
        federation.state.person = person("lia")
        async with federation.browser() as browser:
            back = await at_provider(await begin(browser))
            assert (await browser.get(back)).headers["location"] == "/"
            assert error_of(await browser.get(back)) == "oidc_state_unknown"

    async def test_is_closed_to_another_browser(self, federation: Federation) -> None:
        """A code works only in the browser that began the sign-in: else an attacker could sign a victim in to the attacker's account."""
        federation.state.person = person("mel")
        async with federation.browser() as thief, federation.browser() as victim:
            back = await at_provider(await begin(thief))
            await begin(victim)
            assert error_of(await victim.get(back)) == "oidc_state_unknown"
            async with federation.browser() as fresh:
                assert error_of(await fresh.get(await at_provider(await begin(thief)))) == "oidc_state_unknown"

    async def test_of_one_provider_is_not_anothers(self, federation: Federation) -> None:
        federation.state.person = person("nina")
        async with federation.browser() as browser:
            back = await at_provider(await begin(browser))
            assert error_of(await browser.get(back.replace("/estado/", "/parceiro/"))) == "oidc_state_unknown"

    async def test_with_a_code_of_another_sign_in_is_closed(self, federation: Federation) -> None:
        """PKCE: the code belongs to the challenge of another browser."""
        federation.state.person = person("olga")
        async with federation.browser() as thief, federation.browser() as victim:
            stolen = query_of(await at_provider(await begin(victim)))["code"]
            mine = query_of(await at_provider(await begin(thief)))
            answer = await thief.get("/api/v1/auth/oidc/estado/callback", params=mine | {"code": stolen})
            assert error_of(answer) == "oidc_login_refused"

    async def test_from_another_issuer_is_closed(self, federation: Federation) -> None:
        federation.state.person = person("pia")
        async with federation.browser() as browser:
            back = query_of(await at_provider(await begin(browser)))
            answer = await browser.get("/api/v1/auth/oidc/estado/callback", params=back | {"iss": federation.partner.issuer})
            assert error_of(answer) == "oidc_login_refused"

    @pytest.mark.parametrize("forged", [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}])
    async def test_with_a_wrong_id_token_is_closed(self, federation: Federation, forged: dict[str, Any]) -> None:
        federation.state.person, federation.state.forged = person("quim"), forged
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_token_refused"

    @pytest.mark.parametrize("query", ["", "state=", "code=x", f"state={'x' * 43}&code=y", "error=access_denied"])
    async def test_from_nowhere_leads_to_the_login_page(self, federation: Federation, query: str) -> None:
        async with federation.browser() as browser:
            assert error_of(await browser.get(f"/api/v1/auth/oidc/estado/callback?{query}")) == "oidc_state_unknown"

    @pytest.mark.parametrize(
        "evil",
        [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/%2f/evil.example",
            "/%5cevil.example",
            "/%252f/evil.example",
            "/\t/evil.example",
            "/%09/evil.example",
            " //evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/x\r\nset-cookie: a=b",
            "/%0d%0aset-cookie:a=b",
            "http:evil.example",
            "/api/v1/auth/oidc/estado/start",
            "/" + "x" * 600,
        ],
    )
    async def test_leads_nowhere_else(self, federation: Federation, evil: str) -> None:
        federation.state.person = person("rui")
        async with federation.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc/estado/start", params={"return_to": evil})
            if answer.status_code == 422:  # longer than a path may be
                return
            done = await browser.get(await at_provider(answer.headers["location"]))
        assert (done.status_code, done.headers["location"]) == (303, "/")

    async def test_survives_a_redis_that_forgot(self, federation: Federation) -> None:
        federation.state.person = person("sara")
        client = connect_redis(federation.settings.redis.state_url)
        async with federation.browser() as browser:
            back = await at_provider(await begin(browser))
            names = [name async for name in client.scan_iter("identity:oidc:login:*")]
            state = query_of(back)["state"]
            assert names
            assert not any(state.encode() in name for name in names)
            held = await client.get(names[0])
            assert browser.cookies[LOGIN_COOKIE].encode() not in held
            await client.delete(*names)
            assert error_of(await browser.get(back)) == "oidc_state_unknown"
        await client.aclose()


class TestAnExchange:
    async def exchange(
        self, federation: Federation, token: str, kind: str | None = "access_token", address: str = "203.0.113.9"
    ) -> httpx.Response:
        form = {"grant_type": EXCHANGE, "subject_token": token} | ({} if kind is None else {"subject_token_type": TYPES + kind})
        async with federation.browser(address) as http:
            return await http.post("/api/v1/auth/token", data=form)

    @pytest.mark.parametrize("kind", ["access_token", "jwt", "id_token", None])
    async def test_gives_our_short_token(self, federation: Federation, kind: str | None) -> None:
        federation.state.person = person("tais")
        claims = federation.state.id_claims(CONSOLE) if kind == "id_token" else federation.state.claims()
        answer = await self.exchange(federation, federation.state.sign(claims), kind)
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_in"] == 900
        async with federation.browser() as http:
            me = await http.get("/api/v1/users/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
        assert (me.json()["email"], me.json()["role"]) == ("tais@estado.example", "operator")

    async def test_is_on_record(self, federation: Federation) -> None:
        federation.state.person = person("ugo")
        await self.exchange(federation, federation.state.token())
        await federation.audited(federation.norte, "session.opened", how="oidc:estado", client="exchange")

    async def test_of_an_outside_token_is_needed_elsewhere(self, federation: Federation) -> None:
        """Services and the edge accept identity's tokens only."""
        federation.state.person = person("vera")
        async with federation.browser() as http:
            answer = await http.get("/api/v1/users/me", headers={"authorization": f"Bearer {federation.state.token()}"})
        assert answer.status_code == 401

    async def test_of_an_id_token_as_an_access_token_is_refused(self, federation: Federation) -> None:
        federation.state.person = person("wes")
        for token, kind in (
            (federation.state.sign(federation.state.id_claims(CONSOLE)), "access_token"),
            (federation.state.token(), "id_token"),
        ):
            answer = await self.exchange(federation, token, kind)
            assert (answer.status_code, answer.json()["code"]) == (401, "oidc_token_refused")

    async def test_of_a_strangers_token_is_refused(self, federation: Federation) -> None:
        federation.state.person = person("xica")
        ours = federation.state.token(iss="gtvision")
        for token in (
            ours,
            federation.state.token(iss="https://evil.example"),
            federation.partner.token(iss=federation.state.issuer, sub="xica-1"),
        ):
            answer = await self.exchange(federation, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "oidc_token_refused")

    async def test_of_what_is_no_token_is_no_key_either(self, federation: Federation) -> None:
        for token in ("a.b.c", "gtk_nothing", "x" * 11_000):
            answer = await self.exchange(federation, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")

    async def test_that_fails_again_and_again_is_slowed_down(self, federation: Federation) -> None:
        federation.state.person = person("yuri")
        token = federation.state.token(exp=1)
        codes = [(await self.exchange(federation, token, address="203.0.113.50")).status_code for _ in range(8)]
        assert codes[0] == 401
        assert codes[-1] == 429

    async def test_survives_new_keys_at_the_provider(self, federation: Federation) -> None:
        federation.state.person = person("ziza")
        assert (await self.exchange(federation, federation.state.token())).status_code == 200
        federation.state.rotate()
        async with asyncio.timeout(60):  # identity reads the provider's keys for an unknown id once a second in these tests
            while (await self.exchange(federation, federation.state.token(), address=f"198.51.100.{os.urandom(1)[0]}")).status_code != 200:
                await asyncio.sleep(0.2)
