"""Tests of the video wall, in a real browser. The pictures themselves are proved in tests/console/ui."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.console.browsing import Console
from tests.console.rules.city import BEGAN, City, camera
from tests.console.standins import Asked, Reply

from cameras.layouts.api import LayoutOut
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


async def on_wall(page: Page) -> list[str]:
    return await page.locator(".wall-grid .tile .name").all_inner_texts()


def keeping(console: Console) -> list[LayoutOut]:
    """Answers for layouts as the service does. Returns those that were kept."""
    kept: list[LayoutOut] = []

    def make(asked: Asked) -> Reply:
        kept.append(LayoutOut(id=new_id(), created_at=BEGAN, updated_at=BEGAN, **asked.body))
        return Reply(201, kept[-1])

    def listed(_asked: Asked) -> Any:
        return {"items": kept, "next": None}

    console.services.answer("GET", "/layouts", listed)
    console.services.answer("POST", "/layouts", make)
    return kept


async def test_cameras_are_chosen_moved_and_kept_under_a_name(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 13)])
    kept = keeping(console)
    page = await console.as_role("operator", "/mural")
    await expect(page.locator(".wall-grid .tile")).to_have_count(4)
    await page.get_by_role("button", name="9 câmeras").click()
    await page.get_by_role("button", name="Câmeras", exact=True).click()
    picker = page.get_by_role("dialog", name="Escolher câmeras do mural")
    await picker.get_by_label("Buscar câmera").fill("rua 12")
    await picker.get_by_label("Rua 12").check()
    await picker.get_by_role("button", name="5 câmeras").click()
    assert await on_wall(page) == ["Rua 1", "Rua 2", "Rua 3", "Rua 4", "Rua 12"]
    await page.locator(".tile", has_text="Rua 12").focus()
    await page.keyboard.press("Shift+ArrowUp")
    await expect(page.locator(".wall-slot").nth(1)).to_contain_text("Rua 12")
    await expect(page.locator(".tile", has_text="Rua 12")).to_be_focused()
    await page.get_by_role("button", name="Salvar arranjo").click()
    await page.get_by_label("Nome do arranjo").fill("Turno da noite")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    [layout] = kept
    assert layout.tiles == 9
    await expect(page.get_by_label("Arranjo", exact=True)).to_have_value(str(layout.id))
    await page.reload()
    await expect(page.locator(".wall-slot").nth(1)).to_contain_text("Rua 12")


async def test_a_tile_is_dragged_to_another_place(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 5)])
    page = await console.as_role("operator", "/mural")
    await expect(page.locator(".wall-grid .tile")).to_have_count(4)
    await page.locator(".wall-slot").nth(0).hover()
    await page.get_by_role("button", name="Mover Rua 1").drag_to(page.locator(".wall-slot").nth(3))
    await expect(page.locator(".wall-slot").nth(3)).to_contain_text("Rua 1")
    await expect(page.locator(".wall-slot").nth(0)).to_contain_text("Rua 4")


async def test_a_dialog_is_closed_by_a_click_beside_it_and_not_by_one_on_its_edge_or_scrollbar(console: Console) -> None:
    City(console)
    page = await console.as_role("operator", "/mural")
    await page.get_by_role("button", name="Câmeras", exact=True).click()
    dialog = page.get_by_role("dialog")
    box = await dialog.bounding_box()
    assert box is not None
    right, middle = box["x"] + box["width"], box["y"] + box["height"] / 2
    await page.mouse.click(right - 4, middle)
    await dialog.get_by_label("Buscar câmera").fill("a")
    await page.mouse.click(right + 4, middle)
    await expect(dialog).to_have_count(0)


async def test_an_empty_place_asks_for_a_camera(console: Console) -> None:
    City(console, [camera("Rua 1"), camera("Rua 2")])
    page = await console.as_role("operator", "/mural")
    await page.get_by_role("button", name="Tirar Rua 1 do mural").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Lugar 1 vazio").click()
    await page.get_by_role("dialog").get_by_label("Rua 1").click()
    await expect(page.locator(".wall-slot").nth(0)).to_contain_text("Rua 1")


async def test_a_patrol_walks_through_all_cameras(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 4)])
    page = await console.as_role("operator", "/mural")
    await expect(page.locator(".wall-grid .tile").first).to_be_visible()
    await page.clock.install()
    await page.get_by_role("button", name="1 câmera", exact=True).click()
    await page.get_by_label("Ronda").select_option("10")
    await expect(page.locator(".wall-tools")).to_contain_text("página 1 de 3")
    await page.clock.run_for(10_000)
    await expect(page.locator(".wall-grid .tile")).to_contain_text("Rua 2")
    await page.clock.run_for(20_000)
    await expect(page.locator(".wall-grid .tile")).to_contain_text("Rua 1")


async def test_another_monitor_has_its_own_wall_and_nothing_around_it(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 5)])
    page = await console.as_role("operator", "/mural")
    await expect(page.locator(".wall-grid .tile")).to_have_count(4)
    async with console.context.expect_page() as opening:
        await page.get_by_role("button", name="Segundo monitor").click()
    second = await opening.value
    await second.get_by_role("button", name="1 câmera", exact=True).click()
    await expect(second.locator(".wall-grid .tile")).to_have_count(1)
    await page.reload()
    await expect(page.locator(".wall-grid .tile")).to_have_count(4)
