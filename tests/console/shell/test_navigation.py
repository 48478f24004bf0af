"""Tests of the frame: what each role finds in the navigation, where the focus goes, and what all windows of a browser share."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect
from tests.chassis.waiting import until
from tests.console.browsing import STATE, Console, entered
from tests.console.standins import paged

from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

OPERATION = ["Painel", "Mural", "Gravações", "Alertas", "Placas", "Câmeras", "Listas de placas", "Regras"]
NOTICES = ["Canais", "Escalonamento", "Envios", "Manutenção"]
ADMINISTRATION = ["Grupos de câmeras", "Pessoas", "Chaves de acesso", "Cidade", "Armazenamento", "Auditoria"]
ROLES = {
    "platform_admin": ("/painel", [*OPERATION, *NOTICES, *ADMINISTRATION, "Cidades"], None),
    "admin": ("/painel", [*OPERATION, *NOTICES, *ADMINISTRATION], "/cidades"),
    "operator": ("/painel", [*OPERATION, *NOTICES, "Cidade", "Armazenamento"], "/pessoas"),
    "viewer": ("/painel", ["Painel", "Mural", "Alertas", "Câmeras"], "/placas"),
    "auditor": ("/auditoria", ["Alertas", "Câmeras", "Regras", *NOTICES, "Pessoas", "Chaves de acesso", "Cidade", "Auditoria"], "/mural"),
    "partner": ("/alertas", ["Alertas", "Placas", "Câmeras"], "/auditoria"),
}
"""Role -> where it begins, all that the navigation has, and the address of a screen of others."""


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_finds_its_screens_and_no_other(console: Console, role: str) -> None:
    home, names, foreign = ROLES[role]
    page = await console.as_role(role)
    await page.wait_for_url(f"**{home}")
    navigation = page.get_by_role("navigation", name="Navegação")
    await expect(navigation.get_by_role("link")).to_have_text([re.compile(rf"^\s*{name}\s*$") for name in names])
    await expect(navigation.locator("[aria-current=page]")).to_have_count(1)
    scopes = await page.evaluate(f"{STATE}.then(({{ me }}) => me.value.scopes)")
    await expect(page.locator("#plate-search")).to_have_count(1 if "plates:search" in scopes else 0)
    await expect(page.locator(".top .sound")).to_have_count(1 if "alerts:acknowledge" in scopes else 0)  # others hear nothing
    for path in filter(None, (foreign, "/nada")):
        await page.goto(f"{console.address}{path}")
        await expect(page.get_by_role("heading", name="Esta página não existe, ou não é para o seu papel.")).to_be_visible()
    assert [each.path for each in console.services.asked if each.path.startswith("/streams")] == [] or role not in {"auditor", "partner"}


async def test_the_focus_is_on_the_content_before_the_next_frame(console: Console) -> None:
    page = await console.as_role("operator", "/cameras")
    await page.clock.install()
    await page.reload()
    await entered(page)
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000 + 5"))  # what waits for a frame waits for ever
    await page.get_by_role("link", name="Placas", exact=True).click()
    await expect(page.locator("#content")).to_be_focused()
    await expect(page.get_by_role("heading", name="Placas", exact=True)).to_be_visible()


async def test_the_same_plate_is_searched_again(console: Console) -> None:
    console.services.answer("GET", "/plates/*", paged([]))
    page = await console.as_role("operator")
    field = page.locator("#plate-search")
    await field.fill("ABC1D23")
    for count in (1, 2):
        await field.press("Enter")
        await expect(page.get_by_text("Nenhuma leitura de")).to_be_visible()
        await until(lambda count=count: len(console.services.to("GET", "/plates/*")) >= count)
    assert len(console.services.to("GET", "/plates/*")) == 2


async def test_colours_and_keys_are_chosen_for_all_windows(console: Console) -> None:
    page = await console.as_role("operator", "/conta")
    other = await console.tab("/conta")
    await expect(other.get_by_label("Clara")).not_to_be_checked()
    await page.get_by_label("Clara").check()
    await page.get_by_label("Atalhos de teclado").uncheck()
    await expect(other.locator(":root[data-theme=light]")).to_have_count(1)
    await expect(other.get_by_label("Clara")).to_be_checked()
    await expect(other.get_by_label("Atalhos de teclado")).not_to_be_checked()


async def test_a_link_to_an_earlier_address_of_a_screen_leads_there_with_all_that_it_asks_for(console: Console) -> None:
    page = await console.as_role("operator", "/storage?sort=name")
    await page.wait_for_url("**/armazenamento?sort=name")
    await page.goto(f"{console.address}/recordings?camera={new_id()}&at=2026-11-20T15%3A00%3A00.000Z")
    await page.wait_for_url("**/gravacoes?camera=*&at=2026-11-20T15%3A00%3A00.000Z")
    await expect(page.get_by_role("heading", name="Gravações")).to_be_visible()
