"""On a phone: nothing reaches beyond the screen, all can be hit by a finger, and nothing moves under it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect
from tests.console.browsing import STATE, Console
from tests.console.rules.city import City, camera, is_live, read
from tests.console.screens.listing import entry, watchlist
from tests.console.standins import paged
from tests.identity.running import EMAIL

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

PHONE: ViewportSize = {"width": 390, "height": 844}
TARGET = 40
SMALL = f"""() => [...document.querySelectorAll("button, .button, .side a, .plate-link, .live-list li > a, input, select, summary")]
  .filter((each) => each.checkVisibility({{ visibilityProperty: true }}) && !each.closest(".visually-hidden, .skip"))
  .map((each) => (["checkbox", "radio"].includes(each.type) && each.labels[0]) || each)
  .map((each) => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
  .filter(([, box]) => box.height > 1 && (box.height < {TARGET} || box.width < {TARGET}))
  .map(([what, box]) => `${{Math.round(box.width)}}x${{Math.round(box.height)}} ${{what}}`)"""
"""JavaScript: what is too small for a finger. A box is hit by its label."""
WIDE = """() => [...document.querySelectorAll("#content *, .top *")].filter((each) => each.checkVisibility()
  && !each.closest(".visually-hidden, .virtual, .frame, .tile") && each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120)).slice(0, 5)"""
"""JavaScript: what reaches beyond the screen."""
PLACES = """() => [...document.querySelectorAll(".tile, .virtual li, .panel, .live-list li, .field, h1")].map((each) => {
  const { x, y, width, height } = each.getBoundingClientRect();
  return [x, y, width, height];
})"""
FIRST_ROW = "(row, count) => { row.closest('.virtual').scrollTop = count * row.offsetHeight; return row.offsetHeight; }"
"""JavaScript: scrolls so many rows down, and returns the height of one."""
FIRST_LINE = "panel => panel.querySelector('li').getBoundingClientRect().y - panel.getBoundingClientRect().y"
"""JavaScript: how far below a panel's edge its list begins."""
LIST = watchlist("Furtadas", entries=1)
ENTRY = entry(LIST, "ABC1D23", reason="furto, boletim de ocorrência 2026/001234-5")


async def on_a_phone(console: Console, path: str, role: str = "operator") -> Page:
    page = await (console.as_user(EMAIL, path) if role == "platform_admin" else console.as_role(role, path))
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 5})
    await devtools.send("Emulation.setDeviceMetricsOverride", {**PHONE, "deviceScaleFactor": 2, "mobile": True})
    await page.reload()
    assert await page.evaluate("matchMedia('(pointer: coarse)').matches")
    return page


@pytest.mark.parametrize("role", ["operator", "platform_admin"])
async def test_every_screen_fits_and_can_be_hit(console: Console, role: str) -> None:
    city = City(console, [camera(f"Avenida Presidente Juscelino Kubitschek, {number}, sentido centro") for number in range(1, 6)])
    alert = city.raised(Severity.WARNING, reason="Veículo roubado em 12/11, boletim de ocorrência 2026/001234-5, procurar o plantão")
    console.services.answer("GET", "/watchlists", paged([LIST]))
    console.services.answer("GET", "/watchlists/*", LIST)
    console.services.answer("GET", "/watchlists/*/entries", paged([ENTRY]))
    console.services.answer("GET", "/detections", paged([read(city.cameras[0].id)]))
    page = await on_a_phone(console, "/painel", role)
    await is_live(page)
    screens: list[str] = await page.eval_on_selector_all(".side a", "links => links.map((link) => link.getAttribute('href'))")
    assert len(screens) >= 6
    more = [
        f"/gravacoes?camera={city.cameras[0].id},{city.cameras[1].id}",
        f"/alertas/{alert.alert_id}",
        f"/cameras/{city.cameras[0].id}",
        f"/listas/{LIST.watchlist_id}",
        "/conta",
        "/ajuda",
    ]
    if role == "platform_admin":
        me = await page.evaluate(f"{STATE}.then(({{ me }}) => me.value.id)")
        more += [f"/pessoas/{me}", "/cameras?new=1"]
    faults: dict[str, Any] = {}
    for path in [*screens, *more]:
        await page.evaluate("path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')) }", path)
        await expect(page.locator(".screen h1, .screen h2").first).to_be_visible()
        await expect(page.locator("#content .skeleton")).to_have_count(0)
        await expect(page.locator("#content dialog[open]")).to_have_count(int(path.endswith("?new=1")))
        found = {
            "width": await page.evaluate("Math.max(document.documentElement.scrollWidth, document.getElementById('content').scrollWidth)"),
            "wide": await page.evaluate(WIDE),
            "small": await page.evaluate(SMALL),
        }
        if found["width"] > PHONE["width"] or found["wide"] or found["small"]:
            faults[path] = found
    assert not faults


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


async def test_what_waits_takes_no_room_until_it_is_there_and_moves_nothing(console: Console) -> None:
    city = City(console)
    city.raised(Severity.WARNING)
    page = await on_a_phone(console, f"/cameras/{city.cameras[0].id}")
    await is_live(page)
    panel = page.get_by_role("region", name="Alertas desta câmera")
    await expect(panel.locator("li")).to_have_count(1)
    before = await panel.evaluate(FIRST_LINE)
    assert before < 2 * TARGET
    city.say(city.raised(Severity.WARNING, plate="NEW1D23"))
    await expect(panel.get_by_role("button", name="1 novo alerta: mostrar")).to_be_visible()
    assert await panel.evaluate(FIRST_LINE) == before


@pytest.mark.parametrize("path", ["/alertas", "/cameras"])
async def test_a_turned_phone_has_its_filters_and_shows_the_same_rows(console: Console, path: str) -> None:
    city = City(console, [camera(f"Portão {number:03}") for number in range(150)])
    for number in range(150):
        city.raised(Severity.WARNING, plate=f"ABC{number:04}")
    page = await console.as_role("operator", "/conta")
    await page.set_viewport_size(PHONE)
    await page.goto(f"{console.address}{path}")
    rows, filters = page.locator(".virtual li"), page.locator(".filters")
    await expect(rows.first).to_be_visible()
    await expect(filters).not_to_be_visible()
    before = await rows.first.evaluate(FIRST_ROW, 100)
    await expect(page.locator(".virtual li[aria-posinset='101']")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await expect(filters).to_be_visible()
    await page.wait_for_function("before => document.querySelector('.virtual li').offsetHeight < before", arg=before)
    assert await rows.first.evaluate("row => row.closest('.virtual').scrollTop / row.offsetHeight") == pytest.approx(100)
    await page.set_viewport_size(PHONE)
    await expect(filters).not_to_be_visible()
