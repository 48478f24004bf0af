"""Tests of API keys: they have fewer rights than their maker, are shown once, and end at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.fixtures.tokens import TokenMint
from tests.identity.wiring import Wiring

from chassis.auth import Authenticator
from chassis.fakes import StaticKeys, StaticRevocations
from gtvision.errors import BadCredentials, Forbidden, NotFound
from gtvision.events import SessionRevoked, UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import ROLE_SCOPES, Caller, Role, Scope
from identity.keys.domain import NEVER_FOR_A_KEY, ApiKey, TooLongLived
from identity.keys.usecases import ApiKeys, NewKey
from identity.people.domain.users import User
from identity.sessions.usecases.logins import Logins

HOME = "192.0.2.1"
WANTED = NewKey("Estacionamento", frozenset({Scope.CAMERAS_READ, Scope.PLATES_SEARCH}))
AsCaller = Callable[[User], Caller]


@pytest.fixture
def keys(wiring: Wiring) -> ApiKeys:
    return wiring.api_keys


@pytest.fixture
def exchanges(wiring: Wiring) -> Logins:
    return wiring.logins


@pytest.fixture
async def admin(wiring: Wiring, as_caller: AsCaller) -> Caller:
    return as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))


def verifier(wiring: Wiring) -> Authenticator:
    return Authenticator(StaticKeys(TokenMint(kid="test-1").jwks), StaticRevocations(), wiring.clock)


class TestMaking:
    async def test_a_key_gives_a_token_with_its_own_rights(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        group = new_id()
        key, text = await keys.create_api_key(admin, replace(WANTED, camera_groups=frozenset({group})))
        assert text.startswith("gtk_")
        assert len(text) == 47
        assert text.startswith(key.hint or "?")
        caller = await verifier(wiring).verify((await exchanges.exchange_api_key(text, HOME)).access_token)
        assert (caller.tenant_id, caller.user_id, caller.role) == (admin.tenant_id, key.id, Role.PARTNER)
        assert caller.scopes == {"cameras:read", "plates:search"}
        assert caller.camera_groups == {group}

    async def test_its_text_is_kept_nowhere(self, wiring: Wiring, keys: ApiKeys, admin: Caller) -> None:
        key, text = await keys.create_api_key(admin, WANTED)
        kept = await keys.api_key(admin, key.id)
        said = str(await wiring.emitted(admin.tenant_id))
        assert text not in f"{kept}{said}"
        assert kept.key_hash not in said
        assert kept.created_by == admin.user_id

    @pytest.mark.parametrize("scope", sorted(NEVER_FOR_A_KEY))
    async def test_some_things_no_key_may(self, keys: ApiKeys, admin: Caller, scope: Scope) -> None:
        root = replace(admin, role=Role.PLATFORM_ADMIN, scopes=frozenset(map(str, Scope)))
        with pytest.raises(Forbidden):
            await keys.create_api_key(root, replace(WANTED, scopes=frozenset({Scope.CAMERAS_READ, scope})))

    async def test_a_key_has_no_scope_that_its_maker_lacks(self, keys: ApiKeys, admin: Caller) -> None:
        less = replace(admin, scopes=frozenset({"api-keys:write", "cameras:read"}))
        with pytest.raises(Forbidden):
            await keys.create_api_key(less, WANTED)
        limited = replace(admin, camera_groups=frozenset({new_id()}))
        for groups in (None, frozenset({new_id()})):
            with pytest.raises(Forbidden):
                await keys.create_api_key(limited, replace(WANTED, camera_groups=groups))
        await keys.create_api_key(limited, replace(WANTED, camera_groups=limited.camera_groups))

    async def test_it_ends_after_a_year_unless_said_otherwise(self, wiring: Wiring, keys: ApiKeys, admin: Caller) -> None:
        now = wiring.clock.now()
        key, _ = await keys.create_api_key(admin, WANTED)
        assert key.expires_at == now + timedelta(days=365)
        for ends in (now, now - timedelta(days=1), now + timedelta(days=731)):
            with pytest.raises(TooLongLived):
                await keys.create_api_key(admin, replace(WANTED, expires_at=ends))

    async def test_a_row_that_says_more_than_a_key_may_is_not_believed(self, wiring: Wiring) -> None:
        now = wiring.clock.now()
        scopes = frozenset(map(str, Scope))
        key = ApiKey(new_id(), new_id(), "x", Role.PARTNER, "hash", now, scopes=scopes)
        assert key.rights == scopes - NEVER_FOR_A_KEY
        assert replace(key, scopes=None).rights == ROLE_SCOPES[Role.PARTNER], "the tools' own key has its role's"


class TestExchange:
    async def test_an_expired_key_opens_nothing(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        key, text = await keys.create_api_key(admin, replace(WANTED, expires_at=wiring.clock.now() + timedelta(hours=1)))
        wiring.clock.advance(timedelta(hours=1))
        with pytest.raises(BadCredentials):
            await exchanges.exchange_api_key(text, HOME)
        refused = (await wiring.audit_entries(admin.tenant_id))[-1]
        assert (refused.action, str(refused.outcome), refused.object_id) == ("api_key.exchanged", "refused", str(key.id))
        assert refused.details["reason"] == "expired"

    async def test_no_token_outlives_its_key(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        ends = wiring.clock.now() + timedelta(minutes=20)
        _, text = await keys.create_api_key(admin, replace(WANTED, expires_at=ends))
        assert (await exchanges.exchange_api_key(text, HOME)).expires_in_s == 900
        wiring.clock.advance(timedelta(minutes=18))
        opened = await exchanges.exchange_api_key(text, HOME)
        assert opened.expires_in_s == 120
        caller = await verifier(wiring).verify(opened.access_token)
        assert caller.expires_at == int(ends.timestamp())

    async def test_its_last_use_is_remembered_to_the_minute(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        key, text = await keys.create_api_key(admin, WANTED)
        assert (await keys.api_key(admin, key.id)).last_used_at is None
        began = wiring.clock.now()

        async def use(address: str = HOME) -> tuple[datetime | None, str | None]:
            await exchanges.exchange_api_key(text, address)
            found = await keys.api_key(admin, key.id)
            return found.last_used_at, found.last_used_address

        assert await use() == (began, HOME)
        wiring.clock.advance(timedelta(seconds=59))
        assert await use() == (began, HOME)
        wiring.clock.advance(timedelta(seconds=1))
        assert await use() == (wiring.clock.now(), HOME)
        wiring.clock.advance(timedelta(seconds=1))
        assert await use("192.0.2.2") == (wiring.clock.now(), "192.0.2.2"), "another address is worth a write"

    async def test_it_is_on_record(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        key, text = await keys.create_api_key(admin, WANTED)
        await exchanges.exchange_api_key(text, HOME)
        await keys.revoke_api_key(admin, key.id)
        audit_entries = await wiring.audit_entries(admin.tenant_id)
        assert [(record.action, record.actor_id) for record in audit_entries] == [
            ("api_key.created", admin.user_id),
            ("api_key.exchanged", key.id),
            ("api_key.revoked", admin.user_id),
        ]
        assert audit_entries[0].details["scopes"] == "cameras:read plates:search"


class TestRevoking:
    async def test_everything_that_it_opened_ends_at_once(self, wiring: Wiring, keys: ApiKeys, exchanges: Logins, admin: Caller) -> None:
        key, text = await keys.create_api_key(admin, WANTED)
        _, other_text = await keys.create_api_key(admin, WANTED)
        opened = [await exchanges.exchange_api_key(text, HOME) for _ in range(3)]
        await exchanges.exchange_api_key(other_text, HOME)
        await keys.revoke_api_key(admin, key.id)
        await keys.revoke_api_key(admin, key.id)
        assert set(wiring.registry.revoked) == {each.session.id for each in opened}
        assert [type(fact) for fact in await wiring.facts(admin.tenant_id)] == [SessionRevoked] * 3 + [UserDisabled]
        with pytest.raises(BadCredentials):
            await exchanges.exchange_api_key(text, HOME)
        await exchanges.exchange_api_key(other_text, HOME)

    async def test_another_tenants_key_does_not_exist(self, wiring: Wiring, keys: ApiKeys, admin: Caller, as_caller: AsCaller) -> None:
        key, _ = await keys.create_api_key(admin, WANTED)
        stranger = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
        for verb in (keys.api_key, keys.revoke_api_key):
            with pytest.raises(NotFound):
                await verb(stranger, key.id)
        assert await keys.list_api_keys(stranger, None, 10) == []

    async def test_pages(self, keys: ApiKeys, admin: Caller) -> None:
        made = [(await keys.create_api_key(admin, WANTED))[0].id for _ in range(5)]
        first = await keys.list_api_keys(admin, None, 3)
        rest = await keys.list_api_keys(admin, first[-1].id, 3)
        assert [key.id for key in first + rest] == sorted(made)
