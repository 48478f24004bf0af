"""Cameras and groups as their service keeps them, for screens that change both: a stand-in in memory, with the service's own models."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.console.standins import Asked, Reply, Services, paged, problem

from cameras.cameras.api import CameraOut
from cameras.groups.api import GroupOut
from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock


def camera(name: str, **more: Any) -> CameraOut:
    """A camera that is live, in no group."""
    now = SystemClock().now()
    known: dict[str, Any] = {
        "id": new_id(),
        "name": name,
        "url": "rtsp://10.0.0.9/1",
        "external_id": None,
        "groups": [],
        "enabled": True,
        "recording": RecordingSettings(),
        "ai": AiSettings(),
        "state": CameraState.ONLINE,
        "since": now,
        "cause": None,
        "revision": 1,
        "created_at": now,
        "updated_at": now,
    }
    return CameraOut(**known | more)


class Fleet:
    """Answers for `/cameras` and `/groups` as long as the test lasts."""

    def __init__(self, services: Services, *cameras: CameraOut) -> None:
        self.cameras = {each.id: each for each in cameras}
        self.groups: dict[UUID, GroupOut] = {}
        services.answer("GET", "/cameras", self._cameras)
        services.answer("GET", "/cameras/*", lambda asked: self._camera(self.cameras[_id(asked)]))
        services.answer("PATCH", "/cameras/*", self.change)
        services.answer("GET", "/groups", self._groups)
        services.answer("POST", "/groups", self._make)
        services.answer("PATCH", "/groups/*", self._rename)
        services.answer("DELETE", "/groups/*", self._remove)

    def group(self, name: str) -> GroupOut:
        made = GroupOut(id=new_id(), name=name, cameras=0, created_at=SystemClock().now())
        self.groups[made.id] = made
        return made

    def touch(self, camera_id: UUID) -> None:
        """Somebody else changes the camera."""
        before = self.cameras[camera_id]
        self.cameras[camera_id] = before.model_copy(update={"revision": before.revision + 1})

    def members(self, group_id: UUID) -> list[str]:
        return sorted(each.name for each in self.cameras.values() if group_id in each.groups)

    def _cameras(self, asked: Asked) -> Any:
        return paged(list(self.cameras.values()))(asked)

    def _groups(self, asked: Asked) -> Any:
        return paged([self._counted(each) for each in self.groups.values()])(asked)

    def _counted(self, group: GroupOut) -> GroupOut:
        return group.model_copy(update={"cameras": len(self.members(group.id))})

    def _camera(self, shown: CameraOut) -> Reply:
        return Reply(body=shown, headers={"etag": f'"{shown.revision}"'})

    def change(self, asked: Asked) -> Reply:
        """Answers a change as the service does: on the revision that it names."""
        before = self.cameras[_id(asked)]
        if asked.headers.get("if-match") != f'"{before.revision}"':
            return problem(412, "stale_revision")
        groups = [UUID(each) for each in asked.body["groups"]]
        self.cameras[before.id] = before.model_copy(update={"groups": groups, "revision": before.revision + 1})
        return self._camera(self.cameras[before.id])

    def _make(self, asked: Asked) -> Reply:
        if any(each.name == asked.body["name"] for each in self.groups.values()):
            return problem(409, "name_taken")
        return Reply(201, self.group(asked.body["name"]))

    def _rename(self, asked: Asked) -> GroupOut:
        self.groups[_id(asked)] = self.groups[_id(asked)].model_copy(update={"name": asked.body["name"]})
        return self._counted(self.groups[_id(asked)])

    def _remove(self, asked: Asked) -> None:
        gone = _id(asked)
        del self.groups[gone]
        for each in self.cameras.values():
            self.cameras[each.id] = each.model_copy(update={"groups": [group for group in each.groups if group != gone]})


def _id(asked: Asked) -> UUID:
    return UUID(asked.path.rsplit("/", 1)[1])
