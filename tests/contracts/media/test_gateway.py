"""Tests of streaming's gateway to the media server: it reads back what it has set, so that no path is changed without need."""

from __future__ import annotations

import httpx
import pytest
from tests.contracts.media.conftest import API_USER, PATIENCE_S, MediaServer, wait_for

from gtvision.camera import path_name
from gtvision.camera_urls import parse_camera_url
from gtvision.ids import new_id
from streaming.gateways.mediamtx import MediaMtx
from streaming.live.domain import View
from streaming.streams.domain import Change, ChangeKind, PathConfig, plan

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
    other = PathConfig(wanted.name, "rtsp://127.0.0.1:1/other", False)
    try:
        for path in (wanted, other, wanted):
            await gateway.apply(Change(ChangeKind.REPLACE, path))
            assert plan([path], [each for each in await gateway.paths() if each.name == path.name]) == []
        wait_for(lambda: server.path(wanted.name))
        status = (await gateway.statuses())[wanted.name]
        assert (status.available, status.inbound_bytes) == (False, 0)
    finally:
        await gateway.apply(Change(ChangeKind.DELETE, wanted))
        await gateway.close()


async def test_views_are_listed_with_their_tickets_and_ended(server: MediaServer, live: str) -> None:
    gateway = MediaMtx(server.api_url, *API_USER, timeout_s=60)

    async def views(ticket: str) -> list[View]:
        return [view for view in await gateway.views() if view.ticket == ticket]

    try:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            for ticket in ("good-a", "good-b"):
                answer = await client.get(f"{server.hls_url}/{live}/index.m3u8?cookieCheck=1&ticket={ticket}")
                assert answer.status_code == 200
        [view] = await views("good-a")
        assert (view.protocol, view.path) == ("hls", live)
        for _ in range(2):
            await gateway.end(view)
        assert await views("good-a") == []
        assert len(await views("good-b")) == 1
    finally:
        await gateway.close()
