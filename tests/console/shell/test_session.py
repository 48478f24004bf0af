"""Tests of the session in the page: reloads, several tabs, ends of every kind; in a real browser against the real identity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect
from starlette.types import Message, Receive, Scope, Send
from tests.console.browsing import STATE, Console, entered, log_out, sign_in, signed_out
from tests.console.origin import one_origin
from tests.console.standins import problem
from tests.identity.running import EMAIL, PASSWORD, Running

from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

NEW = "telhado verde de zinco"
ENDED = "Sua sessão foi encerrada por você em outro lugar, ou por um administrador."


class Renewals:
    """A gate that holds back the answers to renewals: identity has used the refresh token, and the page does not know it yet."""

    def __init__(self) -> None:
        self.held = 0
        self.gate = asyncio.Event()
        self.gate.set()

    def close(self) -> None:
        self.held = 0
        self.gate.clear()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.held < count:
                await asyncio.sleep(0.02)

    def at_gate(self, send: Send) -> Send:
        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.held += 1
                await self.gate.wait()
            await send(message)

        return held


@pytest.fixture(scope="module")
def renewals() -> Renewals:
    return Renewals()


@pytest.fixture(scope="module")
async def address(running: Running, renewals: Renewals) -> AsyncIterator[str]:
    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        held = renewals.at_gate(send) if scope["path"] == "/api/v1/auth/refresh" else send
        await running.service.api(scope, receive, held)

    async with one_origin(api) as origin:
        yield origin


async def test_a_reload_resumes_the_session_and_scripts_see_no_token(page: Page) -> None:
    await sign_in(page, EMAIL, "wrong wrong wrong")
    await expect(page.get_by_role("alert")).to_have_text("E-mail ou senha incorretos.")
    await sign_in(page, EMAIL)
    await entered(page)
    await page.reload()
    await entered(page)
    assert "gtr_" not in await page.evaluate("document.cookie + JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    await log_out(page)
    await expect(page.get_by_text("Você saiu.")).to_be_visible()
    await page.reload()
    await signed_out(page)
    assert await page.context.cookies() == []


async def test_who_comes_in_by_keyboard_alone_types_at_once(page: Page) -> None:
    await expect(page.get_by_label("E-mail")).to_be_focused()
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await entered(page)
    await log_out(page)
    await expect(page.get_by_label("E-mail")).to_be_focused()


async def test_an_address_below_the_root_is_the_page_with_all_that_it_needs(console: Console) -> None:
    page = await console.as_role("viewer", "/lugar/nenhum")
    await expect(page.get_by_role("heading", name="Esta página não existe, ou não é para o seu papel.")).to_be_visible()
    assert page.url.endswith("/lugar/nenhum")
    empty = "[...document.styleSheets].filter((sheet) => sheet.cssRules.length === 0).map((sheet) => sheet.href)"
    assert await page.evaluate("document.styleSheets.length") >= 4
    assert await page.evaluate(empty) == []
    await page.get_by_role("link", name="Voltar ao início").click()
    await page.wait_for_url("**/painel")


async def test_a_session_that_ends_leaves_nothing_of_the_person_on_the_page(console: Console) -> None:
    page = await console.as_role("operator")
    await page.locator("#plate-search").fill("ABC1D23")
    revoked = {"status": 401, "json": {"status": 401, "code": "session_revoked", "reason": "ended"}}
    await page.route("**/api/v1/auth/refresh", lambda route: route.fulfill(**revoked))
    console.services.answer("GET", "/plates/*", problem(401, "session_revoked"))
    await page.evaluate(f"{STATE}.then(({{ session }}) => session.check())")
    await expect(page.get_by_text(ENDED)).to_be_visible()
    await signed_out(page)
    await expect(page.get_by_label("E-mail")).to_be_focused()
    await expect(page.locator("#plate-search")).to_have_count(0)
    await page.unroute("**/api/v1/auth/refresh")
    await sign_in(page, EMAIL)
    await expect(page.locator("#plate-search")).to_have_value("")


async def test_two_tabs_share_one_session(console: Console) -> None:
    page = await console.as_user(EMAIL)
    tabs = [page, *[await page.context.new_page() for _ in range(3)]]
    await asyncio.gather(*(tab.goto(console.address) for tab in tabs))  # each tab renews at once, with the same cookie
    for tab in tabs:
        await entered(tab)


async def test_two_tabs_that_renew_at_once_both_keep_the_session(console: Console, renewals: Renewals) -> None:
    """If both tabs sent the same token, the second use would count as theft and end the session."""
    page = await console.as_user(EMAIL)
    other = await page.context.new_page()
    renewals.close()
    await asyncio.gather(*(tab.goto(console.address, wait_until="commit") for tab in (page, other)))
    await renewals.wait_for(1)
    renewals.gate.set()
    for tab in (page, other):
        await entered(tab)
    await asyncio.gather(*(tab.reload() for tab in (page, other)))  # with their present cookies
    for tab in (page, other):
        await entered(tab)


async def test_a_reload_in_the_middle_of_a_renewal_keeps_the_session(console: Console, renewals: Renewals) -> None:
    page = await console.as_user(EMAIL)
    await page.clock.set_fixed_time(SystemClock().now())  # on a slow machine the page's timeout could pass
    renewals.close()
    await page.reload(wait_until="commit")
    await renewals.wait_for(1)
    await page.reload(wait_until="commit")  # the page that waited for that answer is gone
    await expect(page.locator("#console > *").first).to_be_attached()
    renewals.gate.set()
    await entered(page)


async def test_signed_out_in_one_tab_is_signed_out_in_all(console: Console) -> None:
    page = await console.as_user(EMAIL)
    other = await console.tab()
    await entered(other)
    await log_out(page)
    await signed_out(other)
    await expect(other.get_by_text("Você saiu.")).to_be_visible()


async def test_another_user_in_one_tab_ends_the_others(console: Console) -> None:
    page = await console.as_user(EMAIL)
    other = await console.tab()
    await entered(other)
    await page.route("**/api/v1/auth/refresh", lambda route: route.fulfill(status=401, json={"status": 401, "code": "session_revoked"}))
    await page.reload()  # this tab alone believes that it has no session
    await signed_out(page)
    await expect(page.get_by_text("Sua sessão foi encerrada. Entre de novo.")).to_be_visible()
    await sign_in(page, await console.user("viewer"))
    await entered(page)
    await signed_out(other)
    await expect(other.get_by_text("Outra pessoa entrou neste navegador.")).to_be_visible()


async def test_a_session_that_an_administrator_ends_says_so_within_seconds(console: Console, running: Running) -> None:
    email = await console.user("operator")
    page = await console.as_user(email)
    await console.live.subscribed()
    admin = await running.as_admin()
    found = (await running.http.get("/api/v1/users", params={"q": email}, headers=admin)).json()["items"]
    changed = await running.http.patch(f"/api/v1/users/{found[0]['id']}", json={"disabled": True}, headers=admin)
    assert changed.status_code == 200, changed.text
    await console.live.cut(4401)  # as the live feed does once the session is revoked
    await signed_out(page)
    await expect(page.get_by_text("Sua conta foi desativada. Fale com o administrador.")).to_be_visible()


async def test_a_server_that_is_away_when_the_page_loads_is_asked_again(console: Console) -> None:
    page = await console.as_user(EMAIL)
    await page.route("**/api/v1/auth/refresh", lambda route: route.fulfill(status=503, json={"status": 503, "code": "unavailable"}))
    await page.reload()
    await expect(page.get_by_text("O servidor não responde. Tentando de novo…")).to_be_visible()
    await page.unroute("**/api/v1/auth/refresh")
    await entered(page)


async def test_a_given_password_must_be_changed(console: Console) -> None:
    page = await console.tab()
    await sign_in(page, await console.user(must_change_password=True))
    await expect(page.get_by_role("heading", name="Troque sua senha")).to_be_visible()
    await expect(page.locator("#content")).to_have_count(0)
    await expect(page.get_by_label("Senha atual")).to_be_focused()
    await page.reload()
    await expect(page.get_by_role("heading", name="Troque sua senha")).to_be_visible()
    for fresh, again, said in [
        (NEW, "outra", "As duas senhas novas não são iguais."),
        ("prefeitura2026", "prefeitura2026", "Senha fraca"),
        (PASSWORD, PASSWORD, "A nova senha precisa ser diferente da atual."),
    ]:
        await page.get_by_label("Senha atual").fill(PASSWORD)
        await page.get_by_label("Nova senha", exact=True).fill(fresh)
        await page.get_by_label("Repita a nova senha").fill(again)
        await page.get_by_role("button", name="Trocar senha").click()
        await expect(page.get_by_role("alert")).to_contain_text(said)
    await page.get_by_label("Nova senha", exact=True).fill(NEW)
    await page.get_by_label("Repita a nova senha").fill(NEW)
    await page.get_by_role("button", name="Trocar senha").click()
    await entered(page)
