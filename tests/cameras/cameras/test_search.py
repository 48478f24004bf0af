"""Tests of the list of cameras by text, state, group and the like, on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.cameras.conftest import PATH, Case, Running, code

from cameras.cameras.consumers import StreamEvents
from cameras.cameras.domain import CameraSettings, Wanted
from chassis.envelope import wrap
from gtvision.camera import CameraState
from gtvision.events import StreamCause, StreamDegraded, StreamWentOffline, StreamWentOnline
from gtvision.ids import new_id
from gtvision.patch import Patch
from gtvision.tenancy import Caller

pytestmark = [pytest.mark.db]


class City:
    """Cameras of one tenant, found by their names."""

    def __init__(self, case: Case) -> None:
        self.case, self.caller = case, case.caller()
        self.to = StreamEvents(case.cameras)

    async def add(self, name: str, external_id: str | None = None, **more: Any) -> UUID:
        camera, _ = await self.case.cameras.register_camera(self.caller, CameraSettings(name, external_id, **more), "rtsp://10.0.0.5/s")
        return camera.id

    async def find(self, caller: Caller | None = None, **wanted: Any) -> list[str]:
        found = await self.case.cameras.list_cameras(caller or self.caller, None, 100, Wanted(**wanted))
        return [camera.name for camera in found]

    def event(self, data: Any) -> Any:
        return wrap(data, tenant_id=self.caller.tenant_id, occurred_at=self.case.clock.now() + timedelta(seconds=1))


@pytest.fixture
def city(case: Case) -> City:
    return City(case)


async def test_a_part_of_the_name_or_of_the_external_id_finds_it(city: City) -> None:
    await city.add("Praça da Sé", "SP-001")
    await city.add("Pra\u0063\u0327a São José")  # the same letter, written in two characters
    await city.add("Rua 100% nova_", "sp-Ação")
    for text, names in {
        "PRAÇA": ["Praça da Sé", "Pra\u0063\u0327a São José"],
        "praca": ["Praça da Sé", "Pra\u0063\u0327a São José"],
        "sao jose": ["Pra\u0063\u0327a São José"],
        "SP-": ["Praça da Sé", "Rua 100% nova_"],
        "acao": ["Rua 100% nova_"],
        "%": ["Rua 100% nova_"],
        "_": ["Rua 100% nova_"],
        "a_a": [],
        "sé sp": [],
    }.items():
        assert await city.find(text=text) == names, text


async def test_states_are_those_that_a_screen_shows(city: City) -> None:
    cameras = {name: await city.add(name) for name in ("on", "off", "weak", "new", "switched off")}
    await city.to.on_stream_went_online(city.event(StreamWentOnline(camera_id=cameras["on"], revision=1, read_url="rtsp://media/x")))
    for name in ("off", "switched off"):
        gone = StreamWentOffline(camera_id=cameras[name], revision=1, cause=StreamCause.UNREACHABLE)
        await city.to.on_stream_went_offline(city.event(gone))
    weak = StreamDegraded(camera_id=cameras["weak"], revision=1, cause=StreamCause.NO_PROGRESS)
    await city.to.on_stream_degraded(city.event(weak))
    await city.case.cameras.update_camera(city.caller, cameras["switched off"], Patch({"enabled": False}))
    down = frozenset({CameraState.OFFLINE, CameraState.DEGRADED})
    assert await city.find(states=down) == ["off", "weak"]
    for state in CameraState:
        shown = await city.find(states=frozenset({state}))
        every = await city.case.cameras.list_cameras(city.caller, None, 100)
        assert shown == [camera.name for camera in every if camera.shown()[0] is state]
        assert len(shown) == 1
    assert await city.find(enabled=False) == ["switched off"]
    assert await city.find(enabled=True) == ["on", "off", "weak", "new"]


async def test_a_camera_fulfils_everything_that_is_asked(city: City) -> None:
    north, south = new_id(), new_id()
    await city.add("Norte 1", "n1", groups=frozenset({north}))
    await city.add("Norte 2", "n2", groups=frozenset({north, south}), enabled=False)
    await city.add("Sul", groups=frozenset({south}))
    assert await city.find(group=north) == ["Norte 1", "Norte 2"]
    assert await city.find(group=north, enabled=True) == ["Norte 1"]
    assert await city.find(group=south, text="norte") == ["Norte 2"]
    assert await city.find(external_id="n2") == ["Norte 2"]
    assert await city.find(external_id="n2", group=new_id()) == []
    assert await city.find(group=new_id()) == []


async def test_the_limits_of_the_caller_hold(city: City) -> None:
    mine, other = new_id(), new_id()
    await city.add("Praça 1", groups=frozenset({mine, other}))
    await city.add("Praça 2", groups=frozenset({other}))
    gone = await city.add("Praça 3", groups=frozenset({mine}))
    await city.case.cameras.remove_camera(city.caller, gone)
    limited = city.case.caller(city.caller.tenant_id, frozenset({mine}))
    assert await city.find(limited, text="praça") == ["Praça 1"]
    assert await city.find(limited, group=other) == ["Praça 1"]
    assert await city.find(city.case.caller(), text="praça") == []


@pytest.mark.broker
async def test_the_list_takes_all_of_it_over_http_and_pages(running: Running) -> None:
    headers = running.mint.headers(running.mint.caller(tenant_id=new_id()))
    for n in range(5):
        await running.new(headers, name=f"Praça {n}", external_id=f"p{n}")
    await running.new(headers, name="Rua")
    seen: list[str] = []
    query: dict[str, Any] = {"q": " PRACA ", "state": ["unknown", "offline"], "enabled": "true", "limit": 2}
    while True:
        page = (await running.http.get(PATH, params=query, headers=headers)).json()
        seen += [camera["name"] for camera in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == [f"Praça {n}" for n in range(5)]
    assert len((await running.http.get(PATH, params={"q": " ", "limit": 500}, headers=headers)).json()["items"]) == 6
    assert (await running.http.get(PATH, params={"external_id": "p1", "state": "offline"}, headers=headers)).json()["items"] == []
    for wrong in ({"state": "gone"}, {"group": "x"}, {"limit": 501}, {"q": "a\0"}, {"q": "x" * 121}, {"enabled": "perhaps"}, {"name": "x"}):
        assert code(await running.http.get(PATH, params=wrong, headers=headers)) == (422, "invalid"), wrong
