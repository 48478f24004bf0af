"""Tests of the history of a camera's states, on real servers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.cameras.conftest import PATH, Case, Running, code

from cameras.cameras.consumers import StreamEvents
from cameras.cameras.domain import Camera, CameraSettings
from cameras.history.domain import HistoryQuery
from cameras.history.repository import PostgresHistory
from chassis.envelope import wrap
from gtvision.errors import NotFound
from gtvision.events import StreamCause, StreamWentOffline, StreamWentOnline
from gtvision.ids import new_id
from gtvision.patch import Patch

pytestmark = pytest.mark.db

EVERYTHING = HistoryQuery(None, None, None, 1_000)


class Watched:
    """One camera and what streaming tells of it."""

    def __init__(self, case: Case, camera: Camera) -> None:
        self.case, self.camera, self._revision = case, camera, 0
        self.caller = case.caller(camera.tenant_id)
        self._to = StreamEvents(case.cameras)

    async def online(self, late_s: float = 0) -> None:
        await self._to.on_stream_went_online(self._event(StreamWentOnline, late_s, read_url="rtsp://media/x"))

    async def offline(self, cause: StreamCause = StreamCause.UNREACHABLE) -> None:
        await self._to.on_stream_went_offline(self._event(StreamWentOffline, 0, cause=cause))

    def _event(self, kind: Any, late_s: float, **data: Any) -> Any:
        self._revision += 1
        at = self.case.clock.now() - timedelta(seconds=late_s)
        return wrap(kind(camera_id=self.camera.id, revision=self._revision, **data), tenant_id=self.camera.tenant_id, occurred_at=at)

    async def enable(self, enabled: bool) -> None:
        await self.case.cameras.update_camera(self.caller, self.camera.id, Patch({"enabled": enabled}))

    async def history(self) -> list[tuple[str, str | None]]:
        """Returns states with causes, oldest first."""
        found = await self.case.cameras.list_history(self.caller, self.camera.id, EVERYTHING)
        assert [change.at for change in found] == sorted((change.at for change in found), reverse=True)
        return [(str(change.state), change.cause and str(change.cause)) for change in reversed(found)]


async def watched(case: Case, *groups: UUID) -> Watched:
    camera, _ = await case.cameras.register_camera(case.caller(), CameraSettings("Praça", groups=frozenset(groups)), "rtsp://10.0.0.5/s")
    return Watched(case, camera)


async def test_what_is_shown_is_kept_once_for_each_change(case: Case) -> None:
    it = await watched(case)
    for cause in (None, None, StreamCause.UNREACHABLE, StreamCause.UNREACHABLE, StreamCause.MEDIA_SERVER_DOWN, None):
        case.clock.advance(60)
        await (it.offline(cause) if cause else it.online())
    case.clock.advance(60)
    await case.cameras.update_camera(it.caller, it.camera.id, Patch({"name": "Rua"}))  # no change of its state
    assert await it.history() == [
        ("unknown", None),
        ("online", None),
        ("offline", "unreachable"),
        ("offline", "media_server_down"),
        ("online", None),
    ]
    newest = (await case.cameras.list_history(it.caller, it.camera.id, EVERYTHING))[0]
    assert newest.at == case.clock.now() - timedelta(seconds=60)


async def test_a_camera_that_is_switched_off_is_not_missing(case: Case) -> None:
    it = await watched(case)
    await it.online()
    for enabled in (False, True):
        case.clock.advance(60)
        await it.enable(enabled)
        if not enabled:
            await it.offline(StreamCause.DISABLED)  # streaming follows
            await it.online()  # and what it says of a camera that is off is not shown
            await it.offline(StreamCause.DISABLED)
    await it.online()
    assert await it.history() == [("unknown", None), ("online", None), ("disabled", "disabled"), ("unknown", None), ("online", None)]


async def test_a_clock_that_is_behind_changes_no_order(case: Case) -> None:
    it = await watched(case)
    await it.online(late_s=5)
    assert await it.history() == [("unknown", None), ("online", None)]


async def test_ninety_days_are_kept(case: Case) -> None:
    it = await watched(case)
    for days, step in ((0, it.online), (1, it.offline), (89, it.online), (1, it.offline)):
        case.clock.advance(days * 86_400)
        await step()
    assert await it.history() == [("offline", "unreachable"), ("online", None), ("offline", "unreachable")]


async def test_it_goes_with_its_camera(case: Case) -> None:
    it = await watched(case)
    await case.cameras.remove_camera(it.caller, it.camera.id)
    with pytest.raises(NotFound):
        await it.history()
    async with case.db.uow(it.camera.tenant_id) as uow:
        assert await PostgresHistory(uow).page(it.camera.id, EVERYTHING) == []


async def test_it_is_seen_by_those_who_see_the_camera(case: Case) -> None:
    group = new_id()
    it = await watched(case, group)
    member, stranger = (case.caller(it.camera.tenant_id, frozenset({each})) for each in (group, new_id()))
    assert len(await case.cameras.list_history(member, it.camera.id, EVERYTHING)) == 1
    for caller in (stranger, case.caller()):
        with pytest.raises(NotFound):
            await case.cameras.list_history(caller, it.camera.id, EVERYTHING)


@pytest.mark.broker
async def test_pages_and_times_over_http(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    path = f"{PATH}/{(await running.new(headers)).json()['id']}"
    for n in range(4):
        assert (await running.http.patch(path, json={"enabled": bool(n % 2)}, headers=headers)).status_code == 200
    whole = (await running.http.get(f"{path}/history", headers=headers)).json()
    assert [change["state"] for change in whole["items"]] == ["unknown", "disabled", "unknown", "disabled", "unknown"]
    assert (whole["items"][1]["cause"], whole["next"]) == ("disabled", None)
    seen, query = [], {"limit": "2"}
    while True:
        page = (await running.http.get(f"{path}/history", params=query, headers=headers)).json()
        seen += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == whole["items"]
    third = whole["items"][2]["at"]
    for part, span in (({"from": third}, slice(0, 3)), ({"to": third}, slice(3, 5)), ({"from": third, "to": third}, slice(0, 0))):
        assert (await running.http.get(f"{path}/history", params=part, headers=headers)).json()["items"] == whole["items"][span]
    for wrong in ({"from": "yesterday"}, {"to": "2026-01-01T00:00:00"}, {"limit": "0"}, {"start": third}):
        assert code(await running.http.get(f"{path}/history", params=wrong, headers=headers)) == (422, "invalid"), wrong
    assert code(await running.http.get(f"{path}/history", params={"cursor": "x"}, headers=headers)) == (422, "invalid_cursor")
