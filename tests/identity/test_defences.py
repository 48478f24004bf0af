"""Tests against attacks that were possible once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis
from tests.fixtures.tokens import TokenMint
from tests.identity.cities.test_usecases import Board, Folder
from tests.identity.federation.test_usecases import Entry, person, provider_for
from tests.identity.running import EMAIL, PASSWORD, Running, code
from tests.identity.wiring import FakePasswords, FakeThrottle, Wiring, caller_of

from chassis.auth import Authenticator
from chassis.fakes import StaticKeys, StaticRevocations
from chassis.redis import connect_redis
from chassis.settings import RedisSettings
from gtvision.errors import BadCredentials, Forbidden, RateLimited, SessionRevoked, Unavailable
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Role, Scope
from gtvision.time import FakeClock
from identity.cities.api import TenantIn
from identity.cities.domain import LimitedToGroups, Tenant
from identity.cities.usecases.tenants import SettingsChange, Tenants
from identity.federation.usecases import ExternalAccounts
from identity.gateways.redis import RedisThrottle
from identity.gateways.tenant_board import RedisTenantBoard
from identity.keys.domain import GROUPS_MAX, SigningKey, signs
from identity.keys.usecases import ApiKeys, NewKey
from identity.people.domain.users import User
from identity.repository import PostgresRows
from identity.sessions.domain import ClientInfo, IssuedTokens
from identity.sessions.usecases.logins import Logins

HOME = "203.0.113.9"


def verifier(wiring: Wiring) -> Authenticator:
    return Authenticator(StaticKeys({"keys": [wiring.tokens._now().jwk()]}), StaticRevocations(), wiring.clock)


# --- sessions and passwords ---------------------------------------------------------------------------------------------


async def opened(wiring: Wiring, lifetime: timedelta | None = None) -> IssuedTokens:
    user = await wiring.add_user(await wiring.add_tenant())
    async with wiring.uow(user.tenant_id) as uow:
        return await wiring.issuer.open(uow, user, ClientInfo(HOME), lifetime=lifetime)


async def test_no_access_token_outlives_its_session(wiring: Wiring) -> None:
    """No token lives longer than its session: after the session's end there is nothing left to revoke when its user is disabled."""
    first = await opened(wiring, timedelta(hours=1))
    assert first.refresh_token is not None
    wiring.clock.advance(timedelta(minutes=50))
    last = await wiring.sessions.refresh(first.refresh_token, HOME)
    assert last.expires_in_s == 600
    assert (await verifier(wiring).verify(last.access_token)).expires_at == int(first.session.expires_at.timestamp())


@pytest.mark.parametrize("meanwhile", ["disabled", "ended"])
async def test_a_password_changed_while_its_owner_is_put_out_opens_nothing(wiring: Wiring, meanwhile: str) -> None:
    first = await opened(wiring)
    user = first.user
    assert isinstance(user, User)
    admin = caller_of(await wiring.add_user(user.tenant_id, Role.ADMIN))

    class Slow(FakePasswords):
        async def hash(self, password: str) -> str:
            if meanwhile == "disabled":
                await wiring.users.change_user(admin, user.id, Patch({"disabled": True}))
            else:
                await wiring.sessions.end_sessions(admin, user.id)
            return await super().hash(password)

    wiring.passwords = Slow()
    logins = wiring.logins
    with pytest.raises(SessionRevoked):
        await logins.change_password(
            replace(caller_of(user), session_id=first.session.id),
            "correct horse battery",
            "quite another password",
            HOME,
        )
    async with wiring.uow(user.tenant_id) as uow:
        assert await wiring.rows(uow).sessions_of(user.id, wiring.clock.now()) == []


# --- outside people -----------------------------------------------------------------------------------------------------


async def test_a_first_sign_in_that_another_one_overtakes_between_two_looks(wiring: Wiring) -> None:
    city = await wiring.add_tenant()
    provider = provider_for(city)
    caller, others = person(provider, city), list[User]()

    def overtaken(uow: Any) -> PostgresRows:
        rows = wiring.rows(uow)
        look = rows.find_external

        async def find_external(issuer: str, subject: str) -> Any:
            found = await look(issuer, subject)
            if not others:
                others.append(await Entry(wiring)(provider, caller))
            return found

        rows.find_external = find_external  # type: ignore[method-assign]
        return rows

    entry = Entry(wiring)
    entry.accounts = ExternalAccounts(wiring.uow, overtaken, wiring.revoker, wiring.clock)
    assert (await entry(provider, caller)).id == others[0].id


# --- keys of programs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(wiring: Wiring) -> ApiKeys:
    return wiring.api_keys


class Strict(FakeThrottle):
    """A throttle that allows one attempt."""

    async def attempt(self, account: str, address: str) -> None:
        await super().attempt(account, address)
        if self.attempts[account, address] > 1:
            raise RateLimited


async def test_workers_may_use_one_key_at_once_and_a_wrong_one_waits(wiring: Wiring, keys: ApiKeys) -> None:
    admin = caller_of(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
    made, text = await keys.create_api_key(admin, NewKey("workers", frozenset({Scope.CAMERAS_READ})))
    exchanges = Logins(wiring.uow, wiring.rows, wiring.issuer, wiring.revoker, replace(wiring.checker, throttle=Strict()), wiring.clock)
    await asyncio.gather(*(exchanges.exchange_api_key(text, HOME) for _ in range(4)))
    await keys.revoke_api_key(admin, made.id)
    with pytest.raises(BadCredentials):
        await exchanges.exchange_api_key(text, HOME)
    with pytest.raises(RateLimited):
        await exchanges.exchange_api_key(text, HOME)
    refused = [record for record in await wiring.audit_entries(admin.tenant_id) if record.outcome == "refused"]
    assert [record.details["reason"] for record in refused] == ["revoked"]


async def test_a_caller_limited_to_groups_revokes_no_key_that_sees_more(wiring: Wiring, keys: ApiKeys) -> None:
    admin = caller_of(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
    limited, mine = replace(admin, camera_groups=frozenset({new_id()})), frozenset({Scope.CAMERAS_READ})
    wide, _ = await keys.create_api_key(admin, NewKey("wide", mine))
    narrow, _ = await keys.create_api_key(limited, NewKey("narrow", mine, limited.camera_groups))
    with pytest.raises(Forbidden):
        await keys.revoke_api_key(limited, wide.id)
    await keys.revoke_api_key(limited, narrow.id)


async def test_a_caller_limited_to_groups_changes_no_setting_of_the_tenant(wiring: Wiring) -> None:
    admin = caller_of(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
    limited = replace(admin, camera_groups=frozenset({new_id()}))
    tenants = Tenants(wiring.uow, wiring.rows, Board(), Folder(), wiring.checker, wiring.clock)
    with pytest.raises(LimitedToGroups):
        await tenants.change_settings(limited, admin.tenant_id, 1, SettingsChange(lambda before: before))
    with pytest.raises(LimitedToGroups):
        await tenants.set_logo(limited, admin.tenant_id, b"")
    with pytest.raises(LimitedToGroups):
        await tenants.remove_logo(limited, admin.tenant_id)
    assert (await tenants.tenant(limited, admin.tenant_id)).revision == 1


# --- tokens and the keys that sign them ---------------------------------------------------------------------------------


async def test_the_most_groups_of_a_user_fit_into_a_token() -> None:
    mint, groups = TokenMint(), frozenset(new_id() for _ in range(GROUPS_MAX))
    caller = replace(mint.caller(), scopes=frozenset(map(str, Scope)), camera_groups=groups)
    assert (await mint.authenticator().verify(mint.signer.access_token(caller))).camera_groups == groups


def key(kid: str, clock: FakeClock, after: timedelta, retires: timedelta | None = None) -> SigningKey:
    now = clock.now()
    return SigningKey(kid, "sealed", {"kid": kid}, now, now + after, None if retires is None else now + retires)


def test_a_clock_that_goes_back_leaves_a_key_to_sign() -> None:
    clock = FakeClock()
    only = key("only", clock, timedelta(0))
    assert signs([only], clock.now() - timedelta(hours=1)) == only


class Undone(Exception):
    """Raised to roll back a change of signing keys, which all tests of the module share."""


async def test_a_hurried_rotation_retires_what_a_slow_one_would_have_kept(wiring: Wiring) -> None:
    now, slow, hurried = wiring.clock.now(), timedelta(days=1), timedelta(minutes=21)
    with pytest.raises(Undone):
        async with wiring.uow(None) as uow:
            rows = wiring.rows(uow)
            await rows.add_signing_key(key(f"old-{new_id()}", wiring.clock, timedelta(0)))
            for after in (slow, hurried, slow):
                await rows.retire_signing_keys("none", now + after)
            assert {each.retires_at for each in await rows.signing_keys()} == {now + hurried}
            raise Undone


# --- the state store ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def state(redis_state: RedisSettings) -> AsyncIterator[Redis]:
    client = connect_redis(redis_state.state_url)
    yield client
    async for name in client.scan_iter("identity:throttle:*"):
        await client.delete(name)
    await client.aclose()


@pytest.mark.broker
class TestPatience:
    async def test_one_repeated_wrong_secret_locks_no_other_user_out(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        for number in range(150):
            try:
                await throttle.attempt("key of a broken program", HOME)
            except RateLimited:
                assert number >= 5
        await throttle.attempt("maria@example.org", HOME)

    async def test_a_network_of_ipv6_is_one_place(self, state: Redis) -> None:
        throttle = RedisThrottle(state)
        for number in range(5):
            await throttle.attempt("maria@example.org", f"2001:db8:1:2::{number}")
        with pytest.raises(RateLimited):
            await throttle.attempt("maria@example.org", "2001:db8:1:2:ffff::1")
        await throttle.attempt("maria@example.org", "2001:db8:1:3::1")

    @pytest.mark.parametrize("place", ["::ffff:198.51.100.1", "198.51.100.1"])
    async def test_ipv4_is_one_place_each_however_it_is_written(self, state: Redis, place: str) -> None:
        throttle = RedisThrottle(state)
        for _ in range(5):
            await throttle.attempt("maria@example.org", "198.51.100.1")
        await throttle.attempt("maria@example.org", "::ffff:198.51.100.2")
        with pytest.raises(RateLimited):
            await throttle.attempt("maria@example.org", place)

    async def test_what_was_told_once_is_told_also_when_the_store_goes_away_meanwhile(self) -> None:
        gone = connect_redis("redis://127.0.0.1:1/0", timeout_s=0.05, retries=0)
        await RedisThrottle(gone).succeeded("maria@example.org", HOME)
        await gone.aclose()


@pytest.mark.broker
async def test_a_board_of_one_tenant_owes_nothing_once_it_was_written(state: Redis) -> None:
    city, other = (Tenant(new_id(), f"City {number}", 2, FakeClock().now()) for number in range(2))
    board = RedisTenantBoard(state)
    await board.publish([city])
    assert await board.is_whole()
    board._redis = gone = connect_redis("redis://127.0.0.1:1/0", timeout_s=0.05, retries=0)
    with pytest.raises(Unavailable):
        await board.publish([city])
    await gone.aclose()
    board._redis = state
    assert not await board.is_whole()
    await board.publish([other])
    await board.publish([replace(city, revision=1)])
    assert not await board.is_whole()
    await board.publish([city])
    assert await board.is_whole()


# --- by HTTP ------------------------------------------------------------------------------------------------------------


@pytest.mark.db
@pytest.mark.usefixtures("no_throttle_left")
async def test_what_no_database_can_keep_is_refused(running: Running) -> None:
    headers, bad = await running.as_admin() | {"content-type": "application/json", "if-match": '"1"'}, "a\x00b"
    city = (await running.http.get("/api/v1/users/me", headers=headers)).json()["tenant_id"]
    someone = {"email": "nul@cidade.example", "password": "uma outra senha bem longa", "role": "viewer", "name": bad}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/users", someone),
        ("POST", "/api-keys", {"name": bad, "scopes": ["cameras:read"]}),
        ("POST", "/auth/login", {"email": EMAIL, "password": PASSWORD, "device": bad}),
        ("PATCH", f"/tenants/{city}/settings", {"display_name": bad}),
    ]
    for method, path, body in asked:
        answer = await running.http.request(method, f"/api/v1{path}", content=json.dumps(body), headers=headers)
        assert code(answer) == (422, "invalid"), path
    with pytest.raises(ValidationError):
        TenantIn(name=bad, admin_email="nul@outra.example")
