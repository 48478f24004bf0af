"""Tests of the quota of users: a tenant never has more, by whichever way they come, also at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from tests.identity.federation.test_usecases import Entry, person, provider_for
from tests.identity.wiring import Wiring

from gtvision.audit import Outcome
from gtvision.errors import QuotaReached
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Quotas, Role, TenantSettings
from identity.federation.domain import Provider
from identity.people.domain.users import User
from identity.people.usecases.users import NewUser

AsCaller = Callable[[User], Caller]


@pytest.fixture
def enter(wiring: Wiring) -> Entry:
    return Entry(wiring)


async def city_for(wiring: Wiring, users: int | None) -> UUID:
    city: UUID = await wiring.add_tenant(TenantSettings(quotas=Quotas(users=users)))
    return city


async def make(wiring: Wiring, caller: Caller, password: str) -> User:
    made: User = await wiring.users.create_user(caller, NewUser(f"{new_id()}@example.org", password, Role.VIEWER))
    return made


async def let(wiring: Wiring, caller: Caller, user: User, *, out: bool) -> User:
    changed: User = await wiring.users.change_user(caller, user.id, Patch({"disabled": out}))
    return changed


async def living(wiring: Wiring, city: UUID) -> int:
    async with wiring.uow(city) as uow:
        count: int = await wiring.rows(uow).count_enabled()
        return count


class TestPeople:
    async def test_the_last_place_is_the_last(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        city = await city_for(wiring, 2)
        admin = as_caller(await wiring.add_user(city, Role.ADMIN))
        user = await make(wiring, admin, password)
        with pytest.raises(QuotaReached, match=r"quotas\.users: 2"):
            await make(wiring, admin, password)
        assert [record.action for record in await wiring.audit_entries(city)] == ["user.created"], (
            "who was refused is not on record as made"
        )
        await let(wiring, admin, user, out=True)
        other = await make(wiring, admin, password)
        with pytest.raises(QuotaReached):
            await let(wiring, admin, user, out=False)
        assert (await wiring.users.user(admin, user.id)).is_disabled
        await let(wiring, admin, other, out=True)
        assert not (await let(wiring, admin, user, out=False)).is_disabled

    async def test_a_full_tenant_goes_on_with_its_users(self, wiring: Wiring, as_caller: AsCaller) -> None:
        city = await city_for(wiring, 1)
        admin, user = as_caller(await wiring.add_user(city, Role.ADMIN)), await wiring.add_user(city)
        assert (await wiring.users.change_user(admin, user.id, Patch({"name": "Ana"}))).name == "Ana"
        assert (await let(wiring, admin, user, out=False)).disabled_at is None, "who is in need not be let in"

    @pytest.mark.parametrize("quota", [None, 2])
    async def test_another_tenant_does_not_count(self, wiring: Wiring, password: str, as_caller: AsCaller, quota: int | None) -> None:
        full, city = await city_for(wiring, 1), await city_for(wiring, quota)
        await wiring.add_user(full, Role.ADMIN)
        await make(wiring, as_caller(await wiring.add_user(city, Role.ADMIN)), password)
        assert await living(wiring, city) == 2


class TestOutsidePeople:
    async def test_a_first_sign_in_takes_a_place_and_the_next_ones_none(self, wiring: Wiring, enter: Entry) -> None:
        city = await city_for(wiring, 1)
        provider = provider_for(city)
        caller = person(provider, city)
        made = await enter(provider, caller)
        with pytest.raises(QuotaReached):
            await enter(provider, person(provider, city))
        refused = (await wiring.audit_entries(city))[-1]
        assert (refused.action, refused.outcome, refused.details["reason"]) == ("session.refused", Outcome.REFUSED, "quota_reached")
        assert (await enter(provider, caller)).id == made.id

    async def test_who_has_an_account_here_takes_no_other_place(self, wiring: Wiring, enter: Entry) -> None:
        city, old = await city_for(wiring, 1), await wiring.add_tenant()
        local = await wiring.add_user(city)
        provider = provider_for(city, old, link_verified_email=True)
        caller = person(provider, old)
        await enter(provider, caller)
        moved = await enter(provider, replace(caller, tenant=str(city), email=local.email))
        assert moved.id == local.id

    async def test_a_user_stays_where_the_new_tenant_is_full(self, wiring: Wiring, enter: Entry) -> None:
        old, full = await wiring.add_tenant(), await city_for(wiring, 1)
        await wiring.add_user(full)
        provider = provider_for(old, full)
        caller = person(provider, old)
        made = await enter(provider, caller)
        with pytest.raises(QuotaReached):
            await enter(provider, replace(caller, tenant=str(full)))
        assert not (await enter.found(made)).is_disabled
        assert (await enter(provider, caller)).id == made.id

    async def test_one_person_twice_at_once_is_one_also_in_the_last_place(self, wiring: Wiring, enter: Entry) -> None:
        city = await city_for(wiring, 1)
        provider = provider_for(city)
        caller = person(provider, city)
        users = await asyncio.gather(*(enter(provider, caller) for _ in range(4)))
        assert len({user.id for user in users}) == 1


@pytest.mark.db
class TestTogether:
    """Requests at the same moment, on PostgreSQL's locks."""

    async def test_of_many_who_come_in_every_way_as_many_get_in_as_fit(self, wiring: Wiring, password: str, as_caller: AsCaller) -> None:
        enter = Entry(wiring)
        city = await city_for(wiring, 5)
        admin = as_caller(await wiring.add_user(city, Role.ADMIN))
        out = [await wiring.add_user(city) for _ in range(3)]
        for user in out:
            await let(wiring, admin, user, out=True)
        provider: Provider = provider_for(city)
        ways = [
            *(make(wiring, admin, password) for _ in range(3)),
            *(let(wiring, admin, user, out=False) for user in out),
            *(enter(provider, person(provider, city)) for _ in range(3)),
        ]
        results = await asyncio.gather(*ways, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["QuotaReached"] * 5 + ["User"] * 4
        assert await living(wiring, city) == 5
