"""Tests of the pictures of reads: small ones in the list, the large one, and what they put on record."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect
from tests.console.browsing import Console
from tests.console.screens.passages import JPEG, city_of_one_camera, detail, found, frame, latest, rows, seen
from tests.console.standins import problem
from tests.identity.running import Running

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


@pytest.fixture(autouse=True)
def city(console: Console) -> None:
    city_of_one_camera(console)


async def test_what_a_search_listed_has_small_pictures_and_the_large_one_is_zoomed(console: Console) -> None:
    found(console, seen("ABC1234"), seen("ABC1234", 5))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await expect(rows(page).locator(".thumbnail img")).to_have_count(2)
    assert console.services.to("GET", "/detections/*/evidence") == []
    await rows(page).first.click()
    sheet, larger, smaller = (
        detail(page).locator(".sheet"),
        detail(page).get_by_role("button", name="Aumentar"),
        detail(page).get_by_role("button", name="Diminuir"),
    )
    await expect(smaller).to_be_disabled()
    for width in ("150%", "200%", "300%"):
        await larger.click()
        await expect(sheet).to_have_attribute("style", re.compile(f"width: {width}"))
    await expect(detail(page).locator(".box[data-kind=plate]")).to_be_in_viewport()
    await smaller.click()
    await expect(sheet).to_have_attribute("style", re.compile("width: 200%"))
    await detail(page).locator(".frame").dblclick()
    await expect(sheet).to_have_attribute("style", re.compile("width: 100%"))
    await expect(smaller).to_be_disabled()


async def test_a_picture_says_why_it_does_not_come_and_is_tried_again_where_that_passes(console: Console) -> None:
    found(console, seen("ABC1234"), seen("ABC1234", 5))
    console.services.answer("GET", "/detections/*/evidence", problem(403, "missing_scope"))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await rows(page).first.click()
    why = detail(page).get_by_role("alert")
    await expect(why).to_have_text("Sua conta não pode fazer isto. Fale com o administrador.")
    console.services.answer("GET", "/detections/*/evidence", problem(503, "unavailable"))
    await rows(page).last.click()
    await expect(why).to_contain_text("O servidor não respondeu.")
    console.services.answer("GET", "/detections/*/evidence", JPEG)
    await why.get_by_role("button", name="Tentar de novo").click()
    await expect(detail(page).get_by_role("img")).to_be_visible()


async def test_a_read_that_came_by_itself_has_no_picture_until_somebody_asks_for_it(console: Console) -> None:
    latest(console)
    page = await console.as_role("operator", "/placas")
    await console.live.subscribed()
    await page.get_by_role("heading", name="Placas", exact=True).hover()  # under the pointer the list stays still
    first, second = seen("XYZ1A23"), seen("QWE4567", -1)
    console.live.say("detection", frame(first))
    await expect(rows(page).first.locator(".thumbnail svg")).to_be_visible()
    await rows(page).first.click()
    await expect(rows(page).first.locator(".thumbnail img")).to_be_visible()
    pictures = [each.path for each in console.services.to("GET", "/detections/*/*")]
    assert pictures == [f"/detections/{first.detection_id}/{what}" for what in ("evidence", "thumbnail")]
    console.live.say("detection", frame(second))
    await page.get_by_role("button", name="1 nova leitura: mostrar").click()
    await expect(rows(page).first.locator(".thumbnail img")).to_be_visible()
    assert console.services.to("GET", f"/detections/{second.detection_id}/evidence") == []


@pytest.fixture
async def required_purpose(running: Running) -> AsyncIterator[None]:
    """The city requires a purpose, and knows one."""
    admin = await running.as_admin()
    tenant = (await running.http.get("/api/v1/users/me", headers=admin)).json()["tenant_id"]
    path = f"/api/v1/tenants/{tenant}/settings"

    async def require(codes: list[str], required: bool) -> None:
        etag = (await running.http.get(path, headers=admin)).headers["etag"]
        body = {"purposes": {"codes": codes, "required": required}}
        changed = await running.http.patch(path, json=body, headers=admin | {"if-match": etag})
        assert changed.status_code == 200, changed.text

    await require(["investigacao"], True)
    yield
    await require([], False)


async def choose_purpose(page: Page) -> None:
    question = page.get_by_role("dialog", name="Informe a finalidade")
    await question.get_by_label("Finalidade").select_option("investigacao")
    await question.get_by_role("button", name="Continuar").click()


@pytest.mark.usefixtures("required_purpose")
async def test_a_city_that_requires_a_purpose_is_asked_for_it(console: Console) -> None:
    found(console, seen("ABC1234"))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await choose_purpose(page)
    await expect(rows(page)).to_have_count(1)
    assert [each.headers.get("x-purpose") for each in console.services.to("GET", "/plates/*")] == ["investigacao"]


@pytest.mark.usefixtures("required_purpose")
async def test_a_picture_for_which_no_purpose_was_named_asks_again(console: Console) -> None:
    latest(console, seen("ABC1234"))
    page = await console.as_role("operator", "/placas")
    await rows(page).first.click()
    await page.get_by_role("dialog", name="Informe a finalidade").get_by_role("button", name="Cancelar").click()
    await expect(detail(page).get_by_role("alert")).to_contain_text("Informe a finalidade")
    await detail(page).get_by_role("button", name="Tentar de novo").click()
    await choose_purpose(page)
    await expect(detail(page).get_by_role("img")).to_be_visible()
