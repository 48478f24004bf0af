"""Tests of the timeline, upon the screen that has it: what it shows, and how a hand and the keys move it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.chassis.waiting import until
from tests.console.browsing import PATIENCE_MS, Console, settled
from tests.console.recorded import MINUTE, Node
from tests.console.rules.city import City, camera, read
from tests.console.standins import Answer, Asked, paged

from gtvision.events import GapCause, Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
"""Noon in the city, of a day that is over."""
HOUR_MS = 3_600_000
FINGERS = """(box, [before, after]) => {
  const { left, top } = box.getBoundingClientRect();
  const finger = (id, x) => ({ pointerId: id, pointerType: "touch", clientX: left + x, clientY: top + 30, bubbles: true });
  const say = (type, id, x) => box.dispatchEvent(new PointerEvent(type, finger(id, x)));
  before.forEach((x, id) => say("pointerdown", id + 10, x));
  after.forEach((x, id) => say("pointermove", id + 10, x));
  after.forEach((x, id) => say("pointerup", id + 10, x));
}"""
"""JavaScript: puts fingers on the timeline, moves them and takes them away."""


@pytest.fixture
def node(console: Console, tmp_path: Path) -> Node:
    expect.set_options(timeout=PATIENCE_MS)
    node = Node(tmp_path)
    node.answer(console.services)
    return node


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Instante na linha do tempo")


async def shown(page: Page) -> tuple[float, float]:
    """Returns which time the timeline shows, in ms since 1970."""
    return float(await slider(page).get_attribute("aria-valuemin") or 0), float(await slider(page).get_attribute("aria-valuemax") or 0)


async def length(page: Page) -> float:
    start, end = await shown(page)
    return end - start


async def at_noon(console: Console, node: Node, minutes: int = 60) -> tuple[Page, City]:
    """Returns the screen, paused at noon, of a camera that was recorded from then on."""
    city = City(console, [camera("Portão 1")])
    node.record(city.cameras[0].id, NOON, minutes)
    page = await console.as_role("operator", f"/gravacoes?camera={city.cameras[0].id}&at={NOON:%Y-%m-%dT%H:%M:%S}Z")
    await page.get_by_role("button", name="Pausar").click()
    return page, city


async def test_it_is_zoomed_from_a_year_to_a_minute_around_its_instant(console: Console, node: Node) -> None:
    page, _ = await at_noon(console, node)
    assert await length(page) == 10 * 60_000
    for _ in range(8):
        await page.get_by_role("button", name="Aproximar").click()
    assert await length(page) == 60_000
    await slider(page).focus()
    await page.keyboard.press("-")
    assert await length(page) == 96_000
    span = page.get_by_label("Quanto tempo aparece")
    await span.select_option("1 dia")
    start, end = await shown(page)
    assert end - start == 24 * HOUR_MS
    assert start < NOON.timestamp() * 1_000 < end
    await span.select_option("1 ano")
    assert await length(page) == 366 * 24 * HOUR_MS
    await expect(page.locator(".timeline-day:not([data-share='0.00'])")).to_have_count(1)
    await expect(page.locator(".timeline-summary")).to_have_text(re.compile(r"\b1 de \d+ dias com gravação\.$"))
    day = await page.locator(".timeline-day:not([data-share='0.00'])").bounding_box()
    assert day is not None
    await page.mouse.click(day["x"] + day["width"] * 0.6, day["y"] + 5)
    await expect(span).to_have_value("day")
    assert await length(page) == 24 * HOUR_MS
    await expect(page.locator(".timeline-recorded").first).to_be_visible()


async def test_a_hand_zooms_and_moves_it_and_a_click_seeks(console: Console, node: Node) -> None:
    page, _ = await at_noon(console, node)
    box = await slider(page).bounding_box()
    assert box is not None
    quarter, middle = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    start, end = await shown(page)
    under = start + (end - start) / 4
    await page.mouse.move(quarter, middle)
    await page.mouse.wheel(0, -400)
    await expect(slider(page)).not_to_have_attribute("aria-valuemin", str(int(start)))
    near_start, near_end = await shown(page)
    assert near_end - near_start < end - start
    assert near_start + (near_end - near_start) / 4 == pytest.approx(under, abs=1_000), "what is under the pointer stays there"
    await page.mouse.down()
    await page.mouse.move(quarter + box["width"] / 4, middle, steps=4)
    await page.mouse.up()
    moved_start, moved_end = await shown(page)
    assert moved_start == pytest.approx(near_start - (near_end - near_start) / 4, abs=1_000)
    assert moved_end - moved_start == pytest.approx(near_end - near_start, abs=5)
    before = await slider(page).get_attribute("aria-valuenow")
    await page.mouse.click(quarter, middle)
    await expect(slider(page)).not_to_have_attribute("aria-valuenow", before or "")
    instant = await page.locator(".recordings-clock").get_attribute("datetime") or ""
    assert datetime.fromisoformat(instant).timestamp() * 1_000 == pytest.approx(moved_start + (moved_end - moved_start) / 4, abs=2_000)
    await slider(page).evaluate(FINGERS, [[200, 400], [100, 500]])
    assert await length(page) == pytest.approx((moved_end - moved_start) / 2, rel=0.01)


async def test_gaps_say_their_cause_in_words_and_pattern(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 2)
    node.lost(gate, NOON + 2 * MINUTE, 1, GapCause.NODE)
    node.record(gate, NOON + 3 * MINUTE, 1)
    node.lost(gate, NOON + 4 * MINUTE, 30, GapCause.OPERATOR)
    node.record(gate, NOON + 34 * MINUTE, 5)
    page = await console.as_role("operator", f"/gravacoes?camera={gate}&at={NOON + 2 * MINUTE:%Y-%m-%dT%H:%M:%S}Z")
    for cause in ("node", "operator"):
        await expect(page.locator(f".timeline-missing[data-cause={cause}]")).to_have_attribute("fill", f"url(#gap-{cause})")
    legend = page.get_by_role("list", name="O que os sinais dizem")
    await expect(legend).to_contain_text("servidor de vídeo parado")
    await expect(legend).to_contain_text("gravação desligada")
    await expect(legend).not_to_contain_text("câmera sem rede")
    await expect(page.locator(".timeline-summary")).to_contain_text("sem gravação de 12:02 a 12:03: servidor de vídeo parado")
    fills = [
        await page.evaluate("cause => document.querySelector(`#gap-${cause} path`).getAttribute('d')", cause.value) for cause in GapCause
    ]
    assert len(set(fills)) == len(GapCause), "no two causes have the same pattern"


async def test_alerts_and_plates_are_marked_and_gone_through(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    alert = NOON + timedelta(minutes=1)
    city.raised(Severity.WARNING, captured_at=alert, raised_at=alert, title="Placa ABC1D23")
    seen = read(gate, captured_at=NOON + timedelta(minutes=2), plate="XYZ1A23")
    console.services.answer("GET", "/detections", paged([seen]))
    page = await console.as_role("operator", f"/gravacoes?camera={gate}&at={NOON:%Y-%m-%dT%H:%M:%S}Z")
    await page.get_by_role("button", name="Pausar").click()
    await expect(page.locator(".timeline-lane .timeline-mark[data-kind=alert][data-severity=warning]")).to_have_count(1)
    following = page.get_by_role("button", name="Próxima marca")
    await expect(following).to_have_attribute("title", "Alerta: Placa ABC1D23, 12:01:00")
    await following.click()
    await expect(page.locator(".recordings-clock")).to_have_text("20/11/2026, 12:01:00")
    await following.click()
    await expect(page.locator(".recordings-clock")).to_have_text("20/11/2026, 12:02:00")
    await page.get_by_role("button", name="Marca anterior").click()
    await expect(page.locator(".recordings-clock")).to_have_text("20/11/2026, 12:01:00")
    await page.locator(".timeline-lane .timeline-mark[data-kind=plate]").hover(force=True)
    await expect(page.locator(".timeline-hover")).to_contain_text("Placa XYZ1A23, 12:02:00")
    assert str(gate) in [asked.value("camera_id") for asked in console.services.to("GET", "/alerts")]
    await page.get_by_label("Quanto tempo aparece").select_option("1 semana")
    await expect(page.get_by_text("Aproxime a linha do tempo para ver alertas e placas.")).to_be_visible()
    await settled(page)
    await expect(page.locator(".timeline-lane .timeline-mark")).to_have_count(0)


def readings(console: Console) -> list[tuple[str, str]]:
    """Returns the ranges that were asked for: each is an entry of the ledger."""
    return [(asked.value("from"), asked.value("to")) for asked in console.services.to("GET", "/detections") if asked.value("from")]


def within(seen: list[dict[str, Any]]) -> Answer:
    """Returns what answers with the newest of these in the range that is asked for."""

    def answer(asked: Asked) -> Any:
        start, end = (datetime.fromisoformat(asked.value(name, NOON.isoformat())) for name in ("from", "to"))
        found = [each for each in seen if start <= each["captured_at"] < end]
        return paged(sorted(found, key=lambda each: each["captured_at"], reverse=True))(asked)

    return answer


async def test_marks_of_a_range_are_asked_for_once_and_new_ones_come_live(console: Console, node: Node) -> None:
    page, city = await at_noon(console, node)
    gate = city.cameras[0].id
    marks = page.locator(".timeline-lane .timeline-mark[data-kind=plate]")
    await until(lambda: len(readings(console)) == 1)
    for name in ("Mais tarde", "Mais cedo"):
        for _ in range(3):
            known = len(console.services.to("GET", "/recordings/timeline"))
            for _ in range(4):
                await page.get_by_role("button", name=name).click()
            await until(lambda known=known: len(console.services.to("GET", "/recordings/timeline")) > known)
            await settled(page)
    live = read(gate, captured_at=NOON + timedelta(minutes=2), plate="XYZ1A23")
    console.live.say("detection", {"camera_id": gate, "captured_at": live["captured_at"], "objects": [live]})
    await expect(marks).to_have_count(1)
    asked = [("2026-11-20T12:00:00.000Z", "2026-11-20T18:00:00.000Z")]
    assert readings(console) == asked
    for day in ("2026-11-19T12:00", "2026-11-20T12:00"):
        await page.get_by_label("Dia e hora").fill(day)
        await page.get_by_role("button", name="Ir", exact=True).click()
        await until(lambda: len(readings(console)) == 2)
    await expect(marks).to_have_count(1)
    assert readings(console) == [*asked, ("2026-11-19T12:00:00.000Z", "2026-11-19T18:00:00.000Z")]


async def test_more_marks_than_are_told_at_once_are_asked_for_in_smaller_ranges(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 60)
    seen = [read(gate, captured_at=NOON + timedelta(seconds=10 + 20 * number)) for number in range(-540, 540)]
    console.services.answer("GET", "/detections", within(seen))
    page = await console.as_role("operator", f"/gravacoes?camera={gate}&at={NOON:%Y-%m-%dT%H:%M:%S}Z")
    await page.get_by_role("button", name="Pausar").click()
    await until(lambda: len(readings(console)) == 2)
    start, end = await shown(page)
    inside = [each for each in seen if start <= each["captured_at"].timestamp() * 1_000 <= end]
    await expect(page.locator(".timeline-lane .timeline-mark[data-kind=plate]")).to_have_count(len(inside))
    for _ in range(6):
        await page.get_by_role("button", name="Afastar").click()
    await expect(page.get_by_text("Há mais marcas neste trecho: aproxime para ver todas.")).to_be_visible()
    assert len(readings(console)) == 2
    await page.get_by_label("Dia e hora").fill("2026-11-20T09:30")
    await page.get_by_role("button", name="Ir", exact=True).click()
    await until(lambda: len(readings(console)) == 3)
    asked_from, asked_to = (datetime.fromisoformat(each) for each in readings(console)[-1])
    assert asked_from <= NOON - timedelta(minutes=150) < asked_to, "those around the instant that is shown"
