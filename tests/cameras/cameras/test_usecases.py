"""Tests of the verbs of cameras, on PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from tests.cameras.conftest import Case

from cameras.cameras.domain import CameraSettings, ExternalIdTaken, Wanted
from gtvision.camera import AiSettings, RecordingSettings
from gtvision.errors import Forbidden, InvalidCameraUrl, NotFound, StaleRevision
from gtvision.events import CameraRegistered, CameraRemoved, CameraUpdated
from gtvision.ids import new_id
from gtvision.patch import Patch

pytestmark = pytest.mark.db

URL = "rtsp://admin:hunter2-canary@10.0.0.5/s"


class TestRegister:
    async def test_announces_the_desired_state_with_the_address_sealed(self, case: Case) -> None:
        caller = case.caller()
        settings = CameraSettings("Praça", "ext", frozenset({new_id()}), True, RecordingSettings(retention_days=7), AiSettings(fps=2))
        camera, is_new = await case.cameras.register_camera(caller, settings, URL)
        assert is_new
        [event] = await case.emitted(caller.tenant_id)
        assert isinstance(event, CameraRegistered)
        assert (event.camera_id, event.revision, event.name) == (camera.id, 1, "Praça")
        assert (frozenset(event.groups), event.recording, event.ai) == (settings.groups, settings.recording, settings.ai)
        assert case.vault.open(event.url_encrypted) == URL
        assert await case.cameras.get_camera(caller, camera.id) == camera
        assert case.live.published[-1][1] == "cameras"
        assert case.live.published[-1][2]["state"] == "unknown"

    async def test_a_password_is_nowhere_in_clear(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
        await case.cameras.update_camera(caller, camera.id, Patch({"name": "Rua"}))
        said = await case.raw(caller.tenant_id) + repr(camera) + str(case.live.published)
        assert "rtsp://10.0.0.5/s" in said
        assert "hunter2" not in said
        assert "admin:" not in said

    async def test_the_same_external_id_is_the_same_camera(self, case: Case) -> None:
        caller = case.caller()
        first, _ = await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
        again, is_new = await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
        assert (again, is_new) == (first, False)
        assert len(await case.emitted(caller.tenant_id)) == 1
        for settings, url in [(CameraSettings("Other", "ext"), URL), (CameraSettings("Praça", "ext"), "rtsp://10.0.0.6/s")]:
            with pytest.raises(ExternalIdTaken):
                await case.cameras.register_camera(caller, settings, url)
        _, is_new = await case.cameras.register_camera(case.caller(), CameraSettings("Praça", "ext"), URL)
        assert is_new  # a new one, as the tenant is another

    async def test_a_bad_address_leaves_nothing(self, case: Case) -> None:
        caller = case.caller()
        for url in ("http://10.0.0.5/s", "rtsp://127.0.0.1/s", "rtsp://unknown.example/s"):
            with pytest.raises(InvalidCameraUrl):
                await case.cameras.register_camera(caller, CameraSettings("Praça"), url)
        assert await case.cameras.list_cameras(caller, None, 10) == []
        assert await case.emitted(caller.tenant_id) == []


class TestUpdate:
    async def test_the_revision_moves_with_each_change_only(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
        same = await case.cameras.update_camera(caller, camera.id, Patch({"name": "Praça"}), url_text=URL)
        assert same.revision == 1
        renamed = await case.cameras.update_camera(caller, camera.id, Patch({"name": "Rua"}), expected_revision=1)
        assert renamed.revision == 2
        with pytest.raises(StaleRevision):
            await case.cameras.update_camera(caller, camera.id, Patch({"name": "Largo"}), expected_revision=1)
        events = await case.emitted(caller.tenant_id)
        assert [(type(event), event.revision) for event in events] == [(CameraRegistered, 1), (CameraUpdated, 2)]

    async def test_an_address_sent_back_as_shown_keeps_its_credentials(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
        same = await case.cameras.update_camera(caller, camera.id, Patch({}), url_text=camera.url_shown)
        assert case.vault.open(same.url_sealed) == URL
        elsewhere = await case.cameras.update_camera(caller, camera.id, Patch({}), url_text="rtsp://10.0.0.6/s")
        assert case.vault.open(elsewhere.url_sealed) == "rtsp://10.0.0.6/s"
        assert elsewhere.revision == 2

    async def test_an_external_id_stays_unique(self, case: Case) -> None:
        caller = case.caller()
        await case.cameras.register_camera(caller, CameraSettings("A", "a"), URL)
        other, _ = await case.cameras.register_camera(caller, CameraSettings("B", "b"), URL)
        with pytest.raises(ExternalIdTaken):
            await case.cameras.update_camera(caller, other.id, Patch({"external_id": "a"}))
        assert (await case.cameras.update_camera(caller, other.id, Patch({"external_id": None}))).settings.external_id is None

    async def test_two_writers_with_one_revision_cannot_both_win(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
        done = await asyncio.gather(
            *(case.cameras.update_camera(caller, camera.id, Patch({"name": name}), expected_revision=1) for name in ("A", "B")),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["Camera", "StaleRevision"]


class TestRemove:
    async def test_leaves_a_tombstone_with_a_higher_revision(self, case: Case) -> None:
        caller = case.caller()
        camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
        with pytest.raises(StaleRevision):
            await case.cameras.remove_camera(caller, camera.id, expected_revision=9)
        await case.cameras.remove_camera(caller, camera.id)
        assert (await case.emitted(caller.tenant_id))[-1] == CameraRemoved(camera_id=camera.id, revision=2)
        for verb in (case.cameras.get_camera, case.cameras.remove_camera):
            with pytest.raises(NotFound):
                await verb(caller, camera.id)
        assert case.live.published[-1][2]["state"] == "removed"
        _, is_new = await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
        assert is_new


class TestVisibility:
    async def test_another_tenants_camera_does_not_exist(self, case: Case) -> None:
        camera, _ = await case.cameras.register_camera(case.caller(), CameraSettings("Praça", "ext"), URL)
        stranger = case.caller()
        for attempt in (
            case.cameras.get_camera(stranger, camera.id),
            case.cameras.update_camera(stranger, camera.id, Patch({"name": "Mine"})),
            case.cameras.remove_camera(stranger, camera.id),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert await case.cameras.list_cameras(stranger, None, 10) == []
        assert await case.cameras.list_cameras(stranger, None, 10, Wanted(external_id="ext")) == []

    async def test_a_group_limit_hides_the_others(self, case: Case) -> None:
        north, south, caller = new_id(), new_id(), case.caller()
        mine, _ = await case.cameras.register_camera(caller, CameraSettings("N", "n", frozenset({north, new_id()})), URL)
        other, _ = await case.cameras.register_camera(caller, CameraSettings("S", "s", frozenset({south})), URL)
        limited = case.caller(caller.tenant_id, frozenset({north}))
        assert [camera.id for camera in await case.cameras.list_cameras(limited, None, 10)] == [mine.id]
        assert (await case.cameras.fleet_health(limited)).total == 1
        assert await case.cameras.list_cameras(limited, None, 10, Wanted(external_id="s")) == []
        with pytest.raises(NotFound):
            await case.cameras.get_camera(limited, other.id)
        with pytest.raises(Forbidden):
            await case.cameras.register_camera(limited, CameraSettings("X"), URL)
        with pytest.raises(Forbidden):
            await case.cameras.update_camera(limited, mine.id, Patch({"groups": frozenset({south})}))

    async def test_pages(self, case: Case) -> None:
        caller = case.caller()
        made = [(await case.cameras.register_camera(caller, CameraSettings(f"C{n}"), URL))[0].id for n in range(5)]
        first = await case.cameras.list_cameras(caller, None, 3)
        rest = await case.cameras.list_cameras(caller, first[-1].id, 3)
        assert [camera.id for camera in first + rest] == sorted(made)


async def test_the_fleet_is_counted_as_it_is_shown(case: Case) -> None:
    caller = case.caller()
    for n in range(3):
        await case.cameras.register_camera(caller, CameraSettings(f"C{n}", enabled=n > 0), URL)
    fleet = await case.cameras.fleet_health(caller)
    assert (fleet.total, fleet.disabled, fleet.unknown) == (3, 1, 2)
