"""One person at the console: a browser of their own, worked by the keyboard, which keeps what the server refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, Response, expect
from tests.e2e.stack import PATIENCE_S

PATIENCE_MS = PATIENCE_S * 1_000
MONITOR, PHONE = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
MOST_TABS = 200
"""More than any screen has that can be reached by Tab."""


@dataclass
class Desk:
    """A fresh browser profile with one page of the console."""

    context: BrowserContext
    page: Page
    refused: list[str] = field(default_factory=list)
    """Answers by which the server said that this person may not do what the page asked for, or that it failed."""
    complaints: list[str] = field(default_factory=list)
    """What the page threw, and breaches of its content security policy."""

    @classmethod
    async def at(cls, browser: Browser, address: str, size: Any = MONITOR, scheme: Any = "dark") -> Desk:
        looks: Any = {"locale": "pt-BR", "viewport": size, "color_scheme": scheme}
        context = await browser.new_context(ignore_https_errors=True, **looks)  # no certificate of our authority
        context.set_default_timeout(PATIENCE_MS)
        desk = cls(context, await context.new_page())
        context.on("response", desk._judge)
        context.on("weberror", lambda error: desk.complaints.append(str(error.error)))
        context.on("console", lambda said: desk.complaints.append(said.text) if "Content Security Policy" in said.text else None)
        await desk.page.goto(address)
        return desk

    def _judge(self, answer: Response) -> None:
        if answer.status == 403 or answer.status >= 500:
            self.refused.append(f"{answer.request.method} {answer.url}: {answer.status}")

    # --- by keyboard -------------------------------------------------------------------------------------------------------

    async def reach(self, target: Locator) -> None:
        """Goes there by Tab. Raises: AssertionError where no Tab leads there."""
        await expect(target).to_be_enabled(timeout=PATIENCE_MS)
        for _ in range(MOST_TABS):
            if await target.evaluate("element => element === document.activeElement"):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"no Tab leads to {target}")

    async def press(self, name: str | re.Pattern[str], role: Any = "button", within: Locator | None = None) -> None:
        """Presses a button, or follows a link, by Enter."""
        exact = isinstance(name, str)
        await self.reach((within or self.page).get_by_role(role, name=name, exact=exact))
        await self.page.keyboard.press("Enter")

    async def write(self, label: str, text: str, within: Locator | None = None) -> None:
        """Writes into the field, over what is there."""
        field = (within or self.page).get_by_label(label, exact=True)  # a region of the page may have the same name
        await self.reach(field.and_(self.page.locator("input, textarea")))
        await self.page.keyboard.press("Control+A")
        await self.page.keyboard.type(text)

    async def choose(self, label: str, text: str, within: Locator | None = None) -> None:
        """Chooses one of a list by typing how it begins."""
        select = (within or self.page).get_by_role("combobox", name=label, exact=True)
        await self.reach(select)
        await self.page.keyboard.type(text)
        await expect(select.locator("option:checked")).to_have_text(text, timeout=PATIENCE_MS)

    async def tick(self, label: str, within: Locator | None = None) -> None:
        box = (within or self.page).get_by_label(label, exact=True)
        await self.reach(box)
        await self.page.keyboard.press("Space")
        await expect(box).to_be_checked(timeout=PATIENCE_MS)

    async def open(self, screen: str) -> None:
        """Follows the navigation to a screen and waits for it. A screen's link may say how many alerts are open."""
        if await self.page.locator(".top .menu").is_visible():  # a narrow screen has it folded
            await self.press("Menu")
        await self.press(re.compile(rf"^{screen}( [\d.]+)?$"), "link", self.page.locator("#navigation"))
        await expect(self.page.locator("#content h1").first).to_have_text(screen, timeout=PATIENCE_MS)

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]")

    # --- what is seen ------------------------------------------------------------------------------------------------------

    async def sees(self, target: Locator | str) -> None:
        """Waits until a text, or something else, is on the page, once or more often."""
        shown = self.page.get_by_text(target) if isinstance(target, str) else target
        await expect(shown.first).to_be_visible(timeout=PATIENCE_MS)

    async def sees_no(self, target: Locator) -> None:
        await expect(target).to_have_count(0, timeout=PATIENCE_MS)

    async def read(self, label: str) -> str:
        """Reads a field of the dialog that is open, as a password that is shown this once."""
        return await self.dialog.get_by_role("textbox", name=label, exact=True).input_value(timeout=PATIENCE_MS)

    async def navigation(self) -> list[str]:
        """The screens that the navigation offers."""
        names = await self.page.locator("#navigation a").evaluate_all("links => links.map(link => link.firstChild.data.trim())")
        return [str(name) for name in names]

    # --- in and out --------------------------------------------------------------------------------------------------------

    async def sign_in(self, email: str, password: str) -> None:
        await self.write("E-mail", email)
        await self.write("Senha", password)
        await self.page.keyboard.press("Enter")

    async def sign_in_first(self, email: str, given: str, own: str) -> None:
        """Signs in with a password that another person gave, which has to be changed before anything else."""
        await self.sign_in(email, given)
        await self.sees(self.page.get_by_role("heading", name="Troque sua senha"))
        await self.write("Senha atual", given)
        await self.write("Nova senha", own)
        await self.write("Repita a nova senha", own)
        await self.page.keyboard.press("Enter")
        await self.is_in()

    async def is_in(self) -> None:
        await self.sees(self.page.locator("#content"))
        await expect(self.page.locator(".link")).to_have_attribute("data-state", "on", timeout=PATIENCE_MS)

    async def sign_out(self) -> None:
        leave = re.compile("^Sair")
        if not await self.page.get_by_role("button", name=leave).count():  # a narrow screen has it with the account
            await self.reach(self.page.locator(".person a").first)
            await self.page.keyboard.press("Enter")
        await self.press(leave)
        await self.sees("Você saiu.")
