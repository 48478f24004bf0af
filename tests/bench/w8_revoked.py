"""W8: from the API's answer that ended a session to the last tile gone from its wall of sixteen, in ms.

Each round signs in anew and waits until every tile shows its picture. The session is ended from elsewhere, as an administrator does it.
"""

from __future__ import annotations

import time
from typing import Any

from playwright.async_api import Page
from tests.bench import load
from tests.bench.control_room import ControlRoom, control_room, holds
from tests.e2e.stack import Person

BAR_MS = 5_000.0
WATCH = """
() => {
  window.bench = { gone: null };
  const observer = new MutationObserver(() => {
    if (document.querySelector(".tile")) return;
    bench.gone = performance.timeOrigin + performance.now();
    observer.disconnect();
  });
  observer.observe(document, { childList: true, subtree: true });
}
"""


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Ends one session a round."""
    taken = []
    async with control_room() as room, room.person() as person, room.browser() as browser:
        for _ in range(rounds):
            async with room.page(browser, "/conta") as page:
                taken.append(await _ended(room, person, page))
    return {
        "id": "W8",
        "job": "session ended to its last tile gone, ms",
        **load.spread(taken, 0),
        **load.bars(BAR_MS, BAR_MS, BAR_MS, rounds),
        "better": "lower",
    }


async def _ended(room: ControlRoom, person: Person, page: Page) -> float:
    await room.hang(person, page)
    others = [each for each in await person.every("/sessions") if not each["current"]]
    newest = max(others, key=lambda each: str(each["created_at"]))
    await page.evaluate(WATCH)
    (await person.ask("DELETE", f"/sessions/{newest['id']}")).raise_for_status()
    answered = time.time() * 1_000
    await holds(page, "bench.gone !== null")
    gone: float = await page.evaluate("bench.gone")
    return max(0.0, gone - answered)  # the page may know it before the answer has come
