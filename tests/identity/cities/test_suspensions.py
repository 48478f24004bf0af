"""Tests of the verbs that suspend a city and delete it, on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.chassis.waiting import until
from tests.identity.people.people import HOME, log_in, with_code
from tests.identity.wiring import PASSWORD, Wiring

from gtvision.audit import Action
from gtvision.errors import BadCredentials, MissingScope, NotFound, Unavailable
from gtvision.events import SessionRevoked, TenantRemoved, UserDisabled
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Role, Scope
from identity.cities.domain import CityActive, CityDeleted, CitySuspended, OwnCity, Tenant, TenantSearch, TenantState
from identity.federation.domain import ExternalIdentity
from identity.keys.usecases import NewKey
from identity.people.domain.users import User

pytestmark = pytest.mark.db
AsCaller = Callable[[User], Caller]


@pytest.fixture
async def platform(wiring: Wiring, as_caller: AsCaller) -> Caller:
    """The administrator of the platform, in a city of their own."""
    return as_caller(await wiring.add_user(await wiring.add_tenant(), Role.PLATFORM_ADMIN))


async def stored(wiring: Wiring, tenant_id: UUID) -> Tenant:
    async with wiring.uow(tenant_id) as uow:
        found = await wiring.rows(uow).tenant(tenant_id)
    assert found is not None
    return found


async def actions(wiring: Wiring, tenant_id: UUID) -> list[str]:
    return [entry.action for entry in await wiring.audit_entries(tenant_id) if entry.action.startswith("tenant.")]


async def rows_of(wiring: Wiring, tenant_id: UUID) -> dict[str, int]:
    """Returns table -> rows that the tenant has in it."""
    found = {}
    async with wiring.uow(tenant_id) as uow:
        for table in ("account", "session", "refresh_token", "recovery_code", "external_identity", "api_key"):
            found[table] = int(await uow.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    return found


class TestSuspension:
    async def test_ends_every_session_and_shuts_the_doors(self, wiring: Wiring, platform: Caller, as_caller: AsCaller) -> None:
        city = await wiring.add_tenant()
        admin, other = await wiring.add_user(city, Role.ADMIN), await wiring.add_user(await wiring.add_tenant())
        key, key_text = await wiring.api_keys.create_api_key(as_caller(admin), NewKey("x", frozenset({Scope.CAMERAS_READ})))
        person, program = await log_in(wiring, admin.email, PASSWORD), await wiring.logins.exchange_api_key(key_text, HOME)
        untouched = await log_in(wiring, other.email, PASSWORD)

        suspended = await wiring.suspensions.suspend(platform, city)
        assert (suspended.state, suspended.suspended_at) == (TenantState.SUSPENDED, wiring.clock.now())
        assert await stored(wiring, city) == suspended
        assert set(wiring.registry.revoked) == {person.session.id, program.session.id}
        facts = await wiring.facts(city)
        assert [type(fact) for fact in facts] == [SessionRevoked, SessionRevoked, UserDisabled, UserDisabled]
        assert {fact.user_id for fact in facts[2:]} == {admin.id, key.id}, "live views end too"

        assert await wiring.refusal(person.refresh_token) == "city_suspended"
        with pytest.raises(CitySuspended):
            await log_in(wiring, admin.email, PASSWORD)
        with pytest.raises(BadCredentials):
            await log_in(wiring, admin.email, "wrong")
        with pytest.raises(CitySuspended):
            await wiring.logins.exchange_api_key(key_text, HOME)
        refused = [entry for entry in await wiring.audit_entries(city) if entry.outcome == "refused"]
        assert [entry.details["reason"] for entry in refused] == ["city_suspended", "bad_credentials", "city_suspended"]
        await wiring.sessions.refresh(untouched.refresh_token or "", HOME)

        assert await wiring.suspensions.suspend(platform, city) == suspended, "again is no new suspension"
        assert (await wiring.suspensions.resume(platform, city)).state is TenantState.ACTIVE
        await wiring.suspensions.resume(platform, city)
        await log_in(wiring, admin.email, PASSWORD)
        await wiring.logins.exchange_api_key(key_text, HOME)
        assert await actions(wiring, city) == ["tenant.suspended", "tenant.resumed"]

    async def test_ends_the_views_of_a_key_that_has_expired_since(self, wiring: Wiring, platform: Caller, as_caller: AsCaller) -> None:
        city = await wiring.add_tenant()
        mayor = as_caller(await wiring.add_user(city, Role.ADMIN))
        asked = NewKey("x", frozenset({Scope.CAMERAS_READ}), expires_at=wiring.clock.now() + timedelta(days=1))
        expired, _ = await wiring.api_keys.create_api_key(mayor, asked)
        revoked, _ = await wiring.api_keys.create_api_key(mayor, asked)
        await wiring.api_keys.revoke_api_key(mayor, revoked.id)
        before = len(await wiring.facts(city))
        wiring.clock.advance(timedelta(days=2))
        await wiring.suspensions.suspend(platform, city)
        assert {fact.user_id for fact in (await wiring.facts(city))[before:]} == {mayor.user_id, expired.id}

    async def test_ends_what_a_session_opened_that_has_run_out(self, wiring: Wiring, platform: Caller) -> None:
        city = await wiring.add_tenant()
        made = await log_in(wiring, (await wiring.add_user(city)).email, PASSWORD)
        wiring.clock.advance(made.session.expires_at - wiring.clock.now() + timedelta(minutes=5))
        await wiring.suspensions.suspend(platform, city)
        assert set(wiring.registry.revoked) == {made.session.id}

    async def test_a_login_at_the_same_moment_leaves_no_session(self, wiring: Wiring, platform: Caller) -> None:
        city = await wiring.add_tenant()
        people = [await wiring.add_user(city) for _ in range(4)]
        logins = [log_in(wiring, person.email, PASSWORD) for person in people]
        await asyncio.gather(*logins, wiring.suspensions.suspend(platform, city), return_exceptions=True)
        async with wiring.uow(city) as uow:
            assert await wiring.rows(uow).living_sessions(wiring.clock.now()) == []

    async def test_is_for_the_platform_and_never_of_its_own_city(self, wiring: Wiring, platform: Caller, as_caller: AsCaller) -> None:
        city = await wiring.add_tenant()
        mayor = as_caller(await wiring.add_user(city, Role.ADMIN))
        other = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.PLATFORM_ADMIN))
        for verb in (wiring.suspensions.suspend, wiring.suspensions.resume, wiring.suspensions.close):
            with pytest.raises(MissingScope):
                await verb(mayor, city)
            with pytest.raises(NotFound):
                await verb(mayor, platform.tenant_id)
            with pytest.raises(NotFound):
                await verb(platform, new_id())
        for verb in (wiring.suspensions.suspend, wiring.suspensions.close):
            for own in (platform.tenant_id, other.tenant_id):
                with pytest.raises(OwnCity):
                    await verb(platform, own)
        assert (await stored(wiring, city)).state is TenantState.ACTIVE


class TestDeletion:
    async def closing(self, wiring: Wiring, platform: Caller) -> UUID:
        city = await wiring.add_tenant()
        await wiring.suspensions.suspend(platform, city)
        await wiring.suspensions.close(platform, city)
        return city

    async def test_only_a_suspended_city_is_deleted_and_a_resumed_one_is_not(self, wiring: Wiring, platform: Caller) -> None:
        city = await wiring.add_tenant()
        with pytest.raises(CityActive):
            await wiring.suspensions.close(platform, city)
        await wiring.suspensions.suspend(platform, city)
        closing = await wiring.suspensions.close(platform, city)
        assert (closing.state, closing.deletes_at) == (TenantState.CLOSING, wiring.clock.now() + timedelta(days=30))
        wiring.clock.advance(timedelta(days=29))
        assert await wiring.suspensions.close(platform, city) == closing, "the first time stays"
        await wiring.suspensions.delete_due()
        resumed = await wiring.suspensions.resume(platform, city)
        assert (resumed.state, resumed.deletes_at) == (TenantState.ACTIVE, None)
        wiring.clock.advance(timedelta(days=2))
        await wiring.suspensions.delete_due()
        assert (await stored(wiring, city)).state is TenantState.ACTIVE
        assert await actions(wiring, city) == ["tenant.suspended", "tenant.closed", "tenant.resumed"]

    async def test_erases_people_and_keys_and_leaves_a_name(self, wiring: Wiring, platform: Caller, as_caller: AsCaller) -> None:
        user, _, _ = await with_code(wiring, PASSWORD, as_caller, Role.ADMIN)
        city, untouched = user.tenant_id, await wiring.add_user(await wiring.add_tenant())
        plain = await wiring.add_user(city)
        await log_in(wiring, plain.email, PASSWORD)
        await wiring.api_keys.create_api_key(as_caller(user), NewKey("x", frozenset({Scope.CAMERAS_READ})))
        async with wiring.uow(city) as uow:
            await wiring.rows(uow).claim_external(ExternalIdentity(city, plain.id, f"https://{city}", "1", "p", wiring.clock.now()))
        assert 0 not in (await rows_of(wiring, city)).values()
        await wiring.suspensions.suspend(platform, city)
        before = await wiring.suspensions.close(platform, city)
        wiring.clock.advance(timedelta(days=30, seconds=1))
        assert await wiring.suspensions.delete_due() >= 1
        assert await wiring.suspensions.delete_due() == 0

        gone = await stored(wiring, city)
        assert (gone.state, gone.name, gone.settings) == (TenantState.DELETED, before.name, before.settings)
        assert set((await rows_of(wiring, city)).values()) == {0}
        removed = [fact for fact in await wiring.facts(city) if isinstance(fact, TenantRemoved)]
        assert removed == [TenantRemoved(name=gone.name, revision=before.revision + 1)]
        (entry,) = [each for each in await wiring.audit_entries(city) if each.action == Action.TENANT_REMOVED]
        assert (entry.actor_id, entry.details) == (None, {"name": gone.name, "users": "2", "api_keys": "1"})
        async with wiring.uow(None) as uow:
            rows = wiring.rows(uow)
            assert await rows.find_login(plain.email.lower()) is None
            assert await rows.find_external(f"https://{city}", "1") is None
            assert await rows.find_login(untouched.email.lower()) is not None
        again = User(new_id(), untouched.tenant_id, plain.email, Role.VIEWER, "hash", wiring.clock.now())
        async with wiring.uow(untouched.tenant_id) as uow:
            await wiring.rows(uow).add_user(again)  # the address is free again
        for verb in (wiring.suspensions.suspend, wiring.suspensions.resume, wiring.suspensions.close):
            with pytest.raises(CityDeleted):
                await verb(platform, city)

    async def test_two_processes_delete_a_city_once(self, wiring: Wiring, platform: Caller) -> None:
        city = await self.closing(wiring, platform)
        wiring.clock.advance(timedelta(days=31))
        await asyncio.gather(*(wiring.suspensions.delete_due() for _ in range(3)))
        assert [type(fact) for fact in await wiring.facts(city)].count(TenantRemoved) == 1

    async def test_a_login_at_the_same_moment_does_not_stand_in_its_way(self, wiring: Wiring, platform: Caller) -> None:
        """Both take the account first: neither waits for what the other holds."""
        city = await self.closing(wiring, platform)
        user = await wiring.add_user(city)
        wiring.clock.advance(timedelta(days=31))

        async def is_held_up() -> bool:
            async with wiring.uow(None) as uow:
                return bool(await uow.session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

        async with wiring.uow(city) as login:
            assert await wiring.rows(login).user(user.id, lock=True)
            deleting = asyncio.create_task(wiring.suspensions.delete_due())
            await until(is_held_up)
            with pytest.raises(CitySuspended):
                await wiring.rows(login).open_tenant(city)
        assert await deleting == 1

    async def test_one_that_fails_does_not_keep_the_others(self, wiring: Wiring, platform: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        first, second = await self.closing(wiring, platform), await self.closing(wiring, platform)
        wiring.clock.advance(timedelta(days=31))
        suspensions = wiring.suspensions
        delete = suspensions._delete

        async def failing(tenant_id: UUID) -> bool:
            if tenant_id == first:
                raise Unavailable
            return await delete(tenant_id)

        monkeypatch.setattr(suspensions, "_delete", failing)
        with pytest.raises(Unavailable):
            await suspensions.delete_due()
        assert [(await stored(wiring, city)).state for city in (first, second)] == [TenantState.CLOSING, TenantState.DELETED]
        await wiring.suspensions.delete_due()
        assert (await stored(wiring, first)).state is TenantState.DELETED

    async def test_a_deleted_city_is_listed_by_its_state_only(self, wiring: Wiring, platform: Caller) -> None:
        city, other = await self.closing(wiring, platform), await self.closing(wiring, platform)
        await wiring.suspensions.resume(platform, other)

        async def found(**search: Any) -> set[UUID]:
            async with wiring.uow(None) as uow:
                return {tenant.id for tenant in await wiring.rows(uow).search_tenants(TenantSearch(**search), None, 1_000)}

        assert city in await found(state=TenantState.CLOSING)
        wiring.clock.advance(timedelta(days=31))
        await wiring.suspensions.delete_due()
        assert city in await found(state=TenantState.DELETED)
        assert city not in await found() | await found(state=TenantState.CLOSING)
        assert other in await found() & await found(state=TenantState.ACTIVE)
        assert await found(text=str(other).upper()) == {other}
