"""Tests of the verbs of groups, on PostgreSQL."""

from __future__ import annotations

from uuid import UUID

import pytest
from tests.cameras.conftest import Case

from cameras.cameras.domain import Camera, CameraSettings
from cameras.groups.domain import GroupNameTaken
from gtvision.errors import Forbidden, NotFound
from gtvision.events import CameraUpdated
from gtvision.ids import new_id
from gtvision.tenancy import Caller

pytestmark = pytest.mark.db


async def camera_in(case: Case, caller: Caller, *groups: UUID, name: str = "Praça") -> Camera:
    camera, _ = await case.cameras.register_camera(caller, CameraSettings(name, groups=frozenset(groups)), "rtsp://10.0.0.5/s")
    return camera


async def test_groups_are_listed_by_name_with_their_cameras(case: Case) -> None:
    caller = case.caller()
    south, _ = await case.groups.create_group(caller, "sul")
    north, _ = await case.groups.create_group(caller, "Norte")
    await case.groups.create_group(case.caller(), "de outra cidade")
    await camera_in(case, caller, north.id)
    await camera_in(case, caller, north.id, south.id)
    gone = await camera_in(case, caller, north.id)
    await case.cameras.remove_camera(caller, gone.id)
    assert [(group.name, cameras) for group, cameras in await case.groups.list_groups(caller, None, 10)] == [("Norte", 2), ("sul", 1)]
    assert [group.name for group, _ in await case.groups.list_groups(caller, north.name_key, 10)] == ["sul"]


async def test_a_name_is_taken_in_whatever_case(case: Case) -> None:
    caller = case.caller()
    group, _ = await case.groups.create_group(caller, "São José")
    other, _ = await case.groups.create_group(caller, "Centro")
    with pytest.raises(GroupNameTaken):
        await case.groups.create_group(caller, "SÃO JOSÉ")
    with pytest.raises(GroupNameTaken):
        await case.groups.rename_group(caller, other.id, "são josé")
    assert (await case.groups.rename_group(caller, group.id, "SÃO JOSÉ"))[0].name == "SÃO JOSÉ"
    assert (await case.groups.create_group(case.caller(), "São José"))[1] == 0


async def test_the_cameras_of_a_removed_group_are_in_it_no_longer(case: Case) -> None:
    caller = case.caller()
    group, _ = await case.groups.create_group(caller, "Centro")
    kept = new_id()
    inside, outside = await camera_in(case, caller, group.id, kept), await camera_in(case, caller, kept)
    before = len(await case.emitted(caller.tenant_id))
    await case.groups.remove_group(caller, group.id)
    [told] = (await case.emitted(caller.tenant_id))[before:]
    assert isinstance(told, CameraUpdated)
    assert (told.camera_id, told.groups, told.revision) == (inside.id, (kept,), 2)
    now = await case.cameras.get_camera(caller, inside.id)
    assert (now.settings.groups, now.revision) == (frozenset({kept}), 2)
    assert await case.cameras.get_camera(caller, outside.id) == outside
    assert await case.groups.list_groups(caller, None, 10) == []
    with pytest.raises(NotFound):
        await case.groups.remove_group(caller, group.id)


async def test_each_change_is_on_record_once(case: Case) -> None:
    caller = case.caller()
    group, _ = await case.groups.create_group(caller, "Centro")
    camera = await camera_in(case, caller, group.id)
    await case.groups.rename_group(caller, group.id, "Centro")  # changes nothing
    await case.groups.rename_group(caller, group.id, "Centro velho")
    await case.groups.remove_group(caller, group.id)
    entries = [entry.data for entry in await case.recorded(caller.tenant_id)]
    assert [(entry.action, entry.object_id) for entry in entries if entry.object_kind == "group"] == [
        ("group.created", str(group.id)),
        ("group.changed", str(group.id)),
        ("group.removed", str(group.id)),
    ]
    assert [entry.details for entry in entries if entry.object_kind == "group"][1:] == [
        {"name": "Centro velho", "before": "Centro"},
        {"name": "Centro velho", "cameras": "1"},
    ]
    [changed] = [entry for entry in entries if entry.action == "camera.changed"]
    assert (changed.object_id, changed.details) == (str(camera.id), {"name": "Praça", "changed": "groups"})


async def test_a_caller_who_is_limited_to_groups_sees_these_and_changes_none(case: Case) -> None:
    caller = case.caller()
    mine, _ = await case.groups.create_group(caller, "Meu")
    other, _ = await case.groups.create_group(caller, "Outro")
    limited = case.caller(caller.tenant_id, frozenset({mine.id, new_id()}))
    assert [group for group, _ in await case.groups.list_groups(limited, None, 10)] == [mine]
    with pytest.raises(Forbidden):
        await case.groups.create_group(limited, "Novo")
    for attempt in (case.groups.rename_group(limited, mine.id, "x"), case.groups.remove_group(limited, mine.id)):
        with pytest.raises(Forbidden):
            await attempt
    for attempt in (case.groups.rename_group(limited, other.id, "x"), case.groups.remove_group(limited, other.id)):
        with pytest.raises(NotFound):
            await attempt
