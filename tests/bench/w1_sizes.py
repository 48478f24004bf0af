"""W1: what the console weighs on the wire, as Chromium receives it through the edge: compressed, with the answers' headers, nothing cached.

W1 is everything up to the dashboard (the shell, and the screen that most begin with), W1b the heaviest screen beyond the shell, which is
what the login loads, and W1c all files together: each screen, and the player of HLS that few ever load.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Page
from tests.bench import load
from tests.bench.control_room import ROOT, ControlRoom, control_room

MAIN_KB, ROUTE_KB, ALL_KB = 200.0, 100.0, 500.0
SERVED = {".css", ".html", ".js", ".mjs", ".svg"}
"""Files that a page loads; the others beside them are for those who read the source."""
QUIET_S = 1.0
API = ("/api/", "/ws/", "/hls/", "/whep/")


class Wire:
    """The bytes of each file that a page has loaded."""

    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.lost: list[str] = []
        self._paths: dict[str, str] = {}

    def answered(self, event: dict[str, Any]) -> None:
        scheme, _, path, *_ = urlsplit(event["response"]["url"])
        if scheme != "https" or path.startswith(API):
            return
        self._paths[event["requestId"]] = path
        if event["response"]["status"] != 200:
            self.lost.append(path)

    def finished(self, event: dict[str, Any]) -> None:
        if path := self._paths.get(event["requestId"]):
            self.files[path] = event["encodedDataLength"]

    @property
    def kilobytes(self) -> float:
        return sum(self.files.values()) / 1_000

    async def settled(self) -> None:
        """Waits until no more files come."""
        while True:
            before = len(self.files)
            await asyncio.sleep(QUIET_S)
            if len(self.files) == before:
                return


async def measure(rounds: int = 7) -> dict[str, Any]:
    """One round: sizes do not vary."""
    async with control_room() as room, room.browser() as browser, room.page(browser) as page:
        async with _wire(page) as login:
            await page.goto(room.address)
            await page.wait_for_selector("input[name=email]")
        await room.sign_in(page)
        screens = await _screens(room, page, set(login.files))
        async with _wire(page) as everything:
            version = next(path for path in login.files if path.startswith("/app/")).split("/")[2]
            paths = [str(path.relative_to(ROOT / "console")) for path in (ROOT / "console").rglob("*") if path.suffix in SERVED]
            urls = ["/" if path == "index.html" else f"/app/{version}/{path}" for path in sorted(paths)]
            await page.evaluate("(urls) => Promise.all(urls.map((url) => fetch(url).then((answer) => answer.arrayBuffer())))", urls)
    if lost := [*login.lost, *everything.lost]:
        raise AssertionError(f"not served: {lost}")
    heaviest = max(screens, key=lambda name: screens[name])
    main = login.kilobytes + screens["dashboard"]
    figures = ", ".join(f"{name} {size:.0f}" for name, size in sorted(screens.items(), key=lambda each: -each[1]))
    return {
        "id": "W1",
        "job": "the shell and the dashboard on the wire, kB",
        "detail": f"{login.kilobytes:.0f} kB in {len(login.files)} files until the login",
        **_figure(main, MAIN_KB),
        "also": [
            {"id": "W1b", "job": "the heaviest screen beyond the shell, kB"}
            | _figure(screens[heaviest], ROUTE_KB)
            | {"detail": f"{heaviest}; each, kB: {figures}"},
            {"id": "W1c", "job": "all files of the console, kB"}
            | _figure(everything.kilobytes, ALL_KB)
            | {"detail": f"{len(everything.files)} files"},
        ],
    }


async def _screens(room: ControlRoom, page: Page, shell: set[str]) -> dict[str, float]:
    """Returns the kilobytes that each screen loads and the login does not."""
    sizes: dict[str, float] = {}
    for folder, path in (await room.addresses(page)).items():
        async with _wire(page) as wire:
            await page.goto(f"{room.address}{path}")
            await page.wait_for_selector("#content h1")
        if not any(f"/screens/{folder}/" in file for file in wire.files):
            raise AssertionError(f"{path} has not loaded the screen {folder}: {wire.lost}")
        sizes[folder] = sum(size for file, size in wire.files.items() if file not in shell and file.startswith("/app/")) / 1_000
    return sizes


@asynccontextmanager
async def _wire(page: Page) -> AsyncIterator[Wire]:
    """Yields what the page loads inside the block, without its cache."""
    wire = Wire()
    session = await page.context.new_cdp_session(page)
    session.on("Network.responseReceived", wire.answered)
    session.on("Network.loadingFinished", wire.finished)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield wire
    await wire.settled()
    await session.detach()


def _figure(kilobytes: float, bar: float) -> dict[str, Any]:
    return {**load.spread([kilobytes], 0), **load.bars(bar, bar, bar, 1), "better": "lower"}
