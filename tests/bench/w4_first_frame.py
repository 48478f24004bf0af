"""W4: from the click on a camera's name to its first picture on the screen, by WebRTC (W4b: by HLS), in ms.

The first visit, which loads the screen's modules, is not counted. For HLS the answer that says what the stream is says that WebRTC is not
offered, as it does of a stream that only HLS can carry; all else is the stack's own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Route
from tests.bench import load
from tests.bench.control_room import ControlRoom, control_room, holds
from tests.e2e.stack import Person

WEBRTC_MS, HLS_MS = 1_000.0, 2_000.0
WATCH = """
window.bench = { clicked: null, shown: null };
addEventListener("click", ({ timeStamp }) => Object.assign(bench, { clicked: timeStamp, shown: null }), true);
const watched = new WeakSet();
new MutationObserver(() => {
  for (const video of document.querySelectorAll("video")) {
    if (watched.has(video)) continue;
    watched.add(video);
    video.requestVideoFrameCallback((now) => (bench.shown ??= now));
  }
}).observe(document, { childList: true, subtree: true });
"""


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Opens a recorded camera again and again."""
    async with control_room() as room, room.browser() as browser:
        webrtc = await _opened(room, browser, rounds, "WebRTC")
        hls = await _opened(room, browser, rounds, "HLS")
    return {
        "id": "W4",
        "job": "click to first picture by WebRTC, ms",
        **load.spread(webrtc, 0),
        **load.bars(WEBRTC_MS, WEBRTC_MS, WEBRTC_MS, rounds),
        "better": "lower",
        "also": {
            "id": "W4b",
            "job": "the same by HLS",
            **load.spread(hls, 0),
            **load.bars(HLS_MS, HLS_MS, HLS_MS, rounds),
            "better": "lower",
        },
    }


async def _opened(room: ControlRoom, browser: Browser, rounds: int, protocol: str) -> list[float]:
    """Returns the milliseconds of each round."""
    camera = next(each for each in room.cameras if each["recording"]["enabled"])
    async with room.person() as person, room.page(browser, "/cameras") as page:
        await page.add_init_script(WATCH)
        if protocol == "HLS":
            await page.route("**/api/v1/streams/*", lambda route: _without_webrtc(route, person))
        await page.goto(f"{room.address}/cameras")
        return [await _once(page, camera["id"], protocol) for _ in range(rounds + 1)][1:]


async def _once(page: Page, camera: str, protocol: str) -> float:
    await page.click(f"[data-camera='{camera}'] a")
    await page.wait_for_selector(f"figure.tile[data-camera='{camera}'][data-protocol='{protocol}']")
    await holds(page, "bench.shown !== null")
    taken: float = await page.evaluate("bench.shown - bench.clicked")
    await page.click("a[href='/cameras'].no-print")
    await page.wait_for_selector("video", state="detached")
    return taken


async def _without_webrtc(route: Route, person: Person) -> None:
    """Asks what the stream is in the page's place, as the certificate is one that only its browser believes."""
    stream = await person.get(urlsplit(route.request.url).path.removeprefix("/api/v1"))
    await route.fulfill(json=stream | {"webrtc": False})
