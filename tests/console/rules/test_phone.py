"""On a phone: nothing reaches beyond the screen, and nothing moves under a finger."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

PHONE = {"width": 390, "height": 844}
PLACES = """() => [...document.querySelectorAll(".tile, .virtual li, .panel, .live-list li, .field, h1")].map((each) => {
  const { x, y, width, height } = each.getBoundingClientRect();
  return [x, y, width, height];
})"""


async def on_a_phone(console: Console, path: str, role: str = "operator") -> Page:
    page = await console.as_role(role, path)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    await devtools.send("Emulation.setDeviceMetricsOverride", {**PHONE, "deviceScaleFactor": 2, "mobile": True})
    await page.reload()
    assert await page.evaluate("matchMedia('(pointer: coarse)').matches")
    return page


@pytest.mark.parametrize("path", ["/mural", "/alertas", "/painel", "/cameras"])
async def test_a_critical_moves_nothing_and_is_in_sight(console: Console, path: str) -> None:
    city = City(console)
    city.raised(Severity.WARNING)
    page = await on_a_phone(console, path)
    await is_live(page)
    await expect(page.locator("#content .skeleton")).to_have_count(0)
    await expect(page.locator(".tile, .virtual li, .panel").first).to_be_visible()
    before = await page.evaluate(PLACES)
    city.say(city.raised(plate="DEF4G56"))
    banner = page.locator(".banner")
    await expect(banner).to_be_visible()
    after = await page.evaluate(PLACES)
    assert before
    assert after == before
    box = await banner.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    assert box["y"] + box["height"] <= PHONE["height"]
