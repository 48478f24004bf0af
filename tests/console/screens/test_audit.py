"""Tests of the audit reader, in a real browser against the real identity and its ledger."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.chassis.waiting import until
from tests.console.browsing import Console, sign_in
from tests.console.origin import CONSOLE
from tests.identity.running import EMAIL, Running

from gtvision.audit import Action
from gtvision.tenancy import Role

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


def rows_of(page: Page) -> Any:
    return page.get_by_role("table", name="Registros").locator("tbody tr")


async def recorded(running: Running, **search: str) -> list[dict[str, Any]]:
    """Waits until the ledger has such an entry, and returns what it has."""
    found: list[dict[str, Any]] = []
    admin = await running.as_admin()

    async def there() -> bool:
        answer = await running.http.get("/api/v1/audit", params=search, headers=admin)
        found[:] = answer.json()["items"]
        return bool(found)

    await until(there)
    return found


@pytest.fixture
async def refused(console: Console, running: Running) -> str:
    """The e-mail of somebody whose sign-in was refused, which is on record."""
    email = await console.user("operator")
    page = await console.tab()
    await sign_in(page, email, "not the password at all")
    await expect(page.get_by_role("alert")).to_be_visible()
    await recorded(running, action="session.refused")
    await page.close()
    return email


async def test_an_auditor_finds_an_entry_by_keyboard_and_sees_all_of_it(console: Console, running: Running, refused: str) -> None:
    entry = (await recorded(running, action="session.refused"))[0]
    page = await console.as_role("auditor")
    await page.wait_for_url("**/auditoria")
    await expect(rows_of(page).first).to_be_visible()
    await page.get_by_label("Ação", exact=True).focus()
    await page.keyboard.type("Entrada recusada")
    await expect(rows_of(page)).to_have_count(len(await recorded(running, action="session.refused")))
    await expect(rows_of(page).first).to_contain_text("Recusado")
    assert "action=session.refused" in page.url
    await page.reload()
    await expect(page.get_by_label("Ação", exact=True)).to_have_value("session.refused")
    await rows_of(page).first.get_by_role("button", name=re.compile("Abrir o registro: Entrada recusada")).focus()
    await page.keyboard.press("Enter")
    shown = page.get_by_role("dialog", name=f"Registro {entry['seq']}")
    for value in (entry["hash"], entry["prev_hash"], entry["mac"], entry["correlation_id"]):
        await expect(shown.get_by_text(value, exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(shown).to_have_count(0)
    await expect(rows_of(page).first.get_by_role("button")).to_be_focused()


async def test_filters_are_in_the_address_and_can_be_cleared(console: Console, running: Running, refused: str) -> None:
    page = await console.as_role("auditor")
    await page.get_by_label("Resultado").select_option("refused")
    await expect(rows_of(page).filter(has_text="Feito")).to_have_count(0)
    await expect(rows_of(page).first).to_be_visible()
    await page.get_by_label("Quem").select_option(label=EMAIL)
    await page.wait_for_url("**actor_id=**")
    await expect(page.get_by_text("Nenhum registro com estes filtros.")).to_be_visible()
    await page.locator(".empty").get_by_role("button", name="Limpar filtros").click()
    await expect(rows_of(page).filter(has_text=EMAIL).first).to_be_visible()
    await page.get_by_label("Ação", exact=True).select_option("group:people")
    await expect(rows_of(page).filter(has_text="Cadastrou uma pessoa").first).to_be_visible()
    await expect(rows_of(page).filter(has_text="Entrou")).to_have_count(0)
    await page.get_by_text("Mais filtros").click()
    await page.get_by_label("Identificador do pedido").fill("not a number")
    await expect(page.get_by_role("alert")).to_contain_text("Um dos filtros não é válido")


async def test_a_long_ledger_comes_page_by_page(console: Console, running: Running) -> None:
    admin = await running.as_admin()
    for _ in range(105):
        assert (await running.http.get("/api/v1/audit", params={"limit": "1"}, headers=admin)).status_code == 200

    async def all_there() -> bool:
        answer = await running.http.get("/api/v1/audit", params={"action": "audit.searched", "limit": "200"}, headers=admin)
        return len(answer.json()["items"]) > 105

    await until(all_there)
    page = await console.as_role("auditor", "/auditoria?action=audit.searched")
    await expect(rows_of(page)).to_have_count(100)
    await expect(page.get_by_text("100 carregados; há mais")).to_be_visible()
    await page.get_by_role("button", name="Carregar mais").click()
    await expect(rows_of(page).nth(105)).to_be_visible()


async def test_verification_says_in_words_that_the_chain_is_whole_or_where_it_is_not(console: Console, running: Running) -> None:
    await recorded(running, action="session.opened")
    page = await console.as_role("auditor", "/auditoria?view=verify")
    await page.get_by_role("button", name="Verificar agora").click()
    await expect(page.get_by_role("heading", name=re.compile("Íntegra até o registro [0-9]+"))).to_be_visible()
    finding = {"wrong": "altered", "seq": 7, "at": "2026-01-31T12:00:00Z", "says": "what it says does not give its hash"}

    async def altered(route: Any) -> None:
        answer = await route.fetch()
        whole = await answer.json()
        await route.fulfill(response=answer, json=whole | {"right": False, "finding": finding, "findings": [finding]})

    await page.route("**/api/v1/audit/verify*", altered)
    await page.get_by_role("button", name="Verificar de novo").click()
    await expect(page.get_by_role("heading", name="Há algo errado, a partir do registro 7")).to_be_visible()
    await expect(page.get_by_role("row", name="Foi alterado")).to_contain_text("what it says does not give its hash")


async def test_verification_goes_on_to_the_end_and_can_be_stopped(console: Console) -> None:
    page = await console.as_role("auditor", "/auditoria?view=verify")
    held: list[Any] = []

    async def part(route: Any) -> None:
        after = "after=" in route.request.url
        if after and not held:
            held.append(route)
            return
        whole = await (await route.fetch()).json()
        body = whole | {"first": 1, "last": 20_000, "rows": 20_000, "head": 30_000, "next": 20_000}
        await route.fulfill(json=body if not after else body | {"first": 20_001, "last": 30_000, "rows": 10_000, "next": None})

    await page.route("**/api/v1/audit/verify*", part)
    await page.get_by_role("button", name="Verificar agora").click()
    await expect(page.get_by_text("Conferindo: 20.000 de 30.000 registros…")).to_be_visible()
    await until(lambda: bool(held))
    await page.get_by_role("button", name="Parar").click()
    await expect(page.get_by_text("Parada no registro 20.000")).to_be_visible()
    await held[0].abort()
    await page.get_by_role("button", name="Verificar de novo").click()
    await expect(page.get_by_role("heading", name="Íntegra até o registro 30.000")).to_be_visible()
    await expect(page.get_by_text("30.000 registros conferidos; todos estão certos.")).to_be_visible()


async def test_anchors_show_what_is_needed_to_check_them(console: Console, running: Running) -> None:
    admin = await running.as_admin()

    async def anchored() -> bool:
        return bool((await running.http.get("/api/v1/audit/anchors", headers=admin)).json()["items"])

    await until(anchored)
    page = await console.as_role("auditor", "/auditoria?view=anchors")
    row = page.get_by_role("table", name="Âncoras").locator("tbody tr").first
    await row.get_by_role("button", name=re.compile("Valores da âncora")).click()
    terms = page.get_by_role("dialog").locator("dt")
    await expect(terms).to_have_text(["Resumo do registro", "Assinatura", "Chave pública", "Nome da cópia"])


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_an_export_is_saved_as_a_file(console: Console, running: Running, form: str, tmp_path: Path) -> None:
    await recorded(running, action="session.opened")
    page = await console.as_role("auditor", "/auditoria?action=session.opened")
    await page.get_by_role("button", name="Exportar").click()
    dialog = page.get_by_role("dialog", name="Exportar a auditoria")
    since = await dialog.get_by_label("De", exact=True).input_value()
    await dialog.get_by_label("De", exact=True).fill("2020-01-01T00:00")
    await dialog.get_by_role("button", name="Exportar").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Escolha o começo e o fim: no máximo 366 dias.")
    await dialog.get_by_label("De", exact=True).fill(since)
    await dialog.get_by_label("Formato").select_option(form)
    async with page.expect_download() as waiting:
        await dialog.get_by_role("button", name="Exportar").click()
    download = await waiting.value
    assert download.suggested_filename.endswith(f".{form}")
    await download.save_as(tmp_path / "file")
    content = (tmp_path / "file").read_text()
    entries = json.loads(content) if form == "json" else list(csv.DictReader(io.StringIO(content)))
    assert {entry["action"] for entry in entries} == {"session.opened"}
    await expect(dialog).to_have_count(0)


async def test_who_may_read_but_not_export_has_no_button_for_it(console: Console) -> None:
    page = await console.tab()
    scopes: dict[str, Any] = {}

    async def without_export(route: Any) -> None:
        answer = await route.fetch()
        scopes.update(await answer.json())
        await route.fulfill(json=scopes | {"scopes": [each for each in scopes["scopes"] if each != "audit:export"]})

    await page.route("**/api/v1/users/me", without_export)
    await sign_in(page, await console.user(str(Role.AUDITOR)))
    await page.wait_for_url("**/auditoria")
    await expect(rows_of(page).first).to_be_visible()
    assert "audit:export" in scopes["scopes"]
    await expect(page.get_by_role("button", name="Exportar")).to_have_count(0)


def test_every_action_has_words() -> None:
    written = (CONSOLE / "texts/pt-BR/audit.js").read_text()
    groups = written[written.index("ACTION_GROUPS") : written.index("export const ACTIONS")]
    assert set(re.findall(r'"([a-z_]+\.[a-z_]+)": "', groups)) == set(Action)
