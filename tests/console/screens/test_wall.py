"""Tests of the video wall, in a real browser. The pictures themselves are proved in tests/console/ui."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.console.browsing import Console
from tests.console.rules.city import AWAY, BEGAN, City, camera
from tests.console.standins import Asked, Reply

from cameras.groups.api import GroupOut
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

    def place(asked: Asked) -> int:
        return next(at for at, each in enumerate(kept) if asked.path.endswith(str(each.id)))

    def replace(asked: Asked) -> LayoutOut:
        at = place(asked)
        kept[at] = LayoutOut(id=kept[at].id, created_at=BEGAN, updated_at=BEGAN, **asked.body)
        return kept[at]

    console.services.answer("GET", "/layouts", listed)
    console.services.answer("POST", "/layouts", make)
    console.services.answer("PUT", "/layouts/*", replace)
    console.services.answer("DELETE", "/layouts/*", lambda asked: kept.pop(place(asked)) and None)
    return kept


async def save_as(page: Page, name: str) -> None:
    await page.get_by_role("button", name="Salvar arranjo").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome do arranjo").fill(name)
    await dialog.get_by_role("button", name="Salvar").click()
    await expect(dialog).to_have_count(0)


def slots(page: Page) -> Locator:
    return page.locator(".wall-slot")


async def pick(page: Page, *names: str) -> None:
    """Ticks the cameras in the picker, or takes them off, and closes it."""
    await page.get_by_role("button", name="Câmeras", exact=True).click()
    picker = page.get_by_role("dialog")
    for name in names:
        await picker.get_by_role("checkbox", name=name, exact=False).click()
    await picker.locator(".actions .primary").click()
    await expect(picker).to_have_count(0)


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


async def test_what_is_dragged_from_the_wall_of_another_window_is_a_new_camera_here(console: Console) -> None:
    city = City(console, [camera(f"Rua {number}") for number in range(1, 10)])
    page = await console.as_role("operator", "/mural")
    await page.get_by_role("button", name="9 câmeras").click()
    await pick(page, "Rua 9")
    await expect(slots(page).nth(4)).to_contain_text("Rua 9")
    other = await console.tab("/mural?monitor=2")
    await expect(other.locator(".wall-grid .tile")).to_have_count(4)

    async def drag(name: str, place: int) -> None:
        """What is dragged out of a window comes with its data into the other."""
        grip = page.get_by_role("button", name=f"Mover {name}:")
        data = await grip.evaluate("""(grip) => {
          const dataTransfer = new DataTransfer();
          grip.dispatchEvent(new DragEvent("dragstart", { bubbles: true, dataTransfer }));
          return dataTransfer.types.map((type) => [type, dataTransfer.getData(type)]);
        }""")
        await (
            slots(other)
            .nth(place)
            .evaluate(
                """(slot, data) => {
          const dataTransfer = new DataTransfer();
          for (const each of data) dataTransfer.setData(...each);
          slot.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
        }""",
                data,
            )
        )

    await drag("Rua 9", 1)
    await expect(slots(other).nth(1)).to_contain_text("Rua 9")
    assert await on_wall(other) == ["Rua 1", "Rua 9", "Rua 3", "Rua 4"]
    await drag("Rua 4", 0)
    await expect(slots(other).nth(0)).to_contain_text("Rua 4")
    assert await on_wall(other) == ["Rua 4", "Rua 9", "Rua 3", "Rua 1"], "a camera that is on this wall changes places"
    assert len(await on_wall(page)) == 5
    assert len(city.cameras) == 9


async def test_the_picker_leaves_each_camera_in_its_place(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 7)])
    page = await console.as_role("operator", "/mural")
    await page.get_by_role("button", name="Tirar Rua 2 do mural").focus()
    await page.keyboard.press("Enter")
    await pick(page, "Rua 1", "Rua 6")
    await expect(slots(page).nth(0)).to_contain_text("Rua 6")
    assert await slots(page).nth(1).locator(".tile").count() == 0
    assert await on_wall(page) == ["Rua 6", "Rua 3", "Rua 4"]
    await pick(page, "Rua 5")
    await expect(slots(page).nth(1)).to_contain_text("Rua 5")


async def test_the_picker_shows_one_group_and_fills_the_largest_wall(console: Console) -> None:
    centre = GroupOut(id=new_id(), name="Centro", cameras=21, created_at=BEGAN)
    City(console, [camera(f"Rua {number:02}", groups=[centre.id] if number > 4 else []) for number in range(1, 26)])
    console.services.answer("GET", "/groups", {"items": [centre], "next": None})
    page = await console.as_role("operator", "/mural")
    await page.get_by_role("button", name="25 câmeras").click()
    await expect(slots(page)).to_have_count(25)
    await page.get_by_role("button", name="Câmeras", exact=True).click()
    picker = page.get_by_role("dialog")
    await picker.get_by_label("Grupo").select_option("Centro")
    await expect(picker.get_by_role("checkbox").first).to_have_accessible_name(re.compile("Rua 05"))
    await expect(picker.get_by_label("Rua 01")).to_have_count(0)
    for number in range(5, 26):
        await picker.get_by_label("Buscar câmera").fill(f"{number:02}")
        await picker.get_by_label(f"Rua {number:02}").check()
    await picker.get_by_role("button", name="25 câmeras").click()
    await expect(page.locator(".wall-grid .tile")).to_have_count(25)
    tops = await slots(page).evaluate_all("(slots) => new Set(slots.map((slot) => slot.getBoundingClientRect().top)).size")
    assert tops == 5


async def test_a_saved_layout_is_put_on_again_after_a_change_replaced_and_removed(console: Console) -> None:
    City(console, [camera(f"Rua {number}") for number in range(1, 5)])
    kept = keeping(console)
    page = await console.as_role("operator", "/mural")
    await save_as(page, "Dia")
    chosen = page.get_by_label("Arranjo", exact=True)
    await page.get_by_role("button", name="Tirar Rua 3 do mural").focus()
    await page.keyboard.press("Enter")
    await expect(chosen).to_have_value("")
    await expect(chosen.locator("option:checked")).to_have_text("Dia (alterado)")
    await chosen.select_option("Dia")
    await expect(slots(page).nth(2)).to_contain_text("Rua 3")
    await expect(chosen).to_have_value(str(kept[0].id))

    await page.get_by_role("button", name="1 câmera", exact=True).click()
    await page.get_by_role("button", name="Salvar arranjo").click()
    await page.get_by_label("Nome do arranjo").fill("dia")
    await expect(page.get_by_role("dialog")).to_contain_text("Já existe um arranjo seu com este nome: ele será trocado.")
    await page.get_by_role("dialog").get_by_role("button", name="Salvar").click()
    await expect(chosen.locator("option:checked")).to_have_text("dia")
    assert [(layout.name, layout.tiles) for layout in kept] == [("dia", 1)]

    await page.reload()
    await expect(chosen.locator("option:checked")).to_have_text("dia")
    await page.get_by_role("button", name="Remover arranjo").click()
    await page.get_by_role("dialog", name="Remover o arranjo?").get_by_role("button", name="Remover").click()
    await expect(page.get_by_role("button", name="Remover arranjo")).to_have_count(0)
    assert kept == []
    await expect(page.locator(".wall-grid .tile")).to_have_count(1)


async def test_layouts_that_could_not_be_read_come_by_themselves(console: Console) -> None:
    City(console)
    kept = [LayoutOut(id=new_id(), name="Dia", tiles=1, cameras=(), patrol_s=None, created_at=BEGAN, updated_at=BEGAN)]
    console.services.answer(
        "GET", "/layouts", lambda _asked: AWAY if len(console.services.to("GET", "/layouts")) == 1 else {"items": kept, "next": None}
    )
    page = await console.as_role("operator", "/mural")
    await expect(page.get_by_label("Arranjo", exact=True).locator("option")).to_have_text(["Arranjo", "Dia"])
    assert console.live.opened == 1, "the link was opened anew, which reads all again by itself"


async def test_full_screen_leaves_the_wall_alone_with_the_banner(console: Console) -> None:
    city = City(console)
    city.raised()
    page = await console.as_role("operator", "/mural")
    full = page.get_by_role("button", name="Tela cheia")
    await full.click()
    await page.wait_for_function("document.fullscreenElement === document.documentElement", polling=50)
    await expect(page.get_by_role("navigation", name="Navegação")).to_be_hidden()
    await expect(page.get_by_role("button", name="Sair", exact=True)).to_be_hidden()
    await expect(page.locator(".banner")).to_be_visible()
    await full.click()
    await expect(page.get_by_role("navigation", name="Navegação")).to_be_visible()
    assert await page.evaluate("document.fullscreenElement") is None


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
    await expect(second.get_by_role("navigation", name="Navegação")).to_be_hidden()
    await expect(second.get_by_role("button", name="Sair", exact=True)).to_be_hidden()
    await expect(second.locator(".wall-side")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".wall-grid .tile")).to_have_count(4)
