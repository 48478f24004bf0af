"""Tests of the verbs of people, on PostgreSQL: passwords, sessions, and which users may change which others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import text
from tests.identity.people.people import HOME, NEW, AsCaller, audit_entries, change, factors, log_in, passwords, verify, with_code
from tests.identity.wiring import Wiring

from gtvision.audit import Action, Outcome
from gtvision.errors import BadCredentials, Forbidden, Invalid, MissingScope, NotFound, RateLimited
from gtvision.events import SessionRevoked, UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from identity.people.domain.passwords import SamePassword, WeakPassword, WrongPassword
from identity.people.domain.users import LastAdmin, OwnAccount
from identity.people.usecases.users import NewUser
from identity.sessions.domain import Client, ClientInfo, IssuedTokens, TicketPurpose
from identity.sessions.usecases.logins import PasswordLogin


class TestLogin:
    async def test_is_on_record(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        with pytest.raises(BadCredentials):
            await log_in(wiring, user.email, "wrong")
        opened = await log_in(wiring, user.email, password)
        refused, made = await wiring.audit_entries(user.tenant_id)
        assert (refused.action, refused.outcome, refused.actor_id) == (Action.SESSION_REFUSED, Outcome.REFUSED, None)
        assert (refused.object_id, refused.details) == (str(user.id), {"reason": "bad_credentials"})
        assert (made.action, made.actor_id, made.session_id) == (Action.SESSION_OPENED, user.id, opened.session.id)

    async def test_a_password_that_changes_meanwhile_opens_nothing(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        stale = replace(user, password_hash=f"hash of {password}")
        async with wiring.uow(user.tenant_id) as uow:
            await wiring.rows(uow).save_user(replace(user, password_hash="hash of another"))
        with pytest.raises(BadCredentials):
            await wiring.logins._enter(stale, True, PasswordLogin(user.email, password), ClientInfo(HOME))

    async def test_a_phone_stays_longer(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        mobile = await log_in(wiring, user.email, password, guest=ClientInfo(HOME, Client.MOBILE, "Pixel"))
        browser = await log_in(wiring, user.email, password, guest=ClientInfo(HOME, Client.BROWSER))
        wiring.clock.advance(timedelta(days=29))
        second = await wiring.sessions.refresh(mobile.refresh_token, "198.51.100.9")
        assert (second.session.id, second.session.device) == (mobile.session.id, "Pixel")
        assert await wiring.refusal(browser.refresh_token) == "expired"
        token = second.refresh_token
        for _ in range(2):
            wiring.clock.advance(timedelta(days=29))
            token = (await wiring.sessions.refresh(token, HOME)).refresh_token
        wiring.clock.advance(timedelta(days=4))
        assert await wiring.refusal(token) == "expired"


class TestPasswordChange:
    async def test_ends_every_session_and_opens_a_fresh_one(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        other = await log_in(wiring, user.email, password)
        mine = await log_in(wiring, user.email, password, guest=ClientInfo(HOME, Client.BROWSER, "Firefox"))
        fresh = await wiring.logins.change_password(await verify(wiring, mine), password, NEW, HOME)
        assert set(wiring.registry.revoked) >= {other.session.id, mine.session.id}
        assert fresh.session.id not in wiring.registry.revoked
        assert (fresh.session.client, fresh.session.device) == (Client.BROWSER, "Firefox")
        assert (await verify(wiring, fresh)).scopes == frozenset(ROLE_SCOPES[user.role])
        await wiring.sessions.refresh(fresh.refresh_token, HOME)
        with pytest.raises(BadCredentials):
            await log_in(wiring, user.email, password)
        await log_in(wiring, user.email, NEW)
        assert (Action.PASSWORD_CHANGED, Outcome.ALLOWED) in await audit_entries(wiring, user)

    async def test_needs_the_old_one_and_a_good_new_one(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        caller = await verify(wiring, await log_in(wiring, user.email, password))
        for current, new, expected in [
            ("wrong", NEW, WrongPassword),
            (password, "senha12345678", WeakPassword),
            (password, user.email, WeakPassword),
            (password, password, SamePassword),
        ]:
            with pytest.raises(expected):
                await wiring.logins.change_password(caller, current, new, HOME)
        assert not wiring.registry.revoked

    async def test_guessing_the_old_one_is_throttled(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        caller = await verify(wiring, await log_in(wiring, user.email, password))
        for _ in range(5):
            with pytest.raises(WrongPassword):
                await wiring.logins.change_password(caller, "wrong", NEW, HOME)
        with pytest.raises(RateLimited):
            await wiring.logins.change_password(caller, password, NEW, HOME)

    async def test_a_program_has_none(self, wiring: Wiring, password: str) -> None:
        tenant_id = await wiring.add_tenant()
        program = Caller(tenant_id, new_id(), Role.ADMIN, frozenset(), new_id())
        with pytest.raises(Forbidden):
            await wiring.logins.change_password(program, password, NEW, HOME)

    async def test_a_user_who_must_change_it_has_no_right_before(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        admin = await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)
        email = f"{new_id()}@example.org"
        made = await wiring.users.create_user(as_caller(admin), NewUser(email, password, Role.VIEWER))
        assert made.must_change_password
        opened = await log_in(wiring, email, password)
        assert (await verify(wiring, opened)).scopes == frozenset()
        again = await wiring.sessions.refresh(opened.refresh_token, HOME)
        assert (await verify(wiring, again)).scopes == frozenset()
        with pytest.raises(Forbidden):
            await factors(wiring).enrol(await verify(wiring, again), password, HOME)
        fresh = await wiring.logins.change_password(await verify(wiring, again), password, NEW, HOME)
        assert (await verify(wiring, fresh)).scopes == frozenset(ROLE_SCOPES[Role.VIEWER])
        assert not (await log_in(wiring, email, NEW)).user.must_change_password


class TestReset:
    async def test_gives_a_password_that_must_be_changed(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        admin = as_caller(await wiring.add_user(user.tenant_id, Role.ADMIN))
        before = await log_in(wiring, user.email, password)
        given = await passwords(wiring).reset_password(admin, user.id)
        assert before.session.id in wiring.registry.revoked
        with pytest.raises(BadCredentials):
            await log_in(wiring, user.email, password)
        opened = await log_in(wiring, user.email, given)
        assert (await verify(wiring, opened)).scopes == frozenset()
        assert (Action.PASSWORD_RESET, Outcome.ALLOWED) in await audit_entries(wiring, user)
        assert given not in str(await wiring.emitted(user.tenant_id))

    async def test_only_of_others_within_reach(self, wiring: Wiring, as_caller: AsCaller) -> None:
        tenant_id = await wiring.add_tenant()
        admin, other = await wiring.add_user(tenant_id, Role.ADMIN), await wiring.add_user(tenant_id, Role.PLATFORM_ADMIN)
        stranger = await wiring.add_user(await wiring.add_tenant())
        with pytest.raises(OwnAccount):
            await passwords(wiring).reset_password(as_caller(admin), admin.id)
        with pytest.raises(Forbidden):
            await passwords(wiring).reset_password(as_caller(admin), other.id)
        with pytest.raises(Forbidden):
            await passwords(wiring).reset_password(replace(as_caller(admin), camera_groups=frozenset({new_id()})), other.id)
        with pytest.raises(NotFound):
            await passwords(wiring).reset_password(as_caller(admin), stranger.id)

    async def test_by_the_operator_of_the_machine(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant(), Role.ADMIN)
        before = await log_in(wiring, user.email, password)
        given = await passwords(wiring).reset_password_of(f" {user.email.upper()} ")
        assert before.session.id in wiring.registry.revoked
        assert await wiring.refusal(before.refresh_token) == "password"
        assert (await log_in(wiring, user.email, given)).user.must_change_password
        reset = next(record for record in await wiring.audit_entries(user.tenant_id) if record.action == Action.PASSWORD_RESET)
        assert (reset.actor_id, reset.object_id) == (None, str(user.id))
        for nobody in ("nobody@example.org", "no address"):
            with pytest.raises(NotFound):
                await passwords(wiring).reset_password_of(nobody)


@pytest.mark.db
class TestTogether:
    """Two requests at the same moment, on PostgreSQL's locks."""

    async def test_one_code_opens_one_session(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user, totp, codes = await with_code(wiring, password, as_caller)
        for code in (totp.at(wiring.clock.now()), codes[0]):
            tries = [log_in(wiring, user.email, password, code, ClientInfo(f"203.0.113.{number}")) for number in range(4)]
            results = await asyncio.gather(*tries, return_exceptions=True)
            assert sorted(type(result).__name__ for result in results) == ["IssuedTokens"] + ["SecondFactorInvalid"] * 3

    async def test_one_confirmation_gives_codes(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        secret, _ = await factors(wiring).enrol(as_caller(user), password, HOME)
        code = pyotp.TOTP(secret).at(wiring.clock.now())
        tries = [factors(wiring).confirm(as_caller(user), code, f"203.0.113.{number}") for number in range(3)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["SecondFactorEnabled", "SecondFactorEnabled", "list"]
        (given,) = [result for result in results if isinstance(result, list)]
        wiring.clock.advance(timedelta(seconds=60))
        await log_in(wiring, user.email, password, given[0])

    async def test_two_administrators_cannot_remove_each_other(self, wiring: Wiring, as_caller: AsCaller) -> None:
        tenant_id = await wiring.add_tenant()
        one, two = await wiring.add_user(tenant_id, Role.ADMIN), await wiring.add_user(tenant_id, Role.ADMIN)
        results = await asyncio.gather(
            change(wiring, as_caller(one), two, disabled=True),
            change(wiring, as_caller(two), one, role=Role.VIEWER),
            return_exceptions=True,
        )
        assert sorted(type(result).__name__ for result in results) == ["LastAdmin", "User"]

    async def test_a_refresh_token_is_used_by_one(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        results = await asyncio.gather(*(wiring.sessions.refresh(opened.refresh_token, HOME) for _ in range(3)), return_exceptions=True)
        assert sum(isinstance(result, IssuedTokens) for result in results) == 1
        assert opened.session.id in wiring.registry.revoked


class TestUsers:
    async def test_everything_that_can_be_changed(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        tenant_id, group = await wiring.add_tenant(), new_id()
        admin, user = as_caller(await wiring.add_user(tenant_id, Role.ADMIN)), await wiring.add_user(tenant_id)
        opened = await log_in(wiring, user.email, password)
        named = await change(wiring, admin, user, name="Ana Lúcia")
        assert opened.session.id not in wiring.registry.revoked, "a name is no right"
        changed = await change(wiring, admin, user, role=Role.VIEWER, camera_groups=frozenset({group}))
        assert opened.session.id in wiring.registry.revoked, "what they may do holds at once"
        assert changed == replace(named, role=Role.VIEWER, camera_groups=frozenset({group}))
        assert await wiring.users.user(admin, user.id) == changed
        assert (await change(wiring, admin, user, camera_groups=None, name=None)).camera_groups is None
        disabled = await change(wiring, admin, user, disabled=True)
        assert disabled.is_disabled
        assert await change(wiring, admin, user, disabled=True) == disabled, "a repeat changes nothing"
        assert UserDisabled in [type(fact) for fact in await wiring.facts(tenant_id)]
        said = [record.details for record in await wiring.audit_entries(tenant_id) if record.action == Action.USER_CHANGED]
        assert said == [
            {"name": " -> Ana Lúcia"},
            {"role": "operator -> viewer", "camera_groups": f"all -> {group}"},
            {"name": "Ana Lúcia -> ", "camera_groups": f"{group} -> all"},
            {"disabled": "False -> True"},
        ]

    async def test_no_caller_changes_a_user_with_more_rights(self, wiring: Wiring, as_caller: AsCaller) -> None:
        tenant_id, group = await wiring.add_tenant(), new_id()
        platform = await wiring.add_user(tenant_id, Role.PLATFORM_ADMIN)
        admin, viewer = await wiring.add_user(tenant_id, Role.ADMIN), await wiring.add_user(tenant_id, Role.VIEWER)
        for given in ({"disabled": True}, {"role": Role.VIEWER}, {"name": "x"}):
            with pytest.raises(Forbidden):
                await change(wiring, as_caller(admin), platform, **given)
        with pytest.raises(Forbidden):
            await change(wiring, as_caller(admin), viewer, role=Role.PLATFORM_ADMIN)
        limited = replace(as_caller(admin), camera_groups=frozenset({group}))
        with pytest.raises(Forbidden):  # a user who sees all cameras has more rights than one limited to groups
            await change(wiring, limited, viewer, name="x")
        await change(wiring, as_caller(admin), viewer, camera_groups=frozenset({group}))
        with pytest.raises(Forbidden):
            await change(wiring, limited, viewer, camera_groups=None)
        await change(wiring, limited, viewer, name="x")

    async def test_no_caller_changes_their_own_rights(self, wiring: Wiring, as_caller: AsCaller) -> None:
        tenant_id = await wiring.add_tenant()
        admin, _ = await wiring.add_user(tenant_id, Role.ADMIN), await wiring.add_user(tenant_id, Role.ADMIN)
        for given in ({"disabled": True}, {"role": Role.VIEWER}, {"camera_groups": frozenset({new_id()})}):
            with pytest.raises(OwnAccount):
                await change(wiring, as_caller(admin), admin, **given)
        assert (await change(wiring, as_caller(admin), admin, name="Ana")).name == "Ana"

    async def test_the_last_administrator_stays(self, wiring: Wiring, as_caller: AsCaller) -> None:
        tenant_id = await wiring.add_tenant()
        last = await wiring.add_user(tenant_id, Role.ADMIN)
        gone = await wiring.add_user(tenant_id, Role.ADMIN)
        limited = await wiring.add_user(tenant_id, Role.ADMIN)
        other = as_caller(await wiring.add_user(tenant_id, Role.PLATFORM_ADMIN))
        await change(wiring, other, gone, disabled=True)
        await change(wiring, other, limited, camera_groups=frozenset({new_id()}))
        # the platform's administrator belongs to this tenant, so the last other administrator may go, but not both
        await change(wiring, other, last, role=Role.VIEWER)
        alone = as_caller(replace(last, role=Role.PLATFORM_ADMIN))
        for given in ({"disabled": True}, {"role": Role.ADMIN, "camera_groups": frozenset({new_id()})}, {"role": Role.VIEWER}):
            with pytest.raises(LastAdmin):
                await change(wiring, alone, await wiring.users.user(other, other.user_id), **given)


class TestSessions:
    async def test_lists_where_one_is_signed_in(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        made = [await log_in(wiring, user.email, password, guest=ClientInfo(f"203.0.113.{n}", device=f"phone {n}")) for n in range(3)]
        caller = await verify(wiring, made[0])
        first = await wiring.sessions.list_sessions(caller, user.id, None, 2)
        rest = await wiring.sessions.list_sessions(caller, user.id, first[-1].id, 2)
        assert [each.id for each in first + rest] == [each.session.id for each in reversed(made)]
        assert (first[0].device, first[0].address, first[0].last_used_at) == ("phone 2", "203.0.113.2", wiring.clock.now())
        wiring.clock.advance(timedelta(hours=1))
        await wiring.sessions.refresh(made[2].refresh_token, "198.51.100.1")
        used = (await wiring.sessions.list_sessions(caller, user.id, None, 1))[0]
        assert (used.address, used.last_used_at) == ("198.51.100.1", wiring.clock.now())

    async def test_ends_one_or_all_others(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        made = [await log_in(wiring, user.email, password) for _ in range(3)]
        caller = await verify(wiring, made[0])
        await wiring.sessions.end_session(caller, made[1].session.id, others=False)
        with pytest.raises(NotFound):
            await wiring.sessions.end_session(caller, made[1].session.id, others=False)
        assert await wiring.sessions.end_sessions(caller, user.id) == 1
        assert set(wiring.registry.revoked) == {made[1].session.id, made[2].session.id}
        await wiring.sessions.refresh(made[0].refresh_token, HOME)
        admin = as_caller(await wiring.add_user(user.tenant_id, Role.ADMIN))
        assert await wiring.sessions.end_sessions(admin, user.id) == 1
        assert [type(fact) for fact in await wiring.facts(user.tenant_id)] == [SessionRevoked] * 3
        assert [record[0] for record in await audit_entries(wiring, user)].count(Action.SESSION_ENDED) == 3

    async def test_ends_what_a_session_opened_that_has_run_out(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        admin = as_caller(await wiring.add_user(user.tenant_id, Role.ADMIN))
        made = await log_in(wiring, user.email, password)
        wiring.clock.advance(made.session.expires_at - wiring.clock.now() + timedelta(minutes=5))
        assert await wiring.sessions.end_sessions(admin, user.id) == 0, "none that was alive"
        assert set(wiring.registry.revoked) == {made.session.id}

    async def test_a_refused_refresh_says_why(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        admin = as_caller(await wiring.add_user(user.tenant_id, Role.ADMIN))
        made = [await log_in(wiring, user.email, password) for _ in range(2)]
        await wiring.sessions.end_session(admin, made[0].session.id, others=True)
        assert await wiring.refusal(made[0].refresh_token) == "ended"
        await change(wiring, admin, user, role=Role.VIEWER)
        assert await wiring.refusal(made[1].refresh_token) == "rights"
        assert await wiring.refusal(made[0].refresh_token) == "ended", "the first end stays the reason"
        last = await log_in(wiring, user.email, password)
        await wiring.logins.change_password(await verify(wiring, last), password, NEW, HOME)
        assert await wiring.refusal(last.refresh_token) == "password"
        async with wiring.uow(user.tenant_id) as uow:
            await uow.session.execute(text("UPDATE session SET end_reason = NULL WHERE id = :id"), {"id": last.session.id})
        assert await wiring.refusal(last.refresh_token) == "ended", "an older release kept no reason"

    async def test_of_others_by_right_only(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        user = await wiring.add_user(await wiring.add_tenant(), Role.PLATFORM_ADMIN)
        session = (await log_in(wiring, user.email, password)).session
        colleague = as_caller(await wiring.add_user(user.tenant_id, Role.ADMIN))
        stranger = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
        with pytest.raises(NotFound):
            await wiring.sessions.end_session(colleague, session.id, others=False)
        with pytest.raises(Forbidden):
            await wiring.sessions.end_session(colleague, session.id, others=True)
        with pytest.raises(Forbidden):
            await wiring.sessions.end_sessions(colleague, user.id)
        with pytest.raises(NotFound):
            await wiring.sessions.end_session(stranger, session.id, others=True)
        with pytest.raises(NotFound):
            await wiring.sessions.end_sessions(stranger, user.id)
        with pytest.raises(NotFound):
            await wiring.sessions.list_sessions(stranger, user.id, None, 10)


class TestRecord:
    async def test_a_socket_is_on_record_when_its_ticket_is_issued(self, wiring: Wiring, as_caller: AsCaller) -> None:
        user, camera = await wiring.add_user(await wiring.add_tenant()), new_id()
        tickets = wiring.sessions
        await tickets.issue_ticket(as_caller(user), TicketPurpose.LIVE, camera)
        await tickets.issue_ticket(as_caller(user), TicketPurpose.WS, None)
        (feed,) = await wiring.audit_entries(user.tenant_id)
        assert (feed.action, feed.actor_id, feed.object_kind, feed.object_id) == (Action.LIVE_FEED_VIEWED, user.id, "live_feed", None)
        assert feed.details == {"scopes": "alerts:read cameras:read detections:read"}

    async def test_a_socket_is_with_what_it_can_show(self, wiring: Wiring, as_caller: AsCaller) -> None:
        """A user without the right to see plates is recorded without them; a refused user gets no ticket and no entry."""
        user = await wiring.add_user(await wiring.add_tenant())
        tickets = wiring.sessions
        some = replace(as_caller(user), scopes=frozenset({Scope.ALERTS_READ, Scope.USERS_READ}))
        await tickets.issue_ticket(some, TicketPurpose.WS, None)
        for refused, camera in ((as_caller(user), new_id()), (replace(as_caller(user), scopes=frozenset({Scope.LIVE_VIEW})), None)):
            with pytest.raises((Invalid, MissingScope)):
                await tickets.issue_ticket(refused, TicketPurpose.WS, camera)
        (record,) = await wiring.audit_entries(user.tenant_id)
        assert record.details == {"scopes": "alerts:read"}

    async def test_a_reused_refresh_token_is(self, wiring: Wiring, password: str) -> None:
        user = await wiring.add_user(await wiring.add_tenant())
        opened = await log_in(wiring, user.email, password)
        await wiring.sessions.refresh(opened.refresh_token, HOME)
        with pytest.raises(Exception, match="used before"):
            await wiring.sessions.refresh(opened.refresh_token, HOME)
        assert (Action.REFRESH_REUSED, Outcome.REFUSED) in await audit_entries(wiring, user)
