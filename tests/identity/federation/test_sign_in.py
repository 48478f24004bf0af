"""Tests of signing in by outside providers, over HTTP on real servers: which account a user gets, and who is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from tests.identity.federation.providers import GROUP, PASSWORD, Federation, at_provider, begin, error_of, person, session_of, sign_in

from gtvision.ids import new_id
from gtvision.tenancy import Quotas, Role, TenantSettings
from gtvision.time import SystemClock
from identity.gateways.argon2 import Argon2Passwords
from identity.people.domain.users import User
from identity.repository import PostgresRows

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("fresh_federation")]


class TestASignIn:
    async def test_opens_a_session_of_a_browser(self, federation: Federation) -> None:
        federation.state.person = person("ana")
        async with federation.browser() as browser:
            answer = await sign_in(browser, return_to="/?camera=7#live")
            assert (answer.status_code, answer.headers["location"]) == (303, "/?camera=7#live")
            assert "token" not in answer.headers["location"]
            session = await session_of(browser)
            me = await browser.get("/api/v1/users/me", headers={"authorization": f"Bearer {session['access_token']}"})
        assert session["refresh_token"] is None
        assert (me.json()["email"], me.json()["role"], me.json()["tenant"]) == ("ana@estado.example", "operator", "Cidade Norte")
        found = await federation.rows(
            "SELECT camera_groups, password_hash FROM account WHERE email = 'ana@estado.example'", federation.norte
        )
        assert (found[0].camera_groups, found[0].password_hash) == ([GROUP], "!")

    async def test_is_on_record_with_its_provider(self, federation: Federation) -> None:
        federation.state.person = person("rita")
        async with federation.browser() as browser:
            await sign_in(browser)
        await federation.audited(federation.norte, "session.opened", how="oidc:estado", client="browser")
        await federation.audited(federation.norte, "user.created", provider="estado", role="operator")

    async def test_ends_when_the_provider_must_be_asked_again(self, federation: Federation) -> None:
        federation.state.person = person("otto")
        async with federation.browser() as browser:
            await sign_in(browser)
        found = await federation.rows(
            "SELECT max(s.expires_at - s.created_at) AS lasts FROM session s JOIN account a ON a.id = s.subject_id WHERE a.email = :e",
            federation.norte,
            e="otto@estado.example",
        )
        assert found[0].lasts.total_seconds() == 12 * 3600

    async def test_a_second_time_finds_the_account_and_takes_over_new_rights(self, federation: Federation) -> None:
        for roles, groups, role in ((["consulta"], [], "viewer"), (["consulta", "ti"], [str(GROUP), "not-an-id"], "admin")):
            federation.state.person = person("bia", realm_access={"roles": roles}, camera_groups=groups)
            async with federation.browser() as browser:
                assert (await sign_in(browser)).headers["location"] == "/"
                assert (await session_of(browser))["user"]["role"] == role
        found = await federation.rows("SELECT role, camera_groups FROM account WHERE email = 'bia@estado.example'", federation.norte)
        assert [(row.role, row.camera_groups) for row in found] == [("admin", [GROUP])]

    async def test_of_two_tabs_at_once_both_arrive(self, federation: Federation) -> None:
        federation.state.person = person("caio")
        async with federation.browser() as browser:
            first, second = await begin(browser, return_to="/first"), await begin(browser, return_to="/second")
            for url, path in ((second, "/second"), (first, "/first")):
                assert (await browser.get(await at_provider(url))).headers["location"] == path

    async def test_of_one_person_twice_at_once_makes_one_account(self, federation: Federation) -> None:
        federation.state.person = person("davi")
        async with federation.browser() as one, federation.browser() as two:
            backs = [await at_provider(await begin(browser)) for browser in (one, two)]
            answers = await asyncio.gather(one.get(backs[0]), two.get(backs[1]))
        assert [answer.headers["location"] for answer in answers] == ["/", "/"]
        assert len(await federation.rows("SELECT 1 FROM account WHERE email = 'davi@estado.example'", federation.norte)) == 1

    async def test_never_gives_a_password(self, federation: Federation) -> None:
        federation.state.person = person("eva")
        async with federation.browser() as browser:
            await sign_in(browser)
            for tried in ("!", "", "\x00 unknown", PASSWORD):
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
    async def test_of_an_unknown_user_is_refused(self, federation: Federation, claims: dict[str, Any], code: str) -> None:
        federation.state.person = person(f"nobody{new_id().hex}") | claims
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser)) == code

    async def test_makes_no_account_where_the_provider_may_not(self, federation: Federation) -> None:
        federation.partner.person = person("zoe", realm_access={"roles": ["p"]})
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser, "parceiro")) == "oidc_no_account"

    async def test_into_a_full_city_is_refused_and_on_record(self, federation: Federation) -> None:
        async def limit(users: int | None) -> None:
            async with federation.db.uow(federation.norte) as uow:
                found = await PostgresRows(uow).tenant(federation.norte)
                assert found is not None
                await PostgresRows(uow).save_tenant(replace(found, settings=TenantSettings(quotas=Quotas(users=users))))

        federation.state.person = person("ugo")
        async with federation.browser() as browser:
            await sign_in(browser)
            await limit(1)
            try:
                assert (await sign_in(browser)).headers["location"] == "/", "who is in comes in again"
                federation.state.person = person("vera")
                assert error_of(await sign_in(browser)) == "quota_reached"
            finally:
                await limit(None)
        await federation.audited(federation.norte, "session.refused", provider="estado", reason="quota_reached")

    async def test_that_the_person_refuses_is_told(self, federation: Federation) -> None:
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_login_refused"

    async def test_of_a_disabled_account_is_refused_and_on_record(self, federation: Federation) -> None:
        federation.state.person = person("fabio")
        async with federation.browser() as browser:
            await sign_in(browser)
            await federation.rows(
                "UPDATE account SET disabled_at = now() WHERE email = 'fabio@estado.example' RETURNING 1", federation.norte
            )
            assert error_of(await sign_in(browser)) == "account_disabled"
        await federation.audited(federation.norte, "session.refused", provider="estado", reason="account_disabled")


class TestAMoveToAnotherCity:
    async def test_ends_the_account_in_the_old_one(self, federation: Federation) -> None:
        federation.state.person = person("gil")
        async with federation.browser() as browser:
            await sign_in(browser)
            old = await session_of(browser)
        federation.state.person = person("gil", city="sul")
        async with federation.browser() as browser:
            assert (await sign_in(browser)).headers["location"] == "/"
            assert (await session_of(browser))["user"]["tenant_id"] == str(federation.sul)
        left = await federation.rows("SELECT disabled_at FROM account WHERE email = 'gil@estado.example'", federation.norte)
        assert [row.disabled_at is not None for row in left] == [True]
        revoked = await federation.rows("SELECT revoked_until FROM session WHERE id = :s", federation.norte, s=UUID(old["session_id"]))
        assert revoked[0].revoked_until is not None

    async def test_is_no_way_around_being_disabled(self, federation: Federation) -> None:
        federation.state.person = person("hugo")
        async with federation.browser() as browser:
            await sign_in(browser)
            await federation.rows(
                "UPDATE account SET disabled_at = now() WHERE email = 'hugo@estado.example' RETURNING 1", federation.norte
            )
            federation.state.person = person("hugo", city="sul")
            assert error_of(await sign_in(browser)) == "account_disabled"


class TestAnAddressThatIsTaken:
    async def local(self, federation: Federation, name: str, role: str = "viewer", tenant: UUID | None = None) -> User:
        tenant_id = tenant or federation.norte
        password = await Argon2Passwords().hash(PASSWORD)
        user = User(new_id(), tenant_id, f"{name}@estado.example", Role(role), password, SystemClock().now())
        async with federation.db.uow(tenant_id) as uow:
            await PostgresRows(uow).add_user(user)
        return user

    async def test_is_linked_where_the_operator_trusts_the_provider(self, federation: Federation) -> None:
        user = await self.local(federation, "iris")
        federation.state.person = person("iris", email="IRIS@estado.example")
        async with federation.browser() as browser:
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
    async def test_is_never_taken_over(self, federation: Federation, name: str, role: str, elsewhere: bool, claims: dict[str, Any]) -> None:
        await self.local(federation, name, role, federation.sul if elsewhere else None)
        federation.state.person = person(name) | claims
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser)) == "oidc_email_in_use"

    async def test_is_not_linked_by_a_provider_that_may_not(self, federation: Federation) -> None:
        await self.local(federation, "jairo")
        federation.partner.person = person("jairo", realm_access={"roles": ["p"]})
        async with federation.browser() as browser:
            assert error_of(await sign_in(browser, "parceiro")) == "oidc_email_in_use"

    async def test_by_another_outside_person_is_refused(self, federation: Federation) -> None:
        federation.state.person = person("kim")
        async with federation.browser() as browser:
            await sign_in(browser)
            federation.state.person = person("kim", sub="another-kim")
            assert error_of(await sign_in(browser)) == "oidc_email_in_use"


async def test_what_is_kept_of_an_outside_person_is_under_the_citys_policy(federation: Federation) -> None:
    federation.state.person = person("policy")
    async with federation.browser() as browser:
        await sign_in(browser)
    mine = await federation.rows("SELECT issuer FROM external_identity WHERE subject = 'policy-1'", federation.norte)
    assert [row.issuer for row in mine] == [federation.state.issuer]
    assert await federation.rows("SELECT 1 FROM external_identity", new_id()) == []
