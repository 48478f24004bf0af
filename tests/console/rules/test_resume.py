"""After a cut nothing is missed: the changes since the last one that was seen are read and told as if they came now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.rules.city import City, is_live, played, sounded

from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

MANY = 250
"""More than one page of changes."""


async def test_what_was_raised_during_a_cut_is_told_and_what_was_acknowledged_goes(console: Console) -> None:
    city = City(console)
    first = city.raised(plate="ABC1D01")
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await page.get_by_role("button", name="Ciente: Placa ABC1D01").wait_for()
    await console.live.cut()
    city.acknowledged(first)
    city.raised(plate="ABC1D02")
    before = await played(page)
    await console.live.subscribed(2)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_contain_text("Placa ABC1D02")
    await sounded(page, before)
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")
    asked = [int(each.value("after")) for each in console.services.to("GET", "/alerts/changes") if each.value("after")]
    assert asked[0] == 1, "it goes on after the last change that it has seen"


async def test_more_changes_than_a_page_are_all_read(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await console.live.cut()
    for number in range(MANY):
        city.raised(Severity.WARNING, plate=f"ABC{number:04}")
    last = city.raised(plate="XYZ1A23")
    await console.live.subscribed(2)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_contain_text(last.title)
    await expect(page).to_have_title(f"({MANY + 1}) Câmeras · GT-Vision")


async def test_a_message_that_is_lost_while_the_link_lives_is_made_up_for(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/cameras")
    await page.clock.install()
    await page.reload()
    await is_live(page)
    city.raised(plate="ABC1D02")
    city.say(city.raised(Severity.INFO, plate="ABC1D03"))
    await expect(page).to_have_title("(2) Câmeras · GT-Vision")
    await page.clock.fast_forward(3_000)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_contain_text("Placa ABC1D02")
    last = city.raised(plate="ABC1D04")
    await page.clock.fast_forward(16_000)
    await expect(page.get_by_role("region", name="2 alertas críticos abertos")).to_contain_text(last.title)
    assert console.live.opened == 2, "the link was opened anew, which reads all again by itself"


async def test_a_warning_of_before_that_gets_worse_or_wakes_is_heard(console: Console) -> None:
    city = City(console)
    alert = city.raised(Severity.INFO, plate="ABC1D01")
    city.raised(Severity.INFO, plate="ABC1D02")
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await sounded(page)
    before = await played(page)
    city._change(alert.alert_id, severity=Severity.WARNING)
    await sounded(page, before)
    city._change(alert.alert_id, snoozed_until=datetime.now(UTC) + timedelta(hours=1))
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")
    before = await played(page)
    city._change(alert.alert_id, snoozed_until=None)
    await sounded(page, before)


async def test_an_acknowledged_alert_that_gets_worse_sounds_again(console: Console) -> None:
    city = City(console)
    alert = city.raised(Severity.WARNING)
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    city.acknowledged(alert)
    await expect(page).to_have_title("Câmeras · GT-Vision")
    before = await played(page)
    city._change(alert.alert_id, state="open", severity=Severity.CRITICAL)
    await sounded(page, before)
    await expect(page.get_by_role("region", name="1 alerta crítico aberto")).to_be_visible()


async def test_an_answer_that_is_older_than_what_came_live_changes_nothing(console: Console) -> None:
    city = City(console)
    alert = city.raised()
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await page.get_by_role("button", name="Ciente: Placa ABC1D23").wait_for()
    city.acknowledged(alert)
    await expect(page.locator(".banner")).to_have_count(0)
    console.live.say("alert", alert)
    city.say(city.raised(Severity.INFO, plate="XYZ1A23"))
    await expect(page).to_have_title("(1) Câmeras · GT-Vision")
    await expect(page.locator(".banner")).to_have_count(0)
