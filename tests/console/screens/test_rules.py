"""Tests of the screens of rules, in a real browser: the list, the form, the drawing on a picture, the simulation."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect
from tests.console.browsing import Console
from tests.console.screens.fleet import Fleet, camera
from tests.console.screens.ruling import Rules, dry_run, rule
from tests.console.standins import Reply, problem

from cameras.cameras.api import CameraOut

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


def picture(width: int, height: int) -> Reply:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#345").save(out, "JPEG")
    return Reply(body=out.getvalue(), headers={"content-type": "image/jpeg"})


async def drawn_on(console: Console, rules: Rules, gate: CameraOut, one: dict[str, Any]) -> tuple[Page, Locator]:
    """Returns the page of the rule and the ground on which one draws."""
    Fleet(console.services, gate)
    rules.rules[one["rule_id"]] = one
    page = await console.as_role("admin", f"/regras/{one['rule_id']}")
    surface = page.locator(".drawing-surface")
    await expect(surface).to_be_visible()
    return page, surface


async def clicked(surface: Locator, *points: tuple[float, float]) -> None:
    size = await surface.bounding_box()
    assert size is not None
    for x, y in points:
        await surface.click(position={"x": x * size["width"], "y": y * size["height"]})


async def saved(page: Page) -> None:
    await page.get_by_role("button", name="Salvar", exact=True).click()
    await expect(page.get_by_text("Regra salva.")).to_be_visible()


def near(found: Any, wanted: list[list[float]]) -> None:
    assert [[round(value, 1) for value in point] for point in found] == wanted


async def test_the_list_says_what_each_looks_for_and_switches(console: Console) -> None:
    gate = camera("Portão 2")
    Fleet(console.services, gate)
    line = {"a": [0.1, 0.5], "b": [0.9, 0.5], "direction": "a_to_b"}
    hours = {"days": [0, 1, 2, 3, 4], "from": "22:00", "to": "06:00", "holidays": "never"}
    night = rule("Noite", classes=["person"], camera_ids=[str(gate.id)], line=line, schedule=hours)
    rules = Rules(console.services, night)
    page = await console.as_role("admin", "/regras")
    row = page.get_by_role("row").filter(has_text="Noite")
    await expect(row).to_contain_text(
        "Pessoa cruza a linha no sentido da seta em Portão 2; confiança de 50 % ou mais;"
        " segunda a sexta, das 22:00 às 06:00 do dia seguinte; menos em feriados."
    )
    switch = page.get_by_role("switch", name="Regra ligada: Noite")
    await switch.uncheck()
    await expect(row).to_contain_text("desligada")
    assert rules.only()["enabled"] is False
    console.services.answer("PATCH", "/rules/*", problem(503, "unavailable"))
    await switch.click()
    await expect(page.get_by_text("O servidor não respondeu")).to_be_visible()
    await expect(switch).not_to_be_checked()


async def test_a_new_rule_is_simulated_saved_switched_off_and_then_switched_on(console: Console) -> None:
    gate = camera("Portão 2")
    Fleet(console.services, gate)
    rules = Rules(console.services)
    console.services.answer("POST", "/detections/dry-run", dry_run(gate.id, 14))
    page = await console.as_role("admin", "/regras")
    await page.get_by_role("link", name="Nova regra").click()
    await page.get_by_label("Nome", exact=True).fill("Ônibus no pátio")
    await page.get_by_label("ônibus").check()
    await page.get_by_label("Só quando se repete").check()
    await page.get_by_label("Só em certos dias e horas").check()
    await page.get_by_label("dom", exact=True).uncheck()
    await page.get_by_label("Em feriados").select_option("only")
    await page.get_by_role("button", name="Simular").click()
    simulation = page.get_by_role("region", name="Simulação")
    await expect(simulation).to_contain_text("Esta regra teria gerado 14 alertas na última semana.")
    minute = simulation.get_by_role("link", name=re.compile("^Ver o minuto")).first
    await expect(minute).to_have_attribute("href", re.compile(f"camera={gate.id}"))
    await expect(simulation.get_by_role("button", name="Ligar")).to_have_count(0)
    await page.get_by_role("button", name="Salvar desligada").click()
    await page.wait_for_url(re.compile("/regras/[0-9a-f]{8}-"))
    made = rules.only()
    assert made["enabled"] is False
    assert made["condition"]["classes"] == ["bus"]
    assert made["condition"]["count"] == {"at_least": 5, "within_s": 600}
    assert made["condition"]["schedule"] == {"days": [0, 1, 2, 3, 4, 5], "from": "22:00", "to": "06:00", "holidays": "only"}
    await page.get_by_label("Período").select_option("30")
    await page.get_by_role("button", name="Simular").click()
    await expect(simulation).to_contain_text("nos últimos 30 dias")
    asked = console.services.to("POST", "/detections/dry-run")[-1].body
    assert (asked["condition"], asked["cooldown_s"], asked["holidays"]) == (made["condition"], made["cooldown_s"], ["2026-12-25"])
    await simulation.get_by_role("button", name="Ligar").click()
    await expect(page.locator(".rule > header")).to_contain_text("ligada")
    assert rules.only()["enabled"] is True
    await page.get_by_label("Confiança mínima (%)").fill("80")
    await expect(simulation).to_contain_text("A regra mudou depois desta simulação")


async def test_a_zone_is_drawn_by_click_drag_and_keyboard(console: Console) -> None:
    gate = camera("Portão 2")
    console.services.answer("GET", "/snapshots/*", picture(400, 300))
    rules = Rules(console.services)
    page, surface = await drawn_on(console, rules, gate, rule("Pátio", camera_ids=[str(gate.id)]))
    await expect(surface.locator("img")).to_be_visible()
    await expect(surface).to_have_css("aspect-ratio", re.compile("^1.333"))
    await clicked(surface, (0.2, 0.2), (0.8, 0.2))
    await page.get_by_role("button", name="Salvar", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("A zona precisa de ao menos três pontos")
    await clicked(surface, (0.5, 0.05))
    await clicked(surface, (0.8, 0.8))
    await page.get_by_role("button", name="Salvar", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Os lados da zona se cruzam")
    await surface.get_by_role("button").nth(2).press("Delete")
    await clicked(surface, (0.4, 0.6), (0.2, 0.8))
    points = surface.get_by_role("button")
    await expect(points).to_have_count(5)

    await points.nth(0).press("Shift+ArrowRight")
    await points.nth(0).press("Shift+ArrowRight")
    await points.nth(3).press("Delete")
    await expect(points).to_have_count(4)
    await expect(points.nth(3)).to_be_focused()
    size = await surface.bounding_box()
    assert size is not None
    await points.nth(1).hover()
    await page.mouse.down()
    await page.mouse.move(size["x"] + 0.9 * size["width"], size["y"] + 0.1 * size["height"], steps=4)
    await page.mouse.up()
    await saved(page)
    near(rules.only()["condition"]["zone"]["points"], [[0.3, 0.2], [0.9, 0.1], [0.8, 0.8], [0.2, 0.8]])


async def test_a_line_is_drawn_without_a_picture_and_its_arrow_turned(console: Console) -> None:
    gate = camera("Portão 2")
    console.services.answer("GET", "/snapshots/*", problem(404, "no_recording"))
    rules = Rules(console.services)
    page, surface = await drawn_on(console, rules, gate, rule("Entrada", camera_ids=[str(gate.id)]))
    await expect(page.get_by_text("Sem imagem desta câmera agora.")).to_be_visible()
    await page.get_by_role("button", name="Desenhar linha").click()
    await clicked(surface, (0.2, 0.5), (0.8, 0.5))
    await expect(page.locator(".drawing-line g")).to_have_count(2)
    await page.get_by_label("Sentido").select_option("arrow")
    await expect(page.locator(".drawing-line g")).to_have_count(1)
    await page.get_by_role("button", name="Inverter a seta").press("Enter")
    await saved(page)
    line = rules.only()["condition"]["line"]
    assert line["direction"] == "b_to_a"
    near([line["a"], line["b"]], [[0.2, 0.5], [0.8, 0.5]])
    await page.reload()
    await expect(page.get_by_label("Ponto A da linha")).to_be_visible()
    await page.get_by_label("Câmeras", exact=True).select_option("all")
    await expect(page.get_by_text("eram da imagem de outra câmera")).to_be_visible()
    await saved(page)
    assert (rules.only()["condition"]["line"], rules.only()["condition"]["camera_ids"]) == (None, [])


async def test_who_may_only_read_sees_the_rule_in_words_and_nothing_to_change(console: Console) -> None:
    gate = camera("Portão 2")
    Fleet(console.services, gate)
    one = rule("Pátio", camera_ids=[str(gate.id)], zone={"points": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}, dwell_s=120)
    Rules(console.services, one)
    page = await console.as_role("operator", f"/regras/{one['rule_id']}")
    await expect(page.get_by_text("Qualquer objeto fica 2 min ou mais na zona desenhada em Portão 2").first).to_be_visible()
    await expect(page.locator(".drawing-zone")).to_be_visible()
    await expect(page.locator("#content").get_by_role("button")).to_have_count(0)
    await expect(page.get_by_role("region", name="Simulação")).to_have_count(0)
