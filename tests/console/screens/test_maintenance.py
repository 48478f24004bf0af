"""Tests of planned work and holidays."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.console.browsing import Console
from tests.console.standins import Asked, paged

from alerts.maintenance.api import Holidays, WindowOut
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_work_is_planned_for_the_whole_city(console: Console) -> None:
    now = SystemClock().now()
    made: list[WindowOut] = []

    def plan(asked: Asked) -> WindowOut:
        made.append(WindowOut(window_id=new_id(), created_at=now, **asked.body))
        return made[-1]

    console.services.answer("GET", "/maintenance", paged(made))
    console.services.answer("GET", "/maintenance/holidays", Holidays(dates=[]))
    console.services.answer("POST", "/maintenance", plan)
    page = await console.as_role("admin", "/manutencao")
    await page.get_by_role("button", name="Planejar trabalho").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("O que será feito").fill("Troca do switch")
    await dialog.get_by_role("button", name="Planejar", exact=True).click()
    await page.get_by_role("button", name="Sim, a cidade inteira").click()
    row = page.get_by_role("row", name="Troca do switch")
    await expect(row).to_contain_text("a cidade inteira")
    await expect(row).to_contain_text("agora")


async def test_holidays_are_added_and_taken_away(console: Console) -> None:
    known = {"dates": [{"date": "2026-12-25", "name": "Natal"}]}

    def put(asked: Asked) -> object:
        known["dates"] = asked.body["dates"]
        return known

    console.services.answer("GET", "/maintenance", paged([]))
    console.services.answer("GET", "/maintenance/holidays", lambda _asked: known)
    console.services.answer("PUT", "/maintenance/holidays", put)
    page = await console.as_role("admin", "/manutencao")
    holidays = page.get_by_role("region", name="Feriados")
    await holidays.get_by_label("Dia", exact=True).fill("2026-11-15")
    await holidays.get_by_label("Feriado", exact=True).fill("República")
    await holidays.get_by_role("button", name="Adicionar").click()
    await expect(holidays.get_by_role("row", name="República")).to_contain_text("15/11/2026")
    await holidays.get_by_role("button", name="Remover: Natal").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remover").click()
    await expect(holidays.get_by_role("row", name="Natal")).to_have_count(0)
    assert [each["name"] for each in known["dates"]] == ["República"]
