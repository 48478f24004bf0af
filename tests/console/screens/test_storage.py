"""Tests of the storage screen, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, expect
from tests.console.browsing import Console
from tests.console.rules.city import City
from tests.console.screens.fleet import Fleet, camera
from tests.console.screens.storing import COUNTED, GIGA, Held, forecast, hold, share, usage
from tests.console.standins import paged

from gtvision.ids import new_id
from gtvision.time import SystemClock
from streaming.usage.api import StoppedOut

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

GATE, SQUARE, STREET = camera("Portão 2"), camera("Praça"), camera("Avenida Brasil")


def recorded(console: Console, **more: Any) -> None:
    """Three cameras with recordings, of which the street's do not fit for as long as was promised."""
    Fleet(console.services, GATE, SQUARE, STREET)
    parts = (
        share(GATE, 40),
        share(SQUARE, 7, bytes_per_day=None, days_kept=None, retention_days=30),
        share(STREET, 310, bytes_per_day=25 * GIGA, days_kept=12.9, oldest=COUNTED - timedelta(days=12)),
    )
    console.services.answer("GET", "/cameras/*/history", paged([]))
    console.services.answer("GET", "/recordings/forecast", forecast(*parts, **more))
    console.services.answer("GET", "/recordings/usage", usage())


async def names(page: Page) -> list[str]:
    return await page.get_by_role("region", name="Espaço por câmera").get_by_role("rowheader").all_inner_texts()


# --- space -------------------------------------------------------------------------------------------------------------


async def test_it_says_what_is_used_and_when_the_disk_is_full(console: Console) -> None:
    recorded(console, quota_bytes=500 * GIGA, held_bytes=57 * GIGA)
    page = await console.as_role("operator", "/armazenamento")
    disk = page.get_by_role("region", name="Disco", exact=True)
    await expect(disk).to_contain_text("1,5 TB livres de 4 TB")
    await expect(disk.get_by_role("listitem")).to_have_text(
        ["gravações: 300 GB", "sob guarda: 57 GB", "outros dados: 2,1 TB", "livre: 1,1 TB", "reserva: 400 GB"]
    )
    await expect(page.get_by_role("region", name="Gravações da cidade")).to_contain_text("357 GB71 % da cota de 500 GB · 3 GB por dia")
    left = page.get_by_role("region", name="Previsão")
    date = (SystemClock().now() + timedelta(days=12.4) - timedelta(hours=3)).strftime("%d/%m/%Y")
    await expect(left).to_contain_text("cheio em cerca de 12 dias")
    await expect(left).to_contain_text(f"por volta de {date}")
    await expect(page.locator(".storage-full")).to_have_count(0)


@pytest.mark.parametrize(
    ("days", "per_day", "text"),
    [(None, GIGA, "não enche neste ritmo"), (None, None, "ainda não há previsão"), (0.0, GIGA, "no limite"), (1.7, GIGA, "cerca de 1 dia")],
    ids=["never", "not-measured", "now", "tomorrow"],
)
async def test_days_that_are_left_are_said_as_they_are(console: Console, days: float | None, per_day: int | None, text: str) -> None:
    recorded(console, days_left=days, disk=None)
    console.services.answer("GET", "/recordings/usage", usage(bytes_per_day=per_day))
    page = await console.as_role("operator", "/armazenamento")
    await expect(page.get_by_role("region", name="Previsão")).to_contain_text(text)
    await expect(page.get_by_role("region", name="Disco", exact=True)).to_have_count(0)


async def test_cameras_are_sorted_and_one_that_keeps_less_than_promised_says_so(console: Console) -> None:
    recorded(console)
    page = await console.as_role("operator", "/armazenamento")
    panel = page.get_by_role("region", name="Espaço por câmera")
    await expect(panel).to_contain_text("1 câmera guarda menos dias do que o prazo.")
    street = panel.get_by_role("row").filter(has_text="Avenida Brasil")
    await expect(street.get_by_role("cell")).to_have_text(["310 GB", "25 GB", "17/11/2026", "◆ só cabem 12 de 90 dias"])
    await expect(panel.get_by_role("row").filter(has_text="Praça").get_by_role("cell").last).to_have_text("prazo de 30 dias")
    assert await names(page) == ["Avenida Brasil", "Portão 2", "Praça"]
    await panel.get_by_role("button", name="Espaço").click()
    await expect(panel.get_by_role("columnheader", name="Espaço")).to_have_attribute("aria-sort", "ascending")
    assert await names(page) == ["Praça", "Portão 2", "Avenida Brasil"]
    await panel.get_by_role("button", name="Guarda").click()
    await page.wait_for_url("**sort=kept")
    await page.reload()
    await expect(panel.get_by_role("columnheader", name="Guarda")).to_have_attribute("aria-sort", "ascending")
    assert await names(page) == ["Avenida Brasil", "Portão 2", "Praça"]  # what is not known comes last
    await panel.get_by_role("link", name="Portão 2").click()
    await expect(page.get_by_role("heading", name="Portão 2")).to_be_visible()


async def test_a_camera_that_is_not_recorded_says_why_and_the_dashboard_leads_here(console: Console) -> None:
    recorded(console)
    stopped = [
        StoppedOut(camera_id=GATE.id, name=GATE.name, since=COUNTED, cause="unreachable"),
        StoppedOut(camera_id=SQUARE.id, name=SQUARE.name, since=None, cause="nothing_written"),
        StoppedOut(camera_id=STREET.id, name=STREET.name, since=None, cause=None),
    ]
    console.services.answer("GET", "/recordings/usage", usage(*stopped))
    page = await console.as_role("operator", "/painel")
    await page.locator(".dashboard-figures").get_by_role("link", name="Gravação").click()
    await page.wait_for_url("**/armazenamento")
    panel = page.get_by_role("region", name="Câmeras que não estão sendo gravadas")
    await expect(panel.get_by_role("listitem")).to_contain_text(
        ["a câmera não responde: verifique energia, rede e endereço · desde", "há imagem, mas nada é gravado", "causa ainda desconhecida"]
    )


async def test_a_disk_full_of_held_footage_says_what_to_do(console: Console) -> None:
    recorded(console, full_of_held=True, held_bytes=2_900 * GIGA)
    Held(console.services, hold(GATE.id))
    page = await console.as_role("operator", "/armazenamento")
    banner = page.get_by_role("alert").filter(has_text="O espaço está cheio de gravações sob guarda prolongada")
    await expect(banner).to_contain_text("São 2,9 TB que não podem ser apagados")
    await expect(banner).to_contain_text("Encerre as guardas de que ninguém mais precisa")
    await banner.get_by_role("link", name="Ver guardas prolongadas").click()
    await expect(page.get_by_role("row").filter(has_text="BO 2026/001234-5")).to_contain_text("Portão 2")


# --- holds -------------------------------------------------------------------------------------------------------------


async def test_the_range_that_was_marked_in_the_player_is_held(console: Console) -> None:
    recorded(console)
    held = Held(console.services)
    marked = urlencode({"camera": str(SQUARE.id), "from": "2026-11-29T11:00:12.500Z", "to": "2026-11-29T11:04:30Z"})
    page = await console.as_role("admin", f"/armazenamento?hold&{marked}")
    dialog = page.get_by_role("dialog", name="Guardar gravações além do prazo")
    await expect(dialog.get_by_label("Câmera")).to_have_value(str(SQUARE.id))
    await expect(dialog.get_by_label("Gravado de")).to_have_value("2026-11-29T08:00")
    await expect(dialog.get_by_label("Gravado até")).to_have_value("2026-11-29T08:05")
    await dialog.get_by_label("Motivo").fill("Ofício 88/2026 da Polícia Civil")
    await dialog.get_by_label("Vale até").fill("2020-01-01T00:00")
    await dialog.get_by_role("button", name="Guardar gravações").click()
    await expect(dialog.get_by_role("alert")).to_have_text("A guarda precisa valer até um momento no futuro.")
    await dialog.get_by_label("Vale até").fill("")
    await dialog.get_by_role("button", name="Guardar gravações").click()
    await expect(page.get_by_text("Guarda prolongada registrada.")).to_be_visible()
    await expect(dialog).to_have_count(0)
    [asked] = console.services.to("POST", "/holds")
    assert asked.body == {
        "camera_id": str(SQUARE.id),
        "from": "2026-11-29T11:00:00.000Z",
        "to": "2026-11-29T11:05:00.000Z",
        "reason": "Ofício 88/2026 da Polícia Civil",
        "until": None,
    }
    assert len(held.holds) == 1
    row = page.get_by_role("row").filter(has_text="Ofício 88/2026")
    await expect(row).to_contain_text("29/11/2026, 08:00:00 a 08:05:00")
    await expect(row).to_contain_text("sem prazo")
    await page.reload()
    await expect(row).to_be_visible()
    await expect(dialog).to_have_count(0)


async def test_a_hold_of_all_cameras_is_placed_by_hand_and_one_that_is_refused_loses_nothing(console: Console) -> None:
    recorded(console)
    Held(console.services)
    page = await console.as_role("admin", "/armazenamento")
    await page.get_by_role("button", name="Guardar gravações").press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Câmera")).to_be_focused()
    await dialog.get_by_label("Câmera").select_option("todas as câmeras")
    await dialog.get_by_label("Gravado de").fill("2026-11-29T10:00")
    await dialog.get_by_label("Gravado até").fill("2026-11-29T09:00")
    await dialog.get_by_label("Motivo").fill("Manifestação")
    await dialog.get_by_label("Motivo").press("Enter")
    await expect(dialog.get_by_role("alert")).to_have_text("O fim do período precisa ser depois do começo.")
    await expect(dialog.get_by_label("Motivo")).to_have_value("Manifestação")
    await dialog.get_by_label("Gravado até").fill("2026-11-29T11:00")
    await dialog.get_by_role("button", name="Guardar gravações").click()
    await expect(page.get_by_role("row").filter(has_text="Manifestação")).to_contain_text("todas as câmeras")
    [asked] = console.services.to("POST", "/holds")
    assert asked.body["camera_id"] is None


async def test_a_hold_is_lifted_with_a_reason_and_stays_among_all(console: Console) -> None:
    recorded(console)
    old = hold(STREET.id, reason="Antiga", lifted_at=COUNTED, lifted_by=new_id())
    held = Held(console.services, hold(GATE.id), old)
    Fleet(console.services, GATE, SQUARE)  # the street's camera was removed, and keeps its recordings
    page = await console.as_role("admin", "/armazenamento?view=holds")
    await expect(page.get_by_role("row")).to_have_count(2)  # with that of the titles
    await page.get_by_role("button", name="Encerrar a guarda: Portão 2").click()
    dialog = page.get_by_role("dialog", name="Encerrar a guarda prolongada?")
    await expect(dialog).to_contain_text("O que for apagado não volta.")
    await dialog.get_by_role("button", name="Cancelar").click()
    assert held.holds[0].lifted_at is None
    await page.get_by_role("button", name="Encerrar a guarda: Portão 2").click()
    await dialog.get_by_label("Por que não é mais necessária").fill("Inquérito arquivado")
    await dialog.get_by_role("button", name="Encerrar a guarda").click()
    await expect(page.get_by_text("Nenhuma guarda prolongada em vigor.")).to_be_visible()
    [asked] = console.services.to("POST", "/holds/*/lift")
    assert asked.body == {"reason": "Inquérito arquivado"}
    await page.get_by_label("Situação").select_option("todas")
    await page.wait_for_url("**state=all")
    await expect(page.get_by_role("row").filter(has_text="BO 2026/001234-5")).to_contain_text(
        "encerrada em 30/11/2026, 09:00:00 Inquérito arquivado"
    )
    await expect(page.get_by_role("row").filter(has_text="Antiga")).to_contain_text("encerrada em 29/11/2026")
    removed = page.get_by_role("row").filter(has_text="Antiga").filter(has_text="Avenida Brasil")
    seen = f"/gravacoes?camera={STREET.id}&at=2026-11-29T10%3A00%3A00Z"
    await expect(removed.get_by_role("link", name="29/11/2026, 07:00:00 a 08:00:00")).to_have_attribute("href", seen)
    await expect(page.get_by_role("button", name="Encerrar")).to_have_count(0)


async def test_a_hold_that_another_has_lifted_meanwhile_is_said_in_words(console: Console) -> None:
    recorded(console)
    held = Held(console.services, hold(GATE.id))
    page = await console.as_role("admin", "/armazenamento?view=holds")
    await page.get_by_role("button", name="Encerrar a guarda: Portão 2").click()
    held.holds[0] = held.holds[0].model_copy(update={"lifted_at": COUNTED})
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Por que não é mais necessária").fill("Inquérito arquivado")
    await dialog.get_by_role("button", name="Encerrar a guarda").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Esta guarda já foi encerrada por outra pessoa, ou venceu.")


async def test_an_operator_reads_holds_and_changes_none(console: Console) -> None:
    recorded(console)
    Held(console.services, hold(GATE.id))
    page = await console.as_role("operator", f"/armazenamento?view=holds&hold&camera={GATE.id}")
    await expect(page.get_by_role("row").filter(has_text="Portão 2")).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("button", name="Guardar gravações")).to_have_count(0)
    await expect(page.get_by_role("button", name="Encerrar")).to_have_count(0)


async def test_a_viewer_has_no_screen_of_storage(console: Console) -> None:
    City(console)
    page = await console.as_role("viewer", "/armazenamento")
    await expect(page.get_by_role("heading", name="Esta página não existe, ou não é para o seu papel.")).to_be_visible()
    await expect(page.get_by_role("link", name="Armazenamento")).to_have_count(0)
