"""What tests of the screen of recordings do and look at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from playwright.async_api import Locator, Page, expect
from tests.console.recorded import DARKEST, STEP

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
"""Noon in the city, of a day that is over."""
SHOWN = f"""(figure) => {{
  const video = figure.querySelector("video"), canvas = new OffscreenCanvas(16, 9), context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 16, 9);
  return Math.round((context.getImageData(8, 4, 1, 1).data[0] * 219 / 255 + 16 - {DARKEST}) / {STEP});
}}"""
"""JavaScript: the second of the file that the picture itself says."""
ELSEWHERE = """at => {
  history.pushState(null, "", location.pathname + location.search.replace(/at=[^&]*/, `at=${at}`));
  dispatchEvent(new PopStateEvent("popstate"));
}"""
"""JavaScript: follows a link to another instant."""


def path(*cameras: UUID, at: datetime) -> str:
    return f"/gravacoes?camera={','.join(map(str, cameras))}&at={at:%Y-%m-%dT%H:%M:%S.000Z}"


def tile(page: Page, number: int = 0) -> Locator:
    return page.locator(".recording").nth(number)


async def shows(page: Page, instant: datetime, number: int = 0) -> None:
    """Waits until the tile's picture is that of the second: the picture says so itself."""
    await expect(tile(page, number)).to_have_attribute("data-shown", "picture")
    figure = await tile(page, number).element_handle()
    await page.wait_for_function(f"([figure, second]) => ({SHOWN})(figure) === second", arg=[figure, instant.second], polling=50)


async def clock(page: Page, instant: datetime) -> None:
    """Waits until the clock is at the second."""
    await expect(page.locator(".recordings-clock")).to_have_text((instant - timedelta(hours=3)).strftime("%d/%m/%Y, %H:%M:%S"))


async def instant(page: Page) -> datetime:
    return datetime.fromisoformat(await page.locator(".recordings-clock").get_attribute("datetime") or "")


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def clock_set(page: Page, local: str) -> None:
    """Goes to a minute of the city's clock by the field."""
    await page.get_by_label("Dia e hora").fill(local)
    await page.get_by_role("button", name="Ir", exact=True).click()
    await expect(page.locator(".recordings-clock")).to_contain_text(f"{local[-5:]}:00")


async def paused(page: Page) -> None:
    await page.get_by_role("button", name="Pausar").click()
    await expect(page.get_by_role("button", name="Reproduzir")).to_be_visible()
