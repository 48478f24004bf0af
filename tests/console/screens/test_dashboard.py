"""Tests of the dashboard, in a real browser; the answers of other services are their own models."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import BEGAN, City, camera

from gtvision.events import Severity
from streaming.usage.api import DiskOut, StoppedOut, UsageOut

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

GIGA = 10**9


def usage(city: City, stopped: int = 0) -> UsageOut:
    lost = [StoppedOut(camera_id=each.id, name=each.name, since=BEGAN, cause=None) for each in city.cameras[:stopped]]
    return UsageOut(
        as_of=BEGAN,
        bytes_used=120 * GIGA,
        bytes_per_day=40 * GIGA,
        oldest=BEGAN - timedelta(days=3),
        newest=BEGAN,
        disk=DiskOut(total_bytes=4_000 * GIGA, free_bytes=1_500 * GIGA),
        days_left=37.4,
        cameras_recording=len(city.cameras) - stopped,
        cameras_not_recording_total=stopped,
        cameras_not_recording=lost,
    )


async def test_it_says_what_is_well_and_what_is_not(console: Console) -> None:
    city = City(
        console, [camera("Portão 1", state="online", cause=None), camera("Portão 2"), camera("Rua 3", enabled=False, state="disabled")]
    )
    for severity in (Severity.CRITICAL, Severity.WARNING, Severity.WARNING):
        city.raised(severity)
    console.services.answer("GET", "/recordings/usage", usage(city, stopped=1))
    hours = [{"hour": BEGAN + timedelta(hours=each), "plates": each * 1_993} for each in range(3)]
    console.services.answer("GET", "/analytics/plates", {"bucket": "hour", "items": hours, "total": 5_979})
    page = await console.as_role("operator", "/painel")
    await expect(page.locator(".dashboard-figures")).to_contain_text("1 de 2 no ar")
    await expect(page.locator(".dashboard-figures")).to_contain_text("1 sem sinal · 1 desativada")
    await expect(page.locator(".dashboard-figures")).to_contain_text("1 crítico · 2 de atenção")
    await expect(page.locator(".dashboard-figures")).to_contain_text("1,5 TB livres")
    await expect(page.locator(".dashboard-figures")).to_contain_text("espaço para 37 dias")
    await expect(page.get_by_role("img", name="Placas lidas por hora")).to_be_visible()
    await expect(page.get_by_role("region", name="Placas por hora").locator("header")).to_have_text("Placas por horamáximo 3.986")
    down = page.get_by_role("region", name="Câmeras que precisam de atenção")
    await expect(down).to_contain_text("sem sinal · desde")
    await expect(down).to_contain_text("a câmera não responde")
    await expect(down.get_by_role("link", name="Portão 1").locator("..")).to_contain_text("não está gravando")
    await down.get_by_role("link", name="Portão 2").click()
    await expect(page.get_by_role("heading", name="Portão 2")).to_be_visible()


async def test_an_empty_city_leads_somewhere(console: Console) -> None:
    City(console, [])
    page = await console.as_role("admin", "/painel")
    await expect(page.get_by_text("ainda não tem câmeras")).to_be_visible()
    await page.get_by_role("link", name="Adicionar câmera").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Adicionar câmera").get_by_label("Nome")).to_be_focused()


async def test_who_may_see_no_camera_is_told_so(console: Console) -> None:
    City(console, [])
    page = await console.as_role("viewer", "/painel")
    await expect(page.get_by_text("Nenhuma câmera foi liberada para você")).to_be_visible()
    await expect(page.get_by_role("link", name="Adicionar câmera")).to_have_count(0)
