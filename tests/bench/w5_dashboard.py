"""W5: from the click on "Entrar" to the dashboard's figures on the screen, in ms, by a browser that has been there before.

The page is loaded anew before each round, so that its modules come from the cache and not from memory. The login's own hash of the
password, which is slow on purpose, is within the time.
"""

from __future__ import annotations

import statistics
from typing import Any

from tests.bench import load
from tests.bench.control_room import control_room, holds

BAR_MS = 500.0
WATCH = """
window.bench = { clicked: null, shown: null };
addEventListener("click", ({ timeStamp }) => (bench.clicked ??= timeStamp), true);
new MutationObserver((_, observer) => {
  if (!document.querySelector(".dashboard .figure strong")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => (bench.shown = performance.now())));
}).observe(document, { childList: true, subtree: true });
"""
LOGIN = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/auth/login')).at(-1).duration"


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Signs in and out again."""
    taken, logins = [], []
    async with control_room() as room, room.browser() as browser, room.page(browser) as page:
        await page.add_init_script(WATCH)
        for _ in range(rounds + 1):
            await page.goto(f"{room.address}/painel")
            await page.wait_for_selector("input[name=email]")
            await page.wait_for_load_state("networkidle")
            await room.sign_in(page)
            await holds(page, "bench.shown !== null")
            taken.append(await page.evaluate("bench.shown - bench.clicked"))
            logins.append(await page.evaluate(LOGIN))
            await page.click(".person button")
            await page.wait_for_selector("input[name=email]")
    answer = statistics.median(logins[1:])
    return {
        "id": "W5",
        "job": "click on Entrar to the dashboard's figures, warm cache, ms",
        **load.spread(taken[1:], 0),
        **load.bars(BAR_MS, BAR_MS, BAR_MS, rounds),
        "better": "lower",
        "detail": f"of it the login's answer {answer:.0f} ms; the first time, with nothing cached, {taken[0]:.0f} ms",
    }
