"""A city with a quota of cameras: no more than that many live, however many are registered at the same moment."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from cameras.domain import Camera, ExternalIdTaken, Settings
from cameras.usecases import Patch
from gtvision.errors import QuotaReached
from gtvision.events import CameraRegistered
from gtvision.tenancy import Caller, Quotas, TenantSettings

URL = "rtsp://10.0.0.5/s"


def city_for(house: Any, cameras: int) -> Caller:
    who: Caller = house.caller()
    house.cities.known[who.tenant_id] = TenantSettings(quotas=Quotas(cameras=cameras))
    return who


async def register(house: Any, who: Caller, name: str = "Praça", external_id: str | None = None, **more: Any) -> tuple[Camera, bool]:
    done: tuple[Camera, bool] = await house.cameras.register_camera(who, Settings(name, external_id, **more), URL)
    return done


async def living(house: Any, tenant_id: UUID) -> int:
    async with house.uow(tenant_id) as work:
        count: int = await house.store(work).count()
        return count


async def test_the_last_place_is_the_last(house: Any) -> None:
    who = city_for(house, 2)
    first, _ = await register(house, who)
    await register(house, who, enabled=False)
    with pytest.raises(QuotaReached, match=r"quotas\.cameras: 2"):
        await register(house, who)
    assert [type(event) for event in await house.emitted(who.tenant_id)] == [CameraRegistered] * 2
    assert len(await house.deeds(who.tenant_id)) == 2
    await house.cameras.update_camera(who, first.id, Patch(name="Rua"))
    await house.cameras.remove_camera(who, first.id)
    assert (await register(house, who))[1], "a removed camera takes no place"


async def test_a_repeat_takes_no_place(house: Any) -> None:
    who = city_for(house, 1)
    first, _ = await register(house, who, external_id="ext")
    assert await register(house, who, external_id="ext") == (first, False)
    with pytest.raises(ExternalIdTaken):
        await register(house, who, name="Other", external_id="ext")
    for external_id in ("another", None):
        with pytest.raises(QuotaReached):
            await register(house, who, external_id=external_id)


async def test_another_city_does_not_count_and_one_never_heard_of_has_no_limit(house: Any) -> None:
    who, stranger, closed = city_for(house, 1), house.caller(), city_for(house, 0)
    for _ in range(3):
        await register(house, stranger)
    await register(house, who)
    with pytest.raises(QuotaReached):
        await register(house, closed)


WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.mark.db
async def test_of_many_at_once_as_many_are_registered_as_fit(database_house: Any) -> None:
    house = database_house
    who = city_for(house, 2)
    async with house.uow(who.tenant_id) as work:
        await house.store(work).lock_registrations()
        begun = [asyncio.create_task(register(house, who, external_id=each)) for each in (None, None, "same", "same")]
        async with asyncio.timeout(120):  # all are under way, and none has counted yet
            while await work.session.scalar(WAITING) < len(begun):
                await asyncio.sleep(0.02)
    results = await asyncio.gather(*begun, return_exceptions=True)
    new = [result for result in results if isinstance(result, tuple) and result[1]]
    others = {type(result) for result in results if not isinstance(result, tuple)}
    assert (len(new), others, await living(house, who.tenant_id)) == (2, {QuotaReached}, 2)
