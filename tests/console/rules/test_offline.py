"""A camera without a signal says cause and since, and nobody is asked for its picture until it is back."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect
from tests.chassis.waiting import until
from tests.console.browsing import Console, settled
from tests.console.rules.city import City, is_live
from tests.console.standins import problem

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def test_an_offline_camera_is_asked_for_once_it_is_back_and_no_sooner(console: Console) -> None:
    city = City(console)
    asked: list[str] = []
    page = await console.as_role("operator", "/mural")
    page.on("request", lambda request: asked.append(request.post_data or "") if request.url.endswith("/auth/tickets") else None)
    await page.clock.install()
    await page.reload()
    await is_live(page)
    first, second = (page.locator(f".tile[data-camera='{each.id}']") for each in city.cameras)
    # with its day, on any other one
    since = re.compile("sem sinal · desde (29/11 )?09:00 · a câmera não responde: verifique energia, rede e endereço")
    await expect(first).to_contain_text(since)
    await page.clock.fast_forward(120_000)
    await is_live(page)

    def live() -> list[str]:
        return [each for each in asked if '"live"' in each]

    assert live() == []
    assert console.services.to("GET", "/streams/*") == []
    console.services.answer("GET", "/streams/*", problem(404, "not_found"))
    state = {"camera_id": str(city.cameras[0].id), "name": "Portão 1", "state": "online", "since": "2026-11-29T12:30:00Z"}
    console.live.say("camera", state)
    await until(lambda: len(console.services.to("GET", "/streams/*")) == 1)
    await expect(second).to_contain_text("sem sinal")
    console.live.say("camera", state | {"state": "offline", "cause": "no_progress"})
    await expect(first).to_contain_text("a câmera responde, mas não envia imagem")
    await settled(page)
    count = len(console.services.to("GET", "/streams/*"))
    await page.clock.fast_forward(120_000)
    await is_live(page)
    assert len(console.services.to("GET", "/streams/*")) == count
    assert live() == []


async def test_a_camera_that_somebody_else_switches_off_and_on_follows(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/mural")
    await is_live(page)
    tile = page.locator(f".tile[data-camera='{city.cameras[0].id}']")
    await expect(tile).to_contain_text("sem sinal")
    state = {"camera_id": str(city.cameras[0].id), "name": "Portão da praça", "since": "2026-11-29T12:30:00Z"}
    console.live.say("camera", state | {"state": "disabled"})
    await expect(tile).to_contain_text("Câmera desativada")
    console.live.say("camera", state | {"state": "offline", "cause": "unreachable"})
    await expect(tile).to_contain_text("sem sinal")
    await expect(tile).to_contain_text("Portão da praça")
