"""Tests of the console where a tenant requires a purpose for searches and pictures, in a real browser against the real identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.console.browsing import STATE, Console, entered, log_out, sign_in
from tests.console.standins import Asked, Reply, problem
from tests.identity.running import EMAIL, Running

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

PIXEL = b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='32'/>"
UNKNOWN = "A cidade não aceita esta finalidade. Escolha outra, ou tente de novo em instantes."
ASK = f"""async (path) => {{
  const {{ session }} = await {STATE};
  const {{ purposeFor }} = await import(document.querySelector('script[type=module]').src.replace('main.js', 'purpose.js'));
  window.outcome = "waiting";
  purposeFor(() => session.blob(path)).then(() => (window.outcome = "shown"), (problem) => (window.outcome = problem.code));
}}"""
"""Asks as every screen with a picture does."""


@dataclass
class Ingest:
    """A stand-in of ingest that refuses missing purposes as it does."""

    console: Console
    codes: tuple[str, ...] = ()
    required: bool = False

    @property
    def declared(self) -> list[str | None]:
        return [each.headers.get("x-purpose") for each in self.console.services.to("GET", "/detections/*")]

    def answer(self, asked: Asked) -> Reply:
        given = asked.headers.get("x-purpose")
        if given is None and self.required:
            return problem(422, "purpose_required")
        if given is not None and self.codes and given not in self.codes:
            return problem(422, "purpose_unknown")
        return Reply(body=PIXEL, headers={"content-type": "image/svg+xml"})


@pytest.fixture
def ingest(console: Console) -> Ingest:
    made = Ingest(console)
    console.services.answer("GET", "/detections/*", made.answer)
    return made


async def wants(running: Running, ingest: Ingest, *codes: str, required: bool = False) -> None:
    """Sets the tenant's purposes, and whether one is required."""
    admin = await running.as_admin()
    tenant = (await running.http.get("/api/v1/users/me", headers=admin)).json()["tenant_id"]
    path = f"/api/v1/tenants/{tenant}/settings"
    etag = (await running.http.get(path, headers=admin)).headers["etag"]
    purposes: dict[str, Any] = {"codes": list(codes), "required": required}
    changed = await running.http.patch(path, json={"purposes": purposes}, headers=admin | {"if-match": etag})
    assert changed.status_code == 200, changed.text
    ingest.codes, ingest.required = codes, required


async def look(page: Page) -> None:
    await page.evaluate(ASK, "/detections/0190a5c2-0000-7000-8000-0000000000d1/evidence")


async def outcome(page: Page, wanted: str) -> None:
    await page.wait_for_function("(wanted) => window.outcome === wanted", arg=wanted)


def field_of(page: Page) -> Locator:
    return page.locator("header").get_by_label("Finalidade")


async def test_without_a_list_there_is_no_field_and_no_purpose(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest)
    page = await console.as_user(EMAIL)
    await look(page)
    await outcome(page, "shown")
    await expect(page.get_by_label("Finalidade")).to_have_count(0)
    assert ingest.declared == [None]


async def test_what_is_required_is_asked_for_first_and_declared_with_all_that_follows(
    console: Console, running: Running, ingest: Ingest
) -> None:
    await wants(running, ingest, "investigacao", "pessoa-desaparecida", required=True)
    page = await console.as_user(EMAIL)
    await expect(field_of(page)).to_have_attribute("required", "")
    await look(page)
    question = page.get_by_role("dialog", name="Informe a finalidade")
    choice = question.get_by_label("Finalidade")
    await expect(choice).to_be_visible()
    assert ingest.declared == [], "nothing is asked for what would be refused"
    await choice.focus()
    await page.keyboard.press("p")  # chosen by the keyboard
    await expect(choice).to_have_value("pessoa-desaparecida")
    await question.get_by_role("button", name="Continuar").click()
    await outcome(page, "shown")
    await expect(question).to_have_count(0)
    await look(page)
    await outcome(page, "shown")
    assert ingest.declared == ["pessoa-desaparecida", "pessoa-desaparecida"]


async def test_who_leaves_the_question_sees_nothing_and_is_asked_again(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest, "investigacao", required=True)
    page = await console.as_user(EMAIL)
    await look(page)
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await outcome(page, "purpose_required")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert ingest.declared == []
    await look(page)
    await expect(page.get_by_role("dialog")).to_be_visible()


async def test_it_is_remembered_over_a_reload_and_forgotten_with_the_session(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest, "investigacao", "auditoria")
    page = await console.as_user(EMAIL)
    await expect(field_of(page)).to_have_value("")
    await expect(field_of(page)).not_to_have_attribute("required", "")
    await field_of(page).select_option("auditoria")
    await page.reload()
    await expect(field_of(page)).to_have_value("auditoria")
    await look(page)
    await outcome(page, "shown")
    await log_out(page)
    await sign_in(page, EMAIL)
    await expect(field_of(page)).to_have_value("")
    await look(page)
    await outcome(page, "shown")
    assert ingest.declared == ["auditoria", None]


async def test_a_changed_list_of_purposes_is_read_after_a_refusal(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest)
    page = await console.as_user(EMAIL)
    await wants(running, ingest, "investigacao", required=True)
    await look(page)
    question = page.get_by_role("dialog", name="Informe a finalidade")
    await question.get_by_label("Finalidade").select_option("investigacao")
    await question.get_by_role("button", name="Continuar").click()
    await outcome(page, "shown")
    await wants(running, ingest, "auditoria", required=True)
    await look(page)
    await expect(question).to_be_visible()
    await expect(question.get_by_label("Finalidade")).to_have_value("")
    await question.get_by_label("Finalidade").select_option("auditoria")
    await question.get_by_role("button", name="Continuar").click()
    await outcome(page, "shown")
    await expect(field_of(page)).to_have_value("auditoria")


async def test_where_one_is_required_and_none_listed_there_is_a_field(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest, required=True)
    page = await console.as_user(EMAIL)
    await look(page)
    question = page.get_by_role("dialog", name="Informe a finalidade")
    await question.get_by_label("Finalidade").fill("Não é código")
    await question.get_by_role("button", name="Continuar").click()
    await expect(question.get_by_role("alert")).to_have_text(UNKNOWN)
    assert ingest.declared == []
    await question.get_by_label("Finalidade").fill("Oficio-12")
    await page.keyboard.press("Enter")
    await outcome(page, "shown")
    assert ingest.declared == ["oficio-12"]


async def test_without_the_browsers_storage_all_else_works(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest, "investigacao", required=True)
    page = await console.tab()
    refused = "Object.defineProperty(window, '%s', { get() { throw new DOMException('refused', 'SecurityError'); } });"
    await page.add_init_script("".join(refused % rows for rows in ("localStorage", "sessionStorage")))
    await page.reload()
    await sign_in(page, EMAIL)
    await entered(page)
    await field_of(page).select_option("investigacao")
    await look(page)
    await outcome(page, "shown")
    await page.reload()
    await expect(field_of(page)).to_have_value("")
    await log_out(page)


async def test_on_a_narrow_screen_everything_is_within_reach(console: Console, running: Running, ingest: Ingest) -> None:
    await wants(running, ingest, "investigacao", "uma-finalidade-com-um-nome-bem-comprido", required=True)
    page = await console.as_user(EMAIL)
    await page.set_viewport_size({"width": 390, "height": 844})
    await field_of(page).select_option("uma-finalidade-com-um-nome-bem-comprido")
    search = page.get_by_role("search")
    for part in (
        field_of(page),
        page.locator("#plate-search"),
        search.get_by_role("button"),
        page.get_by_role("button", name="Menu"),
    ):
        box = await part.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["height"] >= 40
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
