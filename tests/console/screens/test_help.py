"""Tests of the help: the first steps of an empty city, and keys that are this user's."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect
from tests.chassis.waiting import until
from tests.console.browsing import Console
from tests.console.rules.city import City

from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_an_administrator_of_an_empty_city_is_led_to_what_is_missing(console: Console) -> None:
    page = await console.as_role("admin", "/ajuda")
    steps = page.get_by_role("region", name="Primeiros passos").get_by_role("listitem")
    await expect(steps.filter(has_text="Cadastre a primeira câmera")).to_contain_text("Ainda falta")
    await expect(steps.filter(has_text="Crie uma lista de placas")).to_contain_text("Ainda falta")
    list_out = {"watchlist_id": str(new_id()), "name": "Furtos", "severity": "critical"}
    console.services.answer("GET", "/watchlists", {"items": [list_out], "next": None})
    await page.reload()
    await expect(steps.filter(has_text="Crie uma lista de placas")).to_contain_text("há 1")
    await expect(steps.filter(has_text="Cadastre a primeira câmera")).to_contain_text("Ainda falta")
    await steps.get_by_role("link", name="Cadastre os operadores").click()
    await page.wait_for_url("**/pessoas")


async def test_an_auditor_is_shown_the_steps_and_keys_of_an_auditor(console: Console) -> None:
    page = await console.as_role("auditor", "/ajuda")
    links = page.get_by_role("region", name="Primeiros passos").get_by_role("link")
    await expect(links).to_have_text(["Leia a auditoria", "Verifique a cadeia de registros", "Ative a verificação em duas etapas"])
    keys = page.get_by_role("table", name="Atalhos de teclado")
    await expect(keys.get_by_role("row", name="Abre as câmeras")).to_be_visible()
    await expect(keys.get_by_role("row", name="Abre o mural")).to_have_count(0)
    await expect(keys.get_by_role("row", name="Dá ciente")).to_have_count(0)
    await page.keyboard.press("m")  # a letter of a screen that is not theirs
    await page.keyboard.press("c")
    await page.wait_for_url("**/cameras")


async def test_each_letter_opens_its_screen_and_k_acknowledges(console: Console) -> None:
    city = City(console)
    page = await console.as_role("admin", "/ajuda")
    for letter, address in {"p": "painel", "m": "mural", "b": "placas", "l": "listas", "c": "cameras", "a": "alertas"}.items():
        await page.keyboard.press(letter)
        await page.wait_for_url(f"**/{address}")
    alert = city.raised()
    await page.goto(f"{console.address}/ajuda")
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_be_visible()

    async def is_acknowledged() -> bool:
        await page.keyboard.press("k")  # one that has just come is not acknowledged yet
        return bool(console.services.to("POST", f"/alerts/{alert.alert_id}/acknowledge"))

    await until(is_acknowledged)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_have_count(0)


async def test_the_looks_are_chosen_for_this_browser(console: Console) -> None:
    page = await console.as_role("viewer", "/ajuda")
    looks = page.get_by_role("region", name="Aparência")
    await looks.get_by_role("radio", name="Clara").check()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await page.reload()
    await expect(looks.get_by_role("radio", name="Clara")).to_be_checked()
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await looks.get_by_role("radio", name="Igual à do aparelho").check()
    await expect(page.locator("html")).not_to_have_attribute("data-theme", re.compile(""))
