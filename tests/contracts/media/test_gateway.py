"""Tests of streaming's gateway to the media server: it reads back what it has set, so that no path is changed without need."""

from __future__ import annotations

import httpx
import pytest
from tests.contracts.media.conftest import API_USER, PATIENCE_S, MediaServer, wait_for

from gtvision.camera import path_name
from gtvision.camera_urls import parse_camera_url
from gtvision.ids import new_id
from streaming.gateways.mediamtx import MediaMtx
from streaming.live.fakes import FakeViews
from streaming.live.ports import Views
from streaming.streams.domain import Change, ChangeKind, PathConfig, plan
from streaming.streams.fakes import FakeMediaServer
from streaming.streams.ports import MediaServer as MediaServerPort

pytestmark = pytest.mark.media


@pytest.mark.parametrize(
    ("source", "fingerprint"),
    [
        ("rtsp://user:p%40ss@127.0.0.1:1/Streaming/Channels/101?a=b&c=%20", ""),
        ("rtsp://user:p%40ss@[::1]:1/s", ""),
        ("rtsps://user:p%40ss@127.0.0.1:1/s", "0a" * 32),
        ("rtsps://user:p%40ss@[::1]:1", "0a" * 32),
        (parse_camera_url('RTSP://us^er:p{|}<>`"@127.0.0.1:1/s^{|}?a=<^>').source, ""),
    ],
)
async def test_a_path_is_read_back_as_it_was_set(server: MediaServer, source: str, fingerprint: str) -> None:
    gateway = MediaMtx(server.api_url, *API_USER, timeout_s=60)
    wanted = PathConfig(path_name(new_id()), source, False, fingerprint)
    try:
        await reads_back(gateway, wanted)
        wait_for(lambda: server.find(wanted.name))
        status = (await gateway.statuses())[wanted.name]
        assert (status.available, status.inbound_bytes) == (False, 0)
    finally:
        await takes_away(gateway, wanted)
        await gateway.close()


async def test_the_fake_does_the_same() -> None:
    fake, wanted = FakeMediaServer(), PathConfig(path_name(new_id()), "rtsp://127.0.0.1:1/s", False)
    await reads_back(fake, wanted)
    status = (await fake.statuses())[wanted.name]
    assert (status.available, status.inbound_bytes) == (False, 0)
    await takes_away(fake, wanted)


async def reads_back(media: MediaServerPort, wanted: PathConfig) -> None:
    other = PathConfig(wanted.name, "rtsp://127.0.0.1:1/other", False)
    for path in (wanted, other, wanted):
        await media.apply(Change(ChangeKind.REPLACE, path))
        assert plan([path], [each for each in await media.paths() if each.name == path.name]) == []


async def takes_away(media: MediaServerPort, path: PathConfig) -> None:
    for _ in range(2):
        await media.apply(Change(ChangeKind.DELETE, path))
    assert path.name not in [each.name for each in await media.paths()]


async def test_views_are_listed_with_their_tickets_and_ended(server: MediaServer, live: str) -> None:
    gateway = MediaMtx(server.api_url, *API_USER, timeout_s=60)
    try:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            # the first may wait long for a segment; the two after it are young together
            for ticket in ("good-first", "good-a", "good-b"):
                answer = await client.get(f"{server.hls_url}/{live}/index.m3u8?cookieCheck=1&ticket={ticket}")
                assert answer.status_code == 200
        await ends_one(gateway, live)
    finally:
        await gateway.close()


async def test_the_fake_lists_and_ends_views_too() -> None:
    fake = FakeViews()
    for ticket in ("good-a", "good-b"):
        fake.watch("cam", ticket, "hls")
    await ends_one(fake, "cam")


async def ends_one(media: Views, path: str) -> None:
    """Of two HLS views, whose tickets are good-a and good-b; a view that another test left open may be there too."""
    [view] = [each for each in await media.views() if each.ticket == "good-a"]
    assert (view.protocol, view.path) == ("hls", path)
    for _ in range(2):
        await media.end(view)
    assert [each.ticket for each in await media.views() if each.ticket in {"good-a", "good-b"}] == ["good-b"]
