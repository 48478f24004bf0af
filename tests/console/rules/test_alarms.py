"""Critical alerts stay in sight and in hearing until somebody acknowledges them, whatever happens to the page."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, Route, expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live, played, sounded

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def alarmed(page: Page, words: str = "1 alerta crítico aberto") -> None:
    banner = page.get_by_role("region", name=words)
    await expect(banner).to_be_visible()
    await expect(banner.get_by_role("alert")).to_contain_text("Placa")  # what a screen reader says by itself


async def test_an_alert_that_comes_live_shows_sounds_and_counts_in_the_title(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    city.say(city.raised())
    await alarmed(page)
    await sounded(page)
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")


async def test_a_reload_brings_banner_and_sound_back(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/cameras")
    await sounded(page)
    await page.reload()
    await alarmed(page)
    await sounded(page)
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")


async def test_the_choice_of_sound_outlives_a_reload(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/cameras")
    await sounded(page)
    await page.get_by_role("button", name="Som dos alertas ligado").click()
    await page.reload()
    await alarmed(page)
    silent = page.get_by_role("button", name="Som dos alertas desligado")
    await expect(silent).to_have_attribute("aria-pressed", "false")
    await is_live(page)
    assert await played(page) == 0
    await silent.click()
    await page.reload()
    await alarmed(page)
    await sounded(page)


async def test_a_critical_sounds_again_until_it_is_acknowledged(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    alert = city.raised()
    city.say(alert)
    await sounded(page)
    for _ in range(2):
        before = await played(page)
        await page.clock.fast_forward(21_000)
        await sounded(page, before)
    city.acknowledged(alert)  # by somebody else
    await expect(page.locator(".banner")).to_have_count(0)
    await expect(page).to_have_title("Câmeras · GT-Vision")
    before = await played(page)
    await page.clock.fast_forward(120_000)
    assert await played(page) == before


async def test_acknowledged_in_one_tab_is_quiet_in_the_other(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/cameras")
    other = await console.tab("/placas")
    for tab in (page, other):
        await alarmed(tab)
    await page.get_by_role("button", name="Ciente: Placa ABC1D23").click()
    for tab in (page, other):
        await expect(tab.locator(".banner")).to_have_count(0)


async def test_a_click_that_was_meant_for_the_alert_before_does_nothing(console: Console) -> None:
    city = City(console)
    city.raised(plate="ABC1D01")
    page = await console.as_role("operator", "/cameras")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    take = page.locator(".banner .primary")
    await expect(take).to_be_enabled()
    await take.focus()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))
    fresh = city.raised(plate="ABC1D02")
    city.say(fresh)
    await expect(take).to_have_accessible_name("Ciente: Placa ABC1D02")
    await take.click(force=True)
    await expect(take).to_be_focused()
    await page.clock.resume()
    await take.click()  # it waits until the button can be used
    await expect(take).to_have_accessible_name("Ciente: Placa ABC1D01")
    assert [each.path for each in console.services.to("POST", "/alerts/*")] == [f"/alerts/{fresh.alert_id}/acknowledge"]


async def test_the_key_acknowledges_only_what_the_banner_names(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/alertas")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    city.say(city.raised())
    small = page.get_by_role("button", name="1 alerta crítico aberto")
    await expect(small).to_be_visible()
    await page.clock.fast_forward(2_000)
    await page.keyboard.press("k")  # the alert centre names many
    await page.get_by_role("link", name="Câmeras", exact=True).click()
    await page.get_by_role("button", name="Minimizar").click()
    await page.clock.fast_forward(2_000)
    await page.keyboard.press("k")
    await small.click()
    await alarmed(page)
    assert console.services.to("POST", "/alerts/*") == []
    await expect(page.get_by_role("button", name="Ciente: Placa ABC1D23")).to_be_enabled()
    await page.keyboard.press("k")
    await expect(page.locator(".banner")).to_have_count(0)
    await expect(page.get_by_role("status").filter(has_text="Ciente: Placa ABC1D23")).to_be_visible()


async def test_a_choice_of_sound_is_one_for_all_windows(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/cameras")
    await sounded(page)
    other = await console.tab("/placas")
    await alarmed(other)
    await page.get_by_role("button", name="Som dos alertas ligado").click()
    await expect(other.get_by_role("button", name="Som dos alertas desligado")).to_be_visible()
    assert await played(other) == 0
    await page.close()  # the turn goes on, the sound does not
    await other.get_by_role("button", name="Som dos alertas desligado").click()
    await expect(other.get_by_role("button", name="Som dos alertas ligado")).to_be_visible()


async def test_a_count_that_comes_late_does_not_take_a_newer_one_back(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    asked, answered = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if asked.is_set():
            await route.fallback()
            return
        asked.set()
        await answered.wait()
        await route.fulfill(json={"open": {"critical": 0, "warning": 0, "info": 0, "total": 0}, "newest_open": None})

    await page.route("**/alerts/summary", late)
    city.say(city.raised(Severity.WARNING))
    await asked.wait()
    async with page.expect_response("**/alerts/summary"):
        city.say(city.raised(Severity.WARNING))
    await expect(page).to_have_title("(2) Câmeras · GT-Vision")
    async with page.expect_event("requestfinished", lambda request: request.url.endswith("/alerts/summary")):
        answered.set()
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    assert await page.title() == "(2) Câmeras · GT-Vision"


async def test_a_warning_heard_before_a_reload_is_no_news_and_one_missed_is(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    city.say(city.raised(Severity.WARNING))
    await sounded(page)
    await page.reload()
    await is_live(page)
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")
    assert await played(page) == 0
    city.raised(Severity.WARNING)  # while the page is being loaded
    await page.reload()
    await sounded(page)


async def test_sound_that_the_browser_held_back_is_heard_with_the_first_click(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/cameras")
    held = """
      const start = AudioContext.prototype.resume;
      let isClicked = false;
      let isStarted = false;
      addEventListener("click", () => (isClicked = true), { capture: true });
      Object.defineProperty(AudioContext.prototype, "state", { get() { return isStarted ? "running" : "suspended"; } });
      AudioContext.prototype.resume = function () {
        if (!isClicked) return new Promise(() => {});
        isStarted = true;
        return start.call(this);
      };
    """
    await page.add_init_script(held)
    await page.clock.install()
    await page.reload()
    await alarmed(page)
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))  # it would sound again by itself
    await expect(page.get_by_role("button", name="O navegador só toca som depois de um clique")).to_be_visible()
    assert await played(page) == 0
    await page.get_by_role("heading", name="Câmeras").click()
    await page.keyboard.press("Shift")
    await sounded(page)


async def test_more_criticals_than_one_page_all_stay_until_the_last(console: Console) -> None:
    city = City(console)
    many = [city.raised(plate=f"ABC1D{number:02}") for number in range(230)]
    page = await console.as_role("operator", "/cameras")
    await alarmed(page, "230 alertas críticos abertos")
    for alert in many[5:]:
        city.acknowledged(alert)
    await alarmed(page, "5 alertas críticos abertos")
    assert console.live.opened == 1, "the link was opened anew, which reads all again by itself"
    await expect(page.get_by_role("alert")).to_contain_text(str(many[4].title))
