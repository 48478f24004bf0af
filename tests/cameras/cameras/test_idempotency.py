"""Tests of cameras that are registered again under the same `Idempotency-Key`; external ids keep their meaning."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from tests.cameras.conftest import Case

from cameras.cameras.domain import Camera, CameraSettings, ExternalIdTaken
from cameras.cameras.repository import PostgresCameras
from chassis.idempotency import Gone, IdempotencyKeyReused, Once
from gtvision.errors import QuotaReached
from gtvision.events import CameraRegistered
from gtvision.ids import new_id
from gtvision.tenancy import Caller

pytestmark = pytest.mark.db

URL = "rtsp://10.0.0.5/s"


class Client:
    """Registers cameras under one key, and counts the replayed answers."""

    def __init__(self, case: Case, caller: Caller | None = None) -> None:
        self.case, self.caller, self.told = case, caller or case.caller(), 0

    async def register(self, name: str = "Praça", external_id: str | None = None, *, key: str = "k", **more: Any) -> tuple[Camera, bool]:
        key_hash, asked = (hashlib.sha256(text.encode()).digest() for text in (key, f"{name} {external_id}"))
        once, settings = Once("POST /cameras", key_hash, asked), CameraSettings(name, external_id, **more)
        done = await self.case.cameras.register_camera(self.caller, settings, URL, once)
        self.told += once.replayed
        return done

    async def living(self) -> list[UUID]:
        async with self.case.db.uow(self.caller.tenant_id) as uow:
            return [camera.id for camera in await PostgresCameras(uow).page(None, None, 100)]


@pytest.fixture
def client(case: Case) -> Client:
    return Client(case)


async def test_a_camera_is_registered_announced_and_put_on_record_once(client: Client) -> None:
    case = client.case
    made, again = await client.register(), await client.register()
    assert (made[0].id, made[1], again[1], client.told) == (again[0].id, True, True, 1)
    assert await client.living() == [made[0].id]
    assert [type(event) for event in await case.emitted(client.caller.tenant_id)] == [CameraRegistered]
    assert len(await case.recorded(client.caller.tenant_id)) == 1
    assert len(case.live.published) == 1
    with pytest.raises(IdempotencyKeyReused):
        await client.register("Rua")


async def test_of_many_at_once_one_is_registered(client: Client) -> None:
    done = await asyncio.gather(*(client.register() for _ in range(4)))
    assert {camera.id for camera, _ in done} == set(await client.living())
    assert (len(await client.living()), client.told) == (1, 3)


async def test_a_repeat_takes_no_place(client: Client) -> None:
    client.case.allow(client.caller, 1)
    made, again = await client.register(), await client.register()
    assert made[0].id == again[0].id
    with pytest.raises(QuotaReached):
        await client.register(key="another")
    await client.case.cameras.remove_camera(client.caller, made[0].id)
    assert (await client.register(key="another"))[1], "a refused creation may be tried again under the same key"


async def test_a_camera_that_is_gone_is_not_registered_again(client: Client) -> None:
    made, _ = await client.register()
    await client.case.cameras.remove_camera(client.caller, made.id)
    with pytest.raises(Gone):
        await client.register()
    assert await client.living() == []


async def test_a_camera_that_the_caller_no_longer_sees_is_gone(client: Client) -> None:
    mine, other = new_id(), new_id()
    limited = Client(client.case, client.case.caller(groups=frozenset({mine})))
    made, _ = await limited.register(groups=frozenset({mine}))
    async with client.case.db.uow(limited.caller.tenant_id) as uow:
        cameras = PostgresCameras(uow)
        camera = await cameras.camera(made.id, lock=True)
        assert camera is not None
        await cameras.save(replace(camera, settings=replace(camera.settings, groups=frozenset({other}))))
    with pytest.raises(Gone):
        await limited.register(groups=frozenset({mine}))


async def test_the_external_id_goes_on_to_say_what_it_said(client: Client) -> None:
    made, _ = await client.register(external_id="ext")
    assert await client.register(external_id="ext") == (made, True)
    for _ in range(2):  # under another key: both times the camera was there before
        assert await client.register(external_id="ext", key="another") == (made, False)
    assert client.told == 1
    with pytest.raises(ExternalIdTaken):
        await client.register("Rua", "ext", key="third")
    assert (await client.register("Rua", "new", key="third"))[1], "a refused creation may be tried again under the same key"
