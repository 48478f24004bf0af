"""Tests of HLS: MediaMTX's sessions, and segments that a player can play."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, Camera, Hook, MediaServer

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def playing(kind: str, hook: Hook, camera: Camera, start_server: Callable[..., Any]) -> Iterator[Any]:
    """A server of the variant that the product uses, with a path `cam` that plays and a path `off` that does not."""
    server = start_server(kind, hook.url, hlsVariant="fmp4", hlsSegmentCount=20, hlsTrustedProxies=["127.0.0.1/32"])
    server.add("cam", source=camera.url())
    server.add("off")
    server.wait_available("cam")
    yield server
    server.close()


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=PATIENCE_S)


def open_session(server: MediaServer, query: str = "ticket=good1", **headers: str) -> tuple[httpx.Response, str]:
    """Returns the multivariant playlist, and the URL of the variant in it."""
    answer = get(f"{server.hls_url}/cam/index.m3u8?cookieCheck=1&{query}", **headers)
    assert answer.status_code == 200, answer.text
    line = next(line for line in answer.text.splitlines() if line and not line.startswith("#"))
    return answer, urljoin(str(answer.url), line)


def test_the_first_request_is_redirected_to_try_cookies(playing: MediaServer) -> None:
    answer = get(f"{playing.hls_url}/cam/index.m3u8?ticket=good")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/cam/index.m3u8?cookieCheck=1&ticket=good"
    assert answer.headers["set-cookie"].startswith("cookieCheck=1;")


def test_a_session_is_in_the_urls_over_plain_http(playing: MediaServer, hook: Hook) -> None:
    answer, variant = open_session(playing)
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "RESOLUTION=640x360" in answer.text
    assert "session=" in variant
    assert "ticket=good1" in variant
    media = get(variant)
    assert media.status_code == 200
    assert "#EXT-X-MAP:URI=" in media.text
    question = hook.asked("read", "cam")[-1]
    assert (question["protocol"], question["query"]) == ("hls", "ticket=good1")
    assert question["id"]


def test_segments_play(playing: MediaServer, tmp_path: Path) -> None:
    _, variant = open_session(playing)
    media = get(variant).text
    init = media.partition('#EXT-X-MAP:URI="')[2].partition('"')[0]
    segment = [line for line in media.splitlines() if line and not line.startswith("#") and "gap" not in line][-1]  # not the oldest
    film = tmp_path / "segment.mp4"
    film.write_bytes(get(urljoin(variant, init)).content + get(urljoin(variant, segment)).content)
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(film), "-f", "null", "-"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_newest_segments_say_when_they_were_taken(playing: MediaServer, eventually: Callable[..., Any]) -> None:
    """The console draws boxes by it. A player counts back from them to the others, by their durations."""
    _, variant = open_session(playing)

    def dates() -> list[str]:
        """The date of each segment; empty where it says none."""
        return re.findall(r"(?:#EXT-X-PROGRAM-DATE-TIME:(\S+)\n)?#EXTINF:[\d.]+,\n(?!gap)\S+", get(variant).text)

    eventually(lambda: len(dates()) >= 4)
    *older, earlier_date, later_date = dates()
    assert not any(older)
    earlier, later = datetime.fromisoformat(earlier_date), datetime.fromisoformat(later_date)
    began = datetime.fromisoformat(playing.client.get("/paths/get/cam").json()["readyTime"])
    assert began <= earlier < later <= datetime.now(UTC)


def test_ffmpeg_plays_the_whole(playing: MediaServer) -> None:
    command = ["ffmpeg", "-v", "error", "-i", f"{playing.hls_url}/cam/index.m3u8?ticket=good", "-t", "3", "-c", "copy", "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr


def test_new_segments_appear_and_old_ones_go(playing: MediaServer, eventually: Callable[..., Any]) -> None:
    _, variant = open_session(playing)

    def sequence() -> int:
        return int(get(variant).text.partition("#EXT-X-MEDIA-SEQUENCE:")[2].partition("\n")[0])

    before = sequence()
    eventually(lambda: sequence() >= before + 2)


def test_children_need_a_session(playing: MediaServer) -> None:
    _, variant = open_session(playing)
    bare = variant.partition("?")[0]
    for url in (
        bare,
        f"{bare}?session=01920000-0000-4000-8000-000000000000",
        f"{bare}?ticket=good",
        f"{playing.hls_url}/off/video1_stream.m3u8",
    ):
        assert get(url).status_code == 401


def test_a_session_is_bound_to_its_address(playing: MediaServer) -> None:
    _, variant = open_session(playing, **{"x-forwarded-for": "203.0.113.7"})
    assert get(variant, **{"x-forwarded-for": "203.0.113.7"}).status_code == 200
    assert get(variant, **{"x-forwarded-for": "203.0.113.8"}).status_code == 401


def test_the_hook_decides_and_a_first_try_is_asked(playing: MediaServer) -> None:
    bare = get(f"{playing.hls_url}/cam/index.m3u8?cookieCheck=1")
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, 'Basic realm="mediamtx"')
    assert get(f"{playing.hls_url}/cam/index.m3u8?cookieCheck=1&ticket=bad").status_code == 401


def test_what_does_not_play_is_404(playing: MediaServer) -> None:
    assert get(f"{playing.hls_url}/off/index.m3u8?cookieCheck=1&ticket=good").status_code == 404
    assert get(f"{playing.hls_url}/unknown/index.m3u8?cookieCheck=1&ticket=good").status_code == 500
    folder = get(f"{playing.hls_url}/cam?ticket=good")
    assert (folder.status_code, folder.headers["location"]) == (302, "/cam/?ticket=good")


def test_viewers_are_listed_and_kicked(playing: MediaServer) -> None:
    _, variant = open_session(playing, query="ticket=goodbye")
    session = next(item for item in playing.client.get("/hlssessions/list").json()["items"] if item["query"] == "ticket=goodbye")
    assert (session["path"], session["isCDN"]) == ("cam", False)
    assert {"type": "hlsSession", "id": session["id"]} in playing.path("cam")["readers"]
    muxer = playing.client.get("/hlsmuxers/get/cam").json()
    assert muxer["path"] == "cam"
    assert muxer["outboundBytes"] > 0
    segment = [line for line in get(variant).text.splitlines() if line and not line.startswith("#") and "gap" not in line][-1]
    assert get(urljoin(variant, segment)).status_code == 200
    assert playing.client.post(f"/hlssessions/kick/{session['id']}").status_code == 200
    assert (get(variant).status_code, get(urljoin(variant, segment)).status_code) == (401, 401)
    assert session["id"] not in [one["id"] for one in playing.path("cam")["readers"]]
    assert playing.client.get(f"/hlssessions/get/{session['id']}").status_code == 404
    assert playing.client.post(f"/hlssessions/kick/{session['id']}").status_code == 404


def test_preflight(playing: MediaServer) -> None:
    asked = {"origin": "http://console", "access-control-request-method": "GET"}
    answer = httpx.options(f"{playing.hls_url}/cam/index.m3u8", headers=asked, timeout=PATIENCE_S)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "OPTIONS, GET")
