"""A sleeping laptop, a restarted server, a page without a server: the console comes back by itself, and says so meanwhile."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console, entered, signed_out
from tests.console.rules.city import City, Outage, is_live, link, sounded
from tests.console.standins import problem

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

AWAY = "O servidor não responde. Tentando de novo…"


async def test_a_laptop_that_slept_shows_what_it_missed(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/alertas")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Page.enable")
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    console.live.is_pinging = False
    city.raised(plate="DEF4G56")
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    opened = console.live.opened
    console.live.is_pinging = True
    await page.clock.fast_forward("20:00")  # longer than the access token lives
    await console.live.subscribed(opened + 1)
    await is_live(page)
    await sounded(page)
    await expect(page.locator("[data-alert]")).to_have_count(1)
    await expect(page.get_by_role("button", name="1 alerta crítico aberto")).to_be_visible()


@pytest.mark.parametrize("status", [502, 0])
@pytest.mark.parametrize("path", ["/painel", "/alertas", "/cameras", "/mural"])
async def test_after_a_restart_of_the_server_each_screen_is_as_it_should_be(console: Console, path: str, status: int) -> None:
    city, outage = City(console), Outage(console)
    page = await console.as_role("operator", path)
    await is_live(page)
    await outage.begin(status)
    await expect(link(page)).to_have_text("reconectando…")
    city.cameras[0] = city.cameras[0].model_copy(update={"name": "Portão da praça"})
    city.raised(Severity.WARNING, plate="DEF4G56")
    await outage.end()
    await is_live(page)
    await expect(page).to_have_title(f"(1) {(await page.title()).split(') ')[-1]}")
    await expect(page.locator("#content")).to_contain_text("Portão da praça")
    await expect(page.locator("#content .empty[role=alert]")).to_have_count(0)


async def test_a_list_that_failed_is_read_again_by_itself(console: Console) -> None:
    city = City(console)
    city.raised(Severity.WARNING)
    city.is_away = True
    page = await console.as_role("operator", "/alertas")
    await expect(page.get_by_text("O servidor não respondeu. Tente de novo em instantes.").first).to_be_visible()
    city.is_away = False
    await expect(page.locator("[data-alert]")).to_have_count(1)
    await expect(page.get_by_text("O servidor não respondeu.")).to_have_count(0)
    await expect(page.locator("[data-alert]")).to_contain_text("Portão 1")
    assert console.live.opened == 1, "the link was opened anew, which reads all again by itself"


@pytest.mark.parametrize("status", [502, 0])
async def test_a_reload_without_a_server_resumes_the_session_when_it_is_back(console: Console, status: int) -> None:
    city, outage = City(console), Outage(console)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await outage.begin(status)
    await page.reload()
    await expect(page.get_by_text(AWAY)).to_be_visible()
    city.raised()
    await outage.end()
    await entered(page)
    assert page.url.endswith("/cameras")
    await is_live(page)
    await sounded(page)


async def test_a_screen_that_cannot_be_loaded_says_so_and_can_be_had_later(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/painel")
    await is_live(page)
    await page.route("**/screens/wall/**", lambda route: route.abort("connectionrefused"))
    await page.get_by_role("link", name="Mural").click()
    await expect(page.get_by_text("Esta página não pôde ser carregada.")).to_be_visible()
    await page.unroute("**/screens/wall/**")
    await page.get_by_role("button", name="Tentar de novo").click()
    await expect(page.locator(".wall-grid")).to_be_visible()


async def test_a_session_that_is_over_says_why_and_stops_the_pictures_of_every_tab(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/mural")
    other = await console.tab("/mural")
    await expect(other.locator(".tile").first).to_be_visible()
    over = {"status": 401, "json": problem(401, "session_revoked", reason="expired").body}
    await page.context.route("**/api/v1/auth/refresh", lambda route: route.fulfill(**over))
    for tab in (page, other):
        await is_live(tab)
    await console.live.cut(4401)  # as the live feed does after 24 hours
    for tab in (page, other):
        await signed_out(tab)
        await expect(tab.get_by_text("Sua sessão expirou. Entre de novo.")).to_be_visible()
        await expect(tab.locator("video")).to_have_count(0)
    await page.reload()
    await signed_out(page)


async def test_sessions_that_an_administrator_ends_end_with_the_reason(console: Console) -> None:
    City(console)
    email = await console.user("operator")
    page = await console.as_user(email, "/mural")
    await is_live(page)
    assert console.running is not None
    admin = await console.running.as_admin()
    me = (await console.running.http.get("/api/v1/users", params={"q": email}, headers=admin)).json()["items"][0]["id"]
    sessions = (await console.running.http.get("/api/v1/sessions", params={"user_id": me}, headers=admin)).json()["items"]
    for each in sessions:
        ended = await console.running.http.delete(f"/api/v1/sessions/{each['id']}", headers=admin)
        assert ended.status_code == 204, ended.text
    await console.live.cut(4401)
    await signed_out(page)
    await expect(page.get_by_text("Sua sessão foi encerrada por você em outro lugar, ou por um administrador.")).to_be_visible()
