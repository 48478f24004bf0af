"""Tests on PostgreSQL of users and keys that are created again under the same `Idempotency-Key`: nothing happens twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.identity.wiring import Wiring

from chassis.idempotency import IdempotencyKeyReused, Once
from gtvision.ids import new_id
from gtvision.tenancy import Caller, Quotas, Role, Scope, TenantSettings
from identity.keys.domain import ApiKeyAlreadyMade
from identity.keys.usecases import NewKey
from identity.people.domain.users import User
from identity.people.usecases.users import NewUser

pytestmark = pytest.mark.db

AsCaller = Callable[[User], Caller]


def once(key: str = "k", asked: str = "this") -> Once:
    return Once("POST /users", hashlib.sha256(key.encode()).digest(), hashlib.sha256(asked.encode()).digest())


async def test_a_user_is_made_counted_and_put_on_record_once(wiring: Wiring, password: str, as_caller: AsCaller) -> None:
    first, second = once(), once()
    city = await wiring.add_tenant(TenantSettings(quotas=Quotas(users=2)))
    admin = as_caller(await wiring.add_user(city, Role.ADMIN))
    asked = NewUser(f"{new_id()}@example.org", password, Role.VIEWER)
    made = await wiring.users.create_user(admin, asked, first)
    again = await wiring.users.create_user(admin, asked, second)
    assert (again.id, first.replayed, second.replayed) == (made.id, False, True), "the city is full, and a repeat takes no place"
    assert [record.action for record in await wiring.audit_entries(city)] == ["user.created"]
    with pytest.raises(IdempotencyKeyReused):
        await wiring.users.create_user(admin, asked, once(asked="that"))


async def test_a_repeat_shows_the_user_as_they_are_now(wiring: Wiring, password: str, as_caller: AsCaller) -> None:
    admin = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
    asked = NewUser(f"{new_id()}@example.org", password, Role.VIEWER)
    made = await wiring.users.create_user(admin, asked, once())
    async with wiring.uow(admin.tenant_id) as uow:
        rows = wiring.rows(uow)
        await rows.save_user(replace(await rows.user(made.id), name="Ana"))
    assert (await wiring.users.create_user(admin, asked, once())).name == "Ana"


async def test_a_key_is_made_once_and_its_text_is_gone(wiring: Wiring, as_caller: AsCaller) -> None:
    admin = as_caller(await wiring.add_user(await wiring.add_tenant(), Role.ADMIN))
    keys = wiring.api_keys
    asked = NewKey("Estacionamento", frozenset({Scope.CAMERAS_READ}))
    key, text = await keys.create_api_key(admin, asked, once())
    with pytest.raises(ApiKeyAlreadyMade, match=str(key.id)) as refusal:
        await keys.create_api_key(admin, asked, once())
    assert text not in str(refusal.value)
    assert [each.id for each in await keys.list_api_keys(admin, None, 10)] == [key.id]
    assert [record.action for record in await wiring.audit_entries(admin.tenant_id)] == ["api_key.created"]
