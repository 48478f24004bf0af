"""Tests of the screen of recordings, in a real browser that really plays: the node's files are real fragmented MP4, played by hls.js."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from playwright.async_api import Locator, Page, expect
from tests.console.browsing import Console
from tests.console.origin import one_origin
from tests.console.recorded import DARKEST, MINUTE, STEP, Node
from tests.console.rules.city import City, camera
from tests.identity.running import Running

from streaming.timeline.domain import GapCause

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

NOON = datetime(2026, 11, 20, 15, tzinfo=UTC)
"""Noon in the city, of a day that is over."""
SHOWN = f"""(figure) => {{
  const video = figure.querySelector("video"), canvas = new OffscreenCanvas(16, 9), context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 16, 9);
  return Math.round((context.getImageData(8, 4, 1, 1).data[0] * 219 / 255 + 16 - {DARKEST}) / {STEP});
}}"""
"""JavaScript: the second of the file that the picture itself says."""
ELSEWHERE = """at => {
  history.pushState(null, "", location.pathname + location.search.replace(/at=[^&]*/, `at=${at}`));
  dispatchEvent(new PopStateEvent("popstate"));
}"""
"""JavaScript: follows a link to another instant."""


@pytest.fixture(scope="module")
def module_node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
async def address(running: Running, module_node: Node) -> AsyncIterator[str]:
    async with one_origin(running.service.api, playback=module_node.app) as origin:
        yield origin


@pytest.fixture
def node(module_node: Node, console: Console) -> Node:
    """The node, with nothing recorded yet."""
    module_node.reset()
    module_node.answer(console.services)
    return module_node


def path(*cameras: UUID, at: datetime) -> str:
    return f"/recordings?camera={','.join(map(str, cameras))}&at={at:%Y-%m-%dT%H:%M:%S.000Z}"


def tile(page: Page, number: int = 0) -> Locator:
    return page.locator(".recording").nth(number)


async def shows(page: Page, instant: datetime, number: int = 0) -> None:
    """Waits until the tile's picture is that of the second: the picture says so itself."""
    await expect(tile(page, number)).to_have_attribute("data-shown", "picture")
    figure = await tile(page, number).element_handle()
    await page.wait_for_function(f"([figure, second]) => ({SHOWN})(figure) === second", arg=[figure, instant.second], polling=50)


async def clock(page: Page, instant: datetime) -> None:
    """Waits until the clock is at the second."""
    await expect(page.locator(".recordings-clock")).to_have_text((instant - timedelta(hours=3)).strftime("%d/%m/%Y, %H:%M:%S"))


async def instant(page: Page) -> datetime:
    return datetime.fromisoformat(await page.locator(".recordings-clock").get_attribute("datetime") or "")


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def paused(page: Page) -> None:
    await page.get_by_role("button", name="Pausar").click()
    await expect(page.get_by_role("button", name="Reproduzir")).to_be_visible()


async def test_a_minute_is_shown_at_its_instant_and_moved_through_by_keys(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    at = NOON + timedelta(minutes=2, seconds=20)
    page = await console.as_role("operator", path(gate, at=at))
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("button", name="Reproduzir")).to_be_visible()
    await page.keyboard.press("l")
    await expect(page.get_by_role("button", name="Pausar")).to_be_visible()
    await page.keyboard.press("k")
    await expect(page.get_by_role("button", name="Reproduzir")).to_be_visible()
    [session] = node.sessions
    assert (session.start, session.end) == (datetime(2026, 11, 20, 3, tzinfo=UTC), datetime(2026, 11, 21, 3, tzinfo=UTC)), (
        "a day of the city"
    )
    await page.get_by_label("Dia e hora").fill("2026-11-20T12:02")
    await page.get_by_role("button", name="Ir", exact=True).click()
    at = NOON + timedelta(minutes=2)
    await page.locator(".timeline-box").focus()
    for key, seconds in {"ArrowRight": 5, "Shift+ArrowRight": 60, "ArrowLeft": -5, "j": -10, "Shift+ArrowLeft": -60}.items():
        at += timedelta(seconds=seconds)
        await page.keyboard.press(key)
        await clock(page, at)
        await shows(page, at)
    slider = page.get_by_role("slider", name="Instante na linha do tempo")
    await expect(slider).to_have_attribute("aria-valuetext", "20/11/2026, 12:01:50, gravado")
    await page.keyboard.press(".")
    await page.keyboard.press(".")
    instants = [await instant(page)]
    await page.keyboard.press(",")
    await expect(page.locator(".recordings-clock")).not_to_have_attribute("datetime", written(instants[0]))
    instants.append(await instant(page))
    assert at < instants[1] < instants[0] < at + timedelta(seconds=1)
    await expect(page).to_have_url(re.compile(r"at=2026-11-20T15%3A01%3A50"))
    await page.reload()
    await expect(page.get_by_role("button", name="Pausar")).to_be_visible()
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await expect(page.locator(".recordings-clock")).to_contain_text("12:01:5")


async def test_a_gap_is_left_out_with_a_word_on_why(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 2)
    node.lost(gate, NOON + 2 * MINUTE, 3, GapCause.NETWORK)
    node.record(gate, NOON + 5 * MINUTE, 2)
    page = await console.as_role("operator", path(gate, at=NOON + timedelta(minutes=1, seconds=57)))
    await expect(page.get_by_text("Trecho pulado: sem gravação de 12:02 a 12:05: câmera sem rede")).to_be_visible()
    await paused(page)
    await expect(page.locator(".recordings-clock")).to_contain_text("12:05")
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await page.get_by_label("Dia e hora").fill("2026-11-20T12:03")
    await page.get_by_role("button", name="Ir", exact=True).click()
    await expect(tile(page)).to_contain_text("sem gravação: câmera sem rede. Próxima gravação às 20/11/2026, 12:05:00")
    await expect(page.get_by_role("slider", name="Instante")).to_have_attribute(
        "aria-valuetext", "20/11/2026, 12:03:00, sem gravação: câmera sem rede"
    )
    await page.get_by_role("button", name="Ir para a próxima gravação").click()
    await clock(page, NOON + 5 * MINUTE)
    await shows(page, NOON + 5 * MINUTE)


async def test_playing_goes_on_by_itself_at_the_end_of_what_is_loaded(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 60)
    page = await console.as_role("operator", path(gate, at=NOON))
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await paused(page)
    end = NOON + timedelta(minutes=49, seconds=57)
    await page.evaluate(ELSEWHERE, written(end))
    await clock(page, end)
    await shows(page, end)
    assert node.served.count("index.m3u8") == 1
    await page.keyboard.press("l")
    await expect(page.locator(".recordings-clock")).to_contain_text("12:50:0")
    await paused(page)
    assert node.served.count("index.m3u8") == 2
    assert len(node.sessions) == 1
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await shows(page, await instant(page))


async def test_four_cameras_are_in_step(console: Console, node: Node) -> None:
    city = City(console, [camera(f"Rua {number}") for number in range(1, 5)])
    ids = [each.id for each in city.cameras]
    for each in ids[:3]:
        node.record(each, NOON, 5)
    node.record(ids[3], NOON + 3 * MINUTE, 2)
    node.lost(ids[3], NOON, 3, GapCause.DISK)
    at = NOON + timedelta(minutes=1, seconds=10)
    page = await console.as_role("operator", path(*ids, at=at))
    for number in range(3):
        await expect(tile(page, number)).to_have_attribute("data-shown", "picture")
    await expect(tile(page, 3)).to_contain_text("sem gravação: falha ou falta de espaço no disco. Próxima gravação às 20/11/2026, 12:03:00")
    await expect(page.locator(".recordings-clock")).to_contain_text("12:01:12")
    await paused(page)
    now = await instant(page)
    for number in range(3):
        await shows(page, now, number)
    at = NOON + timedelta(minutes=3, seconds=30)
    await page.get_by_label("Dia e hora").fill("2026-11-20T12:03")
    await page.get_by_role("button", name="Ir", exact=True).click()
    for _ in range(6):
        await page.get_by_role("button", name="Avançar 5 segundos").click()
    await clock(page, at)
    for number in range(4):
        await shows(page, at, number)
    assert len(node.sessions) == 4


async def test_a_session_that_was_ended_says_so_and_can_be_opened_again(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 120)
    page = await console.as_role("operator", path(gate, at=NOON))
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    node.revoke()
    await page.get_by_label("Dia e hora").fill("2026-11-20T13:30")
    await page.get_by_role("button", name="Ir", exact=True).click()
    await expect(tile(page)).to_contain_text("A sessão de vídeo foi encerrada")
    assert len(node.sessions) == 1, "it is not opened again without a question"
    await page.get_by_role("button", name="Abrir de novo").click()
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await expect(page.locator(".recordings-clock")).to_contain_text("13:30:")


async def test_who_may_not_see_recordings_finds_no_way_to_them(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    alert = city.raised()
    page = await console.as_role("viewer", f"/alertas/{alert.alert_id}")
    await expect(page.get_by_role("article", name="Alerta escolhido")).to_be_visible()
    await expect(page.get_by_role("link", name="Gravações")).to_have_count(0)
    await expect(page.get_by_role("link", name="Ver o minuto")).to_have_count(0)
    await page.goto(f"{console.address}{path(city.cameras[0].id, at=NOON)}")
    await expect(page.get_by_role("heading", name="Esta página não existe, ou não é para o seu papel.")).to_be_visible()
    assert not console.services.to("GET", "/recordings/*")
    assert not node.sessions
