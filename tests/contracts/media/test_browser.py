"""Tests that a browser decodes pictures by WHEP, and by HLS through Media Source Extensions.

Chromium's own HLS player (156) gives up on fMP4 segments of either server after the first one, so a page needs a player in script.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright
from tests.contracts.media.conftest import PATIENCE_S, Camera, Hook, MediaServer
from tests.fixtures import needs

pytestmark = [pytest.mark.media, pytest.mark.browser]

PLAYER = """
async function pictures(video, wanted) {
  let seen = 0;
  return await new Promise(resolve => {
    const count = () => { seen += 1; seen >= wanted ? resolve(seen) : video.requestVideoFrameCallback(count); };
    video.requestVideoFrameCallback(count);
    setTimeout(() => resolve(seen), 300000);
  });
}
function screen() {
  const video = document.createElement('video');
  video.muted = video.autoplay = video.playsInline = true;
  document.body.replaceChildren(video);
  return video;
}
async function whep(url) {
  const video = screen(), peer = new RTCPeerConnection();
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.ontrack = event => { video.srcObject = new MediaStream([event.track]); };
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch(url, {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp});
  if (answer.status !== 201) return {status: answer.status};
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
  const seen = await pictures(video, 30);
  const quality = video.getVideoPlaybackQuality();
  const left = await fetch(new URL(answer.headers.get('Location'), url), {method: 'DELETE'});
  peer.close();
  return {seen, decoded: quality.totalVideoFrames, width: video.videoWidth, left: left.status};
}
async function hls(url) {
  const video = screen(), text = async at => { const answer = await fetch(at); return [await answer.text(), answer.url]; };
  const [master, masterUrl] = await text(url);
  const type = `video/mp4; codecs="${master.match(/CODECS="([^"]+)"/)[1]}"`;
  const variant = new URL(master.split('\\n').find(line => line && !line.startsWith('#')), masterUrl);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise(resolve => source.addEventListener('sourceopen', resolve, {once: true}));
  const buffer = source.addSourceBuffer(type), done = new Set();
  const append = async at => {
    buffer.appendBuffer(await (await fetch(at)).arrayBuffer());
    await new Promise(resolve => buffer.addEventListener('updateend', resolve, {once: true}));
  };
  const result = pictures(video, 30);
  let playing = true;
  result.then(() => { playing = false; });
  while (playing && !video.error) {
    const [media] = await text(variant);
    const init = media.match(/#EXT-X-MAP:URI="([^"]+)"/)[1];
    for (const name of [init, ...media.split('\\n').filter(line => line && !line.startsWith('#') && !line.startsWith('gap'))]) {
      if (!done.has(name)) { done.add(name); await append(new URL(name, variant)); }
    }
    if (video.buffered.length && video.currentTime < video.buffered.start(0)) video.currentTime = video.buffered.start(0);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  return {seen: await result, width: video.videoWidth, error: video.error && video.error.message};
}
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty page on another origin than the media server's, so that cross-origin rules apply."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!DOCTYPE html><link rel=icon href=data:,><body></body>", encoding="utf-8")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Writes no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def page(origin: str) -> AsyncIterator[Page]:
    chromium = needs.browser()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"], timeout=PATIENCE_S * 1_000
        )
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1_000)
        await page.goto(origin)
        await page.add_script_tag(content=PLAYER)
        yield page
        await browser.close()


async def test_whep_shows_pictures(server: MediaServer, live: str, page: Page) -> None:
    shown = await page.evaluate("url => whep(url)", f"{server.whep_url}/{live}/whep?ticket=good")
    assert shown["seen"] >= 30, shown
    assert shown["decoded"] >= 30
    assert (shown["width"], shown["left"]) == (640, 200)


async def test_whep_refuses_a_bad_ticket(server: MediaServer, live: str, page: Page) -> None:
    assert await page.evaluate("url => whep(url)", f"{server.whep_url}/{live}/whep?ticket=bad") == {"status": 401}


async def test_hls_shows_pictures(kind: str, hook: Hook, camera: Camera, start_server: Callable[..., Any], page: Page) -> None:
    server = start_server(kind, hook.url, hlsVariant="fmp4", hlsSegmentCount=60)
    server.add("cam", source=camera.url())
    server.wait_available("cam")
    shown = await page.evaluate("url => hls(url)", f"{server.hls_url}/cam/index.m3u8?ticket=good")
    server.close()
    assert shown["seen"] >= 30, shown
    assert (shown["width"], shown["error"]) == (640, None)
