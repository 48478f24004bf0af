"""Tests of the screens of lists of plates, in a real browser against the real alerts service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.console.browsing import Console, browsing
from tests.console.origin import one_origin
from tests.fixtures.plugin import DatabaseFor
from tests.fixtures.tokens import encryption_keys
from tests.identity.running import EMAIL, Running

from alerts.app import create_api
from alerts.settings import ApiSettings
from chassis.settings import ObjectsSettings, RabbitSettings, RedisSettings, VaultSettings
from gtvision.ids import new_id
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

PREFIX = "/api/v1/watchlists"


@dataclass
class Lists:
    """The real service of watchlists, for what a test finds there beforehand and afterwards."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def made(self, *plates: str, name: str | None = None, **more: Any) -> str:
        """Makes a list with these plates and returns its id."""
        answer = await self.http.post(PREFIX, json={"name": name or f"Lista {new_id()}", "severity": "warning"}, headers=self.headers)
        assert answer.status_code == 201, answer.text
        made = str(answer.json()["watchlist_id"])
        for plate in plates:
            added = await self.http.post(f"{PREFIX}/{made}/entries", json={"plate": plate, "reason": "furto", **more}, headers=self.headers)
            assert added.status_code == 201, added.text
        return made

    async def entries(self, watchlist_id: str) -> dict[str, dict[str, Any]]:
        """Returns the entries by plate."""
        answer = await self.http.get(f"{PREFIX}/{watchlist_id}/entries", params={"limit": 500}, headers=self.headers)
        return {each["plate"]: each for each in answer.json()["items"]}


@pytest.fixture(scope="module")
async def alerts_api(
    running: Running,
    database_for: DatabaseFor,
    rabbitmq: RabbitSettings,
    redis_state: RedisSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ASGIApp]:
    service = create_api(
        ApiSettings(
            service_name="alerts",
            db=await database_for("alerts"),
            rabbit=rabbitmq,
            redis=redis_state,
            vault=VaultSettings(keys=SecretStr(encryption_keys())),
            objects=ObjectsSettings(url=tmp_path_factory.mktemp("objects").as_uri()),
        )
    )
    async with service.started():
        yield service.api


@pytest.fixture(scope="module")
async def address(running: Running, alerts_api: ASGIApp) -> AsyncIterator[str]:
    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        api = alerts_api if scope.get("path", "").startswith(PREFIX) else running.service.api
        await api(scope, receive, send)

    async with one_origin(both) as origin:
        yield origin


@pytest.fixture
async def console(address: str, browser: Browser, running: Running) -> AsyncIterator[Console]:
    async with browsing(address, browser, running) as opened:
        await opened.context.route(f"**{PREFIX}**", lambda route: route.continue_())
        yield opened
    await running.forget_attempts()


@pytest.fixture
async def lists(running: Running, alerts_api: ASGIApp) -> AsyncIterator[Lists]:
    transport = httpx.ASGITransport(alerts_api, client=("203.0.113.9", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://alerts") as http:
        yield Lists(http, await running.as_admin())


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


async def test_a_list_is_made_changed_and_removed_by_keyboard(console: Console) -> None:
    page = await console.as_user(EMAIL, "/listas")
    name, other = f"Furtados {new_id()}", f"Clonados {new_id()}"
    await page.get_by_role("button", name="Nova lista").press("Enter")
    await page.keyboard.type(name)
    await page.get_by_label("Gravidade dos alertas").select_option("info")
    await page.get_by_label("Nome").press("Enter")
    await expect(row(page, name)).to_contain_text("Informação")
    await expect(row(page, name)).to_contain_text("0 placas")

    await page.get_by_role("button", name=f"Editar a lista {name}").press("Enter")
    await page.get_by_label("Nome").fill(other)
    await page.get_by_label("Gravidade dos alertas").select_option("critical")
    await page.get_by_label("Nome").press("Enter")
    await expect(row(page, other)).to_contain_text("Crítico")

    await page.get_by_role("button", name=f"Remover a lista {other}").press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Os alertas que ela já gerou continuam guardados.")
    await page.get_by_role("dialog").get_by_role("button", name="Cancelar").press("Enter")
    await expect(row(page, other)).to_be_visible()
    await page.get_by_role("button", name=f"Remover a lista {other}").press("Enter")
    await page.get_by_role("dialog").get_by_role("button", name="Remover").press("Enter")
    await expect(row(page, other)).to_have_count(0)


async def test_a_name_that_is_taken_is_refused_in_words(console: Console, lists: Lists) -> None:
    name = f"Furtados {new_id()}"
    await lists.made(name=name)
    page = await console.as_user(EMAIL, "/listas")
    await page.get_by_role("button", name="Nova lista").click()
    await page.get_by_label("Nome").fill(name)
    await page.get_by_role("button", name="Criar lista").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Já existe uma lista com este nome.")


async def test_who_may_only_read_finds_no_button_that_changes(console: Console, lists: Lists) -> None:
    name = f"Furtados {new_id()}"
    await lists.made("ABC1D23", name=name)
    page = await console.as_role("operator", "/listas")
    await page.get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", name=name)).to_be_visible()
    await expect(row(page, "ABC1D23")).to_contain_text("furto")
    for button in ("Editar", "Remover", "Adicionar", "Colar"):
        await expect(page.locator("#content").get_by_role("button", name=button)).to_have_count(0)


async def test_a_plate_is_added_changed_and_removed(console: Console, lists: Lists) -> None:
    made = await lists.made()
    page = await console.as_user(EMAIL, f"/listas/{made}")
    await expect(page.get_by_text("Esta lista está vazia.")).to_be_visible()
    await page.get_by_role("button", name="Adicionar placa").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("Placa", exact=True).fill("ABC12")
    await form.get_by_label("Motivo").fill("furto, BO 12")
    await form.get_by_role("button", name="Adicionar placa").click()
    await expect(form.get_by_role("alert")).to_contain_text("Isto não é uma placa brasileira")
    await form.get_by_label("Placa", exact=True).fill("abc-1d23")
    await form.get_by_role("button", name="Adicionar placa").click()
    await expect(row(page, "ABC1D23")).to_contain_text("furto, BO 12")
    await expect(page.get_by_text("1 placa", exact=True)).to_be_visible()

    await page.get_by_role("button", name="Editar ABC1D23").click()
    await form.get_by_label("Vigiar até").fill("2020-01-01T00:00")
    await form.get_by_role("button", name="Salvar").click()
    await expect(form.get_by_role("alert")).to_contain_text("O fim já passou")
    await form.get_by_label("Vigiar até").fill("2099-12-31T18:00")
    await form.get_by_label("Motivo").fill("recuperado? conferir")
    await form.get_by_role("button", name="Salvar").click()
    await expect(row(page, "ABC1D23")).to_contain_text("até 31/12/2099")
    stored = (await lists.entries(made))["ABC1D23"]
    assert (stored["reason"], stored["valid_until"]) == ("recuperado? conferir", "2099-12-31T21:00:00Z"), "18:00 of São Paulo"

    await page.get_by_role("button", name="Remover ABC1D23").click()
    await form.get_by_role("button", name="Parar de vigiar").click()
    await expect(page.get_by_text("Esta lista está vazia.")).to_be_visible()
    assert await lists.entries(made) == {}


async def test_pasted_lines_are_read_before_they_are_sent(console: Console, lists: Lists) -> None:
    made = await lists.made()
    page = await console.as_user(EMAIL, f"/listas/{made}")
    await page.get_by_role("button", name="Colar várias").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Uma placa por linha").fill("ABC1D23; furto, BO 12\nabc-1323\nXYZ99; errada\n\nQWE-4567\tclonada\n")
    await expect(dialog.get_by_role("status").first).to_have_text("2 linhas prontas; 2 com erro, que não serão enviadas.")
    await expect(row(page, "ABC1323")).to_contain_text("repetida: mesma placa da linha 1")
    await expect(row(page, "XYZ99")).to_contain_text("não é uma placa brasileira")
    assert await lists.entries(made) == {}, "nothing is sent before it was asked for"
    await dialog.get_by_role("button", name="Adicionar 2 placas").click()
    await expect(dialog.get_by_role("status").first).to_contain_text("2 placas adicionadas.")
    await expect(row(page, "QWE-4567").last).to_contain_text("adicionada")
    await page.keyboard.press("Escape")
    await expect(row(page, "QWE-4567")).to_contain_text("clonada")
    assert {plate: each["reason"] for plate, each in (await lists.entries(made)).items()} == {
        "ABC1D23": "furto, BO 12",
        "QWE4567": "clonada",
    }


async def test_a_line_that_fails_says_why_and_is_tried_again(console: Console, lists: Lists) -> None:
    made = await lists.made()
    page = await console.as_user(EMAIL, f"/listas/{made}")
    refusal = {"status": 503, "code": "unavailable", "title": "Unavailable", "detail": "No."}

    async def refuse_one(route: Any) -> None:
        if "ABC1D23" in (route.request.post_data or ""):
            await route.fulfill(status=503, json=refusal, content_type="application/problem+json")
        else:
            await route.continue_()

    await page.route(f"**{PREFIX}/*/entries", refuse_one)
    await page.get_by_role("button", name="Colar várias").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Uma placa por linha").fill("ABC1D23\nQWE4567")
    await dialog.get_by_role("button", name="Adicionar 2 placas").click()
    await expect(dialog.get_by_role("status").first).to_contain_text("1 linha falhou")
    await expect(dialog.get_by_role("row").filter(has_text="ABC1D23")).to_contain_text("O servidor não respondeu")
    await page.unroute(f"**{PREFIX}/*/entries")
    await dialog.get_by_role("button", name="Tentar de novo as que falharam").click()
    await expect(dialog.get_by_role("status").first).to_contain_text("2 placas adicionadas.")
    assert set(await lists.entries(made)) == {"ABC1D23", "QWE4567"}


async def test_many_plates_come_page_by_page_and_are_found_by_their_beginning(console: Console, lists: Lists) -> None:
    made = await lists.made(*(f"ABC{number}" for number in range(1000, 1115)), "XYZ1A23")
    page = await console.as_role("operator", f"/listas/{made}")
    await expect(page.get_by_text("100 carregados; há mais")).to_be_visible()
    await page.get_by_role("button", name="Carregar mais").click()
    await expect(page.get_by_text("116 itens")).to_be_visible()
    await expect(page.locator("tbody tr")).to_have_count(116)
    search = page.get_by_label("Buscar pelo começo da placa")
    await search.fill("xyz-1")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(row(page, "XYZ1A23")).to_be_visible()
    await page.reload()
    await expect(search).to_have_value("xyz-1")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await search.fill("QQQ")
    await expect(page.get_by_text("Nenhuma placa desta lista começa com QQQ.")).to_be_visible()
    await search.fill("A*")
    await expect(page.get_by_text("Digite o começo de uma placa: letras e números")).to_be_visible()


async def test_validity_is_in_words(console: Console, lists: Lists) -> None:
    now = SystemClock().now()
    made = await lists.made("ABC1D23", valid_until=isoformat(now + timedelta(hours=1)))
    for plate, body in (("QWE4567", {"valid_from": isoformat(now + timedelta(days=9))}), ("XYZ1A23", {})):
        await lists.http.post(f"{PREFIX}/{made}/entries", json={"plate": plate, **body}, headers=lists.headers)
    page = await console.as_role("operator", f"/listas/{made}")
    await expect(row(page, "ABC1D23")).to_contain_text("até ")
    await expect(row(page, "QWE-4567")).to_contain_text("começa em ")
    await expect(row(page, "XYZ1A23")).to_contain_text("sempre")
    await page.clock.set_fixed_time(now + timedelta(hours=2))
    await page.reload()
    await expect(row(page, "ABC1D23")).to_contain_text("vencida em ")
