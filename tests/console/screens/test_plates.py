"""Tests of the plate search, in a real browser; ingest's answers are its own models."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.screens.listing import entry, watchlist
from tests.console.screens.passages import GATE, PICTURE, city_of_one_camera, detail, found, frame, latest, rows, seen
from tests.console.standins import Reply, problem
from tests.identity.running import EMAIL

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


@pytest.fixture(autouse=True)
def city(console: Console) -> None:
    city_of_one_camera(console)


async def test_a_plate_is_found_and_looked_at_by_keyboard(console: Console) -> None:
    found(console, seen("ABC1234", 0, ("ABG1234", 0.02)), seen("ABC1C34", 5), seen("ABC1234", 9))
    page = await console.as_role("operator")
    await page.keyboard.press("/")
    await page.keyboard.type("abc-1234")
    await page.keyboard.press("Enter")
    await expect(page).to_have_title("Placas · GT-Vision")
    await expect(page.get_by_text("ABC-1234 e ABC1C34 são a mesma placa")).to_be_visible()
    await expect(rows(page)).to_have_count(3)
    asked = console.services.to("GET", "/plates/*")
    assert [(each.path, each.value("mode")) for each in asked] == [("/plates/ABC1234", "era")]
    first = page.get_by_role("button", name="ABC-1234, Portão 2, 29/11/2026, 12:00:00, confiança 97 %, também lida como ABG-1234")
    await first.focus()
    await page.keyboard.press("ArrowDown")
    await expect(rows(page).nth(1)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(detail(page).get_by_role("img")).to_be_visible()
    await expect(detail(page).locator(".box")).to_have_count(2)
    await expect(detail(page)).to_contain_text("1 de 3")
    await expect(detail(page)).to_contain_text(hashlib.sha256(PICTURE).hexdigest())
    await expect(first).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(detail(page)).to_contain_text("2 de 3")
    await expect(detail(page)).to_contain_text("29/11/2026, 11:55:00")
    await detail(page).get_by_role("button", name="Próxima na lista").click()
    await expect(detail(page)).to_contain_text("3 de 3")
    await expect(detail(page).get_by_role("button", name="Próxima na lista")).to_be_disabled()
    await expect(rows(page)).to_have_count(3)
    await page.reload()
    await expect(detail(page)).to_contain_text("3 de 3")
    assert len(console.services.to("GET", "/plates/*")) == 2


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("AB*", "Não use * nem ?."),
        ("A", "Digite ao menos 2 letras ou números"),
        ("ABC12345", "Uma placa tem 7 letras e números"),
        ("gol azul!", "Uma placa só tem letras e números"),
    ],
)
async def test_what_cannot_be_searched_is_answered_in_words(console: Console, typed: str, says: str) -> None:
    page = await console.as_role("operator", "/placas")
    search = page.get_by_label("Placa ou o começo dela")
    await search.fill(typed)
    await search.press("Enter")
    await expect(page.get_by_text(f"Nada foi buscado. {says}")).to_be_visible()
    await expect(search).to_have_attribute("aria-invalid", "true")
    assert console.services.to("GET", "/plates/*") == []


async def test_a_beginning_is_searched_as_such_and_says_so(console: Console) -> None:
    found(console, seen("ABC1D23"), seen("ABC9Z99", 3))
    page = await console.as_role("operator", "/placas?plate=abc&mode=exact")
    await expect(page.get_by_text("Buscando pelo começo: todas as placas que começam com ABC.")).to_be_visible()
    await expect(rows(page)).to_have_count(2)
    (asked,) = console.services.to("GET", "/plates/*")
    assert (asked.path, asked.value("mode")) == ("/plates/ABC", "prefix")


async def test_the_filters_are_in_the_address_and_in_the_request(console: Console) -> None:
    found(console)
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await expect(page.get_by_text("Nenhuma leitura de ABC-1234 nem de ABC1C34.")).to_be_visible()
    await page.get_by_label("Como buscar").select_option("exact")
    await page.get_by_label("De", exact=True).fill("2026-11-29T09:00")
    await page.get_by_role("button", name="Câmeras: Todas as câmeras").click()
    await page.get_by_role("dialog").get_by_text("Portão 2").click()
    await page.get_by_role("dialog").get_by_role("button", name="1 câmera").click()
    await expect(page.get_by_role("button", name="Câmeras: 1 câmera")).to_be_visible()
    await expect(page.get_by_text("Nenhuma leitura de ABC-1234 neste período e nestas câmeras.")).to_be_visible()
    asked = console.services.to("GET", "/plates/*")[-1]
    assert (asked.value("mode"), asked.value("from"), asked.query["camera_id"]) == ("exact", "2026-11-29T12:00:00.000Z", [str(GATE.id)])
    await page.reload()
    await expect(page.get_by_label("De", exact=True)).to_have_value("2026-11-29T09:00")
    await page.get_by_role("button", name="Todo o período e todas as câmeras").click()
    await expect(page.get_by_text("Nenhuma leitura de ABC-1234.")).to_be_visible()


async def test_more_results_than_a_page_are_never_hidden(console: Console) -> None:
    found(console, *(seen("ABC1234", number) for number in range(120)))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await expect(page.get_by_text("50 carregados; há mais")).to_be_visible()
    await page.get_by_role("button", name="Carregar mais").click()
    await page.get_by_text("100 carregados; há mais").wait_for()
    await rows(page).last.click()  # the last one here: the next page is read by itself
    await expect(page.get_by_text("120 itens")).to_be_visible()
    await expect(detail(page)).to_contain_text("100 de 120")


async def test_live_reads_wait_while_somebody_is_on_the_list(console: Console) -> None:
    latest(console, seen("ABC1D23", 1), seen("QWE4567", 2))
    page = await console.as_role("operator", "/placas")
    await console.live.subscribed()
    await rows(page).nth(1).focus()
    console.live.say("detection", frame(seen("XYZ1A23", 0, ("XYZ1423", 0.03))))
    waiting = page.get_by_role("button", name="1 nova leitura: mostrar")
    await expect(waiting).to_be_visible()
    await expect(rows(page)).to_have_count(2)
    await expect(rows(page).nth(1)).to_be_focused()
    await waiting.click()
    await expect(rows(page)).to_have_count(3)
    await expect(rows(page).first).to_contain_text("XYZ1A23")
    await expect(rows(page).first).to_contain_text("também lida como XYZ-1423")
    await page.get_by_role("heading", name="Placas", exact=True).click()
    await page.evaluate("document.activeElement.blur()")
    console.live.say("detection", frame(seen("FGH2J45", -1)))
    await expect(rows(page).first).to_contain_text("FGH2J45")


async def test_a_failure_is_in_words_and_can_be_tried_again(console: Console) -> None:
    console.services.answer("GET", "/plates/*", problem(503, "unavailable"))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await expect(page.get_by_text("O servidor não respondeu. Tente de novo em instantes.")).to_be_visible()
    found(console, seen("ABC1234"))
    await page.get_by_role("button", name="Tentar de novo").click()
    await expect(rows(page)).to_have_count(1)
    console.services.answer("GET", "/detections/*/evidence", problem(404, "not_found"))
    await rows(page).first.click()
    await expect(detail(page).get_by_role("alert")).to_have_text("A imagem não está mais guardada.")


async def test_a_plate_is_put_on_a_watchlist_by_those_who_may(console: Console) -> None:
    listed = watchlist("Furtados", severity=Severity.CRITICAL)
    added = entry(listed, "ABC1234", reason="furto")
    console.services.answer("GET", "/watchlists", {"items": [listed], "next": None})
    console.services.answer("POST", "/watchlists/*/entries", Reply(201, json.loads(added.model_dump_json())))
    found(console, seen("ABC1234"))
    page = await console.as_user(EMAIL, "/placas?plate=ABC1234")
    await rows(page).first.click()
    await detail(page).get_by_role("button", name="Vigiar ABC-1234").click()
    dialog = page.get_by_role("dialog", name="Vigiar ABC-1234")
    await dialog.get_by_label("Motivo").fill("furto")
    await dialog.get_by_label("Vigiar até").fill("2099-12-31T18:00")
    await dialog.get_by_role("button", name="Vigiar esta placa").click()
    await expect(page.get_by_text("ABC-1234 está na lista Furtados.")).to_be_visible()
    (asked,) = console.services.to("POST", "/watchlists/*")
    assert asked.path == f"/watchlists/{listed.watchlist_id}/entries"
    assert asked.body == {"plate": "ABC1234", "match": "era", "reason": "furto", "valid_until": "2099-12-31T21:00:00.000Z"}


async def test_an_operator_prints_but_watches_nothing(console: Console) -> None:
    found(console, seen("ABC1234", 0, ("ABG1234", 0.02)))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await rows(page).first.click()
    await expect(detail(page)).to_contain_text(hashlib.sha256(PICTURE).hexdigest())
    await expect(detail(page).get_by_role("button", name="Vigiar")).to_have_count(0)
    await page.evaluate("() => { window.print = () => (window.printed = (window.printed ?? 0) + 1); }")
    await detail(page).get_by_role("button", name="Imprimir").click()
    assert await page.evaluate("window.printed") == 1
    await page.emulate_media(media="print")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for text in ("Registro de leitura de placa", "Impresso por Ana Lúcia", hashlib.sha256(PICTURE).hexdigest(), "29/11/2026, 12:00:00"):
        await expect(detail(page).get_by_text(text).last).to_be_visible()
    await expect(detail(page).get_by_text("Impresso por")).to_have_text(
        re.compile(r"Impresso por Ana Lúcia \(.+\), \d\d/\d\d/\d{4}, \d\d:\d\d:\d\d")
    )
    await expect(detail(page).get_by_role("img")).to_be_visible()
    await expect(rows(page)).to_have_count(0)
    await expect(page.get_by_role("navigation")).to_have_count(0)


async def test_on_a_phone_the_read_lies_over_the_list_and_back_takes_it_away(console: Console) -> None:
    found(console, seen("ABC1234"), seen("ABC1234", 5))
    page = await console.as_role("operator", "/placas?plate=ABC1234")
    await page.set_viewport_size({"width": 390, "height": 844})
    await rows(page).nth(1).click()
    over = page.get_by_role("dialog", name="ABC-1234")
    await expect(over.get_by_role("img")).to_be_visible()
    await over.get_by_role("button", name="Anterior na lista").click()
    await expect(over).to_contain_text("1 de 2")
    await page.go_back()
    await expect(over).to_have_count(0)
    await expect(rows(page)).to_have_count(2)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_a_viewer_has_no_plate_search(console: Console) -> None:
    page = await console.as_role("viewer", "/placas?plate=ABC1234")
    await expect(page.get_by_text("Esta página não existe, ou não é para o seu papel.")).to_be_visible()
    await expect(page.get_by_role("search")).to_have_count(0)
    assert console.services.to("GET", "/plates/*") == []


async def test_before_a_read_is_chosen_its_place_says_in_the_middle_what_to_do(console: Console) -> None:
    page = await console.as_role("operator", "/placas")
    place = page.get_by_role("region", name="Leitura escolhida")
    await expect(place).to_contain_text("Escolha uma leitura na lista para ver a imagem.")
    outer, inner = await place.bounding_box(), await place.locator(".plates-hint").bounding_box()
    assert outer is not None
    assert inner is not None
    assert inner["y"] + inner["height"] / 2 == pytest.approx(outer["y"] + outer["height"] / 2, abs=2)
