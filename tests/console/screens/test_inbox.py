"""Tests of what a person does with an alert: comment, take over, put off, end; and what the alert says of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_a_possible_match_says_so_with_its_alternatives_and_facts(console: Console) -> None:
    city = City(console)
    alert = city.raised(is_possible=True, alternatives=["ABC1D28", "ABC1023"], details={"Lista": "Furtados"}, sightings=4)
    page = await console.as_role("operator", f"/alertas/{alert.alert_id}")
    row, detail = page.locator(".alert-row"), page.get_by_role("article", name="Alerta escolhido")
    await expect(row).to_contain_text("possível")
    await expect(row).to_contain_text("4 leituras")
    await expect(detail).to_contain_text("Confira a imagem antes de agir")
    await expect(detail.locator(".facts")).to_contain_text("ABC1D28, ABC-1023")
    await expect(detail.locator(".facts")).to_contain_text("Furtados")
    await expect(detail.get_by_role("region", name="Histórico")).to_contain_text("aberto")


async def test_one_alert_of_many_cameras_names_them(console: Console) -> None:
    city = City(console)
    ids = [each.id for each in city.cameras]
    alert = city.raised(Severity.CRITICAL, None, kind="cameras_lost", title="2 câmeras sem sinal", camera_id=None, camera_ids=ids)
    page = await console.as_role("operator", f"/alertas/{alert.alert_id}")
    detail = page.get_by_role("article", name="Alerta escolhido")
    await expect(detail.get_by_role("link", name="Portão 1")).to_be_visible()
    await expect(detail.get_by_role("link", name="Portão 2")).to_be_visible()
    await expect(page.locator(".alert-row")).to_contain_text("2 câmeras")


async def test_a_comment_a_person_in_charge_and_the_end_are_kept(console: Console) -> None:
    city = City(console)
    alert = city.raised(Severity.WARNING)
    page = await console.as_role("operator", f"/alertas/{alert.alert_id}")
    await is_live(page)
    detail = page.get_by_role("article", name="Alerta escolhido")
    await detail.get_by_label("Comentário").fill("Viatura a caminho")
    await detail.get_by_role("button", name="Comentar").click()
    await expect(detail.get_by_role("region", name="Histórico")).to_contain_text("Viatura a caminho")
    await detail.get_by_role("button", name="Assumir").click()
    await expect(detail.get_by_role("button", name="Assumir")).to_have_count(0)
    await expect(detail.get_by_label("Responsável").locator("option:checked")).to_have_text("Ana Lúcia")
    await detail.get_by_role("button", name="Encerrar").click()
    await page.get_by_role("dialog").get_by_role("button", name="Encerrar", exact=True).click()
    await expect(detail).to_contain_text("encerrado em")
    await expect(page).to_have_title("Alertas · GT-Vision")
    await page.get_by_label("Situação").select_option("Encerrados")
    await expect(page.locator(".alert-row[data-state=resolved]")).to_have_count(1)


async def test_an_alert_that_is_put_off_neither_counts_nor_sounds_until_its_time(console: Console) -> None:
    city = City(console)
    alert = city.raised()
    page = await console.as_role("operator", f"/alertas/{alert.alert_id}")
    await expect(page).to_have_title("(1) Alertas · GT-Vision")
    detail = page.get_by_role("article", name="Alerta escolhido")
    await detail.get_by_role("button", name="Adiar…").click()
    await page.get_by_role("button", name="1 hora").click()
    await expect(page).to_have_title("Alertas · GT-Vision")
    await expect(page.locator(".banner")).to_have_count(0)
    await expect(page.locator(".alert-row")).to_contain_text("adiado até")
    [asked] = console.services.to("PUT", "/alerts/*/snooze")
    until = datetime.fromisoformat(asked.body["until"])
    assert timedelta(minutes=50) < until - datetime.now(UTC) < timedelta(minutes=70)
    await detail.get_by_role("button", name="Acordar agora").click()
    await expect(page).to_have_title("(1) Alertas · GT-Vision")


async def test_several_are_ended_with_one_comment(console: Console) -> None:
    city = City(console)
    for number in range(3):
        city.raised(Severity.WARNING, f"ABC1D2{number}")
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await page.get_by_label("Escolher: ABC1D20").check()
    await page.get_by_label("Escolher: ABC1D21").check()
    await page.get_by_role("button", name="Encerrar 2…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Comentário").fill("Teste de rotina")
    await dialog.get_by_role("button", name="2 alertas escolhidos").click()
    await expect(page.locator(".alert-row[data-state=resolved]")).to_have_count(2)
    await expect(dialog).to_have_count(0)
    [asked] = console.services.to("POST", "/alerts/resolve")
    assert len(asked.body["alert_ids"]) == 2
    assert asked.body["comment"] == "Teste de rotina"


async def test_alerts_of_one_kind_and_of_mine_are_asked_for(console: Console) -> None:
    city = City(console)
    city.raised(Severity.WARNING)
    city.raised(Severity.WARNING, None, kind="camera_lost", title="Portão 1 sem sinal")
    page = await console.as_role("operator", "/alertas")
    await expect(page.locator(".alert-row")).to_have_count(2)
    await page.get_by_label("Tipo").select_option("Câmera sem sinal")
    await expect(page.locator(".alert-row")).to_have_count(1)
    await page.get_by_label("Responsável").select_option("Eu")
    await expect(page.locator(".alerts-list .empty")).to_contain_text("Nenhum alerta com estes filtros.")
    assert console.services.to("GET", "/alerts")[-1].query["kind"] == ["camera_lost"]
