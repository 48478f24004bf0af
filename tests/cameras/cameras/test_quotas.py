"""Tests of the quota of cameras: a tenant never has more, also where many are registered at the same time."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.cameras.conftest import Case

from cameras.cameras.domain import Camera, CameraSettings, ExternalIdTaken
from cameras.cameras.repository import PostgresCameras
from gtvision.errors import QuotaReached
from gtvision.events import CameraRegistered
from gtvision.patch import Patch
from gtvision.tenancy import Caller

pytestmark = pytest.mark.db

URL = "rtsp://10.0.0.5/s"


def city_for(case: Case, cameras: int) -> Caller:
    caller = case.caller()
    case.allow(caller, cameras)
    return caller


async def register(case: Case, caller: Caller, name: str = "Praça", external_id: str | None = None, **more: Any) -> tuple[Camera, bool]:
    return await case.cameras.register_camera(caller, CameraSettings(name, external_id, **more), URL)


async def living(case: Case, tenant_id: UUID) -> int:
    async with case.db.uow(tenant_id) as uow:
        return await PostgresCameras(uow).count()


async def test_the_last_place_is_the_last(case: Case) -> None:
    caller = city_for(case, 2)
    first, _ = await register(case, caller)
    await register(case, caller, enabled=False)
    with pytest.raises(QuotaReached, match=r"quotas\.cameras: 2"):
        await register(case, caller)
    assert [type(event) for event in await case.emitted(caller.tenant_id)] == [CameraRegistered] * 2
    assert len(await case.recorded(caller.tenant_id)) == 2
    await case.cameras.update_camera(caller, first.id, Patch({"name": "Rua"}))
    await case.cameras.remove_camera(caller, first.id)
    assert (await register(case, caller))[1], "a removed camera takes no place"


async def test_a_repeat_takes_no_place(case: Case) -> None:
    caller = city_for(case, 1)
    first, _ = await register(case, caller, external_id="ext")
    assert await register(case, caller, external_id="ext") == (first, False)
    with pytest.raises(ExternalIdTaken):
        await register(case, caller, name="Other", external_id="ext")
    for external_id in ("another", None):
        with pytest.raises(QuotaReached):
            await register(case, caller, external_id=external_id)


async def test_another_tenant_does_not_count_and_an_unknown_one_has_no_limit(case: Case) -> None:
    caller, stranger, closed = city_for(case, 1), case.caller(), city_for(case, 0)
    for _ in range(3):
        await register(case, stranger)
    await register(case, caller)
    with pytest.raises(QuotaReached):
        await register(case, closed)


WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def test_of_many_at_once_as_many_are_registered_as_fit(case: Case) -> None:
    caller = city_for(case, 2)
    async with case.db.uow(caller.tenant_id) as uow:
        await PostgresCameras(uow).lock_registrations()
        begun = [asyncio.create_task(register(case, caller, external_id=each)) for each in (None, None, "same", "same")]
        async with asyncio.timeout(120):  # all registrations have begun, and none has counted the cameras yet
            while await uow.session.scalar(WAITING) < len(begun):
                await asyncio.sleep(0.02)
    results = await asyncio.gather(*begun, return_exceptions=True)
    new = [result for result in results if isinstance(result, tuple) and result[1]]
    others = {type(result) for result in results if not isinstance(result, tuple)}
    assert (len(new), others, await living(case, caller.tenant_id)) == (2, {QuotaReached}, 2)
