"""The pictures of docs/console.md, taken of a running stack: `python -m tests.console.pictures https://localhost:8443 E-MAIL PASSWORD`.

Not a test: it needs a stack with the demo cameras, Debian's chromium-l10n, without which the browser's own fields are in English, and a
look at what it has taken.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Iterable

from PIL import Image
from playwright.async_api import Browser, Page
from tests.console.browsing import chromium, entered, sign_in
from tests.console.origin import ROOT

FOLDER = ROOT / "docs/images"
DARK = (
    "painel",
    "mural",
    "gravacoes",
    "alertas",
    "placas",
    "camera",
    "grupos",
    "chaves",
    "cidade",
    "armazenamento",
    "auditoria",
    "cidades",
    "ajuda",
)
LIGHT = ("painel", "alertas", "cameras", "listas", "pessoas", "conta")
ON_A_PHONE = ("painel", "mural", "gravacoes", "placas")
FIRST = {"alertas": ".alert-what", "placas": ".plates-row", "camera": ".camera-row a", "grupos": "tbody a"}
"""Screen -> what is opened first there. `camera` is opened from the list of all."""
DESK, PHONE = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
SETTLED_MS = 6_000
"""Long enough for video to play and for pictures to arrive; nothing depends on it but the look."""


async def take(browser: Browser, address: str, who: tuple[str, str], size: dict[str, int], scheme: str, screens: Iterable[str]) -> None:
    context = await browser.new_context(ignore_https_errors=True, locale="pt-BR", viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(address)
    await sign_in(page, *who)
    await entered(page)
    kind = "celular" if size is PHONE else scheme
    for name in screens:
        await page.goto(f"{address}/{'cameras' if name == 'camera' else name}")
        if name in FIRST and size is not PHONE:
            await page.locator(FIRST[name]).first.click()
        if name == "gravacoes":
            await _choose(page, 1 if size is PHONE else 4)
        await page.wait_for_timeout(SETTLED_MS)
        taken = Image.open(io.BytesIO(await page.screenshot()))
        taken.save(FOLDER / f"console-{name}-{kind}.webp", quality=75, method=6)
    await context.close()


async def _choose(page: Page, count: int) -> None:
    """Chooses the first cameras of the picker."""
    await page.get_by_role("button", name="Escolher câmeras").click()
    for number in range(count):
        await page.get_by_role("dialog").get_by_role("checkbox").nth(number).check()
    await page.locator("dialog .primary").click()


async def main(address: str, email: str, password: str) -> None:
    os.environ["LANGUAGE"] = "pt_BR"
    who = (email, password)
    async with chromium() as browser:
        await take(browser, address, who, DESK, "dark", DARK)
        await take(browser, address, who, DESK, "light", LIGHT)
        await take(browser, address, who, PHONE, "dark", ON_A_PHONE)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
