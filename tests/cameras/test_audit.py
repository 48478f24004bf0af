"""What goes on record of cameras: each deed once, with what was changed and never an address; none of what did not happen."""

from __future__ import annotations

from typing import Any

import pytest

from cameras.domain import Settings
from cameras.usecases import Patch
from gtvision.errors import StaleRevision
from gtvision.ids import new_id

URL = "rtsp://admin:hunter2-canary@10.0.0.5/s"


async def test_each_deed_is_on_record_once(house: Any) -> None:
    who = house.caller()
    camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
    await house.cameras.update_camera(
        who, camera.id, Patch(name="Rua", groups=frozenset({new_id()})), url_text="rtsp://u:canary@10.0.0.6/s"
    )
    await house.cameras.remove_camera(who, camera.id)
    deeds = await house.deeds(who.tenant_id)
    assert [deed.data.action for deed in deeds] == ["camera.registered", "camera.changed", "camera.removed"]
    for deed in deeds:
        assert (deed.data.actor_id, deed.data.session_id, deed.data.actor_role) == (who.user_id, who.session_id, "admin")
        assert (deed.data.object_kind, deed.data.object_id, deed.camera_id) == ("camera", str(camera.id), camera.id)
    assert deeds[1].data.details == {"name": "Rua", "changed": "name, groups, url"}


async def test_no_address_is_on_record(house: Any) -> None:
    who = house.caller()
    camera, _ = await house.cameras.register_camera(who, Settings("Praça"), URL)
    await house.cameras.update_camera(who, camera.id, Patch(), url_text="rtsp://admin:other-canary@10.0.0.5/s")
    said = "".join(deed.model_dump_json() for deed in await house.deeds(who.tenant_id))
    assert '"changed":"url"' in said
    assert not [secret for secret in ("canary", "10.0.0.5", "rtsp", camera.url_sealed) if secret in said]


async def test_what_changes_nothing_or_fails_is_not_on_record(house: Any) -> None:
    who = house.caller()
    camera, _ = await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
    await house.cameras.register_camera(who, Settings("Praça", "ext"), URL)
    await house.cameras.update_camera(who, camera.id, Patch(name="Praça"))
    for verb in (house.cameras.update_camera(who, camera.id, Patch(name="x"), expected_revision=7), _removal(house, who, camera)):
        with pytest.raises(StaleRevision):
            await verb
    assert [deed.data.action for deed in await house.deeds(who.tenant_id)] == ["camera.registered"]


def _removal(house: Any, who: Any, camera: Any) -> Any:
    return house.cameras.remove_camera(who, camera.id, expected_revision=7)
