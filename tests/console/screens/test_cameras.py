"""Tests of the cameras' list, form, import and page, in a real browser; the cameras are the service's own models."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from playwright.async_api import FilePayload, expect
from tests.console.browsing import Console
from tests.console.rules.city import AWAY, BEGAN, City, camera
from tests.console.standins import Asked, Reply, problem

from cameras.cameras.api import CameraOut
from cameras.groups.api import GroupOut
from gtvision.camera import AiSettings, CameraState, RecordingSettings
from gtvision.ids import new_id
from streaming.streams.api import StreamOut
from streaming.streams.domain import StreamView

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

CENTRE = GroupOut(id=new_id(), name="Centro", cameras=0, created_at=BEGAN)


def registering(city: City) -> Any:
    """Returns what answers to a new camera: it is in the city from then on."""

    def answer(asked: Asked) -> Reply:
        made = camera(asked.body["name"], groups=asked.body["groups"], external_id=asked.body["external_id"], state="unknown", cause=None)
        city.cameras.append(made)
        return Reply(201, made)

    return answer


async def test_a_camera_is_added_by_keyboard(console: Console) -> None:
    city = City(console, [])
    console.services.answer("POST", "/cameras", registering(city))
    console.services.answer("GET", "/groups", {"items": [CENTRE], "next": None})
    page = await console.as_role("admin", "/cameras")
    await page.get_by_role("button", name="Adicionar câmera").focus()
    await page.keyboard.press("Enter")
    form = page.get_by_role("dialog", name="Adicionar câmera")
    await expect(form.get_by_label("Nome")).to_be_focused()
    await page.keyboard.type("Av. Brasil, 1200")
    await page.keyboard.press("Tab")
    await page.keyboard.type("rtsp://ana:segredo@10.0.0.5/ch1")
    await form.get_by_label("Centro").check()
    await form.get_by_label("Nome").press("Enter")
    await expect(page.locator(".camera-row")).to_contain_text("Av. Brasil, 1200")
    await expect(page.locator(".camera-row")).to_contain_text("Centro")
    [asked] = console.services.to("POST", "/cameras")
    assert asked.body["url"] == "rtsp://ana:segredo@10.0.0.5/ch1"
    assert asked.body["groups"] == [str(CENTRE.id)]
    assert asked.body["recording"] == {"enabled": True, "retention_days": 90, "offsite": False}
    assert asked.headers["idempotency-key"]


async def test_a_refused_address_is_said_in_words_and_the_form_stays(console: Console) -> None:
    City(console, [])
    console.services.answer("POST", "/cameras", problem(422, "address_refused"))
    page = await console.as_role("admin", "/cameras?new=1")
    form = page.get_by_role("dialog")
    await form.get_by_label("Nome").fill("Porta")
    await form.get_by_label("Endereço RTSP").fill("rtsp://127.0.0.1/x")
    await form.get_by_role("button", name="Salvar").click()
    await expect(form.get_by_role("alert")).to_contain_text("rede em que câmeras não podem estar")
    await expect(form.get_by_label("Nome")).to_have_value("Porta")


async def test_an_edit_names_the_revision_that_it_is_based_on(console: Console) -> None:
    city = City(console, [camera("Portão 1", revision=7)])
    changed = city.cameras[0].model_copy(update={"name": "Portão norte", "revision": 8})

    def change(_asked: Asked) -> Reply:
        city.cameras[0] = changed
        return Reply(200, changed, {"etag": '"8"'})

    console.services.answer("PATCH", "/cameras/*", change)
    page = await console.as_role("admin", "/cameras")
    await page.get_by_role("button", name="Editar Portão 1").click()
    await page.get_by_role("dialog").get_by_label("Nome").fill("Portão norte")
    await page.get_by_role("button", name="Salvar").click()
    await expect(page.locator(".camera-row")).to_contain_text("Portão norte")
    [asked] = console.services.to("PATCH", "/cameras/*")
    assert asked.headers["if-match"] == '"7"'


async def test_a_file_is_checked_line_by_line_before_anything_is_made(console: Console) -> None:
    city = City(console, [])
    console.services.answer("POST", "/cameras", registering(city))
    console.services.answer("POST", "/groups", Reply(201, CENTRE))
    page = await console.as_role("admin", "/cameras?import=1")
    lines = [
        "nome;url;codigo;grupos",
        '"Rua A; norte";rtsp://10.0.0.1/a;A1;Centro',
        "Rua B;http://10.0.0.2;B1;",
        "Rua C;rtsp://10.0.0.3/c;A1;",
        ";rtsp://x/y;;",
    ]
    await page.get_by_label("Arquivo CSV").set_input_files({"name": "c.csv", "mimeType": "text/csv", "buffer": "\r\n".join(lines).encode()})
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1 linha pronta, 3 com erro")
    await expect(dialog).to_contain_text("falta o endereço")
    await expect(dialog).to_contain_text("código repetido da linha 2")
    assert console.services.to("POST", "/cameras") == []
    await dialog.get_by_role("button", name="Importar 1").click()
    await expect(dialog).to_contain_text("1 câmera importada")
    [asked] = console.services.to("POST", "/cameras")
    assert (asked.body["name"], asked.body["groups"]) == ("Rua A; norte", [str(CENTRE.id)])


def csv(*names: str) -> FilePayload:
    text = "\n".join(["nome;url", *(f"{name};rtsp://10.0.0.1/{name}" for name in names)])
    return {"name": "c.csv", "mimeType": "text/csv", "buffer": text.encode()}


async def test_only_the_lines_that_failed_are_tried_again_and_make_nothing_twice(console: Console) -> None:
    city = City(console, [])
    made = registering(city)
    is_away = True
    console.services.answer("POST", "/cameras", lambda asked: AWAY if is_away and asked.body["name"] == "B" else made(asked))
    page = await console.as_role("admin", "/cameras?import=1")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Arquivo CSV").set_input_files(csv("A", "B", "C"))
    await dialog.get_by_role("button", name="Importar 3").click()
    await expect(dialog).to_contain_text("2 câmeras importadas, 1 falhou.")
    await expect(dialog.get_by_role("row").filter(has_text="B")).to_contain_text("O servidor não respondeu")
    is_away = False
    await dialog.get_by_role("button", name="Tentar de novo as que falharam").click()
    await expect(dialog).to_contain_text("3 câmeras importadas.")
    asked = console.services.to("POST", "/cameras")
    assert [each.body["name"] for each in asked] == ["A", "B", "C", "B"]
    assert asked[1].headers["idempotency-key"] == asked[3].headers["idempotency-key"] != asked[0].headers["idempotency-key"]


async def test_an_import_is_paced_says_how_far_it_is_and_waits_as_long_as_the_edge_asks(console: Console) -> None:
    city = City(console, [])
    made = registering(city)

    def limited(asked: Asked) -> Reply:
        is_second = len(console.services.to("POST", "/cameras")) == 2
        busy = problem(429, "rate_limited")
        return Reply(busy.status, busy.body, {**busy.headers, "retry-after": "60"}) if is_second else made(asked)

    console.services.answer("POST", "/cameras", limited)
    page = await console.as_role("admin", "/cameras?import=1")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Arquivo CSV").set_input_files(csv("A", "B"))
    await page.clock.install()
    await page.clock.pause_at(await page.evaluate("Date.now() + 60_000"))
    await dialog.get_by_role("button", name="Importar 2").click()
    await expect(dialog.get_by_text("0 de 2")).to_be_visible()
    await page.clock.run_for(100)
    await expect(dialog.get_by_text("1 de 2")).to_be_visible()
    assert len(console.services.to("POST", "/cameras")) == 1
    await page.mouse.click(2, 2)  # outside: it stays open
    await page.clock.run_for(100)
    await expect(dialog.get_by_text("O servidor pediu uma pausa")).to_be_visible()
    await page.clock.run_for(59_000)
    assert len(console.services.to("POST", "/cameras")) == 2
    await page.clock.run_for(1_000)
    await expect(dialog).to_contain_text("2 câmeras importadas.")
    first, second, third = console.services.to("POST", "/cameras")
    assert second.headers["idempotency-key"] == third.headers["idempotency-key"] != first.headers["idempotency-key"]


async def test_a_camera_is_disabled_after_a_question_and_enabled_at_once(console: Console) -> None:
    city = City(console)
    shown = city.cameras[0]

    def change(asked: Asked) -> CameraOut:
        enabled = asked.body["enabled"]
        return shown.model_copy(
            update={"enabled": enabled, "state": CameraState.UNKNOWN if enabled else CameraState.DISABLED, "cause": None}
        )

    console.services.answer("PATCH", f"/cameras/{shown.id}", change)
    page = await console.as_role("admin", f"/cameras/{shown.id}")
    header = page.locator(".camera > header")
    await header.get_by_role("button", name="Desativar").click()
    question = page.get_by_role("dialog", name="Desativar a câmera?")
    await question.get_by_role("button", name="Cancelar").click()
    assert console.services.to("PATCH", "/cameras/*") == []
    await header.get_by_role("button", name="Desativar").click()
    await question.get_by_role("button", name="Desativar").click()
    await expect(header).to_contain_text("desativada")
    await expect(page.locator("figure.tile")).to_have_attribute("data-status", "disabled")
    await header.get_by_role("button", name="Ativar").click()
    await expect(header).to_contain_text("aguardando")
    assert [each.body for each in console.services.to("PATCH", "/cameras/*")] == [{"enabled": False}, {"enabled": True}]


async def test_a_camera_that_could_not_be_disabled_says_why_and_stays_as_it_is(console: Console) -> None:
    city = City(console)
    console.services.answer("PATCH", "/cameras/*", AWAY)
    page = await console.as_role("admin", f"/cameras/{city.cameras[0].id}")
    await page.get_by_role("button", name="Desativar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Desativar").click()
    await expect(page.get_by_text("O servidor não respondeu. Tente de novo em instantes.")).to_be_visible()
    await expect(page.locator(".camera > header").get_by_role("button", name="Desativar")).to_be_visible()


async def test_the_page_of_a_camera_says_how_it_is_set_up(console: Console) -> None:
    ai = AiSettings(fps=0.5, min_confidence=0.75)
    shown = camera("Portão 1", groups=[CENTRE.id], external_id="P-001", ai=ai, recording=RecordingSettings(enabled=False))
    City(console, [shown])
    console.services.answer("GET", "/groups", {"items": [CENTRE], "next": None})
    stream = StreamView(shown.id, new_id(), CameraState.ONLINE, None, BEGAN, 1, ("H264", "Opus"))
    console.services.answer("GET", f"/streams/{shown.id}", StreamOut.of(stream, shown.name))
    page = await console.as_role("operator", f"/cameras/{shown.id}")
    facts = page.get_by_role("region", name="Configuração").locator("dl > div")
    await expect(facts).to_have_text(
        [
            "Endereçortsp://10.0.0.5:554/ch1",
            "VídeoH264, Opus",
            "GruposCentro",
            "Gravaçãodesligada",
            "Leitura0,5 imagem por segundo, confiança mínima 75 %",
            "Código externoP-001",
            re.compile("Cadastrada em29/11/2026"),
        ]
    )


async def test_a_camera_is_removed_after_a_question(console: Console) -> None:
    city = City(console)
    gone = city.cameras[0]
    console.services.answer("DELETE", "/cameras/*", lambda _: city.cameras.remove(gone))
    page = await console.as_role("admin", f"/cameras/{gone.id}")
    await page.get_by_role("button", name="Remover").click()
    question = page.get_by_role("dialog", name="Remover a câmera?")
    await expect(question).to_contain_text("Gravações e placas já lidas ficam")
    await question.get_by_role("button", name="Cancelar").click()
    assert console.services.to("DELETE", "/cameras/*") == []
    await page.get_by_role("button", name="Remover").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remover").click()
    await expect(page.get_by_role("heading", name="Câmeras")).to_be_visible()
    await expect(page.locator(".camera-row")).to_have_count(1)


async def test_the_page_of_a_camera_shows_how_it_has_been(console: Console) -> None:
    city = City(console)
    shown = city.cameras[1]
    history = [{"at": BEGAN, "state": "offline", "cause": "no_progress"}, {"at": BEGAN.replace(hour=9), "state": "online", "cause": None}]
    console.services.answer("GET", f"/cameras/{shown.id}/history", {"items": history, "next": None})
    page = await console.as_role("operator", f"/cameras/{shown.id}")
    panel = page.get_by_role("region", name="Histórico de estados")
    await expect(panel).to_contain_text("a câmera responde, mas não envia imagem")
    await expect(panel).to_contain_text("por 3 h")
    await expect(page.get_by_role("region", name="Alertas desta câmera")).to_contain_text("Nenhum alerta desta câmera.")
    await expect(page.get_by_role("button", name="Remover")).to_have_count(0)


async def test_what_is_looked_for_is_found_without_accents_and_in_groups(console: Console) -> None:
    names = ["Avenida São João", "Praça da Sé", "Portão 2"]
    City(console, [camera(name, groups=[CENTRE.id] if "P" in name else []) for name in names])
    console.services.answer("GET", "/groups", {"items": [CENTRE], "next": None})
    page = await console.as_role("operator", "/cameras")
    rows = page.locator(".camera-row")
    await expect(rows).to_have_count(3)
    await page.get_by_label("Nome ou código").fill("sao")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Nome ou código").fill("")
    await page.get_by_label("Grupo").select_option("Centro")
    await expect(rows).to_have_count(2)
    assert UUID(page.url.partition("group=")[2]) == CENTRE.id


async def test_the_states_stand_below_one_another(console: Console) -> None:
    City(console, [camera("Portão 1"), camera("Portão 2", recording=RecordingSettings(enabled=False), ai=AiSettings(enabled=False))])
    page = await console.as_role("viewer", "/cameras")
    states = page.locator(".camera-row .camera-state")
    await expect(states).to_have_count(2)
    assert len(set(await states.evaluate_all("shown => shown.map((each) => each.getBoundingClientRect().x)"))) == 1
