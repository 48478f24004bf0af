"""Tests of outside users and their accounts, on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.identity.wiring import Wiring

from chassis.db import UnitOfWork
from gtvision.audit import Outcome
from gtvision.errors import RateLimited, Unavailable
from gtvision.events import SessionRevoked, UserDisabled, UserRightsChanged
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role
from identity.cities.domain import CitySuspended
from identity.federation.domain import (
    EmailInUse,
    ExternalPerson,
    LoginSecrets,
    LoginState,
    LoginStateUnknown,
    NoAccount,
    Provider,
    ProviderTokenRefused,
    TokenKind,
)
from identity.federation.usecases import ExternalAccounts, Federation, LoginCallback, ProviderTools
from identity.people.domain.users import NO_PASSWORD, AccountDisabled, NoPassword, User
from identity.sessions.domain import ClientInfo, IssuedTokens


class FakeIssuer:
    """The fake of `ports.OutsideIssuer`, whose codes and tokens are names of users."""

    def __init__(self, provider: Provider, people: Mapping[str, Mapping[str, Any]]) -> None:
        self.provider, self._people = provider, people
        self.down = False

    async def login_url(self, state: str, secrets: LoginSecrets, redirect_uri: str) -> str:
        if self.down:
            raise Unavailable
        return f"{self.provider.issuer}/?{state}"

    async def redeem(self, code: str, verifier: str, redirect_uri: str) -> str:
        return code

    async def claims_of(self, token: str, presented: TokenKind, nonce: str | None = None) -> Mapping[str, Any]:
        if token not in self._people:
            raise ProviderTokenRefused
        return self._people[token]


class FakeStates:
    """The fake of `ports.LoginStates`; it refuses the address `flood`."""

    def __init__(self) -> None:
        self.kept: dict[str, LoginState] = {}

    async def keep(self, state: str, login: LoginState, address: str) -> None:
        if address == "flood":
            raise RateLimited
        self.kept[state] = login

    async def take(self, state: str) -> LoginState | None:
        return self.kept.pop(state, None)


def provider_for(*tenants: UUID, **given: Any) -> Provider:
    known = {"tenant_claim": "city", "tenants": {str(number): str(tenant) for number, tenant in enumerate(tenants)}, "create_users": True}
    return Provider("p", "P", f"https://{new_id()}.example", "console", **(known | given))


def person(provider: Provider, tenant: UUID, **given: Any) -> ExternalPerson:
    subject = str(new_id())
    known = ExternalPerson(provider.issuer, subject, Role.VIEWER, str(tenant), f"{subject}@Out.example", True, None)
    return replace(known, **given)


class Entry:
    """Signs outside users in."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.accounts = ExternalAccounts(wiring.uow, wiring.rows, wiring.revoker, wiring.clock)

    async def __call__(self, provider: Provider, caller: ExternalPerson) -> User:
        async def enter(uow: UnitOfWork, user: User) -> IssuedTokens:
            return await self.wiring.issuer.open(uow, user, ClientInfo("203.0.113.9"), f"oidc:{provider.name}")

        user = (await self.accounts.sign_in(provider, caller, enter)).user
        assert isinstance(user, User)
        return user

    async def found(self, user: User) -> User:
        async with self.wiring.uow(user.tenant_id) as uow:
            found = await self.wiring.rows(uow).user(user.id)
        assert found is not None
        return found


@pytest.fixture
def enter(wiring: Wiring) -> Entry:
    return Entry(wiring)


async def test_a_first_sign_in_makes_an_account_without_a_password(wiring: Wiring, enter: Entry) -> None:
    city = await wiring.add_tenant()
    provider = provider_for(city)
    caller = person(provider, city)
    made = await enter(provider, caller)
    assert (made.tenant_id, made.role, made.email, made.password_hash) == (city, Role.VIEWER, caller.email, NO_PASSWORD)
    assert [record.action for record in await wiring.audit_entries(city)] == ["user.created", "session.opened"]
    assert (await enter(provider, caller)).id == made.id


async def test_rights_follow_the_provider_and_are_on_record(wiring: Wiring, enter: Entry) -> None:
    city, group = await wiring.add_tenant(), new_id()
    provider = provider_for(city, groups_claim="g")
    caller = person(provider, city, camera_groups=frozenset({group}))
    made = await enter(provider, caller)
    await enter(provider, replace(caller, role=Role.OPERATOR, camera_groups=frozenset()))
    now = await enter.found(made)
    assert (now.role, now.camera_groups) == (Role.OPERATOR, frozenset())
    assert len(wiring.registry.revoked) == 1  # the session with the former rights is revoked
    changed = [record for record in await wiring.audit_entries(city) if record.action == "user.changed"]
    assert [record.details["role"] for record in changed] == ["viewer -> operator"]


@pytest.mark.parametrize(("minutes", "revoked"), [(10, 1), (20, 1), (40, 0)])
async def test_a_change_of_rights_is_told_where_the_session_of_an_exchange_has_run_out(
    wiring: Wiring, enter: Entry, minutes: int, revoked: int
) -> None:
    """Video that was opened with its token goes on; tickets that it gave out, for minutes."""
    city = await wiring.add_tenant()
    provider = provider_for(city)
    caller = person(provider, city)

    async def exchange(uow: UnitOfWork, user: User) -> IssuedTokens:
        return await wiring.issuer.issue_short(uow, user, "203.0.113.9")

    made = await enter.accounts.sign_in(provider, caller, exchange)
    wiring.clock.advance(timedelta(minutes=minutes))
    await enter(provider, replace(caller, role=Role.OPERATOR))
    told = [fact.user_id for fact in await wiring.facts(city) if isinstance(fact, UserRightsChanged)]
    assert told == [made.user.id]
    assert list(wiring.registry.revoked).count(made.session.id) == revoked


async def test_groups_that_an_administrator_gave_stay_where_the_provider_has_no_say(wiring: Wiring, enter: Entry) -> None:
    city, group = await wiring.add_tenant(), new_id()
    provider = provider_for(city)
    caller = person(provider, city)
    made = await enter(provider, caller)
    async with wiring.uow(city) as uow:
        await wiring.rows(uow).save_user(replace(made, camera_groups=frozenset({group})))
    assert (await enter(provider, caller)).camera_groups == {group}


async def test_a_move_leaves_a_disabled_account_behind(wiring: Wiring, enter: Entry) -> None:
    norte, sul = await wiring.add_tenant(), await wiring.add_tenant()
    provider = provider_for(norte, sul)
    caller = person(provider, norte)
    old = await enter(provider, caller)
    new = await enter(provider, replace(caller, tenant=str(sul)))
    assert (new.tenant_id, new.email) == (sul, caller.email)
    assert new.id != old.id
    assert (await enter.found(old)).is_disabled
    assert {type(fact) for fact in await wiring.facts(norte)} == {UserDisabled, UserRightsChanged, SessionRevoked}
    assert len(wiring.registry.revoked) == 1
    back = await enter(provider, caller)
    assert (back.tenant_id, back.is_disabled) == (norte, False)


async def test_a_user_refused_by_the_new_tenant_stays_in_the_old_one(wiring: Wiring, enter: Entry) -> None:
    norte, sul = await wiring.add_tenant(), await wiring.add_tenant()
    provider = provider_for(norte, sul)
    caller = person(provider, norte)
    old = await enter(provider, caller)
    with pytest.raises(NoAccount):
        await enter(replace(provider, create_users=False), replace(caller, tenant=str(sul)))
    assert not (await enter.found(old)).is_disabled


@pytest.mark.parametrize("move", [False, True])
async def test_who_is_disabled_stays_out_and_it_is_on_record(wiring: Wiring, enter: Entry, move: bool) -> None:
    norte, sul = await wiring.add_tenant(), await wiring.add_tenant()
    provider = provider_for(norte, sul)
    caller = person(provider, norte)
    made = await enter(provider, caller)
    async with wiring.uow(norte) as uow:
        await wiring.rows(uow).save_user(replace(made, disabled_at=wiring.clock.now()))
    with pytest.raises(AccountDisabled):
        await enter(provider, replace(caller, tenant=str(sul if move else norte)))
    refused = (await wiring.audit_entries(sul if move else norte))[-1]
    assert (refused.action, refused.outcome, refused.details["reason"]) == ("session.refused", Outcome.REFUSED, "account_disabled")


async def test_nobody_enters_a_suspended_city_and_it_is_on_record(wiring: Wiring, enter: Entry, as_caller: Any) -> None:
    norte, sul = await wiring.add_tenant(), await wiring.add_tenant()
    provider = provider_for(norte, sul)
    caller = person(provider, norte)
    made = await enter(provider, caller)
    root = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.PLATFORM_ADMIN))
    await wiring.suspensions.suspend(root, norte)
    for tried in (caller, person(provider, norte)):
        with pytest.raises(CitySuspended):
            await enter(provider, tried)
    refused = (await wiring.audit_entries(norte))[-1]
    assert (refused.action, refused.details["reason"]) == ("session.refused", "city_suspended")
    moved = await enter(provider, replace(caller, tenant=str(sul)))
    assert moved.tenant_id == sul, "who leaves it enters another one"
    assert (await enter.found(made)).is_disabled


async def test_an_address_links_only_where_the_operator_trusts_it(wiring: Wiring, enter: Entry) -> None:
    city = await wiring.add_tenant()
    local = await wiring.add_user(city, Role.OPERATOR)
    cautious, trusting = provider_for(city), provider_for(city, link_verified_email=True)
    with pytest.raises(EmailInUse):
        await enter(cautious, person(cautious, city, email=local.email))
    linked = await enter(trusting, person(trusting, city, email=local.email))
    assert (linked.id, linked.role, linked.password_hash) == (local.id, Role.VIEWER, local.password_hash)
    with pytest.raises(EmailInUse):
        await enter(cautious, person(cautious, city, email=local.email))


async def test_two_first_sign_ins_at_once_are_one_person(wiring: Wiring, enter: Entry) -> None:
    city = await wiring.add_tenant()
    provider = provider_for(city)
    caller = person(provider, city)
    users = await asyncio.gather(*(enter(provider, caller) for _ in range(4)))
    assert len({user.id for user in users}) == 1


async def test_an_outside_user_gets_no_password(wiring: Wiring, enter: Entry) -> None:
    city = await wiring.add_tenant()
    provider = provider_for(city)
    made = await enter(provider, person(provider, city))
    admin = Caller(city, new_id(), Role.ADMIN, frozenset(map(str, _every_scope())), new_id())
    changes = wiring.credentials
    with pytest.raises(NoPassword):
        await changes.reset_password(admin, made.id)
    with pytest.raises(NoPassword):
        await changes.reset_password_of(made.email)
    assert (await enter.found(made)).password_hash == NO_PASSWORD


def _every_scope() -> list[str]:
    from gtvision.tenancy import ROLE_SCOPES

    return [str(scope) for scope in ROLE_SCOPES[Role.ADMIN]]


class TestTheTwoDoors:
    @pytest.fixture
    async def parts(self, wiring: Wiring, enter: Entry) -> tuple[Federation, FakeIssuer, FakeStates, UUID]:
        city = await wiring.add_tenant()
        provider = provider_for(city)
        people = {"ana": {"sub": str(new_id()), "email": f"{new_id()}@out.example", "city": "0", "realm_access": {"roles": ["viewer"]}}}
        issuer, states = FakeIssuer(provider, people), FakeStates()
        outside = ProviderTools({"p": issuer}, states, wiring.throttle, wiring.random_bytes, "https://console.example/")
        return Federation(outside, enter.accounts, wiring.issuer, wiring.logins), issuer, states, city

    async def test_a_sign_in_is_bound_to_its_browser(self, parts: tuple[Federation, FakeIssuer, FakeStates, UUID]) -> None:
        federation, _, states, city = parts
        guest = ClientInfo("203.0.113.9")
        begun = await federation.begin_login("p", "/wall", None, guest)
        state = begun.url.rpartition("?")[2]
        assert begun.cookie not in repr(states.kept)
        opened, return_to = await federation.finish_login("p", LoginCallback(state, "ana"), begun.cookie, guest)
        assert (opened.user.tenant_id, return_to) == (city, "/wall")
        again = await federation.begin_login("p", None, begun.cookie, guest)
        assert again.cookie == begun.cookie
        for cookie in (None, "", "another", begun.cookie[:-1]):
            retry = await federation.begin_login("p", None, begun.cookie, guest)
            with pytest.raises(LoginStateUnknown):
                await federation.finish_login("p", LoginCallback(retry.url.rpartition("?")[2], "ana"), cookie, guest)

    @pytest.mark.parametrize("cookie", ["short", "x" * 5_000, "é" * 43, "a" * 42 + "\n", "a" * 42 + ";"])
    async def test_a_cookie_that_is_not_ours_is_replaced(self, parts: tuple[Federation, FakeIssuer, FakeStates, UUID], cookie: str) -> None:
        assert (await parts[0].begin_login("p", None, cookie, ClientInfo("203.0.113.9"))).cookie != cookie

    async def test_nothing_is_kept_for_who_begins_too_often_or_while_the_provider_is_down(
        self, parts: tuple[Federation, FakeIssuer, FakeStates, UUID]
    ) -> None:
        federation, issuer, states, _ = parts
        with pytest.raises(RateLimited):
            await federation.begin_login("p", None, None, ClientInfo("flood"))
        issuer.down = True
        with pytest.raises(Unavailable):
            await federation.begin_login("p", None, None, ClientInfo("203.0.113.9"))
        assert states.kept == {}
