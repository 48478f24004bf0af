"""Tests of audit entries of cameras: one for each change, with the changed fields and never an address; none for what failed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cameras.conftest import Case

from cameras.cameras.domain import CameraSettings
from gtvision.errors import StaleRevision
from gtvision.ids import new_id
from gtvision.patch import Patch

pytestmark = pytest.mark.db

URL = "rtsp://admin:hunter2-canary@10.0.0.5/s"


async def test_each_change_is_on_record_once(case: Case) -> None:
    caller = case.caller()
    camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
    await case.cameras.update_camera(
        caller, camera.id, Patch({"name": "Rua", "groups": frozenset({new_id()})}), url_text="rtsp://u:canary@10.0.0.6/s"
    )
    await case.cameras.remove_camera(caller, camera.id)
    entries = await case.recorded(caller.tenant_id)
    assert [entry.data.action for entry in entries] == ["camera.registered", "camera.changed", "camera.removed"]
    for entry in entries:
        assert (entry.data.actor_id, entry.data.session_id, entry.data.actor_role) == (caller.user_id, caller.session_id, "admin")
        assert (entry.data.object_kind, entry.data.object_id, entry.camera_id) == ("camera", str(camera.id), camera.id)
    assert entries[1].data.details == {"name": "Rua", "changed": "name, groups, url"}


async def test_no_address_is_on_record(case: Case) -> None:
    caller = case.caller()
    camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça"), URL)
    await case.cameras.update_camera(caller, camera.id, Patch({}), url_text="rtsp://admin:other-canary@10.0.0.5/s")
    said = "".join(entry.model_dump_json() for entry in await case.recorded(caller.tenant_id))
    assert '"changed":"url"' in said
    assert not [secret for secret in ("canary", "10.0.0.5", "rtsp", camera.url_sealed) if secret in said]


async def test_what_changes_nothing_or_fails_is_not_on_record(case: Case) -> None:
    caller = case.caller()
    camera, _ = await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
    await case.cameras.register_camera(caller, CameraSettings("Praça", "ext"), URL)
    await case.cameras.update_camera(caller, camera.id, Patch({"name": "Praça"}))
    for verb in (case.cameras.update_camera(caller, camera.id, Patch({"name": "x"}), expected_revision=7), _removal(case, caller, camera)):
        with pytest.raises(StaleRevision):
            await verb
    assert [entry.data.action for entry in await case.recorded(caller.tenant_id)] == ["camera.registered"]


def _removal(case: Case, caller: Any, camera: Any) -> Any:
    return case.cameras.remove_camera(caller, camera.id, expected_revision=7)
