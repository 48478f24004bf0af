"""Tests of the verbs of sessions, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fixtures.tokens import TokenMint
from tests.identity.wiring import Wiring

from chassis.auth import Authenticator
from chassis.fakes import StaticRevocations
from city.purposes import PurposeUnknown
from gtvision import errors
from gtvision.errors import BadCredentials, Forbidden, Invalid, MissingScope, NotFound, RateLimited, SessionRevoked, Unavailable
from gtvision.events import SessionRevoked as SessionRevokedEvent
from gtvision.events import TenantCreated, UserDisabled, UserRightsChanged
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import ROLE_SCOPES, Caller, Purposes, Role, Scope, TenantSettings
from identity.cities.usecases.installation import BootstrapRequest
from identity.gateways.signing import RsaKeyMaker
from identity.keys.domain import hash_secret
from identity.keys.usecases import SigningKeys
from identity.people.domain.passwords import WeakPassword
from identity.people.domain.users import EVERYONE, AccountDisabled, EmailTaken, OwnAccount, User
from identity.people.usecases.users import NewUser, Users
from identity.sessions.domain import ClientInfo, IssuedTokens, TicketPurpose
from identity.sessions.usecases.logins import Logins, PasswordLogin

HOME = "203.0.113.7"


async def log_in(wiring: Wiring, email: str, password: str, address: str = HOME) -> IssuedTokens:
    opened: IssuedTokens = await wiring.logins.login(PasswordLogin(email, password), ClientInfo(address))
    return opened


def users(wiring: Wiring) -> Users:
    found: Users = wiring.users
    return found


def exchanges(wiring: Wiring) -> Logins:
    return wiring.logins


def authenticator(wiring: Wiring) -> Authenticator:
    mint = TokenMint(wiring.clock)  # signs with the key of the wiring
    mint.revocations = StaticRevocations()
    return mint.authenticator()


def requested(tenant: str, email: str, password: str, tool_key: str | None = None) -> BootstrapRequest:
    return BootstrapRequest.model_validate({"tenant": tenant, "admin_email": email, "admin_password": password, "tool_key": tool_key})


class TestLogin:
    async def test_gives_a_token_that_says_who(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant(), Role.OPERATOR)
        opened = await log_in(wiring, user.email.upper(), password)
        caller = await authenticator(wiring).verify(opened.access_token)
        assert (caller.user_id, caller.tenant_id, caller.role) == (user.id, user.tenant_id, Role.OPERATOR)
        assert caller.scopes == frozenset(ROLE_SCOPES[Role.OPERATOR])
        assert opened.refresh_token is not None

    async def test_without_the_password_every_account_looks_alike(self, wiring: Wiring, password: str) -> None:
        tenant_id = await wiring.add_tenant()
        known, disabled = await wiring.add_user(tenant_id), await wiring.add_user(tenant_id)
        async with wiring.uow(tenant_id) as uow:
            await wiring.rows(uow).save_user(replace(disabled, disabled_at=wiring.clock.now()))
        said = set()
        for email, text in [(known.email, "wrong"), ("nobody@example.org", password), (disabled.email, "wrong"), ("no address", "x")]:
            before = wiring.passwords.verified
            with pytest.raises(BadCredentials) as refused:
                await log_in(wiring, email, text)
            said.add(str(refused.value))
            assert wiring.passwords.verified == before + 1  # the slow hash is computed also for unknown users
        assert len(said) == 1

    async def test_a_disabled_user_with_the_password_learns_why(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        async with wiring.uow(user.tenant_id) as uow:
            await wiring.rows(uow).save_user(replace(user, disabled_at=wiring.clock.now()))
        with pytest.raises(AccountDisabled):
            await log_in(wiring, user.email, password)
        (refused,) = await wiring.audit_entries(user.tenant_id)
        assert (refused.action, refused.details["reason"]) == ("session.refused", "disabled")

    async def test_guessing_is_throttled_for_the_guesser_only(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        for _ in range(5):
            with pytest.raises(BadCredentials):
                await log_in(wiring, user.email, "wrong", "198.51.100.1")
        with pytest.raises(RateLimited):
            await log_in(wiring, user.email, password, "198.51.100.1")
        assert (await log_in(wiring, user.email, password)).user.id == user.id


class TestRefresh:
    async def opened(self, wiring: Wiring, password: str) -> tuple[User, str]:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        return user, opened.refresh_token or ""

    async def test_rotates(self, wiring: Wiring, password: str) -> None:
        user, first = await self.opened(wiring, password)
        wiring.clock.advance(timedelta(hours=23))
        second = await wiring.sessions.refresh(first, HOME)
        assert second.user.id == user.id
        assert second.refresh_token not in {None, first}
        third = await wiring.sessions.refresh(second.refresh_token or "", HOME)
        sids = {(await authenticator(wiring).verify(each.access_token)).session_id for each in (second, third)}
        assert len(sids) == 1

    async def test_a_second_use_ends_the_family(self, wiring: Wiring, password: str) -> None:
        user, first = await self.opened(wiring, password)
        second = await wiring.sessions.refresh(first, HOME)
        sid = (await authenticator(wiring).verify(second.access_token)).session_id
        with pytest.raises(SessionRevoked):
            await wiring.sessions.refresh(first, HOME)
        assert await wiring.refusal(second.refresh_token) == "reuse"
        assert sid in wiring.registry.revoked
        assert [type(event) for event in await wiring.facts(user.tenant_id)] == [SessionRevokedEvent]

    async def test_ends_after_a_day_without_use(self, wiring: Wiring, password: str) -> None:
        _, first = await self.opened(wiring, password)
        wiring.clock.advance(timedelta(hours=24, seconds=1))
        assert await wiring.refusal(first) == "expired"

    async def test_ends_after_thirty_days_of_use(self, wiring: Wiring, password: str) -> None:
        _, token = await self.opened(wiring, password)
        for _ in range(31):
            wiring.clock.advance(timedelta(hours=23))
            token = (await wiring.sessions.refresh(token, HOME)).refresh_token or ""
        wiring.clock.advance(timedelta(hours=23))
        assert await wiring.refusal(token) == "expired"

    async def test_ends_with_the_user(self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]) -> None:
        user, first = await self.opened(wiring, password)
        admin = await wiring.add_user(user.tenant_id, Role.ADMIN)
        await users(wiring).change_user(as_caller(admin), user.id, Patch({"disabled": True}))
        assert await wiring.refusal(first) == "disabled"

    @pytest.mark.parametrize("text", ["", "gtr_", "gtr_xyz", "eyJhbGciOi", "gtr_" + "A" * 64])
    async def test_strange_texts_are_refused(self, wiring: Wiring, text: str) -> None:
        with pytest.raises(BadCredentials):
            await wiring.sessions.refresh(text, HOME)


class TestLogout:
    async def test_revokes_at_once_and_may_be_repeated(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        caller = await authenticator(wiring).verify(opened.access_token)
        await wiring.sessions.logout(caller)
        await wiring.sessions.logout(caller)
        assert wiring.registry.revoked[caller.session_id] == wiring.clock.now() + timedelta(minutes=15)
        assert len(await wiring.facts(user.tenant_id)) == 1
        assert await wiring.refusal(opened.refresh_token) == "logged_out"

    async def test_is_kept_when_the_registry_is_away(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        caller = await authenticator(wiring).verify(opened.access_token)
        wiring.registry.down = True
        await wiring.sessions.logout(caller)
        wiring.registry.down = False
        async with wiring.uow(None) as uow:
            assert caller.session_id in await wiring.rows(uow).revocations(wiring.clock.now())
        assert not await wiring.registry.is_whole()


class TestExchange:
    async def test_an_api_key_gives_a_short_token(self, wiring: Wiring) -> None:
        key = "k" * 40 + str(new_id())
        wanted = requested(f"City {new_id()}", f"{new_id()}@example.org", "correct horse battery", key)
        done = await wiring.installation.bootstrap(wanted, wiring.passwords, False)
        opened = await exchanges(wiring).exchange_api_key(key, HOME)
        caller = await authenticator(wiring).verify(opened.access_token)
        assert (caller.tenant_id, caller.role) == (done.tenant_id, Role.ADMIN)
        assert opened.refresh_token is None
        await wiring.sessions.logout(caller)
        assert caller.session_id in wiring.registry.revoked

    async def test_an_unknown_key_is_refused(self, wiring: Wiring) -> None:
        with pytest.raises(BadCredentials):
            await exchanges(wiring).exchange_api_key("x" * 40, HOME)


class TestTickets:
    async def ticket(self, wiring: Wiring, caller: Caller, purpose: TicketPurpose, camera: Any = None) -> str:
        return await wiring.sessions.issue_ticket(caller, purpose, camera)

    async def test_a_ticket_opens_one_camera_once(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        caller, camera = as_caller(await wiring.add_user(await wiring.add_tenant())), new_id()
        text = await self.ticket(wiring, caller, TicketPurpose.LIVE, camera)
        judge = authenticator(wiring)
        claims = await judge.redeem(text, "live")
        assert (claims.camera_id, claims.caller.session_id) == (camera, caller.session_id)
        assert claims.caller.scopes == {Scope.LIVE_VIEW}, "no right that a view does not need"
        assert claims.declared_purpose is None
        purposeful = await wiring.sessions.issue_ticket(caller, TicketPurpose.LIVE, camera, "crime")
        assert (await judge.redeem(purposeful, "live")).declared_purpose == "crime"
        with pytest.raises(errors.Unauthenticated):
            await judge.redeem(text, "live")

    async def test_a_purpose_is_one_of_the_city_s(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        settings = TenantSettings(purposes=Purposes(codes=("crime",), required=True))
        caller = as_caller(await wiring.add_user(await wiring.add_tenant(settings)))
        for purpose, camera in ((TicketPurpose.LIVE, new_id()), (TicketPurpose.WS, None)):
            with pytest.raises(PurposeUnknown):
                await wiring.sessions.issue_ticket(caller, purpose, camera, "curiosity")
            await wiring.sessions.issue_ticket(caller, purpose, camera, "crime")
            await wiring.sessions.issue_ticket(caller, purpose, camera)

    async def test_scopes_are_needed(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        auditor = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.AUDITOR))
        with pytest.raises(MissingScope):
            await self.ticket(wiring, auditor, TicketPurpose.LIVE, new_id())
        nobody = Caller(new_id(), new_id(), Role.VIEWER, frozenset(), new_id())
        with pytest.raises(MissingScope):
            await self.ticket(wiring, nobody, TicketPurpose.WS)

    async def test_live_names_a_camera_and_ws_does_not(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        caller = as_caller(await wiring.add_user(await wiring.add_tenant()))
        with pytest.raises(Invalid):
            await self.ticket(wiring, caller, TicketPurpose.LIVE)
        with pytest.raises(Invalid):
            await self.ticket(wiring, caller, TicketPurpose.WS, new_id())


class TestUsers:
    async def test_created_users_can_log_in(self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]) -> None:
        admin = await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)
        made = await users(wiring).create_user(
            as_caller(admin), NewUser(f" {new_id()}@example.org ", password, Role.VIEWER, frozenset({new_id()}))
        )
        opened = await log_in(wiring, made.email, password)
        assert (await authenticator(wiring).verify(opened.access_token)).camera_groups == made.camera_groups

    async def test_an_address_is_taken_in_every_tenant(self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]) -> None:
        known = await wiring.add_user(await wiring.add_tenant())
        other = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
        with pytest.raises(EmailTaken):
            await users(wiring).create_user(other, NewUser(known.email.upper(), password, Role.VIEWER))

    async def test_weak_passwords_and_higher_roles(self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]) -> None:
        admin = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
        with pytest.raises(WeakPassword):
            await users(wiring).create_user(admin, NewUser("new@example.org", "short", Role.VIEWER))
        with pytest.raises(Forbidden):
            await users(wiring).create_user(admin, NewUser("new@example.org", password, Role.PLATFORM_ADMIN))

    async def test_a_caller_limited_to_groups_makes_no_user_who_sees_more(
        self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]
    ) -> None:
        mine, foreign = new_id(), new_id()
        admin = replace(as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)), camera_groups=frozenset({mine}))
        for groups in (None, frozenset({foreign}), frozenset({mine, foreign})):
            with pytest.raises(Forbidden):
                await users(wiring).create_user(admin, NewUser(f"{new_id()}@example.org", password, Role.VIEWER, groups))
        made = await users(wiring).create_user(admin, NewUser(f"{new_id()}@example.org", password, Role.VIEWER, frozenset({mine})))
        assert made.camera_groups == frozenset({mine})

    async def test_disabling_ends_every_session(self, wiring: Wiring, password: str, as_caller: Callable[[User], Caller]) -> None:
        tenant_id = await wiring.add_tenant()
        admin, user = await wiring.add_user(tenant_id, Role.ADMIN), await wiring.add_user(tenant_id)
        for _ in range(2):
            await log_in(wiring, user.email, password)
        assert (await users(wiring).change_user(as_caller(admin), user.id, Patch({"disabled": True}))).is_disabled
        assert len(wiring.registry.revoked) == 2
        said = sorted(type(event).__name__ for event in await wiring.facts(tenant_id))
        assert said == [each.__name__ for each in (SessionRevokedEvent, SessionRevokedEvent, UserDisabled, UserRightsChanged)]
        await users(wiring).change_user(as_caller(admin), user.id, Patch({"disabled": True}))
        assert len(await wiring.facts(tenant_id)) == 4
        assert not (await users(wiring).change_user(as_caller(admin), user.id, Patch({"disabled": False}))).is_disabled
        await log_in(wiring, user.email, password)

    async def test_another_tenants_user_does_not_exist(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        stranger = await wiring.add_user(await wiring.add_tenant())
        admin = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
        with pytest.raises(NotFound):
            await users(wiring).change_user(admin, stranger.id, Patch({"disabled": True}))
        assert stranger.id not in {user.id for user in await users(wiring).list_users(admin, EVERYONE, None, 100)}

    async def test_no_caller_disables_themselves(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        admin = await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)
        with pytest.raises(OwnAccount):
            await users(wiring).change_user(as_caller(admin), admin.id, Patch({"disabled": True}))

    async def test_pages(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        tenant_id = await wiring.add_tenant()
        made = [await wiring.add_user(tenant_id, Role.ADMIN) for _ in range(5)]
        caller = as_caller(made[0])
        first = await users(wiring).list_users(caller, EVERYONE, None, 3)
        rest = await users(wiring).list_users(caller, EVERYONE, first[-1].id, 3)
        assert [user.id for user in first + rest] == sorted(user.id for user in made)

    async def test_who_am_i(self, wiring: Wiring, as_caller: Callable[[User], Caller]) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        subject, tenant = await wiring.sessions.who_am_i(as_caller(user))
        assert (subject.id, tenant.id) == (user.id, user.tenant_id)
        gone = Caller(user.tenant_id, new_id(), Role.VIEWER, frozenset(), new_id())
        with pytest.raises(NotFound):
            await wiring.sessions.who_am_i(gone)


class TestBootstrap:
    async def test_twice_is_once(self, wiring: Wiring) -> None:
        wanted = requested(f"City {new_id()}", f"{new_id()}@example.org", "correct horse battery", "t" * 40 + str(new_id()))
        bootstrap = wiring.installation
        first = await bootstrap.bootstrap(wanted, wiring.passwords, True)
        again = await bootstrap.bootstrap(wanted, wiring.passwords, False)
        assert (first.tenant_created, first.admin_created, first.tool_key_created) == (True, True, True)
        assert (again.tenant_created, again.admin_created, again.tool_key_created) == (False, False, False)
        assert (again.tenant_id, again.admin_id) == (first.tenant_id, first.admin_id)
        assert [type(event) for event in await wiring.facts(first.tenant_id)] == [TenantCreated]

    async def test_an_administrator_keeps_their_password(self, wiring: Wiring) -> None:
        email = f"{new_id()}@example.org"
        bootstrap = wiring.installation
        await bootstrap.bootstrap(requested(f"City {new_id()}", email, "correct horse battery"), wiring.passwords, False)
        await bootstrap.bootstrap(requested("Another name", email, "another password 1"), wiring.passwords, False)
        await log_in(wiring, email, "correct horse battery")

    async def test_there_is_no_weak_start(self, wiring: Wiring) -> None:
        with pytest.raises(WeakPassword):
            await wiring.installation.bootstrap(requested("City", "a@example.org", "admin"), wiring.passwords, False)


class OneKey(RsaKeyMaker):
    """The fake of the key maker, which returns the test's key."""

    made = 0

    async def make(self) -> tuple[str, str, dict[str, str]]:
        from tests.fixtures.tokens import private_key_pem

        self.made += 1
        signer = TokenMint(kid="test-1").signer
        return "test-1", private_key_pem("test-1"), signer.jwk()


class TestPublication:
    async def test_keys_first_then_everything(self, wiring: Wiring, password: str) -> None:
        publication = wiring.signing_keys
        bootstrap, maker = wiring.installation, OneKey()
        if await bootstrap.ensure_signing_key(maker):
            assert not await bootstrap.ensure_signing_key(maker)
        assert maker.made <= 1
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        caller = await authenticator(wiring).verify(opened.access_token)
        wiring.registry.down = True
        await wiring.sessions.logout(caller)
        wiring.registry.down = False
        await publication.publish()
        assert caller.session_id in wiring.registry.revoked
        assert not await publication.publish_if_needed()
        assert publication.jwks["keys"]

    async def test_ended_sessions_are_forgotten(self, wiring: Wiring, password: str) -> None:
        wiring.clock.advance(timedelta(days=-40))  # the database compares with its own clock too
        user = await wiring.add_user(await wiring.add_tenant())
        await log_in(wiring, user.email, password)
        publication = wiring.signing_keys
        assert await publication.forget_ended_sessions() == 0
        wiring.clock.advance(timedelta(days=38))
        assert await publication.forget_ended_sessions() >= 1


def test_secrets_are_kept_as_hashes() -> None:
    assert len(hash_secret("x")) == 64


async def test_before_the_bootstrap_there_is_nothing_to_publish(wiring: Wiring) -> None:
    class Empty:
        async def lock_signing_keys(self) -> None: ...

        async def erase_retired_keys(self, _now: object) -> int:
            return 0

        async def signing_keys(self) -> list[object]:
            return []

        async def revocations(self, _now: object) -> dict[object, object]:
            return {}

    publication = SigningKeys(wiring.uow, lambda _uow: Empty(), wiring.tokens, wiring.registry, wiring.vault, wiring.clock)  # type: ignore[arg-type,return-value]
    with pytest.raises(Unavailable):
        await publication.publish()
