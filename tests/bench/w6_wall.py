"""W6: a wall of sixteen live pictures for ten minutes: growth of the heap (per cent), of the listeners (W6b), tiles that stood still (W6c).

One round, as it is the time that shows it. The first figures are taken after a minute, when all that is made once has been made, and each
after a collection that is asked for. The lists of alerts and of plates are full from the beginning, so that they do not grow with the
first day of the city. A tile counts as lost once for each look, ten seconds apart, since when it has shown no new picture.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from playwright.async_api import CDPSession, Page
from tests.bench import load
from tests.bench.control_room import PICTURES, ControlRoom, control_room

GROWTH_BAR = 5.0
TILES = 16
LISTED = 15
"""Alerts: more than the list beside the wall shows."""
READ = 100
"""Plates: as many as the console keeps of the latest."""
WARM_S, LAST_S, LOOK_S = 60.0, 600.0, 10.0
PROTOCOLS = "[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.protocol || tile.dataset.status)"


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Watches once, however many rounds are asked for."""
    async with control_room() as room, room.browser() as browser, room.page(browser, "/conta") as page:
        await _hung(room, page)
        cdp = await page.context.new_cdp_session(page)
        await cdp.send("Performance.enable")
        await asyncio.sleep(WARM_S)
        heap, listeners = await _figures(cdp)
        before = await page.evaluate(PICTURES)
        first, began, lost, looks = before, time.monotonic(), 0, 0
        while time.monotonic() - began < LAST_S:
            await asyncio.sleep(LOOK_S)
            now = await page.evaluate(PICTURES)
            # a player that was opened anew counts its pictures from nothing
            lost += TILES - sum(new != old for new, old in zip(now, before, strict=True))
            before, looks = now, looks + 1
        heap_after, listeners_after = await _figures(cdp)
        protocols = await page.evaluate(PROTOCOLS)
        rate = sum(new - old for new, old in zip(before, first, strict=True)) / (time.monotonic() - began) / TILES
    kinds = ", ".join(f"{protocols.count(kind)} {kind}" for kind in sorted(set(protocols)))
    return {
        "id": "W6",
        "job": f"{TILES} tiles for {LAST_S / 60:.0f} minutes: growth of the heap, %",
        **_figure(100 * (heap_after / heap - 1), GROWTH_BAR, 2),
        "detail": f"{heap / 1e6:.1f} to {heap_after / 1e6:.1f} MB; at the end {kinds}; {rate:.1f} pictures/s a tile",
        "also": [
            {"id": "W6b", "job": "the same: listeners more than at first"}
            | _figure(listeners_after - listeners, 0, 0)
            | {"detail": f"{listeners:.0f} to {listeners_after:.0f}"},
            {"id": "W6c", "job": "the same: tiles without a new picture in 10 s"}
            | _figure(lost, 0, 0)
            | {"detail": f"{looks} looks at {TILES} tiles"},
        ],
    }


async def _hung(room: ControlRoom, page: Page) -> None:
    """Fills the lists of alerts and plates, and hangs all cameras on it."""
    async with room.person() as person:
        for _ in range(LISTED):
            await room.raise_alert(person)
        await room.read_plates(person, READ)
        await room.hang(person, page)


async def _figures(cdp: CDPSession) -> tuple[float, float]:
    """Returns the bytes of the heap in use and the number of listeners, after a collection."""
    for _ in range(2):  # what the first one ends may free more
        await cdp.send("HeapProfiler.collectGarbage")
    metrics = {each["name"]: each["value"] for each in (await cdp.send("Performance.getMetrics"))["metrics"]}
    return metrics["JSHeapUsedSize"], metrics["JSEventListeners"]


def _figure(value: float, bar: float, digits: int) -> dict[str, Any]:
    return {**load.spread([value], digits), **load.bars(bar, bar, bar, 1), "better": "lower"}
