"""The live link: what a cut, a half-open link or a sleep has hidden is shown as if it came now."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Route, expect
from tests.chassis.waiting import until
from tests.console.browsing import Console
from tests.console.rules.city import City, Outage, is_live, link, played, sounded

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

ONLY_SHORT_LIMITS = """
const limit = AbortSignal.timeout;
AbortSignal.timeout = (ms) => (ms > 5_000 ? new AbortController().signal : limit.call(AbortSignal, ms));
"""
"""JavaScript: a request that may hang for long hangs for ever."""


async def test_criticals_raised_during_a_cut_show_and_sound_when_it_ends(console: Console) -> None:
    city, outage = City(console), Outage(console)
    page = await console.as_role("operator", "/mural")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    await expect(page.locator(".banner")).to_have_count(0)
    await outage.begin()
    await expect(link(page)).to_have_text("reconectando…")
    await page.clock.fast_forward(20_000)
    city.raised(plate="ABC1D23")
    city.raised(plate="DEF4G56")
    city.raised(Severity.WARNING, plate="GHI7J89")
    assert await played(page) == 0
    await outage.end()
    await page.clock.fast_forward(10_000)
    await is_live(page)
    banner = page.get_by_role("region", name="2 alertas críticos abertos")
    await expect(banner).to_contain_text("Placa DEF4G56")
    await sounded(page)
    await expect(page).to_have_title("(3) Mural · GT-Vision")
    await expect(page.get_by_role("region", name="Alertas abertos mais novos").get_by_role("listitem")).to_have_count(3)


async def test_a_half_open_link_is_found_by_its_silence_and_opened_anew(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/mural")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    opened = console.live.opened
    console.live.is_pinging = console.live.is_answering = False  # no close event, nothing but silence
    await page.clock.fast_forward(10_000)
    await expect(link(page)).to_have_text("reconectando…")
    city.raised()
    console.live.is_pinging = console.live.is_answering = True
    await page.clock.fast_forward(10_000)
    await console.live.subscribed(opened + 1)
    await is_live(page)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_be_visible()
    await sounded(page)


async def test_a_server_that_hangs_is_soon_asked_for_a_ticket_again(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/cameras")
    await page.add_init_script(ONLY_SHORT_LIMITS)
    await page.reload()
    await is_live(page)
    hung = asyncio.Event()

    async def hang(route: Route) -> None:
        if hung.is_set():
            await route.fallback()
        hung.set()

    await page.route("**/auth/tickets", hang)
    opened = console.live.opened
    await console.live.cut()
    await hung.wait()
    await console.live.subscribed(opened + 1)
    await is_live(page)


async def test_pings_keep_the_link_and_their_answers_go_back(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/mural")
    await is_live(page)
    opened = console.live.opened
    await page.wait_for_function("() => performance.now() > 15_000", polling=500)  # longer than the silence that ends a link
    await expect(link(page)).to_have_text("ao vivo")
    assert console.live.opened == opened
    assert any(message["type"] == "pong" for message in console.live.heard)


async def test_services_that_come_back_after_the_link_are_asked_again(console: Console) -> None:
    """A restart brings the live feed back first; what failed at that moment must not wait for the next cut."""
    city = City(console)
    page = await console.as_role("operator", "/mural")
    await is_live(page)
    before = len(console.services.to("GET", "/alerts/changes"))
    city.is_away = True
    city.raised(plate="DEF4G56")
    await console.live.cut()
    await console.live.subscribed(2)
    await until(lambda: len(console.services.to("GET", "/alerts/changes")) >= before + 1)
    opened = console.live.opened
    city.is_away = False
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_contain_text("Placa DEF4G56")
    await sounded(page)
    assert console.live.opened == opened, "the link was opened anew, which reads all again by itself"
