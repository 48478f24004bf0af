"""Tests that recordings play: in ffmpeg, and by hls.js in Chromium, through nginx and through the whole edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page
from sqlalchemy import text
from tests.console.browsing import chromium
from tests.gtv.front import edge_of
from tests.streaming.conftest import CLOCK
from tests.streaming.playback.conftest import ROOT, Camera, Node, long_ago
from tests.streaming.playback.rfc8216 import validated
from tests.streaming.playback.test_parts import marks_of, with_g711

from gtv import edge
from gtvision.camera import path_name
from servers import Nginx, ServerRunner, free_port
from streaming.playback.parts import silent

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.media]

SECOND = timedelta(seconds=1)


async def pictures(url: str, *options: str) -> list[int]:
    """Returns the presentation times, in ticks, of all pictures that ffmpeg decodes, or takes over with `-c copy`.

    ffmpeg (5 to 8) does not decode the first part of a file whose timestamps begin anew, discontinuity or not.
    """
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-live_start_index",
        "0",
        "-i",
        url,
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        *options,
        "-f",
        "framecrc",
        "-",
    ]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    said, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return [int(line.split(",")[2]) for line in said.decode().splitlines() if not line.startswith("#")]


def address(camera: Camera, key: str, query: str = "") -> str:
    camera.headers = {}
    return f"{camera.node.url}/{path_name(camera.camera)}/{key}/index.m3u8{query}"


def midnight() -> datetime:
    return (CLOCK.now() - timedelta(hours=26)).replace(hour=0, minute=0, second=0, microsecond=0)


async def test_ffmpeg_plays_over_midnight_and_across_a_gap(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.headers = {}
    starts = [midnight() - 10 * SECOND, midnight() + 10 * SECOND, midnight() + 300 * SECOND]
    sizes = {path.name: path.stat().st_size for path in (camera.put(film, start) for start in starts)}
    await camera.index()
    key = await camera.open(midnight() - timedelta(hours=1), midnight() + timedelta(hours=1))
    found = validated(await camera.playlist(key), sizes)
    assert found.stretches == [(starts[0], starts[1] + 20 * SECOND), (starts[2], starts[2] + 20 * SECOND)]
    assert len(await pictures(address(camera, key), "-c", "copy")) == 600
    assert len(await pictures(address(camera, key))) >= 580


async def test_vlc_is_sent_each_file_with_its_init_section(node: Node, film: Path) -> None:
    camera = await node.camera()
    for start in (long_ago(), long_ago() + 20 * SECOND):
        camera.put(film, start)
    await camera.index()
    key = await camera.open(long_ago(), long_ago() + timedelta(minutes=1))
    init = validated(await camera.playlist(key)).segments[0].init[1]
    assert f"@{init}" in await camera.playlist(key)
    camera.headers |= {"user-agent": "VLC/3.0.24 LibVLC/3.0.24"}
    asked = [line for line in (await camera.playlist(key)).splitlines() if line.startswith("#EXT-X-BYTERANGE")]
    assert [line.partition("@")[2] for line in asked].count("0") == 1


async def test_ffmpeg_follows_the_ticket_and_plays_a_part(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.headers = {}
    camera.put(film, long_ago())
    await camera.index()
    ticket = await camera.ticket(long_ago(), long_ago() + 20 * SECOND)
    part = f"from={long_ago() + 7 * SECOND:%Y-%m-%dT%H:%M:%SZ}&to={long_ago() + 11 * SECOND:%Y-%m-%dT%H:%M:%SZ}"
    assert len(await pictures(f"{node.url}/{path_name(camera.camera)}/open?ticket={ticket}&{part}")) == 60


async def test_sound_is_played_where_there_is_some(node: Node, with_sound: Path) -> None:
    camera = await node.camera()
    camera.headers = {}
    camera.put(with_sound, long_ago())
    await camera.index()
    key = await camera.open(long_ago(), long_ago() + 20 * SECOND)
    command = ["ffmpeg", "-v", "error", "-i", address(camera, key), "-map", "0:a", "-f", "framecrc", "-"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert (process.returncode, said.count(b"\n") > 800) == (0, True)


async def test_a_file_from_before_there_were_parts_is_played_too(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.put(film, long_ago())
    await camera.index()
    async with node.running.db.uow(camera.tenant) as uow:
        await uow.session.execute(text("UPDATE streaming.segments SET parts = NULL"))
    key = await camera.open(long_ago(), long_ago() + 20 * SECOND)
    assert len(validated(await camera.playlist(key)).segments) == 7


async def test_a_torn_file_is_played_up_to_the_tear(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.headers = {}
    torn = camera.put(film, long_ago(), cut=film.stat().st_size * 2 // 3)
    await camera.index()
    key = await camera.open(long_ago(), long_ago() + 20 * SECOND)
    validated(await camera.playlist(key), {torn.name: torn.stat().st_size})
    assert 100 < len(await pictures(address(camera, key))) < 200


async def test_what_is_being_written_is_a_playlist_that_grows_until_its_end(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.headers = {}
    start = CLOCK.now().replace(microsecond=0) - 40 * SECOND
    whole = film.stat().st_size
    camera.put(film, start, cut=whole // 2, written=CLOCK.now())
    await camera.index()
    key = await camera.open(start - timedelta(minutes=5), start + 16 * SECOND)
    first = validated(await camera.playlist(key), {path.name: path.stat().st_size for path in camera.folder.iterdir()})
    assert (first.kind, first.is_ended, 0 < len(first.segments) < 6) == ("EVENT", False, True)
    playing = asyncio.create_task(pictures(address(camera, key)))
    camera.put(film, start, cut=whole * 3 // 4, written=CLOCK.now())
    more = validated(await camera.playlist(key))
    assert more.segments[: len(first.segments)] == first.segments
    camera.put(film, start, written=CLOCK.now())
    last = validated(await camera.playlist(key))
    assert (last.is_ended, last.segments[: len(more.segments)] == more.segments) == (True, True)
    assert len(await playing) == 180


async def test_a_range_that_reaches_into_the_future_waits_for_it(node: Node, film: Path) -> None:
    camera = await node.camera()
    camera.put(film, CLOCK.now() - timedelta(minutes=3))
    await camera.index()
    key = await camera.open(CLOCK.now() - timedelta(minutes=5), CLOCK.now() + timedelta(hours=1))
    found = validated(await camera.playlist(key))
    assert (found.kind, found.is_ended, len(found.segments)) == ("EVENT", False, 7)


# --- in a browser -------------------------------------------------------------------------------------------------------

PLAYER = """
async ({ player, url, seek }) => {
  const { default: Hls } = await import(player);
  const video = document.createElement("video");
  video.muted = video.playsInline = true;
  document.body.replaceChildren(video);
  const hls = new Hls();
  const errors = [];
  hls.on(Hls.Events.ERROR, (_, data) => data.fatal && errors.push(`${data.type} ${data.details}`));
  hls.loadSource(url);
  hls.attachMedia(video);
  const frame = () => new Promise((shown) => video.requestVideoFrameCallback((_, data) => shown(data)));
  const state = async () => {
    const shown = await frame();
    return { at: hls.playingDate?.getTime() / 1000, time: shown.mediaTime, width: shown.width };
  };
  const advancing = async () => {
    const from = await state();
    for (let frames = 0; frames < 10; frames += 1) await frame();
    const to = await state();
    return { from, to };
  };
  const play = async () => {
    video.play();
    const begin = await advancing();
    const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
    video.currentTime = seek;
    await there;
    const sought = await advancing();
    return { begin, sought, duration: video.duration, errors };
  };
  const failed = new Promise((give) => hls.on(Hls.Events.ERROR, (_, data) => data.fatal && give({ errors })));
  return await Promise.race([play(), failed]);
}
"""


@pytest.fixture
async def page(node: Node, tmp_path: Path) -> AsyncIterator[tuple[Page, str]]:
    """The console's page at the edge, in front of the node; and the address of its player."""
    console = ROOT / "console"
    nginx = Nginx("console", tmp_path / "nginx", free_port(), template=ROOT / "nginx/nginx.conf.template", console=console)
    [player] = console.glob("vendor/hls-*.mjs")
    targets = {"console": edge.Target(nginx.url.removeprefix("http://")), "playback": edge.Target(node.url.removeprefix("http://"))}
    (tmp_path / "edge").mkdir()
    async with ServerRunner(tmp_path) as runner, edge_of(tmp_path / "edge", targets) as front, chromium() as browser:
        await runner.start([nginx])
        context = await browser.new_context(ignore_https_errors=True)
        shown = await context.new_page()
        shown.set_default_timeout(120_000)
        await shown.goto(front.address())
        yield shown, f"/vendor/{player.name}"


async def shown_in_chromium(page: tuple[Page, str], camera: Camera, ticket: str, seek: float) -> dict[str, Any]:
    url = f"/playback/{path_name(camera.camera)}/open?ticket={ticket}"
    found: dict[str, Any] = await page[0].evaluate(PLAYER, {"player": page[1], "url": url, "seek": seek})
    assert found["errors"] == []
    for part in (found["begin"], found["sought"]):
        assert part["to"]["time"] > part["from"]["time"]
    return found


@pytest.mark.browser
async def test_chromium_plays_over_midnight_across_a_gap_and_in_another_size(
    node: Node, film: Path, larger: Path, page: tuple[Page, str]
) -> None:
    camera = await node.camera()
    camera.put(film, midnight() - 20 * SECOND)
    camera.put(larger, midnight())
    camera.put(film, midnight() + 300 * SECOND)
    await camera.index()
    ticket = await camera.ticket(midnight() - timedelta(hours=1), midnight() + timedelta(hours=1))
    found = await shown_in_chromium(page, camera, ticket, 25)
    assert [found["begin"]["from"]["width"], found["sought"]["from"]["width"]] == [160, 320]
    assert found["duration"] == pytest.approx(60, abs=1)
    assert found["begin"]["from"]["at"] == pytest.approx((midnight() - 20 * SECOND).timestamp(), abs=5)
    assert found["sought"]["from"]["at"] == pytest.approx((midnight() + 5 * SECOND).timestamp(), abs=1)


@pytest.mark.browser
async def test_chromium_plays_sound_of_a_camera_that_was_removed(node: Node, with_sound: Path, page: tuple[Page, str]) -> None:
    camera = await node.camera()
    for number in range(2):
        camera.put(with_sound, long_ago() + number * 20 * SECOND)
    await camera.index()
    await camera.remove()
    ticket = await camera.ticket(long_ago(), long_ago() + timedelta(minutes=1))
    found = await shown_in_chromium(page, camera, ticket, 25)
    assert (found["sought"]["from"]["width"], found["duration"]) == (320, pytest.approx(40, abs=1))


@pytest.mark.browser
async def test_chromium_plays_what_is_being_written(node: Node, film: Path, page: tuple[Page, str]) -> None:
    camera = await node.camera()
    start = CLOCK.now().replace(microsecond=0) - 40 * SECOND
    camera.put(film, start - 20 * SECOND)
    camera.put(film, start, cut=film.stat().st_size // 2, written=CLOCK.now())
    await camera.index()
    ticket = await camera.ticket(start - 20 * SECOND, start + timedelta(hours=1))
    found = await shown_in_chromium(page, camera, ticket, 22)
    assert found["sought"]["from"]["at"] == pytest.approx((start + 2 * SECOND).timestamp(), abs=1)


@pytest.mark.browser
async def test_chromium_plays_cameras_with_g711_and_files_of_which_some_have_sound(
    node: Node, film: Path, with_sound: Path, tmp_path: Path, page: tuple[Page, str]
) -> None:
    g711 = with_g711(film, tmp_path / "g711.mp4")
    for films, widths in (((g711, g711), [160, 160]), ((film, with_sound), [160, 320]), ((with_sound, g711), [320, 160])):
        camera = await node.camera()
        for number, each in enumerate(films):
            camera.put(each, long_ago() + number * 20 * SECOND)
        await camera.index()
        ticket = await camera.ticket(long_ago(), long_ago() + timedelta(minutes=1))
        found = await shown_in_chromium(page, camera, ticket, 25)
        assert [found["begin"]["from"]["width"], found["sought"]["from"]["width"]] == widths


async def test_a_file_without_its_sound_is_sent_in_ranges_to_those_who_may_see_it(node: Node, film: Path, tmp_path: Path) -> None:
    camera = await node.camera()
    path = camera.put(with_g711(film, tmp_path / "g711.mp4"), long_ago())
    other = camera.put(film, long_ago() + timedelta(minutes=5))
    await camera.index()
    key = await camera.open(long_ago(), long_ago() + 20 * SECOND)
    data = path.read_bytes()
    whole = await camera.get(f"{key}/silent_{path.name}")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, silent(data, 0, marks_of(data)), "video/mp4")
    for header, status, start, end in (
        ("bytes=100-1999", 206, 100, 2_000),
        (f"bytes={len(data) - 5}-", 206, len(data) - 5, len(data)),
        (f"bytes=5-{len(data) * 2}", 206, 5, len(data)),
        (f"bytes={len(data)}-", 416, 0, 0),
        ("bytes=-5", 200, 0, len(data)),
    ):
        part = await camera.get(f"{key}/silent_{path.name}", headers={"range": header})
        assert (part.status_code, part.content) == (status, whole.content[start:end])
    assert (await camera.get(f"{key}/silent_{other.name}")).status_code == 403
    assert (await camera.get(f"{'x' * 43}/silent_{path.name}")).status_code == 401
    assert path.read_bytes() == data
