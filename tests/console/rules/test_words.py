"""What is empty leads somewhere, and what is refused is said in words."""

from __future__ import annotations

from uuid import UUID

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live
from tests.console.screens.listing import watchlist
from tests.console.standins import problem

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

LIST = watchlist("Furtadas", watchlist_id=UUID(int=1))


@pytest.mark.parametrize(
    ("path", "leads", "to"),
    [
        ("/painel", "Adicionar câmera", "/cameras?new=1"),
        ("/painel", "Importar CSV", "/cameras?import=1"),
        ("/mural", "Adicionar câmera", "/cameras?new=1"),
        ("/alertas", "Ver todos os alertas", "/alertas?state=all"),
        ("/alertas?state=all", "Listas de placas", "/listas"),
    ],
)
async def test_an_empty_city_leads_somewhere(console: Console, path: str, leads: str, to: str) -> None:
    City(console, [])
    page = await console.as_role("admin", path)
    await page.locator("#content").get_by_role("link", name=leads).click()
    await page.wait_for_url(f"**{to}")
    await expect(page.locator(".screen h1")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/cameras", "Adicionar câmera"),
        ("/grupos", "Novo grupo"),
        ("/listas", "Nova lista"),
        (f"/listas/{LIST.watchlist_id}", "Adicionar placa"),
    ],
)
async def test_an_empty_list_has_its_button_once_where_it_stays(console: Console, path: str, button: str) -> None:
    City(console, [])
    console.services.answer("GET", "/watchlists/*", LIST)
    console.services.answer("GET", "/watchlists/*/entries", {"items": [], "next": None})
    page = await console.as_role("admin", path)
    await expect(page.locator(".screen .empty")).to_be_visible()
    await expect(page.locator(".screen .primary")).to_have_text(button)
    await page.get_by_role("button", name=button).press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name=button)).to_be_focused()


async def test_an_empty_city_offers_its_viewer_nothing_that_a_viewer_may_not_do(console: Console) -> None:
    City(console, [])
    page = await console.as_role("viewer", "/cameras")
    await expect(page.get_by_text("Nenhuma câmera foi liberada para você. Fale com o administrador.")).to_be_visible()
    await expect(page.get_by_role("button", name="Adicionar câmera")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "missing_scope", "Sua conta não pode fazer isto. Fale com o administrador."),
        (403, "some_new_code", "Sua conta não pode fazer isto. Fale com o administrador."),
        (404, "some_new_code", "Isto não existe mais, ou não é da sua cidade."),
        (422, "some_new_code", "O que foi digitado não é válido. Confira e tente de novo."),
        (429, "some_new_code", "Muitas tentativas. Aguarde um pouco e tente de novo."),
        (503, "some_new_code", "O servidor não respondeu. Tente de novo em instantes."),
    ],
)
async def test_an_acknowledgement_that_is_refused_is_said_in_words(console: Console, status: int, code: str, words: str) -> None:
    city = City(console)
    city.raised(Severity.WARNING)
    console.services.answer("POST", "/alerts/*/acknowledge", problem(status, code))
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await page.locator("[data-alert]").get_by_role("button", name="Ciente:").click()
    await expect(page.locator(".toast")).to_contain_text(words)
    await expect(page.locator("[data-alert]")).to_have_attribute("data-state", "open")


async def test_a_camera_and_an_alert_that_are_gone_are_said_in_words(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/cameras/0190a5c2-0000-7000-8000-0000000000c1")
    await expect(page.get_by_text("Esta câmera não existe mais, ou não é sua.")).to_be_visible()
    await page.goto(f"{console.address}/alertas/0190a5c2-0000-7000-8000-0000000000a1")
    await expect(page.get_by_text("Isto não existe mais, ou não é da sua cidade.")).to_be_visible()
    await page.goto(f"{console.address}/cameras/nada")
    await expect(page.get_by_text("Esta câmera não existe mais, ou não é sua.")).to_be_visible()


async def test_who_edits_what_another_has_changed_can_do_it_again(console: Console) -> None:
    city = City(console)
    page = await console.as_role("admin", "/cameras")
    await is_live(page)
    now = city.cameras[0].model_copy(update={"name": "Portão da praça", "revision": 2})
    console.services.answer(
        "PATCH", "/cameras/*", lambda asked: now if asked.headers["if-match"] == '"2"' else problem(412, "precondition_failed")
    )
    await page.get_by_role("button", name="Editar Portão 1").click()
    city.cameras[0] = now
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Outra pessoa alterou esta câmera ao mesmo tempo.")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Editar Portão da praça").click()
    await expect(dialog.get_by_label("Nome")).to_have_value("Portão da praça")
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(dialog).to_have_count(0)
