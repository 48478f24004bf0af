"""Tests of the console's account pages, in a real browser against the real service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import cv2
import numpy as np
import pyotp
import pytest
from playwright.async_api import Page, expect
from starlette.types import Message, Receive, Scope, Send
from tests.identity.console.browsing import one_origin, opened, sign_in, without_other_services
from tests.identity.running import EMAIL, PASSWORD, Running

from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser, pytest.mark.usefixtures("no_throttle_left")]

NEW = "telhado verde de zinco"


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


@pytest.fixture
async def page(address: str) -> AsyncIterator[Page]:
    async with opened(address) as page:
        yield page


async def user(running: Running, **more: Any) -> str:
    email = f"{new_id()}@cidade.example"
    asked = {"email": email, "password": PASSWORD, "role": "operator", "name": "Ana Lúcia", "must_change_password": False, **more}
    made = await running.http.post("/api/v1/users", json=asked, headers=await running.as_admin())
    assert made.status_code == 201, made.text
    return email


def read_qr(png: bytes) -> str:
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    text, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)
    return str(text)


async def test_a_reload_resumes_the_session_and_scripts_see_no_token(page: Page) -> None:
    await sign_in(page, EMAIL, "wrong wrong wrong")
    await expect(page.locator("#login-error")).to_have_text("E-mail ou senha incorretos.")
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    await page.reload()
    await expect(page.locator("#console")).to_be_visible()
    assert "gtr_" not in await page.evaluate("document.cookie + JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    await page.click("#logout")
    await expect(page.locator("#login")).to_be_visible()
    await page.reload()
    await expect(page.locator("#login")).to_be_visible()
    assert await page.context.cookies() == []


async def test_who_comes_in_by_keyboard_alone_types_at_once(page: Page) -> None:
    await expect(page.locator("input[name=email]")).to_be_focused()
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#console")).to_be_visible()
    await page.click("#logout")
    await expect(page.locator("input[name=email]")).to_be_focused()


async def test_a_place_below_the_root_is_the_page_with_all_that_it_needs(page: Page, address: str) -> None:
    await page.goto(f"{address}/mapa/centro")
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    assert await page.evaluate("[...document.styleSheets].map((sheet) => sheet.cssRules.length > 0)") == [True]


async def test_a_session_that_ends_leaves_nothing_of_the_person_on_the_page(page: Page) -> None:
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    for path in ("plates/*", "auth/refresh"):
        await page.route(f"**/api/v1/{path}", lambda route: route.fulfill(status=401, json={"status": 401, "code": "session_revoked"}))
    await page.fill("#plate", "ABC1D23")
    await page.press("#plate", "Enter")
    await expect(page.locator("input[name=email]")).to_be_focused()
    await expect(page.locator("#results")).to_be_hidden()
    await expect(page.locator("#console")).to_be_hidden()
    await expect(page.locator("#plate")).to_have_value("")


async def test_two_tabs_share_one_session(page: Page, address: str) -> None:
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    tabs = [page, *[await page.context.new_page() for _ in range(3)]]
    for tab in tabs[1:]:
        await without_other_services(tab)
    await asyncio.gather(*(tab.goto(address) for tab in tabs))  # each tab renews at once, with the same cookie
    for tab in tabs:
        await expect(tab.locator("#console")).to_be_visible()


async def test_two_tabs_that_renew_at_once_both_keep_the_session(page: Page, address: str, renewals: Renewals) -> None:
    """If both tabs sent the same token, the second use would count as theft and end the session."""
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    other = await page.context.new_page()
    await without_other_services(other)
    renewals.close()
    await asyncio.gather(*(tab.goto(address, wait_until="commit") for tab in (page, other)))
    await renewals.wait_for(1)
    renewals.gate.set()
    for tab in (page, other):
        await expect(tab.locator("#console")).to_be_visible()
    await asyncio.gather(*(tab.reload() for tab in (page, other)))  # with their present cookies
    for tab in (page, other):
        await expect(tab.locator("#console")).to_be_visible()


async def test_a_reload_in_the_middle_of_a_renewal_keeps_the_session(page: Page, renewals: Renewals) -> None:
    await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()
    await page.clock.set_fixed_time(SystemClock().now())  # on a slow machine the page's timeout could pass
    renewals.close()
    await page.reload(wait_until="commit")
    await renewals.wait_for(1)
    await page.reload(wait_until="commit")  # the page that waited for that answer is gone
    await expect(page.locator("#login")).to_be_attached()
    renewals.gate.set()
    await expect(page.locator("#console")).to_be_visible()


async def test_a_given_password_must_be_changed(page: Page, running: Running) -> None:
    email = await user(running, must_change_password=True)
    await sign_in(page, email)
    await expect(page.locator("#password")).to_be_visible()
    await expect(page.locator("#console")).to_be_hidden()
    await expect(page.locator("#password-form [name=current]")).to_be_focused()
    await page.reload()
    await expect(page.locator("#password")).to_be_visible()
    for fresh, again, said in [
        (NEW, "outra", "As duas senhas novas não são iguais."),
        ("prefeitura2026", "prefeitura2026", "Senha fraca"),
        (PASSWORD, PASSWORD, "A nova senha precisa ser diferente da atual."),
    ]:
        await page.fill("#password-form [name=current]", PASSWORD)
        await page.fill("#password-form [name=fresh]", fresh)
        await page.fill("#password-form [name=again]", again)
        await page.click("#password-form button[type=submit]")
        await expect(page.locator("#password-error")).to_contain_text(said)
    await page.fill("#password-form [name=fresh]", NEW)
    await page.fill("#password-form [name=again]", NEW)
    await page.click("#password-form button[type=submit]")
    await expect(page.locator("#console")).to_be_visible()


async def test_the_second_factor_from_the_picture_to_the_recovery_code(page: Page, running: Running) -> None:
    email = await user(running)
    await sign_in(page, email)
    await page.click("#my-account")
    await expect(page.locator("#account .who")).to_contain_text("Ana Lúcia")
    await page.fill("[data-form=start] [name=current]", PASSWORD)
    await page.click("[data-form=start] button")
    await expect(page.locator("#account .qr svg")).to_be_visible()
    secret = (await page.locator("#account .secret").inner_text()).replace(" ", "")
    picture = await page.locator("#account .qr").screenshot()
    assert f"secret={secret}" in read_qr(picture), "as a phone reads it"
    await page.fill("[data-form=confirm] [name=code]", "000000")
    await page.click("[data-form=confirm] button")
    await expect(page.locator("#account .word")).to_have_text("Código incorreto, vencido ou já usado.")
    await page.fill("[data-form=confirm] [name=code]", pyotp.TOTP(secret).at(SystemClock().now()))
    await page.click("[data-form=confirm] button")
    await expect(page.locator("#account .codes li")).to_have_count(10)
    codes = await page.locator("#account .codes li").all_inner_texts()
    await page.click("[data-do=codes-kept]")
    await expect(page.locator("[data-factor=on]")).to_be_visible()
    assert await page.locator("#account .codes li").count() == 0
    await page.click("#account [data-close]")
    await page.click("#logout")
    await sign_in(page, email)
    await expect(page.locator("#login-error")).to_have_text("Digite o código do seu aplicativo autenticador.")
    await sign_in(page, email, code="000000")
    await expect(page.locator("#login-error")).to_have_text("Código incorreto, vencido ou já usado.")
    await sign_in(page, email, code=codes[0])
    await expect(page.locator("#console")).to_be_visible()
    await page.click("#my-account")
    await page.fill("[data-form=disable] [name=current]", PASSWORD)
    await page.fill("[data-form=disable] [name=code]", codes[1])
    await page.click("[data-form=disable] button")
    await expect(page.locator("[data-factor=off]")).to_be_visible()


async def test_other_sessions_are_listed_and_ended(page: Page, running: Running) -> None:
    email = await user(running)
    for device in ("Celular da Ana", "Tablet da viatura", "Computador antigo"):
        asked = {"email": email, "password": PASSWORD, "client": "mobile", "device": device}
        assert (await running.http.post("/api/v1/auth/login", json=asked)).status_code == 200
    await sign_in(page, email)
    await page.click("#my-account")
    sessions = page.locator("#account .sessions li")
    await expect(sessions).to_have_count(4)
    await expect(sessions.filter(has_text="esta sessão")).to_contain_text("Chrome · Linux")
    await sessions.filter(has_text="Tablet da viatura").get_by_role("button", name="Encerrar").click()
    await expect(sessions).to_have_count(3)
    await page.fill("[data-form=password] [name=current]", PASSWORD)
    await page.fill("[data-form=password] [name=fresh]", NEW)
    await page.fill("[data-form=password] [name=again]", NEW)
    await page.click("[data-form=password] button")
    await expect(page.locator("#account .word")).to_contain_text("Senha trocada")
    await expect(sessions).to_have_count(1)
    await page.reload()
    await expect(page.locator("#console")).to_be_visible()
