"""The latest plates: nothing that came is lost, their order is that of their times, and no row moves under the focus."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Route, expect
from tests.console.browsing import Console
from tests.console.rules.city import BEGAN, City
from tests.console.rules.city import read as read_of

from gtvision.events import Severity
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


def read(city: City, plate: str, second: int) -> dict[str, Any]:
    """A read of the first camera."""
    return read_of(city.cameras[0].id, detection_id=new_id(), captured_at=BEGAN + timedelta(seconds=second), plate=plate)


def say(console: Console, one: dict[str, Any]) -> None:
    """Tells the open pages of a read."""
    console.live.say("detection", {"camera_id": one["camera_id"], "captured_at": one["captured_at"], "objects": [one]})


def panel(page: Page) -> Locator:
    return page.get_by_role("region", name="Últimas placas lidas")


async def stand(page: Page, *reads: tuple[str, int]) -> None:
    """Waits until these stand in the list, in this order: plate and second."""
    rows = panel(page).get_by_role("listitem")
    await expect(rows).to_have_text([re.compile(f"{plate[:3]}.?{plate[3:]}.*:00:{second:02} ", re.DOTALL) for plate, second in reads])


async def test_what_comes_live_while_the_list_is_read_is_in_it(console: Console) -> None:
    city = City(console)
    known = read(city, "ABC1D23", 3)
    console.services.answer("GET", "/detections", {"items": [known], "next": None})
    asked, answered = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.fallback()

    page = await console.as_role("operator", "/painel")
    await page.route("**/detections?plates_only=true&limit=100", late)
    await page.reload()
    await console.live.subscribed(2)
    await asyncio.wait_for(asked.wait(), 60)  # the link stands before the screen does
    say(console, read(city, "DEF4G56", 4))
    say(console, known)
    city.say(city.raised(Severity.WARNING))
    await expect(page).to_have_title("(1) Painel · GT-Vision")  # and so the reads before it have come
    answered.set()
    await stand(page, ("DEF4G56", 4), ("ABC1D23", 3))


async def test_reads_stand_in_the_order_of_their_times_and_still_under_the_focus(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/painel")
    await console.live.subscribed()
    await expect(panel(page).get_by_text("Nenhuma placa lida ainda.")).to_be_visible()
    for plate, second in (("ABC1D23", 3), ("DEF4G56", 6), ("ABC1D23", 9), ("GHI7J89", 4)):
        say(console, read(city, plate, second))
    await stand(page, ("DEF4G56", 6), ("GHI7J89", 4), ("ABC1D23", 3))
    chosen = panel(page).get_by_role("link").nth(1)
    await chosen.focus()
    say(console, read(city, "JKL1M23", 5))  # late, and so not the newest
    await expect(panel(page).get_by_role("button", name="1 nova leitura: mostrar")).to_be_visible()
    await stand(page, ("DEF4G56", 6), ("GHI7J89", 4), ("ABC1D23", 3))
    await expect(chosen).to_be_focused()
    await panel(page).get_by_role("button", name="1 nova leitura: mostrar").press("Enter")
    await stand(page, ("DEF4G56", 6), ("JKL1M23", 5), ("GHI7J89", 4), ("ABC1D23", 3))
