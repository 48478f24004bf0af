"""Tests of the alert centre, in a real browser; the alerts are the service's own models."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live

from gtvision.events import Severity
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_the_filters_are_in_the_address_and_survive_a_reload(console: Console) -> None:
    city = City(console)
    city.raised(Severity.CRITICAL, "ABC1D23")
    city.raised(Severity.WARNING, "XYZ9A87")
    page = await console.as_role("operator", "/alertas")
    rows = page.locator(".alert-row")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Gravidade").select_option("Atenção")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("XYZ9A87")
    assert "severity=warning" in page.url
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_label("Gravidade")).to_have_value("warning")
    asked = console.services.to("GET", "/alerts")[-1]
    assert asked.query.get("state") == ["open"]


async def test_one_alert_stands_beside_the_list_and_leads_on(console: Console) -> None:
    city = City(console)
    alert = city.raised(Severity.CRITICAL, "ABC1D23", watchlist_id=new_id())
    city.raised(Severity.WARNING, "XYZ9A87")
    page = await console.as_role("operator", "/alertas")
    await page.locator(".alert-row", has_text="ABC1D23").get_by_role("button").first.focus()
    await page.keyboard.press("Enter")
    detail = page.get_by_role("article", name="Alerta escolhido")
    await expect(detail).to_contain_text("roubado")
    assert page.url.endswith(f"/alertas/{alert.alert_id}")
    await expect(detail.get_by_role("link", name="Ver passagens desta placa")).to_have_attribute("href", "/placas?plate=ABC1D23")
    await expect(detail.get_by_role("link", name="Abrir a lista")).to_be_visible()
    await page.reload()
    await expect(detail).to_contain_text("roubado")
    await page.go_back()
    await expect(detail).to_have_count(0)


async def test_many_are_acknowledged_at_once(console: Console) -> None:
    city = City(console)
    for number in range(5):
        city.raised(Severity.WARNING, f"ABC1D2{number}")
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await expect(page.locator(".alert-row")).to_have_count(5)
    await page.get_by_label("Escolher: ABC1D20").check()
    await page.get_by_label("Escolher: ABC1D23").check()
    await page.get_by_role("button", name="Ciente de 2").click()
    await expect(page.locator(".alert-row[data-state=acknowledged]")).to_have_count(2)
    await expect(page.get_by_role("status").filter(has_text="3 abertos")).to_be_visible()
    [asked] = console.services.to("POST", "/alerts/acknowledge")
    assert len(asked.body["alert_ids"]) == 2


async def test_a_viewer_sees_alerts_and_no_button_for_them(console: Console) -> None:
    city = City(console)
    alert = city.raised(detection_id=new_id())
    page = await console.as_role("viewer", f"/alertas/{alert.alert_id}")
    await expect(page.get_by_role("article", name="Alerta escolhido")).to_contain_text("Sua conta não abre imagens.")
    await expect(page.get_by_role("button", name="Ciente")).to_have_count(0)
    await expect(page.get_by_role("checkbox")).to_have_count(0)


async def test_an_alert_that_is_gone_says_so(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", f"/alertas/{new_id()}")
    await expect(page.get_by_text("Isto não existe mais")).to_be_visible()
