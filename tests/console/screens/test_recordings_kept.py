"""Tests of recordings of a removed camera, and of such as only off-site copies hold, in a real browser that really plays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Route, expect
from tests.console.browsing import Console
from tests.console.origin import one_origin
from tests.console.recorded import MINUTE, Film, Node
from tests.console.rules.city import City, camera
from tests.console.screens.playing import ELSEWHERE, NOON, clock, clock_set, instant, path, paused, shows, tile, written
from tests.console.screens.storing import forecast, share
from tests.console.standins import Asked, Reply, problem
from tests.identity.running import Running

from gtvision.events import GapCause
from gtvision.ids import new_id

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


@pytest.fixture(scope="module")
async def address(running: Running, module_node: Node) -> AsyncIterator[str]:
    async with one_origin(running.service.api, playback=module_node.app) as origin:
        yield origin


async def test_a_removed_camera_plays_over_midnight_in_the_city_and_where_its_resolution_changed(console: Console, node: Node) -> None:
    City(console, [camera("Portão 1")])
    removed = camera("Praça")
    console.services.answer("GET", "/recordings/forecast", forecast(share(removed, 3)))
    midnight = datetime(2026, 11, 20, 3, tzinfo=UTC)
    small, large = Film(has_sound=False), Film("320x180", has_sound=False)
    node.record(removed.id, midnight - 2 * MINUTE, 3, small)
    node.record(removed.id, midnight + MINUTE, 2, large)
    page = await console.as_role("operator", "/armazenamento")
    await page.get_by_role("row", name="Praça câmera removida").get_by_role("link", name="Praça").click()
    await paused(page)
    await clock_set(page, "2026-11-21T12:00")  # what was recorded last is looked for in the year before the clock
    await page.get_by_role("button", name="Ir para a última gravação").click()
    await clock(page, midnight + timedelta(minutes=2, seconds=50))
    await shows(page, midnight + timedelta(minutes=2, seconds=50))
    await page.wait_for_url("**at=2026-11-20*")
    await expect(tile(page)).to_contain_text("câmera removida")
    await page.get_by_role("button", name="Escolher câmeras").click()
    await expect(page.get_by_role("dialog").get_by_role("checkbox", name="Praça câmera removida")).to_be_checked()
    await page.keyboard.press("Escape")
    for before, then in ((midnight, "20/11/2026, 00:00:0"), (midnight + MINUTE, "20/11/2026, 00:01:0")):
        await page.evaluate(ELSEWHERE, written(before - timedelta(seconds=3)))
        await clock(page, before - timedelta(seconds=3))
        await shows(page, before - timedelta(seconds=3))
        await page.keyboard.press("l")
        await expect(page.locator(".recordings-clock")).to_contain_text(then)
        await expect(tile(page)).to_have_attribute("data-shown", "picture")
        await paused(page)
        await shows(page, await instant(page))
    await expect(page.locator(".timeline-tick[data-unit=day] text")).to_have_text("20/11")
    assert await page.evaluate("document.querySelector('video').videoWidth") == 320
    assert [(each.start, each.end) for each in node.sessions] == [
        (midnight, midnight + timedelta(days=1)),
        (midnight - timedelta(days=1), midnight),
        (midnight, midnight + timedelta(days=1)),
    ]


async def test_what_only_copies_hold_is_asked_for_and_plays_once_it_is_back(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON - 10 * MINUTE, 10)
    node.lost(gate, NOON, 20, GapCause.RETENTION)
    node.archive(gate, NOON, 20)
    node.record(gate, NOON + 20 * MINUTE, 10)
    asked: list[dict[str, Any]] = []

    def restore(sent: Asked) -> Reply:
        rest = {"restore_id": new_id(), "state": "waiting", "files": 20, "files_done": 5, "files_missing": 0, "progress": 0.25}
        kept = {"reason": None, "requested_by": new_id(), "requested_at": NOON, "keep_until": "2099-01-02T15:00:00Z", "finished_at": None}
        asked.insert(0, {**sent.body, **rest, **kept})
        return Reply(202, asked[0])

    console.services.answer("GET", "/recordings/archive/restores", lambda _asked: {"items": asked, "next": None})
    console.services.answer("POST", "/recordings/archive/restore", problem(404, "not_found"))
    page = await console.as_role("operator", path(gate, at=NOON - timedelta(seconds=3)))
    await expect(tile(page)).to_contain_text("Só na cópia externa. Próxima gravação às 20/11/2026, 12:20:00")
    await expect(page.get_by_role("button", name="Reproduzir")).to_be_visible()  # it stands there: what there is is not passed over
    await expect(page.get_by_role("list", name="O que os sinais dizem")).to_contain_text("só na cópia externa")
    await expect(page.locator(".timeline-lane .timeline-away")).to_have_count(1)
    await expect(page.get_by_role("slider", name="Instante")).to_have_attribute(
        "aria-valuetext", "20/11/2026, 12:00:00, só na cópia externa"
    )
    await tile(page).get_by_role("button", name="Trazer de volta").click()
    dialog = page.get_by_role("dialog", name="Trazer de volta da cópia externa")
    await expect(dialog).to_contain_text("20/11/2026, 12:00:00 a 12:20:00")
    await dialog.get_by_label("Manter por").select_option("15 dias")
    await dialog.get_by_role("button", name="Trazer de volta").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Não há cópia externa deste trecho.")
    console.services.answer("POST", "/recordings/archive/restore", restore)
    await dialog.get_by_role("button", name="Trazer de volta").click()
    await expect(tile(page)).to_contain_text("Só na cópia externa, e já pedida: esperando o armazenamento frio.")
    await expect(tile(page).get_by_role("button", name="Trazer de volta")).to_have_count(0)
    sent = console.services.to("POST", "/recordings/archive/restore")[-1].body
    assert sent == {"camera_id": str(gate), "from": written(NOON), "to": written(NOON + 20 * MINUTE), "days": 15}
    row = page.get_by_role("region", name="Da cópia externa").get_by_role("listitem")
    await expect(row).to_contain_text("Portão 1, 20/11/2026, 12:00:00 a 12:20:00")
    await expect(row.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    for at, key in ((NOON + 5 * MINUTE, "["), (NOON + 6 * MINUTE, "]")):
        await clock_set(page, f"{at - timedelta(hours=3):%Y-%m-%dT%H:%M}")
        await page.locator(".timeline-box").focus()
        await page.keyboard.press(key)
    await page.get_by_role("button", name="Trazer o trecho de volta").click()
    await expect(dialog).to_contain_text("20/11/2026, 12:05:00 a 12:06:00")
    asked[0]["state"] = "running"
    await dialog.get_by_role("button", name="Trazer de volta").click()
    asked[0] |= {"state": "ready", "progress": 1.0, "files_done": 20}
    asked[1] |= {"state": "failed", "reason": "no_room"}
    node.record(gate, NOON + 5 * MINUTE, 1)
    await expect(row.first).to_contain_text("pode ser visto até 02/01/2099, 12:00:00")
    await expect(row.last).to_contain_text("falta espaço no disco para o trecho")
    await row.first.get_by_role("link", name="Ver").click()
    await shows(page, NOON + 5 * MINUTE)


async def test_slow_answers_are_waited_for_and_what_cannot_be_read_is_said(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    job = {"restore_id": new_id(), "camera_id": gate, "from": NOON, "to": NOON + MINUTE, "days": 1, "state": "running"}
    job |= {"files": 20, "files_done": 5, "files_missing": 0, "progress": 0.25, "reason": None, "requested_by": new_id()}
    job |= {"requested_at": NOON, "keep_until": "2099-01-02T15:00:00Z", "finished_at": None}
    console.services.answer("GET", "/recordings/archive/restores", problem(400, "unexpected"))
    page = await console.as_role("operator")
    await page.clock.install()
    await page.goto(console.address + path(gate, at=NOON))
    panel = page.get_by_role("region", name="Da cópia externa")
    await expect(panel.get_by_role("alert")).to_be_visible()
    console.services.answer("GET", "/recordings/archive/restores", lambda _asked: {"items": [job], "next": None})
    await panel.get_by_role("button", name="Tentar de novo").click()
    await expect(panel.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/archive/restores?*", hold)
    passed = 0
    while not held or passed < 12:
        passed += len(held) > 0
        console.live.say("ping", None)  # the link is not silent, which would have all read anew
        await page.clock.run_for(1_000)
    assert len(held) == 1
    job["progress"] = 0.5
    await page.unroute("**/archive/restores?*")
    await held[0].fallback()
    await expect(panel.get_by_role("progressbar")).to_have_attribute("value", "0.5")
