"""Tests of the console where a tenant requires a purpose for searches, in a real browser against the real identity."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect
from tests.identity.console.browsing import one_origin, opened, sign_in
from tests.identity.running import EMAIL, Running

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser, pytest.mark.usefixtures("no_throttle_left")]

READ = {
    "detection_id": "0190a5c2-0000-7000-8000-0000000000d1",
    "camera_id": "0190a5c2-0000-7000-8000-000000000001",
    "captured_at": "2026-01-31T12:00:00.123456Z",
    "plate": "ABC1D23",
    "plate_confidence": 0.97,
}
PIXEL = b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='32'/>"
REQUIRED = "Informe a finalidade: esta cidade a exige para buscar placas e abrir imagens."
UNKNOWN = "A cidade não aceita esta finalidade. Escolha outra, ou tente de novo em instantes."


@dataclass
class Plates:
    """A fake of ingest that refuses missing purposes as it does, and keeps the declared ones."""

    codes: tuple[str, ...] = ()
    required: bool = False
    declared: list[tuple[str, str | None]] = field(default_factory=list)

    async def answer(self, route: Route) -> None:
        what = "evidence" if "/evidence" in route.request.url else "search"
        given = route.request.headers.get("x-purpose")
        self.declared.append((what, given))
        if refused := self._refusal(given):
            problem = {"status": 422, "code": refused, "title": "Unprocessable", "detail": "No."}
            await route.fulfill(status=422, json=problem, content_type="application/problem+json")
        elif what == "evidence":
            await route.fulfill(body=PIXEL, content_type="image/svg+xml")
        else:
            await route.fulfill(json={"items": [READ], "next": None})

    def _refusal(self, given: str | None) -> str | None:
        if given is None:
            return "purpose_required" if self.required else None
        return "purpose_unknown" if self.codes and given not in self.codes else None


@pytest.fixture(scope="module")
async def address(running: Running) -> AsyncIterator[str]:
    async with one_origin(running.service.api) as origin:
        yield origin


@pytest.fixture
def plates() -> Plates:
    return Plates()


@pytest.fixture
async def page(address: str, plates: Plates) -> AsyncIterator[Page]:
    async with opened(address) as page:
        await page.route("**/api/v1/plates/*", plates.answer)
        await page.route("**/api/v1/detections/*/evidence*", plates.answer)
        yield page


async def wants(running: Running, plates: Plates, *codes: str, required: bool = False) -> None:
    """Sets the tenant's purposes, and whether one is required."""
    admin = await running.as_admin()
    tenant = (await running.http.get("/api/v1/users/me", headers=admin)).json()["tenant_id"]
    path = f"/api/v1/tenants/{tenant}/settings"
    etag = (await running.http.get(path, headers=admin)).headers["etag"]
    purposes: dict[str, Any] = {"codes": list(codes), "required": required}
    changed = await running.http.patch(path, json={"purposes": purposes}, headers=admin | {"if-match": etag})
    assert changed.status_code == 200, changed.text
    plates.codes, plates.required = codes, required


async def search(page: Page, plate: str = "ABC1D23") -> None:
    await page.fill("#plate", plate)
    await page.press("#plate", "Enter")


async def learned(page: Page) -> None:
    """Signs in, and waits until the page has read the tenant's purposes."""
    async with page.expect_response("**/api/v1/users/me"):
        await sign_in(page, EMAIL)
    await expect(page.locator("#console")).to_be_visible()


async def test_without_a_list_there_is_no_field_and_no_purpose(page: Page, running: Running, plates: Plates) -> None:
    await wants(running, plates)
    await learned(page)
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    await expect(page.get_by_label("Finalidade")).to_have_count(0)
    assert plates.declared == [("search", None)]


async def test_what_is_required_is_asked_for_before_a_search_and_declared_with_all_that_follows(
    page: Page, running: Running, plates: Plates
) -> None:
    await wants(running, plates, "investigacao", "pessoa-desaparecida", required=True)
    await learned(page)
    field = page.get_by_label("Finalidade")
    await expect(field).to_have_attribute("aria-required", "true")
    await expect(page.locator("#purpose .required")).to_be_visible()
    await search(page)
    await expect(page.locator("#purpose-error")).to_have_text(REQUIRED)
    await expect(field).to_be_focused()
    assert plates.declared == [], "nothing is asked for what would be refused"
    await page.keyboard.press("p")  # chosen by the keyboard
    await expect(field).to_have_value("pessoa-desaparecida")
    await expect(page.locator("#purpose-error")).to_be_hidden()
    await search(page)
    await page.locator("#results table").get_by_role("button", name="ABC1D23").click()
    await expect(page.locator("#results img")).to_be_visible()
    assert plates.declared == [("search", "pessoa-desaparecida"), ("evidence", "pessoa-desaparecida")]


async def test_it_is_remembered_over_a_reload_and_forgotten_with_the_session(page: Page, running: Running, plates: Plates) -> None:
    await wants(running, plates, "investigacao", "auditoria")
    await learned(page)
    field = page.get_by_label("Finalidade")
    await expect(field).to_have_value("")
    await expect(page.locator("#purpose .required")).to_be_hidden()
    await field.select_option("auditoria")
    await page.reload()
    await expect(field).to_have_value("auditoria")
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    await page.click("#results [data-close]")
    await page.click("#logout")
    await sign_in(page, EMAIL)
    await expect(field).to_have_value("")
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    assert plates.declared == [("search", "auditoria"), ("search", None)]


async def test_a_changed_list_of_purposes_is_read_after_a_refusal(page: Page, running: Running, plates: Plates) -> None:
    await wants(running, plates)
    await learned(page)
    await wants(running, plates, "investigacao", required=True)
    await search(page)
    field = page.get_by_label("Finalidade")
    await expect(field).to_be_focused()
    await expect(page.locator("#purpose-error")).to_have_text(REQUIRED)
    await expect(page.locator("#results")).to_be_hidden()
    await field.select_option("investigacao")
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    await wants(running, plates, "auditoria", required=True)
    await page.locator("#results table").get_by_role("button", name="ABC1D23").click()
    await expect(page.locator("#purpose-error")).to_have_text(UNKNOWN)
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
    await expect(page.locator("#results")).to_be_hidden()


async def test_where_one_is_required_and_none_listed_there_is_a_field(page: Page, running: Running, plates: Plates) -> None:
    await wants(running, plates, required=True)
    await learned(page)
    field = page.get_by_label("Finalidade")
    await field.fill("Não é código")
    await search(page)
    await expect(page.locator("#purpose-error")).to_have_text(REQUIRED)
    await expect(field).to_be_focused()
    await field.fill("Oficio-12")
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    assert plates.declared == [("search", "oficio-12")]


async def test_without_the_browsers_storage_all_else_works(page: Page, running: Running, plates: Plates) -> None:
    await wants(running, plates, "investigacao", required=True)
    refused = "Object.defineProperty(window, '%s', { get() { throw new DOMException('refused', 'SecurityError'); } });"
    await page.add_init_script("".join(refused % rows for rows in ("localStorage", "sessionStorage")))
    await page.reload()
    await learned(page)
    field = page.get_by_label("Finalidade")
    await field.select_option("investigacao")
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
    await page.reload()
    await expect(field).to_have_value("")
    await page.click("#logout")
    await expect(page.locator("#login")).to_be_visible()
    await expect(page.locator("#console")).to_be_hidden()


async def test_on_a_narrow_screen_everything_is_within_reach(page: Page, running: Running, plates: Plates) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await wants(running, plates, "investigacao", "uma-finalidade-com-um-nome-bem-comprido", required=True)
    await learned(page)
    await page.get_by_label("Finalidade").select_option("uma-finalidade-com-um-nome-bem-comprido")
    for name in ("#purpose select", "#plate", "#search button"):
        box = await page.locator(name).bounding_box()
        assert box is not None
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= 390, name
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await search(page)
    await expect(page.locator("#results table")).to_be_visible()
