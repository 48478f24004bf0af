"""The console by keyboard alone: Tab until something has the focus, then a key."""

from __future__ import annotations

from playwright.async_api import Locator, Page

FAR = 250
"""Presses of Tab after which something cannot be reached: more than any screen has controls in these tests."""
HAS_FOCUS = "(element) => element === document.activeElement"


async def tab_to(page: Page, target: Locator) -> None:
    """Presses Tab until `target` has the focus. Fails where it never has."""
    await target.wait_for()
    for _ in range(FAR):
        if await target.evaluate(HAS_FOCUS):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{target} is not reached by Tab")


async def press(page: Page, target: Locator, key: str = "Enter") -> None:
    await tab_to(page, target)
    await page.keyboard.press(key)


async def write(page: Page, target: Locator, text: str) -> None:
    """Types over what the field holds."""
    await tab_to(page, target)
    await page.keyboard.press("Control+A")
    await page.keyboard.type(text)
