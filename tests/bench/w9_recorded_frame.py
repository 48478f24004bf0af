"""W9: from the click on "Ver gravações" of a camera to its first recorded picture on the screen, in ms.

The screen shows what was recorded a minute ago, so that the file is as a viewer of an alert finds it. The first visit, which loads the
screen's modules and the player, is not counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.async_api import Page
from tests.bench import load
from tests.bench.control_room import CLOCK, control_room, holds
from tests.bench.w4_first_frame import WATCH
from tests.e2e.stack import until

from gtvision.time import isoformat

BAR_MS = 1_000.0
RECORDED = timedelta(seconds=90)
"""So much has to be recorded before what was recorded a minute ago can be shown."""


async def measure(rounds: int = 7) -> dict[str, Any]:
    """Opens the recordings of one camera again and again."""
    async with control_room() as room, room.person() as person, room.browser() as browser:
        camera = next(each for each in room.cameras if each["recording"]["enabled"])

        async def recorded() -> bool:
            now = CLOCK.now()
            known = await person.get(
                "/recordings/timeline", **{"camera_id": camera["id"], "from": isoformat(now - RECORDED), "to": isoformat(now)}
            )
            return bool(known["recorded"]) and known["recorded"][0]["from"] == known["from"]

        await until(recorded, "a minute and a half is recorded")
        async with room.page(browser, f"/cameras/{camera['id']}") as page:
            await page.add_init_script(WATCH)
            await page.goto(f"{room.address}/cameras/{camera['id']}")
            taken = [await _once(page, camera["id"]) for _ in range(rounds + 1)][1:]
    return {
        "id": "W9",
        "job": "click to first recorded picture, ms",
        **load.spread(taken, 0),
        **load.bars(BAR_MS, BAR_MS, BAR_MS, rounds),
        "better": "lower",
    }


async def _once(page: Page, camera: str) -> float:
    await page.wait_for_selector("figure.tile[data-status=playing]")
    await page.click(f"header a[href^='/gravacoes?camera={camera}']")
    await page.wait_for_selector(f"figure.recording[data-camera='{camera}'][data-shown='picture']")
    await holds(page, "bench.shown !== null")
    taken: float = await page.evaluate("bench.shown - bench.clicked")
    await page.click("a[href^='/cameras/']:has-text('Ao vivo')")
    await page.wait_for_selector("figure.recording", state="detached")
    return taken
