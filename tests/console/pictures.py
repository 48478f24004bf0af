"""The pictures of docs/console.md, taken of a running stack: `python -m tests.console.pictures https://localhost:8443 E-MAIL PASSWORD`.

Not a test: it needs a stack with the demo cameras, and a look at what it has taken.
"""

from __future__ import annotations

import asyncio
import sys

from playwright.async_api import Browser, Page
from tests.console.browsing import chromium, entered, sign_in
from tests.console.origin import ROOT

FOLDER = ROOT / "docs/images"
SCREENS = {
    "painel": "/painel",
    "mural": "/mural",
    "alertas": "/alertas",
    "placas": "/placas",
    "cidade": "/cidade",
    "auditoria": "/auditoria",
    "ajuda": "/ajuda",
}
DESK, PHONE = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
SETTLED_MS = 6_000
"""Long enough for video to play and for pictures to arrive; nothing depends on it but the look."""


async def take(browser: Browser, address: str, who: tuple[str, str], size: dict[str, int], scheme: str, screens: dict[str, str]) -> None:
    context = await browser.new_context(ignore_https_errors=True, locale="pt-BR", viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(address)
    await sign_in(page, *who)
    await entered(page)
    for name, path in screens.items():
        await page.goto(f"{address}{path}")
        await open_first(page, name)
        await page.wait_for_timeout(SETTLED_MS)
        kind = "celular" if size is PHONE else scheme
        await page.screenshot(path=FOLDER / f"console-{name}-{kind}.jpg", type="jpeg", quality=70)
    await context.close()


async def open_first(page: Page, name: str) -> None:
    """Shows one alert beside the list."""
    if name == "alertas":
        await page.locator(".alert-what").first.click()


async def main(address: str, email: str, password: str) -> None:
    who = (email, password)
    async with chromium() as browser:
        await take(browser, address, who, DESK, "dark", SCREENS)
        await take(browser, address, who, DESK, "light", {name: SCREENS[name] for name in ("painel", "alertas")})
        await take(browser, address, who, PHONE, "dark", {name: SCREENS[name] for name in ("painel", "mural", "placas")})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
