"""Signing in through outside providers: the whole service on real servers, and two providers that answer over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from tests.contracts.services import build, environment
from tests.identity.oidc_provider import API, CONSOLE, Client, OidcProvider, query_of, running_provider

from chassis.db import Database
from chassis.redis import connect_redis
from chassis.service import Service
from chassis.settings import DatabaseSettings, RabbitSettings, RedisSettings
from chassis.vault import Vault
from gtvision.ids import new_id
from gtvision.tenancy import Quotas, Role, TenantSettings
from gtvision.time import SystemClock
from identity.api.federation import LOGIN_COOKIE
from identity.domain.tenants import Tenant
from identity.domain.users import User
from identity.gateways.argon2 import Argon2Passwords
from identity.gateways.signing import RsaKeyMaker
from identity.repository.store import SqlStore
from identity.settings import Settings
from identity.usecases.installation import Bootstrap

pytestmark = [pytest.mark.db, pytest.mark.broker]

URL = "https://console.example"
PASSWORD = "uma senha bem longa mesmo"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPES = "urn:ietf:params:oauth:token-type:"
GROUP = UUID("0198c5d0-0000-7000-8000-000000000001")


@dataclass
class Town:
    """The service, its database, and two providers: the state's speaks for two cities, the partner's for one and makes no accounts."""

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
        async with self.db.uow(tenant) as work:
            return list(await work.session.execute(text(sql), given))

    async def audited(self, tenant: UUID, action: str, **details: str) -> None:
        """Wait until the ledger has such a deed."""
        async with asyncio.timeout(15):
            while True:
                found = await self.rows("SELECT details FROM audit_entry WHERE action = :a", tenant, a=action)
                if any(details.items() <= row.details.items() for row in found):
                    return
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(
    database_for: Callable[[str], Awaitable[DatabaseSettings]],
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Town]:
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
        given = {
            "DATABASE_URL": (await database_for("identity")).url.get_secret_value(),
            "DATABASE_TIMEOUT_S": "20",
            "RABBITMQ_URL": rabbitmq.url.get_secret_value(),
            "REDIS_CACHE_URL": redis_state.cache_url.get_secret_value(),
            "REDIS_STATE_URL": redis_state.state_url.get_secret_value(),
            "PUBLIC_URL": URL,
            "OIDC_PROVIDERS": json.dumps([known | first, known | second]),
            "OIDC_REFRESH_S": "1",
        }
        service = build("identity", environment("identity", tmp_path_factory.mktemp("objects"), **given))
        settings = service.settings
        assert isinstance(settings, Settings)
        async with Database(settings.db, SystemClock()) as db:
            for tenant_id, name in ((norte, "Cidade Norte"), (sul, "Cidade Sul")):
                async with db.uow(tenant_id) as work:
                    await SqlStore(work).add_tenant(Tenant(tenant_id, name, 1, SystemClock().now()))
            await Bootstrap(db.uow, SqlStore, SystemClock()).ensure_signing_key(RsaKeyMaker(), Vault(settings.vault))
            async with service.started():
                yield Town(service, db, settings, state, partner, norte, sul)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _fresh(town: Town) -> AsyncIterator[None]:
    for name, provider in (("estado", town.state), ("parceiro", town.partner)):
        provider.person, provider.discovery, provider.answers, provider.forged = {}, {}, {}, {}
        provider.clients = {CONSOLE: Client((f"{URL}/api/v1/auth/oidc/{name}/callback",))}
    yield
    client = connect_redis(town.settings.redis.state_url)
    for pattern in ("identity:throttle:*", "identity:oidc:starts:*"):
        async for key in client.scan_iter(pattern):
            await client.delete(key)
    await client.aclose()


def person(name: str, **over: Any) -> dict[str, Any]:
    good = {"sub": f"{name}-1", "email": f"{name}@estado.example", "email_verified": True, "city": "norte"}
    return good | {"realm_access": {"roles": ["operador", "offline_access"]}, "camera_groups": [str(GROUP)]} | over


async def begin(browser: httpx.AsyncClient, name: str = "estado", return_to: str | None = None) -> str:
    """The address at the provider."""
    params = {} if return_to is None else {"return_to": return_to}
    answer = await browser.get(f"/api/v1/auth/oidc/{name}/start", params=params)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def at_provider(url: str) -> str:
    """What the provider says to the browser: the callback's path and query."""
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(url)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == URL
    return f"{back.path}?{back.query}"


async def sign_in(browser: httpx.AsyncClient, name: str = "estado", return_to: str | None = None) -> httpx.Response:
    return await browser.get(await at_provider(await begin(browser, name, return_to)))


def error_of(answer: httpx.Response) -> str:
    """The code that the console shows; the answer must be nothing but a redirect to its login page."""
    assert answer.status_code == 303, answer.text
    target = urlsplit(answer.headers["location"])
    assert (target.scheme, target.netloc, target.path) == ("", "", "/")
    assert "__Secure-gtv_refresh" not in answer.headers.get("set-cookie", "")
    return query_of(answer.headers["location"])["login_error"]


async def session_of(browser: httpx.AsyncClient) -> dict[str, Any]:
    """What the console does when the page loads."""
    answer = await browser.post("/api/v1/auth/refresh", headers={"x-csrf-token": browser.cookies["__Secure-gtv_csrf"]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestTheLoginPage:
    async def test_has_a_button_for_each_provider(self, town: Town) -> None:
        async with town.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc")
        assert answer.json() == {
            "providers": [
                {"name": "estado", "title": "Governo do Estado", "start": "/api/v1/auth/oidc/estado/start"},
                {"name": "parceiro", "title": "Parceiro", "start": "/api/v1/auth/oidc/parceiro/start"},
            ]
        }

    async def test_asks_with_pkce_and_tells_nobody_a_secret(self, town: Town) -> None:
        async with town.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc/estado/start")
        asked = query_of(answer.headers["location"])
        assert answer.headers["location"].startswith(f"{town.state.issuer}/authorize?")
        assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CONSOLE)
        assert asked["redirect_uri"] == f"{URL}/api/v1/auth/oidc/estado/callback"
        cookie = answer.headers["set-cookie"]
        for part in (f"{LOGIN_COOKIE}=", "HttpOnly", "Secure", "SameSite=lax", "Max-Age=600", "Path=/api/v1/auth/oidc"):
            assert part in cookie
        assert cookie.partition("=")[2].partition(";")[0] not in answer.headers["location"]
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")

    async def test_knows_no_other_provider(self, town: Town) -> None:
        async with town.browser() as browser:
            for path in ("start", "callback?state=x&code=y"):
                assert (await browser.get(f"/api/v1/auth/oidc/nobody/{path}")).status_code == 404

    async def test_says_when_the_provider_is_down(self, town: Town) -> None:
        async with running_provider() as gone:
            await gone.down()
            await town.state.down()
            try:
                async with town.browser() as browser:
                    back = await begin(browser)  # what is known of it suffices to send the browser there
                    assert back.startswith(town.state.issuer)
            finally:
                await town.state.up()

    async def test_is_not_begun_a_thousand_times_a_minute(self, town: Town) -> None:
        async with town.browser("203.0.113.77") as browser:
            answers = [await browser.get("/api/v1/auth/oidc/estado/start") for _ in range(121)]
        assert {answer.headers["location"].split("?")[0] for answer in answers[:120]} == {f"{town.state.issuer}/authorize"}
        assert error_of(answers[120]) == "rate_limited"


class TestASignIn:
    async def test_opens_a_session_of_a_browser(self, town: Town) -> None:
        town.state.person = person("ana")
        async with town.browser() as browser:
            answer = await sign_in(browser, return_to="/?camera=7#live")
            assert (answer.status_code, answer.headers["location"]) == (303, "/?camera=7#live")
            assert "token" not in answer.headers["location"]
            session = await session_of(browser)
            me = await browser.get("/api/v1/users/me", headers={"authorization": f"Bearer {session['access_token']}"})
        assert session["refresh_token"] is None
        assert (me.json()["email"], me.json()["role"], me.json()["tenant"]) == ("ana@estado.example", "operator", "Cidade Norte")
        found = await town.rows("SELECT camera_groups, password_hash FROM account WHERE email = 'ana@estado.example'", town.norte)
        assert (found[0].camera_groups, found[0].password_hash) == ([GROUP], "!")

    async def test_is_on_record_with_its_provider(self, town: Town) -> None:
        town.state.person = person("rita")
        async with town.browser() as browser:
            await sign_in(browser)
        await town.audited(town.norte, "session.opened", how="oidc:estado", client="browser")
        await town.audited(town.norte, "user.created", provider="estado", role="operator")

    async def test_ends_when_the_provider_must_be_asked_again(self, town: Town) -> None:
        town.state.person = person("otto")
        async with town.browser() as browser:
            await sign_in(browser)
        found = await town.rows(
            "SELECT max(s.expires_at - s.created_at) AS lasts FROM session s JOIN account a ON a.id = s.subject_id WHERE a.email = :e",
            town.norte,
            e="otto@estado.example",
        )
        assert found[0].lasts.total_seconds() == 12 * 3600

    async def test_a_second_time_finds_the_account_and_takes_over_new_rights(self, town: Town) -> None:
        for roles, groups, role in ((["consulta"], [], "viewer"), (["consulta", "ti"], [str(GROUP), "not-an-id"], "admin")):
            town.state.person = person("bia", realm_access={"roles": roles}, camera_groups=groups)
            async with town.browser() as browser:
                assert (await sign_in(browser)).headers["location"] == "/"
                assert (await session_of(browser))["user"]["role"] == role
        found = await town.rows("SELECT role, camera_groups FROM account WHERE email = 'bia@estado.example'", town.norte)
        assert [(row.role, row.camera_groups) for row in found] == [("admin", [GROUP])]

    async def test_of_two_tabs_at_once_both_arrive(self, town: Town) -> None:
        town.state.person = person("caio")
        async with town.browser() as browser:
            first, second = await begin(browser, return_to="/first"), await begin(browser, return_to="/second")
            for url, path in ((second, "/second"), (first, "/first")):
                assert (await browser.get(await at_provider(url))).headers["location"] == path

    async def test_of_one_person_twice_at_once_makes_one_account(self, town: Town) -> None:
        town.state.person = person("davi")
        async with town.browser() as one, town.browser() as two:
            backs = [await at_provider(await begin(browser)) for browser in (one, two)]
            answers = await asyncio.gather(one.get(backs[0]), two.get(backs[1]))
        assert [answer.headers["location"] for answer in answers] == ["/", "/"]
        assert len(await town.rows("SELECT 1 FROM account WHERE email = 'davi@estado.example'", town.norte)) == 1

    async def test_never_gives_a_password(self, town: Town) -> None:
        town.state.person = person("eva")
        async with town.browser() as browser:
            await sign_in(browser)
            for tried in ("!", "", "\x00 nobody's", PASSWORD):
                answer = await browser.post("/api/v1/auth/login", json={"email": "eva@estado.example", "password": tried})
                assert answer.status_code in {401, 422}

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"realm_access": {"roles": ["offline_access"]}}, "oidc_no_role"),
            ({"realm_access": {"roles": ["platform_admin", "admin"]}}, "oidc_no_role"),
            ({"realm_access": "ti"}, "oidc_no_role"),
            ({"city": "leste"}, "oidc_no_tenant"),
            ({"city": None}, "oidc_no_tenant"),
            ({"city": ["norte", "sul"]}, "oidc_no_tenant"),
            ({"city": "nowhere"}, "oidc_no_tenant"),
            ({"city": "Cidade Norte"}, "oidc_no_tenant"),
            ({"email": None}, "oidc_no_email"),
            ({"email": "not an address"}, "oidc_no_email"),
            ({"sub": ""}, "oidc_token_refused"),
            ({"sub": "x" * 300}, "oidc_token_refused"),
        ],
    )
    async def test_of_somebody_who_is_nobody_here_is_refused(self, town: Town, claims: dict[str, Any], code: str) -> None:
        town.state.person = person(f"nobody{new_id().hex}") | claims
        async with town.browser() as browser:
            assert error_of(await sign_in(browser)) == code

    async def test_makes_no_account_where_the_provider_may_not(self, town: Town) -> None:
        town.partner.person = person("zoe", realm_access={"roles": ["p"]})
        async with town.browser() as browser:
            assert error_of(await sign_in(browser, "parceiro")) == "oidc_no_account"

    async def test_into_a_full_city_is_refused_and_on_record(self, town: Town) -> None:
        async def limit(users: int | None) -> None:
            async with town.db.uow(town.norte) as work:
                await SqlStore(work).set_settings(town.norte, 1, TenantSettings(quotas=Quotas(users=users)))

        town.state.person = person("ugo")
        async with town.browser() as browser:
            await sign_in(browser)
            await limit(1)
            try:
                assert (await sign_in(browser)).headers["location"] == "/", "who is in comes in again"
                town.state.person = person("vera")
                assert error_of(await sign_in(browser)) == "quota_reached"
            finally:
                await limit(None)
        await town.audited(town.norte, "session.refused", provider="estado", reason="quota_reached")

    async def test_that_the_person_refuses_is_told(self, town: Town) -> None:
        async with town.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_login_refused"

    async def test_of_a_disabled_account_is_refused_and_on_record(self, town: Town) -> None:
        town.state.person = person("fabio")
        async with town.browser() as browser:
            await sign_in(browser)
            await town.rows("UPDATE account SET disabled_at = now() WHERE email = 'fabio@estado.example' RETURNING 1", town.norte)
            assert error_of(await sign_in(browser)) == "account_disabled"
        await town.audited(town.norte, "session.refused", provider="estado", reason="account_disabled")


class TestAMoveToAnotherCity:
    async def test_ends_the_account_in_the_old_one(self, town: Town) -> None:
        town.state.person = person("gil")
        async with town.browser() as browser:
            await sign_in(browser)
            old = await session_of(browser)
        town.state.person = person("gil", city="sul")
        async with town.browser() as browser:
            assert (await sign_in(browser)).headers["location"] == "/"
            assert (await session_of(browser))["user"]["tenant_id"] == str(town.sul)
        left = await town.rows("SELECT disabled_at FROM account WHERE email = 'gil@estado.example'", town.norte)
        assert [row.disabled_at is not None for row in left] == [True]
        revoked = await town.rows("SELECT revoked_until FROM session WHERE id = :s", town.norte, s=UUID(old["session_id"]))
        assert revoked[0].revoked_until is not None

    async def test_is_no_way_around_being_disabled(self, town: Town) -> None:
        town.state.person = person("hugo")
        async with town.browser() as browser:
            await sign_in(browser)
            await town.rows("UPDATE account SET disabled_at = now() WHERE email = 'hugo@estado.example' RETURNING 1", town.norte)
            town.state.person = person("hugo", city="sul")
            assert error_of(await sign_in(browser)) == "account_disabled"


class TestAnAddressThatIsTaken:
    async def local(self, town: Town, name: str, role: str = "viewer", tenant: UUID | None = None) -> User:
        tenant_id = tenant or town.norte
        password = await Argon2Passwords().hash(PASSWORD)
        user = User(new_id(), tenant_id, f"{name}@estado.example", Role(role), password, SystemClock().now())
        async with town.db.uow(tenant_id) as work:
            await SqlStore(work).add_user(user)
        return user

    async def test_is_linked_where_the_operator_trusts_the_provider(self, town: Town) -> None:
        user = await self.local(town, "iris")
        town.state.person = person("iris", email="IRIS@estado.example")
        async with town.browser() as browser:
            assert (await sign_in(browser)).headers["location"] == "/"
            assert (await session_of(browser))["user"]["id"] == str(user.id)

    @pytest.mark.parametrize(
        ("name", "role", "elsewhere", "claims"),
        [
            ("unverified", "viewer", False, {"email_verified": False}),
            ("saysyes", "viewer", False, {"email_verified": "true"}),
            ("silent", "viewer", False, {"email_verified": None}),
            ("anadmin", "admin", False, {}),
            ("platform", "platform_admin", False, {}),
            ("elsewhere", "viewer", True, {}),
        ],
    )
    async def test_is_never_taken_over(self, town: Town, name: str, role: str, elsewhere: bool, claims: dict[str, Any]) -> None:
        await self.local(town, name, role, town.sul if elsewhere else None)
        town.state.person = person(name) | claims
        async with town.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_email_in_use"

    async def test_is_not_linked_by_a_provider_that_may_not(self, town: Town) -> None:
        await self.local(town, "jairo")
        town.partner.person = person("jairo", realm_access={"roles": ["p"]})
        async with town.browser() as browser:
            assert error_of(await sign_in(browser, "parceiro")) == "oidc_email_in_use"

    async def test_by_another_outside_person_is_refused(self, town: Town) -> None:
        town.state.person = person("kim")
        async with town.browser() as browser:
            await sign_in(browser)
            town.state.person = person("kim", sub="another-kim")
            assert error_of(await sign_in(browser)) == "oidc_email_in_use"


class TestTheWayBack:
    async def test_is_open_once(self, town: Town) -> None:
        town.state.person = person("lia")
        async with town.browser() as browser:
            back = await at_provider(await begin(browser))
            assert (await browser.get(back)).headers["location"] == "/"
            assert error_of(await browser.get(back)) == "oidc_state_unknown"

    async def test_is_closed_to_another_browser(self, town: Town) -> None:
        """A thief's own code, sent to a victim, would sign the victim in as the thief; a victim's code, the thief as the victim."""
        town.state.person = person("mel")
        async with town.browser() as thief, town.browser() as victim:
            back = await at_provider(await begin(thief))
            await begin(victim)
            assert error_of(await victim.get(back)) == "oidc_state_unknown"
            async with town.browser() as fresh:
                assert error_of(await fresh.get(await at_provider(await begin(thief)))) == "oidc_state_unknown"

    async def test_of_one_provider_is_not_anothers(self, town: Town) -> None:
        town.state.person = person("nina")
        async with town.browser() as browser:
            back = await at_provider(await begin(browser))
            assert error_of(await browser.get(back.replace("/estado/", "/parceiro/"))) == "oidc_state_unknown"

    async def test_with_a_code_of_another_sign_in_is_closed(self, town: Town) -> None:
        """PKCE: the code was made for another browser's challenge."""
        town.state.person = person("olga")
        async with town.browser() as thief, town.browser() as victim:
            stolen = query_of(await at_provider(await begin(victim)))["code"]
            mine = query_of(await at_provider(await begin(thief)))
            answer = await thief.get("/api/v1/auth/oidc/estado/callback", params=mine | {"code": stolen})
            assert error_of(answer) == "oidc_login_refused"

    async def test_from_another_issuer_is_closed(self, town: Town) -> None:
        town.state.person = person("pia")
        async with town.browser() as browser:
            back = query_of(await at_provider(await begin(browser)))
            answer = await browser.get("/api/v1/auth/oidc/estado/callback", params=back | {"iss": town.partner.issuer})
            assert error_of(answer) == "oidc_login_refused"

    @pytest.mark.parametrize("forged", [{"nonce": "another"}, {"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1}])
    async def test_with_a_wrong_id_token_is_closed(self, town: Town, forged: dict[str, Any]) -> None:
        town.state.person, town.state.forged = person("quim"), forged
        async with town.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_token_refused"

    @pytest.mark.parametrize("query", ["", "state=", "code=x", f"state={'x' * 43}&code=y", "error=access_denied"])
    async def test_from_nowhere_leads_to_the_login_page(self, town: Town, query: str) -> None:
        async with town.browser() as browser:
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
    async def test_leads_nowhere_else(self, town: Town, evil: str) -> None:
        town.state.person = person("rui")
        async with town.browser() as browser:
            answer = await browser.get("/api/v1/auth/oidc/estado/start", params={"return_to": evil})
            if answer.status_code == 422:  # longer than any path of ours
                return
            done = await browser.get(await at_provider(answer.headers["location"]))
        assert (done.status_code, done.headers["location"]) == (303, "/")

    async def test_survives_a_redis_that_forgot(self, town: Town) -> None:
        town.state.person = person("sara")
        client = connect_redis(town.settings.redis.state_url)
        async with town.browser() as browser:
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
    async def exchange(self, town: Town, token: str, kind: str | None = "access_token", address: str = "203.0.113.9") -> httpx.Response:
        form = {"grant_type": EXCHANGE, "subject_token": token} | ({} if kind is None else {"subject_token_type": TYPES + kind})
        async with town.browser(address) as http:
            return await http.post("/api/v1/auth/token", data=form)

    @pytest.mark.parametrize("kind", ["access_token", "jwt", "id_token", None])
    async def test_gives_our_short_token(self, town: Town, kind: str | None) -> None:
        town.state.person = person("tais")
        claims = town.state.id_claims(CONSOLE) if kind == "id_token" else town.state.claims()
        answer = await self.exchange(town, town.state.sign(claims), kind)
        assert answer.status_code == 200, answer.text
        assert answer.json()["expires_in"] == 900
        async with town.browser() as http:
            me = await http.get("/api/v1/users/me", headers={"authorization": f"Bearer {answer.json()['access_token']}"})
        assert (me.json()["email"], me.json()["role"]) == ("tais@estado.example", "operator")

    async def test_is_on_record(self, town: Town) -> None:
        town.state.person = person("ugo")
        await self.exchange(town, town.state.token())
        await town.audited(town.norte, "session.opened", how="oidc:estado", client="exchange")

    async def test_of_an_outside_token_is_needed_elsewhere(self, town: Town) -> None:
        """Services and the edge accept one issuer: ours."""
        town.state.person = person("vera")
        async with town.browser() as http:
            answer = await http.get("/api/v1/users/me", headers={"authorization": f"Bearer {town.state.token()}"})
        assert answer.status_code == 401

    async def test_of_an_id_token_as_an_access_token_is_refused(self, town: Town) -> None:
        town.state.person = person("wes")
        for token, kind in ((town.state.sign(town.state.id_claims(CONSOLE)), "access_token"), (town.state.token(), "id_token")):
            answer = await self.exchange(town, token, kind)
            assert (answer.status_code, answer.json()["code"]) == (401, "oidc_token_refused")

    async def test_of_a_strangers_token_is_refused(self, town: Town) -> None:
        town.state.person = person("xica")
        ours = town.state.token(iss="gtvision")
        for token in (ours, town.state.token(iss="https://evil.example"), town.partner.token(iss=town.state.issuer, sub="xica-1")):
            answer = await self.exchange(town, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "oidc_token_refused")

    async def test_of_what_is_no_token_is_no_key_either(self, town: Town) -> None:
        for token in ("a.b.c", "gtk_nothing", "x" * 11_000):
            answer = await self.exchange(town, token)
            assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")

    async def test_that_fails_again_and_again_is_slowed_down(self, town: Town) -> None:
        town.state.person = person("yuri")
        token = town.state.token(exp=1)
        codes = [(await self.exchange(town, token, address="203.0.113.50")).status_code for _ in range(8)]
        assert codes[0] == 401
        assert codes[-1] == 429

    async def test_survives_new_keys_at_the_provider(self, town: Town) -> None:
        town.state.person = person("ziza")
        assert (await self.exchange(town, town.state.token())).status_code == 200
        town.state.rotate()
        async with asyncio.timeout(10):  # unknown keys are looked for once a second here
            while (await self.exchange(town, town.state.token(), address=f"198.51.100.{os.urandom(1)[0]}")).status_code != 200:
                await asyncio.sleep(0.2)


async def test_what_is_kept_of_an_outside_person_is_under_the_citys_policy(town: Town) -> None:
    town.state.person = person("policy")
    async with town.browser() as browser:
        await sign_in(browser)
    mine = await town.rows("SELECT issuer FROM external_identity WHERE subject = 'policy-1'", town.norte)
    assert [row.issuer for row in mine] == [town.state.issuer]
    assert await town.rows("SELECT 1 FROM external_identity", new_id()) == []
