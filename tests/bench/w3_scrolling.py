"""W3: the time between two pictures while a list of 1,000 alerts (W3b: cameras) is scrolled from end to end, in ms.

The rows are the stack's own, answered over and over under other ids and names, page by page as the API does: so they are as they are in
use, and the stack needs no thousand cameras.
"""

from __future__ import annotations

import itertools
import statistics
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import Browser, Page, Route
from tests.bench import load
from tests.bench.control_room import ControlRoom, control_room, holds

from gtvision.ids import new_id

BAR_MS = 17.0
"""60 pictures a second."""
ROWS = 1_000
STEP_PX = 90
"""A fast wheel: more than a row with each picture."""
ROUND_MS = 4_000
SCROLL = """
async ([milliseconds, step]) => {
  const box = document.querySelector(".virtual");
  const times = [], seen = new Set();
  let by = step, last = await new Promise(requestAnimationFrame);
  for (const end = last + milliseconds; last < end;) {
    if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) by = -step;
    else if (box.scrollTop <= 0) by = step;
    box.scrollTop += by;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
    for (const row of box.querySelectorAll("li")) seen.add(row.ariaPosInSet);
  }
  return { times, rows: seen.size };
}
"""


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Scrolls both lists in turn."""
    async with control_room() as room, room.browser() as browser:
        async with room.person() as person:
            alert = await room.some_alert(person)
        cameras = [camera | {"id": str(new_id()), "name": f"{camera['name']} {number}"} for number, camera in _repeated(room.cameras)]
        alerts = [alert | {"alert_id": str(new_id())} for _ in range(ROWS)]
        of_alerts = await _scrolled(room, browser, "/alertas", "alerts", alerts, rounds)
        of_cameras = await _scrolled(room, browser, "/cameras", "cameras", cameras, rounds)
    alike = {**load.bars(BAR_MS, BAR_MS, BAR_MS, rounds), "better": "lower"}
    return {
        "id": "W3",
        "job": f"scrolling {ROWS:,} alerts: median time between pictures, ms",
        **of_alerts,
        **alike,
        "also": {"id": "W3b", "job": f"the same with {ROWS:,} cameras", **of_cameras, **alike},
    }


def _repeated(items: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    return list(enumerate(itertools.islice(itertools.cycle(items), ROWS), 1))


async def _scrolled(room: ControlRoom, browser: Browser, path: str, noun: str, items: list[dict[str, Any]], rounds: int) -> dict[str, Any]:
    """Returns the spread of each round's median."""
    async with room.page(browser, "/conta") as page:
        await page.route(lambda url: urlsplit(url).path == f"/api/v1/{noun}", lambda route: _page_of(route, items))
        await page.goto(f"{room.address}{path}")
        await page.wait_for_selector(".virtual li")
        await _read_to_the_end(page)
        turns = [await page.evaluate(SCROLL, [ROUND_MS, STEP_PX]) for _ in range(rounds)]
    times = [time for turn in turns for time in turn["times"]]
    late = sum(time > 2 * BAR_MS for time in times) / len(times)
    rows = min(turn["rows"] for turn in turns)
    detail = f"p95 {load.p95(times) / 1_000:.1f} ms, {late:.1%} above {2 * BAR_MS:.0f} ms, {rows} rows or more drawn in a round"
    return {**load.spread([statistics.median(turn["times"]) for turn in turns], 1), "detail": detail}


async def _read_to_the_end(page: Page) -> None:
    """Scrolls down until the list has read all pages."""
    to_the_end = "const box = document.querySelector('.virtual'); box.scrollTop = box.scrollHeight"
    is_there = f"document.querySelector('.virtual li')?.ariaSetSize === '{ROWS}'"
    await holds(page, f"(() => {{ {to_the_end}; return {is_there}; }})()")


async def _page_of(route: Route, items: list[dict[str, Any]]) -> None:
    """Answers as the API does: `limit` items after `cursor`."""
    query = parse_qs(urlsplit(route.request.url).query)
    start, limit = int(query.get("cursor", ["0"])[0]), int(query.get("limit", ["50"])[0])
    end = start + limit
    await route.fulfill(json={"items": items[start:end], "next": str(end) if end < len(items) else None})
