"""Tests of the edge's map of cameras: the gateway on a real HAProxy, and the job that keeps the map up to date."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import ValidationError
from tests.gtv.front import Front, echoes, edge_of

from gtv import edge, maintenance
from gtvision.camera import RecordingSettings, path_name
from gtvision.errors import Unavailable
from gtvision.ids import new_id
from gtvision.time import FakeClock
from servers import free_port
from streaming.gateways.haproxy import HaproxyMap
from streaming.settings import EdgeSettings
from streaming.streams.domain import DesiredCamera
from streaming.streams.fakes import FakeEdgeMap
from streaming.streams.ports import EdgeMap
from streaming.streams.usecases import EdgeMaps

NOW = FakeClock().now()


def _camera(*, enabled: bool = True, removed: bool = False) -> DesiredCamera:
    return DesiredCamera(
        tenant_id=new_id(),
        camera_id=new_id(),
        revision=1,
        name="",
        enabled=enabled,
        url_encrypted="",
        groups=frozenset(),
        recording=RecordingSettings(),
        removed=removed,
    )


# --- the gateway ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    """A real HAProxy with two media nodes."""
    async with echoes("north", "south") as servers:
        protocols = ("hls", "webrtc", "playback")
        nodes = {name: {each: edge.Target(f"127.0.0.1:{echo.port}") for each in protocols} for name, echo in servers.items()}
        async with edge_of(tmp_path, nodes=nodes) as running:
            yield running


def _gateway(front: Front) -> HaproxyMap:
    return HaproxyMap(str(front.layout.files.socket), timeout_s=120)


async def _node(front: Front, name: str) -> str | int:
    answer = await front.client.get(f"/hls/{name}/index.m3u8")
    return str(answer.json()["name"]) if answer.is_success else answer.status_code


@pytest.mark.media
async def test_the_edge_goes_where_the_map_says(front: Front) -> None:
    gateway, first, second = _gateway(front), path_name(new_id()), path_name(new_id())
    assert await _node(front, first) == 503
    await gateway.sync({first: "north", second: "south"})
    assert [await _node(front, name) for name in (first, second)] == ["north", "south"]
    await gateway.sync({first: "south"})
    assert [await _node(front, name) for name in (first, second)] == ["south", 404]
    assert await gateway.sync({first: "south"}) == 0


async def knows_exactly(edge_map: EdgeMap) -> None:
    first, second = path_name(new_id()), path_name(new_id())
    for nodes in ({first: "north", second: "south"}, {first: "south"}, {}):
        assert await edge_map.sync(nodes) > 0
        assert await edge_map.sync(nodes) == 0


@pytest.mark.media
async def test_the_map_holds_exactly_what_it_is_given(front: Front) -> None:
    await knows_exactly(_gateway(front))


async def test_the_fake_holds_exactly_what_it_is_given() -> None:
    await knows_exactly(FakeEdgeMap(known={"cam_x": "north"}))


@pytest.mark.media
async def test_an_edge_that_restarts_is_filled_again(front: Front) -> None:
    gateway, camera = _gateway(front), path_name(new_id())
    await gateway.sync({camera: "north"})
    await front.restart()
    assert await _node(front, camera) == 503
    await gateway.sync({camera: "north"})
    assert await _node(front, camera) == "north"


@pytest.mark.media
async def test_a_map_of_thousands_of_cameras_fits(front: Front) -> None:
    gateway, cameras = _gateway(front), [path_name(new_id()) for _ in range(3_000)]
    await gateway.sync(dict.fromkeys(cameras, "north"))
    assert {await _node(front, camera) for camera in cameras[::500]} == {"north"}
    assert await gateway.sync(dict.fromkeys(cameras, "north")) == 0
    await gateway.sync({})
    assert {await _node(front, camera) for camera in cameras[::500]} == {404}


@pytest.mark.media
async def test_an_entry_that_two_processes_added_twice_becomes_one(front: Front) -> None:
    gateway, camera = _gateway(front), path_name(new_id())
    for node in ("north", "south"):
        maintenance.ask(front.layout.files, f"add map {front.layout.files.nodes} {camera} {node}")
    await gateway.sync({camera: "south"})
    assert await _node(front, camera) == "south"
    assert await gateway.sync({camera: "south"}) == 0


@pytest.mark.media
async def test_the_other_map_is_left_alone(front: Front) -> None:
    maintenance.switch(front.layout.files, on=True)
    await _gateway(front).sync({path_name(new_id()): "north"})
    assert (await front.client.get("/api/v1/cameras")).json()["code"] == "maintenance"


@pytest.mark.parametrize("address", ["/nowhere/maps.sock", f"127.0.0.1:{free_port()}"], ids=["socket", "port"])
async def test_an_edge_that_is_away_is_unavailable(address: str) -> None:
    with pytest.raises(Unavailable):
        await HaproxyMap(address).sync({})


# --- the job --------------------------------------------------------------------------------------------------------------


async def test_every_edge_is_told_and_one_that_is_away_does_not_hold_up_the_others() -> None:
    away, there = FakeEdgeMap("away", down=True), FakeEdgeMap("there")
    both: list[EdgeMap] = [away, there]
    edges = EdgeMaps(both, "media-1")
    seen, off, gone = _camera(), _camera(enabled=False), _camera(removed=True)
    edges.learn([seen, off, gone])
    await edges.sync()
    assert there.known == {path_name(seen.camera_id): "media-1"}
    away.down = False
    await edges.sync()
    assert away.known == there.known


async def test_no_map_is_touched_before_the_cameras_are_known() -> None:
    there = FakeEdgeMap(known={"cam_x": "media-1"})
    edges = EdgeMaps([there], "media-1")
    await edges.sync()
    assert there.known == {"cam_x": "media-1"}
    edges.learn([])
    await edges.sync()
    assert there.known == {}


async def test_a_change_wakes_the_job_and_a_repeat_does_not() -> None:
    edges = EdgeMaps([], "media-1")
    camera = _camera()
    for cameras, woken in (([camera], True), ([camera], False), ([], True)):
        edges.learn(cameras)
        assert edges.wake.is_set() is woken
        edges.wake.clear()


def test_sockets_are_paths_or_addresses() -> None:
    assert EdgeSettings.model_validate({"EDGE_SOCKETS": "/run/a.sock, 10.0.0.1:9999"}).sockets == ("/run/a.sock", "10.0.0.1:9999")
    for wrong in ("haproxy", "relative/a.sock", "host:port"):
        with pytest.raises(ValidationError):
            EdgeSettings.model_validate({"EDGE_SOCKETS": wrong})
