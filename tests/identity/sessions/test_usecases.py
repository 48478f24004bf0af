"""Tests of the verbs of sessions, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fixtures.tokens import TokenMint
from tests.identity.house import House

from chassis.auth import Authenticator
from chassis.fakes import StaticRevocations
from gtvision import errors
from gtvision.errors import BadCredentials, Forbidden, Invalid, MissingScope, NotFound, RateLimited, SessionRevoked, Unavailable
from gtvision.events import SessionRevoked as SessionRevokedEvent
from gtvision.events import TenantCreated, UserDisabled
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from identity.cities.usecases import BootstrapRequest
from identity.gateways.signing import RsaKeyMaker
from identity.keys.domain import hash_secret
from identity.keys.usecases import SigningKeys
from identity.people.domain.passwords import WeakPassword
from identity.people.domain.users import EmailTaken, OwnAccount, User
from identity.people.usecases.users import NewUser, Users
from identity.sessions.domain import ClientInfo, IssuedTokens, TicketPurpose
from identity.sessions.usecases.logins import Logins, PasswordLogin

HOME = "203.0.113.7"


async def log_in(house: House, email: str, password: str, address: str = HOME) -> IssuedTokens:
    opened: IssuedTokens = await house.logins.login(PasswordLogin(email, password), ClientInfo(address))
    return opened


def users(house: House) -> Users:
    found: Users = house.users
    return found


def exchanges(house: House) -> Logins:
    return house.logins


def authenticator(house: House) -> Authenticator:
    mint = TokenMint(house.clock)  # signs with the key of the wiring
    mint.revocations = StaticRevocations()
    return mint.authenticator()


def requested(tenant: str, email: str, password: str, tool_key: str | None = None) -> BootstrapRequest:
    return BootstrapRequest.model_validate({"tenant": tenant, "admin_email": email, "admin_password": password, "tool_key": tool_key})


class TestLogin:
    async def test_gives_a_token_that_says_who(self, house: House, password: str) -> None:
        user = await house.add_user(await house.add_tenant(), Role.OPERATOR)
        opened = await log_in(house, user.email.upper(), password)
        caller = await authenticator(house).verify(opened.access_token)
        assert (caller.user_id, caller.tenant_id, caller.role) == (user.id, user.tenant_id, Role.OPERATOR)
        assert caller.scopes == frozenset(ROLE_SCOPES[Role.OPERATOR])
        assert opened.refresh_token is not None

    async def test_wrong_password_unknown_and_disabled_look_alike(self, house: House, password: str) -> None:
        tenant_id = await house.add_tenant()
        known, disabled = await house.add_user(tenant_id), await house.add_user(tenant_id)
        async with house.uow(tenant_id) as uow:
            await house.rows(uow).save_user(replace(disabled, disabled_at=house.clock.now()))
        said = set()
        for email, text in [(known.email, "wrong"), ("nobody@example.org", password), (disabled.email, password), ("no address", "x")]:
            before = house.passwords.verified
            with pytest.raises(BadCredentials) as refused:
                await log_in(house, email, text)
            said.add(str(refused.value))
            assert house.passwords.verified == before + 1  # the slow hash is computed also for unknown users
        assert len(said) == 1

    async def test_guessing_is_throttled_for_the_guesser_only(self, house: House, password: str) -> None:
        user = await house.add_user(await house.add_tenant())
        for _ in range(5):
            with pytest.raises(BadCredentials):
                await log_in(house, user.email, "wrong", "198.51.100.1")
        with pytest.raises(RateLimited):
            await log_in(house, user.email, password, "198.51.100.1")
        assert (await log_in(house, user.email, password)).user.id == user.id


class TestRefresh:
    async def opened(self, house: House, password: str) -> tuple[User, str]:
        user = await house.add_user(await house.add_tenant())
        opened = await log_in(house, user.email, password)
        return user, opened.refresh_token or ""

    async def test_rotates(self, house: House, password: str) -> None:
        user, first = await self.opened(house, password)
        house.clock.advance(timedelta(hours=23))
        second = await house.sessions.refresh(first, HOME)
        assert second.user.id == user.id
        assert second.refresh_token not in {None, first}
        third = await house.sessions.refresh(second.refresh_token or "", HOME)
        sids = {(await authenticator(house).verify(each.access_token)).session_id for each in (second, third)}
        assert len(sids) == 1

    async def test_a_second_use_ends_the_family(self, house: House, password: str) -> None:
        user, first = await self.opened(house, password)
        second = await house.sessions.refresh(first, HOME)
        sid = (await authenticator(house).verify(second.access_token)).session_id
        with pytest.raises(SessionRevoked):
            await house.sessions.refresh(first, HOME)
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(second.refresh_token or "", HOME)
        assert sid in house.registry.revoked
        assert [type(event) for event in await house.facts(user.tenant_id)] == [SessionRevokedEvent]

    async def test_ends_after_a_day_without_use(self, house: House, password: str) -> None:
        _, first = await self.opened(house, password)
        house.clock.advance(timedelta(hours=24, seconds=1))
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(first, HOME)

    async def test_ends_after_thirty_days_of_use(self, house: House, password: str) -> None:
        _, token = await self.opened(house, password)
        for _ in range(31):
            house.clock.advance(timedelta(hours=23))
            token = (await house.sessions.refresh(token, HOME)).refresh_token or ""
        house.clock.advance(timedelta(hours=23))
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(token, HOME)

    async def test_ends_with_the_user(self, house: House, password: str, as_caller: Callable[[User], Caller]) -> None:
        user, first = await self.opened(house, password)
        admin = await house.add_user(user.tenant_id, Role.ADMIN)
        await users(house).change_user(as_caller(admin), user.id, Patch({"disabled": True}))
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(first, HOME)

    @pytest.mark.parametrize("text", ["", "gtr_", "gtr_xyz", "eyJhbGciOi", "gtr_" + "A" * 64])
    async def test_strange_texts_are_refused(self, house: House, text: str) -> None:
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(text, HOME)


class TestLogout:
    async def test_revokes_at_once_and_may_be_repeated(self, house: House, password: str) -> None:
        user = await house.add_user(await house.add_tenant())
        opened = await log_in(house, user.email, password)
        caller = await authenticator(house).verify(opened.access_token)
        await house.sessions.logout(caller)
        await house.sessions.logout(caller)
        assert house.registry.revoked[caller.session_id] == house.clock.now() + timedelta(minutes=15)
        assert len(await house.facts(user.tenant_id)) == 1
        with pytest.raises(BadCredentials):
            await house.sessions.refresh(opened.refresh_token or "", HOME)

    async def test_is_kept_when_the_registry_is_away(self, house: House, password: str) -> None:
        user = await house.add_user(await house.add_tenant())
        opened = await log_in(house, user.email, password)
        caller = await authenticator(house).verify(opened.access_token)
        house.registry.down = True
        await house.sessions.logout(caller)
        house.registry.down = False
        async with house.uow(None) as uow:
            assert caller.session_id in await house.rows(uow).revocations(house.clock.now())
        assert not await house.registry.is_whole()


class TestExchange:
    async def test_an_api_key_gives_a_short_token(self, house: House) -> None:
        key = "k" * 40 + str(new_id())
        wanted = requested(f"City {new_id()}", f"{new_id()}@example.org", "correct horse battery", key)
        done = await house.installation.bootstrap(wanted, house.passwords, False)
        opened = await exchanges(house).exchange_api_key(key, HOME)
        caller = await authenticator(house).verify(opened.access_token)
        assert (caller.tenant_id, caller.role) == (done.tenant_id, Role.ADMIN)
        assert opened.refresh_token is None
        await house.sessions.logout(caller)
        assert caller.session_id in house.registry.revoked

    async def test_an_unknown_key_is_refused(self, house: House) -> None:
        with pytest.raises(BadCredentials):
            await exchanges(house).exchange_api_key("x" * 40, HOME)


class TestTickets:
    async def ticket(self, house: House, caller: Caller, purpose: TicketPurpose, camera: Any = None) -> str:
        return await house.sessions.issue_ticket(caller, purpose, camera)

    async def test_a_ticket_opens_one_camera_once(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        caller, camera = as_caller(await house.add_user(await house.add_tenant())), new_id()
        text = await self.ticket(house, caller, TicketPurpose.LIVE, camera)
        judge = authenticator(house)
        claims = await judge.redeem(text, "live")
        assert (claims.camera_id, claims.caller.session_id) == (camera, caller.session_id)
        assert claims.caller.scopes == {Scope.LIVE_VIEW}, "no right that a view does not need"
        with pytest.raises(errors.Unauthenticated):
            await judge.redeem(text, "live")

    async def test_scopes_are_needed(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        auditor = as_caller(await house.add_user(await house.add_tenant(), Role.AUDITOR))
        with pytest.raises(MissingScope):
            await self.ticket(house, auditor, TicketPurpose.LIVE, new_id())
        nobody = Caller(new_id(), new_id(), Role.VIEWER, frozenset(), new_id())
        with pytest.raises(MissingScope):
            await self.ticket(house, nobody, TicketPurpose.WS)

    async def test_live_names_a_camera_and_ws_does_not(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        caller = as_caller(await house.add_user(await house.add_tenant()))
        with pytest.raises(Invalid):
            await self.ticket(house, caller, TicketPurpose.LIVE)
        with pytest.raises(Invalid):
            await self.ticket(house, caller, TicketPurpose.WS, new_id())


class TestUsers:
    async def test_created_users_can_log_in(self, house: House, password: str, as_caller: Callable[[User], Caller]) -> None:
        admin = await house.add_user(await house.add_tenant(), Role.ADMIN)
        made = await users(house).create_user(
            as_caller(admin), NewUser(f" {new_id()}@example.org ", password, Role.VIEWER, frozenset({new_id()}))
        )
        opened = await log_in(house, made.email, password)
        assert (await authenticator(house).verify(opened.access_token)).camera_groups == made.camera_groups

    async def test_an_address_is_taken_in_every_tenant(self, house: House, password: str, as_caller: Callable[[User], Caller]) -> None:
        known = await house.add_user(await house.add_tenant())
        other = as_caller(await house.add_user(await house.add_tenant(), Role.ADMIN))
        with pytest.raises(EmailTaken):
            await users(house).create_user(other, NewUser(known.email.upper(), password, Role.VIEWER))

    async def test_weak_passwords_and_higher_roles(self, house: House, password: str, as_caller: Callable[[User], Caller]) -> None:
        admin = as_caller(await house.add_user(await house.add_tenant(), Role.ADMIN))
        with pytest.raises(WeakPassword):
            await users(house).create_user(admin, NewUser("new@example.org", "short", Role.VIEWER))
        with pytest.raises(Forbidden):
            await users(house).create_user(admin, NewUser("new@example.org", password, Role.PLATFORM_ADMIN))

    async def test_whoever_is_limited_to_groups_makes_nobody_who_sees_more(
        self, house: House, password: str, as_caller: Callable[[User], Caller]
    ) -> None:
        mine, foreign = new_id(), new_id()
        admin = replace(as_caller(await house.add_user(await house.add_tenant(), Role.ADMIN)), camera_groups=frozenset({mine}))
        for groups in (None, frozenset({foreign}), frozenset({mine, foreign})):
            with pytest.raises(Forbidden):
                await users(house).create_user(admin, NewUser(f"{new_id()}@example.org", password, Role.VIEWER, groups))
        made = await users(house).create_user(admin, NewUser(f"{new_id()}@example.org", password, Role.VIEWER, frozenset({mine})))
        assert made.camera_groups == frozenset({mine})

    async def test_disabling_ends_every_session(self, house: House, password: str, as_caller: Callable[[User], Caller]) -> None:
        tenant_id = await house.add_tenant()
        admin, user = await house.add_user(tenant_id, Role.ADMIN), await house.add_user(tenant_id)
        for _ in range(2):
            await log_in(house, user.email, password)
        assert (await users(house).change_user(as_caller(admin), user.id, Patch({"disabled": True}))).is_disabled
        assert len(house.registry.revoked) == 2
        said = sorted(type(event).__name__ for event in await house.facts(tenant_id))
        assert said == [SessionRevokedEvent.__name__, SessionRevokedEvent.__name__, UserDisabled.__name__]
        await users(house).change_user(as_caller(admin), user.id, Patch({"disabled": True}))
        assert len(await house.facts(tenant_id)) == 3
        assert not (await users(house).change_user(as_caller(admin), user.id, Patch({"disabled": False}))).is_disabled
        await log_in(house, user.email, password)

    async def test_another_tenants_user_does_not_exist(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        stranger = await house.add_user(await house.add_tenant())
        admin = as_caller(await house.add_user(await house.add_tenant(), Role.ADMIN))
        with pytest.raises(NotFound):
            await users(house).change_user(admin, stranger.id, Patch({"disabled": True}))
        assert stranger.id not in {user.id for user in await users(house).list_users(admin, None, 100)}

    async def test_nobody_disables_themselves(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        admin = await house.add_user(await house.add_tenant(), Role.ADMIN)
        with pytest.raises(OwnAccount):
            await users(house).change_user(as_caller(admin), admin.id, Patch({"disabled": True}))

    async def test_pages(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        tenant_id = await house.add_tenant()
        made = [await house.add_user(tenant_id, Role.ADMIN) for _ in range(5)]
        caller = as_caller(made[0])
        first = await users(house).list_users(caller, None, 3)
        rest = await users(house).list_users(caller, first[-1].id, 3)
        assert [user.id for user in first + rest] == sorted(user.id for user in made)

    async def test_who_am_i(self, house: House, as_caller: Callable[[User], Caller]) -> None:
        user = await house.add_user(await house.add_tenant())
        subject, tenant = await house.sessions.who_am_i(as_caller(user))
        assert (subject.id, tenant.id) == (user.id, user.tenant_id)
        gone = Caller(user.tenant_id, new_id(), Role.VIEWER, frozenset(), new_id())
        with pytest.raises(NotFound):
            await house.sessions.who_am_i(gone)


class TestBootstrap:
    async def test_twice_is_once(self, house: House) -> None:
        wanted = requested(f"City {new_id()}", f"{new_id()}@example.org", "correct horse battery", "t" * 40 + str(new_id()))
        bootstrap = house.installation
        first = await bootstrap.bootstrap(wanted, house.passwords, True)
        again = await bootstrap.bootstrap(wanted, house.passwords, False)
        assert (first.tenant_created, first.admin_created, first.tool_key_created) == (True, True, True)
        assert (again.tenant_created, again.admin_created, again.tool_key_created) == (False, False, False)
        assert (again.tenant_id, again.admin_id) == (first.tenant_id, first.admin_id)
        assert [type(event) for event in await house.facts(first.tenant_id)] == [TenantCreated]

    async def test_an_administrator_keeps_their_password(self, house: House) -> None:
        email = f"{new_id()}@example.org"
        bootstrap = house.installation
        await bootstrap.bootstrap(requested(f"City {new_id()}", email, "correct horse battery"), house.passwords, False)
        await bootstrap.bootstrap(requested("Another name", email, "another password 1"), house.passwords, False)
        await log_in(house, email, "correct horse battery")

    async def test_there_is_no_weak_start(self, house: House) -> None:
        with pytest.raises(WeakPassword):
            await house.installation.bootstrap(requested("City", "a@example.org", "admin"), house.passwords, False)


class OneKey(RsaKeyMaker):
    """The fake of the key maker, which returns the test's key."""

    made = 0

    async def make(self) -> tuple[str, str, dict[str, str]]:
        from tests.fixtures.tokens import private_key_pem

        self.made += 1
        signer = TokenMint(kid="test-1").signer
        return "test-1", private_key_pem("test-1"), signer.jwk()


class TestPublication:
    async def test_keys_first_then_everything(self, house: House, password: str) -> None:
        publication = house.signing_keys
        bootstrap, maker = house.installation, OneKey()
        if await bootstrap.ensure_signing_key(maker):
            assert not await bootstrap.ensure_signing_key(maker)
        assert maker.made <= 1
        user = await house.add_user(await house.add_tenant())
        opened = await log_in(house, user.email, password)
        caller = await authenticator(house).verify(opened.access_token)
        house.registry.down = True
        await house.sessions.logout(caller)
        house.registry.down = False
        await publication.publish()
        assert caller.session_id in house.registry.revoked
        assert not await publication.publish_if_needed()
        assert publication.jwks["keys"]

    async def test_ended_sessions_are_forgotten(self, house: House, password: str) -> None:
        house.clock.advance(timedelta(days=-40))  # the database compares with its own clock too
        user = await house.add_user(await house.add_tenant())
        await log_in(house, user.email, password)
        publication = house.signing_keys
        assert await publication.forget_ended_sessions() == 0
        house.clock.advance(timedelta(days=38))
        assert await publication.forget_ended_sessions() >= 1


def test_secrets_are_kept_as_hashes() -> None:
    assert len(hash_secret("x")) == 64


async def test_before_the_bootstrap_there_is_nothing_to_publish(house: House) -> None:
    class Empty:
        async def lock_signing_keys(self) -> None: ...

        async def erase_retired_keys(self, _now: object) -> int:
            return 0

        async def signing_keys(self) -> list[object]:
            return []

        async def revocations(self, _now: object) -> dict[object, object]:
            return {}

    publication = SigningKeys(house.uow, lambda _uow: Empty(), house.tokens, house.registry, house.vault, house.clock)  # type: ignore[arg-type,return-value]
    with pytest.raises(Unavailable):
        await publication.publish()
