"""Tests of the edge's choice of the media node, and of the TCP ports that it passes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from tests.gtv.front import CAMERA, NODE, Front, echoes, edge_of

from gtv import edge, maintenance
from servers import free_port

pytestmark = pytest.mark.media

KEY = "kEy-of_a_session" + 27 * "0"
OTHER = "cam_0190a5c2-0000-7000-8000-000000000002"


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Front]:
    """The edge with two media nodes."""
    async with echoes("north", "south") as servers:
        nodes = {
            name: {each: edge.Target(f"127.0.0.1:{echo.port}") for each in ("hls", "webrtc", "playback")} for name, echo in servers.items()
        }
        async with edge_of(tmp_path, nodes=nodes) as front:
            yield front


async def _who(front: Front, path: str) -> str:
    return str((await front.client.get(path)).json()["name"])


def _add(front: Front, *entries: str) -> None:
    for entry in entries:
        assert maintenance.ask(front.layout.files, f"add map {front.layout.files.nodes} {entry}").strip() == ""


async def test_goes_to_the_node_that_has_the_camera(two: Front) -> None:
    _add(two, f"{CAMERA} north", f"{OTHER} south", "filled yes")
    for protocol in (
        "/hls/{}/index.m3u8",
        "/hls/{}_sub/index.m3u8",
        "/whep/{}/whep",
        "/playback/{}/open",
        f"/playback/{{}}/{KEY}/index.m3u8",
    ):
        assert await _who(two, protocol.format(CAMERA)) == "north"
        assert await _who(two, protocol.format(OTHER)) == "south"


async def test_a_camera_that_no_node_has_is_a_problem_and_an_empty_map_says_nothing(two: Front) -> None:
    empty = await two.client.get(f"/hls/{CAMERA}/index.m3u8")
    assert (empty.status_code, empty.json()["code"], empty.headers["retry-after"]) == (503, "unavailable", "10")
    _add(two, f"{OTHER} west", "filled yes")
    for camera in (CAMERA, OTHER):
        unknown = await two.client.get(f"/hls/{camera}/index.m3u8")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_with_one_node_every_camera_is_there_whatever_the_map_says(tmp_path: Path) -> None:
    async with edge_of(tmp_path) as front:
        assert await _who(front, f"/hls/{CAMERA}/index.m3u8") == "echo"
        _add(front, f"{CAMERA} {NODE}", f"{OTHER} elsewhere", "filled yes")
        for camera in (CAMERA, OTHER):
            assert await _who(front, f"/whep/{camera}/whep") == "echo"


async def test_the_socket_is_its_owners_and_changes_nothing_but_maps(two: Front) -> None:
    files = two.layout.files
    assert files.socket.stat().st_mode & 0o777 == 0o600
    for order in ("disable frontend edge", "shutdown frontend edge", "set maxconn global 1", "disable server console/console"):
        assert "denied" in maintenance.ask(files, order).lower()


async def test_of_recordings_only_what_is_played_passes(two: Front) -> None:
    _add(two, f"{CAMERA} north", "filled yes")
    file = "2026-01-31_12-00-00-000000"
    for path in (
        "open?ticket=x",
        "still.jpg",
        f"{KEY}/thumbs.json",
        f"{KEY}/sprite_2026-01-31_12.jpg",
        f"{KEY}/{file}.mp4",
        f"{KEY}/silent_{file}.mp4",
        f"{KEY}/{file}.jpg",
    ):
        assert await _who(two, f"/playback/{CAMERA}/{path}") == "north"
    for path in (
        "",
        "index.m3u8",
        f"{file}.mp4",
        f"{KEY}/",
        f"{KEY}/{file}.txt",
        f"{KEY}x/{file}.mp4",
        f"{KEY}/../{file}.mp4",
        f"{KEY}/a%2f{file}.mp4",
        f"{KEY}/%2e%2e/{file}.mp4",
    ):
        head, _ = await two.raw(f"GET /playback/{CAMERA}/{path}")
        assert head.split()[1] == b"404", path
    assert KEY not in two.log.read_text()


async def test_redirects_of_recordings_keep_the_prefix(two: Front) -> None:
    _add(two, f"{CAMERA} north", "filled yes")
    answer = await two.client.get(f"/playback/{CAMERA}/open?redirect")
    assert answer.headers["location"] == f"/playback/{CAMERA}/open?cookieCheck=1"


async def test_no_page_of_another_origin_may_read_video(two: Front) -> None:
    _add(two, f"{CAMERA} north", "filled yes")
    for path in (f"/hls/{CAMERA}/index.m3u8", f"/whep/{CAMERA}/whep"):
        answer = await two.client.get(path, headers={"origin": "https://elsewhere.example"})
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]


# --- maintenance ----------------------------------------------------------------------------------------------------------


async def test_maintenance_closes_the_page_and_the_api_and_lets_video_go_on(tmp_path: Path) -> None:
    async with edge_of(tmp_path) as front:
        files = front.layout.files
        assert maintenance.switch(files, on=True)
        for closed in (False, True):
            api = await front.client.get("/api/v1/cameras")
            assert (api.status_code, api.json()["code"], api.headers["retry-after"]) == (503, "maintenance", "120")
            page = await front.client.get("/cameras")
            assert page.status_code == 503
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["retry-after"] == "120"
            assert "Em manutenção" in page.text
            assert await _who(front, f"/hls/{CAMERA}/index.m3u8") == "echo"
            assert await _who(front, f"/whep/{CAMERA}/whep") == "echo"
            assert (await front.client.get("/health")).status_code == 200
            if not closed:
                # the map is in a file
                await front.restart()
        assert maintenance.is_on(files)
        assert maintenance.switch(files, on=False)
        assert (await front.client.get("/api/v1/cameras")).status_code == 200
        assert (await front.client.get("/cameras")).status_code == 200


async def test_maintenance_can_be_switched_while_the_edge_is_away(tmp_path: Path) -> None:
    async with edge_of(tmp_path) as front:
        front.process.kill()
        await asyncio.to_thread(front.process.wait)
        assert not maintenance.switch(front.layout.files, on=True)
        await front.restart()
        with pytest.raises(httpx.HTTPStatusError, match="503"):
            (await front.client.get("/")).raise_for_status()


# --- carried through ------------------------------------------------------------------------------------------------------


async def _through(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    if data:
        writer.write(data)
        writer.write_eof()
    async with asyncio.timeout(180):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("send_proxy", [False, True], ids=["as it is", "with the PROXY protocol"])
async def test_rtsp_and_rtmp_are_carried_through(tmp_path: Path, send_proxy: bool) -> None:
    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(back, "127.0.0.1", 0)
    async with server:
        behind = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ports = {name: free_port() for name in ("rtsp", "rtmp")}
        passages = [edge.Passage(name, f"127.0.0.1:{port}", (behind,), send_proxy) for name, port in ports.items()]
        async with edge_of(tmp_path, passages=passages):
            said = bytes(range(256)) * 1_000
            for port in ports.values():
                answer = await _through(port, said)
                assert answer.endswith(said)
                assert answer.startswith(b"\r\n\r\n\x00\r\nQUIT\n") is send_proxy


async def test_cameras_that_publish_stay_on_their_node_and_leave_a_dead_one(tmp_path: Path) -> None:
    def node(name: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(name)
            await writer.drain()
            writer.close()

        return answer

    first, second = [await asyncio.start_server(node(name), "127.0.0.1", 0) for name in (b"1", b"2")]
    async with first, second:
        targets = [f"127.0.0.1:{server.sockets[0].getsockname()[1]}" for server in (first, second)]
        passage = edge.Passage("rtsp", f"127.0.0.1:{free_port()}", targets)
        async with edge_of(tmp_path, passages=(passage,)):
            port = int(passage.listen.rpartition(":")[2])
            mine = {await _through(port, b"") for _ in range(5)}
            assert len(mine) == 1
            (first if mine == {b"1"} else second).close()
            assert await _through(port, b"") in {b"1", b"2"} - mine
