"""Tests of rate limits by address: requests to the API count, those of video do not."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.gtv.front import CAMERA, Front, edge_of

from gtv.edge import Limits

pytestmark = pytest.mark.media

CAMERAS = [f"cam_0190a5c2-0000-7000-8000-{number:012d}" for number in range(16)]
TURNS = 6
"""Each of the sixteen tiles asks for so many parts and playlists: together 224 requests, over five times the
API's share, and few enough that a slow machine too has asked for them within the minute that is counted."""


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    async with edge_of(tmp_path, limits=Limits(api=40, login=5, admin=4, lanes=60)) as running:
        yield running


async def _ask(client: httpx.AsyncClient, times: int, method: str, path: str) -> list[httpx.Response]:
    return [await client.request(method, path) for _ in range(times)]


async def test_a_wall_of_video_is_never_limited_while_the_api_beside_it_is(front: Front) -> None:
    statuses: Counter[int] = Counter()

    async def tile(client: httpx.AsyncClient, camera: str) -> None:
        for turn in range(TURNS):
            for name in (f"seg{turn}.mp4", "index.m3u8"):
                statuses[(await client.get(f"/hls/{camera}/{name}")).status_code] += 1
            if turn == 0:
                statuses[(await client.post(f"/whep/{camera}/whep")).status_code] += 1
                statuses[(await client.get("/main.js")).status_code] += 1

    async with front.asking() as wall:
        answers, *_ = await asyncio.gather(_ask(front.client, 60, "GET", "/api/v1/cameras"), *(tile(wall, camera) for camera in CAMERAS))
    assert statuses == {200: 16 * (2 * TURNS + 2)}
    assert Counter(answer.status_code for answer in answers) == {200: 40, 429: 20}
    # the WebSocket and the edge's health are open to an address that has reached its limit
    assert {answer.status_code for answer in await _ask(front.client, 50, "GET", "/ws/v1/live")} == {200}
    assert (await front.client.get("/api/health")).status_code == 200


async def test_what_cannot_be_decoded_counts_too(front: Front) -> None:
    heads = [(await front.raw("GET /api/v1/cameras/%zz"))[0] for _ in range(43)]
    assert [head.startswith(b"HTTP/1.1 429 ") for head in heads] == [False] * 40 + [True] * 3


async def test_the_refusal_says_when_to_come_back(front: Front) -> None:
    answer = (await _ask(front.client, 41, "GET", "/api/v1/cameras"))[-1]
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (429, 429, "rate_limited")
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["correlation_id"] == answer.headers["x-correlation-id"]


async def test_logins_and_changes_of_accounts_have_a_stricter_limit_of_their_own(front: Front) -> None:
    for method, path, allowed in (("POST", "/api/v1/auth/login", 5), ("PATCH", "/api/v1/users/1", 4)):
        answers = await _ask(front.client, allowed + 3, method, path)
        assert [answer.status_code for answer in answers] == [200] * allowed + [429] * 3
    # other spellings of the path count too
    for path in ("/api/v1/auth/%6cogin", "/api/v1/auth/login/", "/api/v1/auth/login?x"):
        assert (await front.raw(f"POST {path}", "Content-Length: 0"))[0].startswith(b"HTTP/1.1 429 ")
    for path in ("/static/api/v1/auth/login", "/dashboard/static/api/v1/auth/login", "//api/v1/auth/login"):
        assert (await front.raw(f"POST {path}", "Content-Length: 0"))[0].startswith(b"HTTP/1.1 404 ")
    # reading does not count as a change, and a ticket not as a login
    assert (await front.client.get("/api/v1/users/1")).status_code == 200
    assert {answer.status_code for answer in await _ask(front.client, 16, "POST", "/api/v1/auth/tickets")} == {200}


async def test_machines_have_a_lane_of_their_own(front: Front) -> None:
    answers = await _ask(front.client, 70, "POST", "/api/v1/ingest/detections")
    assert Counter(answer.status_code for answer in answers) == {200: 60, 429: 10}
    assert (await front.client.get("/api/v1/cameras")).status_code == 200


async def test_what_only_begins_like_a_lane_is_none(front: Front) -> None:
    # /api/v1/detect is a lane, these paths are not
    answers = [*await _ask(front.client, 20, "GET", "/api/v1/detections"), *await _ask(front.client, 25, "GET", "/api/deteccoes")]
    assert Counter(answer.status_code for answer in answers) == {200: 40, 429: 5}
    assert (await front.client.post("/api/v1/detect/frame")).status_code == 200


async def test_known_names_count_like_the_names_they_stand_for(front: Front) -> None:
    answers = [*await _ask(front.client, 20, "GET", "/api/cameras/"), *await _ask(front.client, 21, "GET", "/api/v1/cameras")]
    assert [answer.status_code for answer in answers] == [200] * 40 + [429]


async def test_each_address_has_its_share_and_an_ipv6_network_is_one(tmp_path: Path) -> None:
    async with edge_of(tmp_path, limits=Limits(api=3), trusted_proxies=("127.0.0.1",)) as front:

        async def ask(address: str) -> list[int]:
            async with front.asking(headers={"X-Forwarded-For": address}) as client:
                return [answer.status_code for answer in await _ask(client, 2, "GET", "/api/v1/cameras")]

        assert await ask("203.0.113.1") + await ask("203.0.113.1") == [200, 200, 200, 429]
        assert await ask("203.0.113.2") == [200, 200]
        assert await ask("2001:db8:1:1::1") + await ask("2001:db8:1:1:ffff::2") == [200, 200, 200, 429]
        assert await ask("2001:db8:1:2::1") == [200, 200]


async def test_partners_see_the_refusal_with_curl(front: Front) -> None:
    await _ask(front.client, 40, "GET", "/api/v1/cameras")
    done = await front.curl("--cacert", front.authority, "-i", f"{front.address()}/api/v1/cameras")
    head, _, body = done.stdout.partition("\n\n") if "\n\n" in done.stdout else done.stdout.partition("\r\n\r\n")
    assert head.startswith("HTTP/2 429")
    assert json.loads(body)["code"] == "rate_limited"


async def test_a_refusal_does_not_overtake_the_body_that_it_answers(front: Front) -> None:
    # over HTTP/2 a refusal before the end of the body would reset the stream, about every second time
    await _ask(front.client, 5, "POST", "/api/v1/auth/login")
    said = ["--cacert", front.authority, "-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "--json", '{"password": "x"}']
    for _ in range(20):
        assert (await front.curl(*said, front.address() + "/api/v1/auth/login")).stdout == "2 429"


# --- video that is refused -----------------------------------------------------------------------------------------------


MADE_UP = f"/playback/{CAMERA}/{43 * 'x'}/index.m3u8?refused"
PLAYED = f"/playback/{CAMERA}/{43 * 'k'}/index.m3u8"


async def test_who_makes_up_keys_waits_and_only_for_recordings(tmp_path: Path) -> None:
    limits = Limits(playback_refusals=20)
    async with edge_of(tmp_path, limits=limits, trusted_proxies=("127.0.0.1",)) as front:
        async with front.asking(headers={"X-Forwarded-For": "203.0.113.1"}) as guesser:
            answers = await _ask(guesser, 30, "GET", MADE_UP)
            assert [answer.status_code for answer in answers] == [401] * 20 + [429] * 10
            last = answers[-1]
            assert (last.json()["code"], last.headers["retry-after"], last.headers["cache-control"]) == ("rate_limited", "10", "no-store")
            assert {(await guesser.get(path)).status_code for path in (PLAYED, f"/playback/{CAMERA}/still.jpg?ticket=x")} == {429}
            others = ("/api/v1/cameras", f"/hls/{CAMERA}/index.m3u8", f"/whep/{CAMERA}/whep", "/ws/v1/live", "/main.js")
            assert {(await guesser.get(path)).status_code for path in others} == {200}
            async with asyncio.timeout(120):  # it passes, though the guesser looks again and again
                while (await guesser.get(PLAYED)).status_code == 429:
                    await asyncio.sleep(0.5)
        async with front.asking(headers={"X-Forwarded-For": "203.0.113.2"}) as neighbour:
            assert {answer.status_code for answer in await _ask(neighbour, 30, "GET", PLAYED)} == {200}


async def test_tickets_for_nothing_count_for_recordings_and_cameras_without_picture_do_not(tmp_path: Path) -> None:
    async with edge_of(tmp_path, limits=Limits(playback_refusals=20, live_refusals=20)) as front:
        still = f"/playback/{CAMERA}/still.jpg?ticket=missing"
        live, hls = f"/whep/{CAMERA}/whep", f"/hls/{CAMERA}/index.m3u8"
        assert Counter(answer.status_code for answer in await _ask(front.client, 60, "POST", f"{live}?missing")) == {404: 60}
        assert Counter(answer.status_code for answer in await _ask(front.client, 60, "GET", f"{hls}?redirect")) == {302: 60}
        assert Counter(answer.status_code for answer in await _ask(front.client, 30, "GET", still)) == {404: 20, 429: 10}
        assert Counter(answer.status_code for answer in await _ask(front.client, 30, "POST", f"{live}?refused")) == {401: 20, 429: 10}
        assert (await front.client.get(hls)).status_code == 429


async def test_a_control_room_whose_files_are_gone_goes_on_with_the_others(tmp_path: Path) -> None:
    async with edge_of(tmp_path, limits=Limits(playback_refusals=20)) as front:
        statuses: Counter[int] = Counter()

        async def tile(number: int) -> None:
            session = f"/playback/{CAMERAS[number % len(CAMERAS)]}/{number:043d}"
            for asked in ("index.m3u8", "2026-11-20_15-00-00-000000.mp4?missing", "sprite_2026-11-20_15.jpg?missing"):
                statuses[(await front.client.get(f"{session}/{asked}")).status_code] += 1

        await asyncio.gather(*(tile(number) for number in range(30)))
        assert statuses == {200: 30, 404: 60}
        assert (await front.client.get(PLAYED)).status_code == 200


async def test_a_control_room_whose_views_all_end_at_once_is_not_limited(tmp_path: Path) -> None:
    """Three walls of 25 tiles behind one address: of each tile three tries by WebRTC and one by HLS are refused, and again after 4 s."""
    async with edge_of(tmp_path) as front:
        statuses: Counter[int] = Counter()

        async def tile(client: httpx.AsyncClient, camera: str) -> None:
            for _ in range(2):
                for path in (f"/whep/{camera}/whep?refused",) * 3:
                    statuses[(await client.post(path)).status_code] += 1
                statuses[(await client.get(f"/hls/{camera}/index.m3u8?refused")).status_code] += 1
            statuses[(await client.get(f"/hls/{camera}/index.m3u8")).status_code] += 1
            statuses[(await client.get(f"/playback/{camera}/{43 * 'k'}/index.m3u8?refused")).status_code] += 1

        cameras = [f"cam_0190a5c2-0000-7000-8000-{number:012d}" for number in range(25)]
        await asyncio.gather(*(tile(front.client, camera) for camera in 3 * cameras))
        assert statuses == {401: 75 * 9, 200: 75}
