"""The console in a real browser: signed in as somebody of a role, with the real identity and stand-ins of all else.

async def test_…(console: Console) -> None:
    console.services.answer("GET", "/cameras", paged([CameraOut(...)]))
    page = await console.as_role("operator", "/cameras")
    await expect(page.get_by_role("heading", name="Câmeras")).to_be_visible()
    console.live.say("alert", AlertOut(...))
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.console.standins import LiveLink, Services
from tests.fixtures import needs
from tests.identity.running import PASSWORD, Running

from gtvision.ids import new_id

PATIENCE_MS = 60_000
"""Five seconds are too few on a busy machine."""
STATE = "import(document.querySelector('script[type=module]').src.replace('main.js', 'state.js'))"
"""JavaScript: the page's own module of the session, for what no screen does by itself."""
COUNT_UNANSWERED = """
  const ask = window.fetch;
  window.unanswered = 0;
  window.fetch = async (...question) => {
    window.unanswered += 1;
    const answered = () => (window.unanswered -= 1);
    try {
      const answer = await ask(...question);
      answer.clone().arrayBuffer().then(answered, answered);
      return answer;
    } catch (error) {
      answered();
      throw error;
    }
  };
"""
CALM = """async () => {
  const frame = () => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  const isLoading = () => document.querySelector("#content > .screen > h1:first-child + .skeleton:last-child") !== null;
  for (let frames = 0; frames < 3; frames = unanswered || isLoading() ? 0 : frames + 1) await frame();
}"""
"""JavaScript: returns after three frames in which no question was open, and the screen's own modules had come."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    program = needs.browser()
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = await playwright.chromium.launch(executable_path=program, args=arguments, timeout=120_000)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        await browser.close()


@dataclass
class Console:
    """One browser profile with the console in it: tabs share their session, as they do for a user."""

    address: str
    context: BrowserContext
    running: Running | None = None
    services: Services = field(default_factory=Services)
    live: LiveLink = field(default_factory=LiveLink)
    complaints: list[str] = field(default_factory=list)

    async def tab(self, path: str = "/") -> Page:
        page = await self.context.new_page()
        await page.goto(f"{self.address}{path}")
        return page

    async def user(self, role: str = "operator", **more: Any) -> str:
        """Makes a user in the city and returns the e-mail."""
        assert self.running is not None
        email = f"{new_id()}@cidade.example"
        asked = {"email": email, "password": PASSWORD, "role": role, "name": "Ana Lúcia", "must_change_password": False, **more}
        made = await self.running.http.post("/api/v1/users", json=asked, headers=await self.running.as_admin())
        assert made.status_code == 201, made.text
        return email

    async def as_role(self, role: str = "operator", path: str = "/", **more: Any) -> Page:
        """Returns a tab at `path`, signed in as a new user of that role, with all that it reads by itself."""
        return await self.as_user(await self.user(role, **more), path)

    async def as_user(self, email: str, path: str = "/") -> Page:
        page = await self.tab(path)
        await sign_in(page, email)
        await entered(page)
        # When the link opens, all is read anew.
        await expect(page.locator(".top > .link:not([data-state=off])")).to_have_count(1)
        await settled(page)
        return page


@asynccontextmanager
async def browsing(address: str, browser: Browser, running: Running | None = None) -> AsyncIterator[Console]:
    """Yields a fresh profile. Fails where a page of it has thrown, or has broken the Content Security Policy, at the end."""
    context = await browser.new_context(locale="pt-BR")
    context.set_default_timeout(PATIENCE_MS)
    console = Console(address, context, running)
    context.on("weberror", lambda error: console.complaints.append(str(error.error)))
    context.on("console", lambda said: console.complaints.append(said.text) if "Content Security Policy" in said.text else None)
    await context.add_init_script(COUNT_UNANSWERED)
    await console.services.serve(context)
    await console.live.serve(context)
    async with console.live.pinging():
        yield console
    await context.close()
    assert not console.complaints


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Page]:
    """Yields the console's page before a sign-in, in a browser of its own."""
    async with chromium() as browser, browsing(address, browser) as console:
        yield await console.tab()


async def sign_in(page: Page, email: str, password: str = PASSWORD, code: str | None = None) -> None:
    """Signs in through the login form."""
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Senha").fill(password)
    if code is not None:
        await page.get_by_label("Código de verificação").fill(code)
    await page.get_by_role("button", name="Entrar", exact=True).click()


async def entered(page: Page) -> None:
    """Waits until the frame of the screens is there."""
    await expect(page.locator("#content")).to_be_visible()


async def settled(page: Page) -> None:
    """Waits until the page has its screen, has drawn what it knows, and every question that it has asked is answered."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        await page.evaluate(CALM)


async def signed_out(page: Page) -> None:
    """Waits for the login form, of which nothing else is beside."""
    await expect(page.get_by_label("E-mail")).to_be_visible()
    await expect(page.locator("#content")).to_have_count(0)


async def log_out(page: Page) -> None:
    await page.get_by_role("button", name="Sair", exact=True).click()
    await signed_out(page)
