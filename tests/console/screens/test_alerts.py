"""Tests of the alert centre, in a real browser; the alerts are the service's own models."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live
from tests.console.screens.listing import watchlist
from tests.console.standins import paged

from gtvision.events import Severity
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

LISTS = ("Furtadas", "Clonadas", "Antigas")
MOST_LIVE = 500
"""As many alerts as the list keeps of those that came by themselves."""


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


async def test_alerts_of_one_list_are_found_also_of_one_that_is_gone(console: Console) -> None:
    city = City(console)
    stolen, cloned, gone = (watchlist(name, entries=1) for name in LISTS)
    console.services.answer("GET", "/watchlists", paged([stolen, cloned]))
    of = {each.name: city.raised(Severity.WARNING, watchlist_id=each.watchlist_id) for each in (stolen, cloned, gone)}
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    rows, field = page.locator(".alert-row"), page.get_by_label("Lista", exact=True)
    await expect(rows).to_have_count(3)
    await expect(field.locator("option")).to_have_text(["Todas", "Clonadas", "Furtadas"])
    await field.select_option("Furtadas")
    await expect(rows).to_have_count(1)
    await expect(page.locator(f"[data-alert='{of['Furtadas'].alert_id}']")).to_be_visible()
    assert f"list={stolen.watchlist_id}" in page.url
    await page.mouse.move(0, 0)  # under the pointer the list stays still
    city.say(city.raised(Severity.WARNING, watchlist_id=cloned.watchlist_id))
    city.say(city.raised(Severity.WARNING, watchlist_id=stolen.watchlist_id))
    await expect(rows).to_have_count(2)
    await page.goto(f"{console.address}/alertas?list={gone.watchlist_id}")
    await expect(rows).to_have_count(1)
    await expect(field.locator("option:checked")).to_have_text("lista removida")


async def test_who_may_not_read_lists_is_not_asked_for_one(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("auditor", "/alertas")
    await expect(page.locator(".alert-row")).to_have_count(1)
    await expect(page.get_by_label("Lista", exact=True)).to_have_count(0)
    assert not console.services.to("GET", "/watchlists")


async def test_a_list_that_grows_for_days_keeps_to_a_size(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await expect(page.locator(".alerts-list .empty")).to_contain_text("Nenhum alerta aberto.")
    city.is_away = True  # so that the list has nothing but what comes by itself
    await console.live.cut()
    await console.live.subscribed(2)
    await expect(page.locator(".alerts-list [role=alert]")).to_be_visible()
    for number in range(MOST_LIVE + 10):
        city.say(city.raised(Severity.INFO, plate=f"ABC{number:04}"))
    await expect(page.get_by_text(f"{MOST_LIVE} carregados; role para ver mais")).to_be_visible()


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


async def test_the_button_for_many_is_there_once_some_are_chosen_and_moves_no_row(console: Console) -> None:
    city = City(console)
    for number in range(3):
        city.raised(Severity.WARNING, f"ABC1D2{number}")
    page = await console.as_role("operator", "/alertas")
    button, rows = page.get_by_role("button", name="Ciente de"), page.locator(".alerts-list > .virtual")
    await expect(page.get_by_text("3 na lista")).to_be_visible()
    await expect(button).to_have_count(0)
    before = await rows.bounding_box()
    await page.get_by_label("Escolher: ABC1D20").check()
    await expect(button).to_be_visible()
    assert await rows.bounding_box() == before
    await button.click()
    await expect(page.locator(".alert-row[data-state=acknowledged]")).to_have_count(1)
    await expect(button).to_have_count(0)


async def test_a_viewer_sees_alerts_and_no_button_for_them(console: Console) -> None:
    city = City(console)
    alert = city.raised(detection_id=new_id())
    page = await console.as_role("viewer", f"/alertas/{alert.alert_id}")
    await expect(page.get_by_role("article", name="Alerta escolhido")).to_contain_text("Sua conta não abre imagens.")
    await expect(page.get_by_role("button", name="Ciente")).to_have_count(0)
    await expect(page.get_by_role("checkbox")).to_have_count(0)
    await expect(page.locator(".alerts-bulk")).to_have_text("1 na lista")


async def test_an_alert_that_is_gone_says_so(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", f"/alertas/{new_id()}")
    await expect(page.get_by_text("Isto não existe mais")).to_be_visible()
