"""Tests of the screen of recordings, in a real browser that really plays: the node's files are real fragmented MP4, played by hls.js."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import expect
from tests.chassis.waiting import until
from tests.console.browsing import Console, sign_in
from tests.console.origin import one_origin
from tests.console.recorded import MINUTE, Node, no_recording, sprite
from tests.console.rules.city import City, camera, read
from tests.console.screens.playing import ELSEWHERE, NOON, clock, clock_set, instant, path, paused, shows, tile, written
from tests.console.standins import Asked, Reply, paged
from tests.identity.running import Running

from gtvision.events import GapCause
from gtvision.ids import new_id
from gtvision.time import SystemClock

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


@pytest.fixture(scope="module")
async def address(running: Running, module_node: Node) -> AsyncIterator[str]:
    async with one_origin(running.service.api, playback=module_node.app) as origin:
        yield origin


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
    await expect(page.locator(".recordings-clock")).to_contain_text(re.compile(r"12:0[12]:"))


async def test_a_gap_is_left_out_with_a_word_on_why(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 2)
    node.lost(gate, NOON + 2 * MINUTE, 3, GapCause.NETWORK)
    node.record(gate, NOON + 5 * MINUTE, 2)
    page = await console.as_role("operator", path(gate, at=NOON))
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await paused(page)
    await page.evaluate(ELSEWHERE, written(NOON + timedelta(minutes=1, seconds=57)))
    await clock(page, NOON + timedelta(minutes=1, seconds=57))
    await page.keyboard.press("l")  # the words stand for some seconds only, so that nothing else is waited for in between
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
    await expect(page.locator(".recordings-clock")).to_contain_text(re.compile(r"12:01:(1[2-9]|[2-5]\d)"))
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
    await page.get_by_role("button", name="Escolher câmeras").click()
    await page.get_by_role("dialog").get_by_role("checkbox", name="Rua 4").uncheck()
    await page.get_by_role("button", name="Ver 3 câmeras").click()
    await expect(page.locator(".recording")).to_have_count(3)
    await clock(page, at)
    await shows(page, at)
    assert len(node.sessions) == 4, "the others go on with what was opened"


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


async def test_to_go_elsewhere_while_a_session_is_opened_uses_no_ticket_twice(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    node.may_open.clear()
    page = await console.tab(path(gate, at=NOON))
    await sign_in(page, await console.user())
    await until(lambda: any(session.is_spent for session in node.sessions))
    await page.keyboard.press("k")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("Shift+ArrowRight")
    node.may_open.set()
    await shows(page, await instant(page))
    assert await instant(page) == NOON + 2 * MINUTE
    assert len(node.sessions) == 1


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


async def test_a_marked_range_becomes_a_clip_that_is_watched_cancelled_and_fetched(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    clips: list[dict[str, Any]] = []

    def make(asked: Asked) -> Reply:
        rest = {"progress": 0.25, "size_bytes": None, "reason": None, "expires_at": None, "created_at": NOON}
        clips.insert(0, {"clip_id": new_id(), "state": "running", **asked.body, **rest})
        return Reply(202, clips[0])

    def cancel(_asked: Asked) -> dict[str, Any]:
        clips[0]["state"] = "cancelled"
        return clips[0]

    def delete(_asked: Asked) -> Reply:
        clips[1]["state"] = "deleted"
        return Reply(204)

    console.services.answer("GET", "/recordings/clips", lambda _asked: {"items": clips, "next": None})
    console.services.answer("POST", "/recordings/clips", make)
    console.services.answer("POST", "/recordings/clips/*/cancel", cancel)
    console.services.answer("DELETE", "/recordings/clips/*", delete)
    console.services.answer("GET", "/recordings/clips/*/download", {"url": "/icon.svg", "expires_at": NOON})
    page = await console.as_role("operator", path(gate, at=NOON + MINUTE))
    await paused(page)
    await clock_set(page, "2026-11-20T12:01")
    await page.keyboard.press("[")
    await page.keyboard.press("Shift+ArrowRight")
    await page.keyboard.press("]")
    await expect(page.get_by_text("Trecho de 20/11/2026, 12:01:00 a 12:02:00 (1 min)")).to_be_visible()
    for name in ("Saída", "Engano"):
        await page.get_by_role("button", name="Criar clipe").click()
        dialog = page.get_by_role("dialog", name="Criar clipe do trecho marcado")
        await dialog.get_by_label("Nome do clipe").fill(name)
        await dialog.get_by_role("button", name="Criar clipe").click()
        await expect(page.get_by_role("progressbar", name=f"Andamento de {name}")).to_have_attribute("value", "0.25")
    asked = console.services.to("POST", "/recordings/clips")[0].body
    assert asked == {"camera_id": str(gate), "from": written(NOON + MINUTE), "to": written(NOON + 2 * MINUTE), "name": "Saída"}
    await page.get_by_role("button", name="Cancelar o clipe Engano").click()
    panel = page.get_by_role("region", name="Clipes")
    await expect(panel.get_by_role("listitem").filter(has_text="Engano")).to_contain_text("cancelado")
    clips[1] |= {"state": "ready", "progress": 1.0, "size_bytes": 2_500_000}
    await expect(panel.get_by_role("listitem").filter(has_text="Saída")).to_contain_text("2,5 MB")
    async with page.expect_download() as fetching:
        await page.get_by_role("button", name="Baixar o clipe Saída").click()
    assert (await fetching.value).suggested_filename == "Portao-1-Saida.mp4"
    clips[0] |= {"state": "queued", "reason": "no_room"}
    await page.reload()
    waits = panel.get_by_role("listitem").filter(has_text="Engano")
    await expect(waits).to_contain_text("espera espaço no disco do gravador e tenta de novo sozinho")
    await page.get_by_role("button", name="Apagar o clipe Saída").click()
    await page.get_by_role("dialog", name="Apagar o clipe?").get_by_role("button", name="Apagar").click()
    await expect(panel.get_by_role("listitem").filter(has_text="Saída")).to_contain_text("apagado")
    assert len(console.services.to("DELETE", f"/recordings/clips/{clips[1]['clip_id']}")) == 1


async def test_a_picture_is_saved_with_its_camera_and_instant_in_its_name(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    captured = {"content-type": "image/jpeg", "x-captured-at": "2026-11-20T15:00:59.800000Z"}
    console.services.answer("GET", "/snapshots/*", Reply(body=sprite(), headers=captured))
    page = await console.as_role("operator", path(gate, at=NOON + MINUTE))
    await paused(page)
    await clock_set(page, "2026-11-20T12:01")
    async with page.expect_download() as fetching:
        await page.get_by_role("button", name="Salvar imagem de Portão 1").click()
    assert (await fetching.value).suggested_filename == "Portao-1-20-11-2026-12-00-59.jpg"
    [asked] = console.services.to("GET", f"/snapshots/{gate}")
    assert asked.value("at") == written(NOON + MINUTE)
    console.services.answer("GET", "/snapshots/*", no_recording("camera"))
    await page.get_by_role("button", name="Salvar imagem de Portão 1").click()
    await expect(page.get_by_text("Não há gravação neste instante.")).to_be_visible()


async def test_what_is_still_being_written_goes_on_by_itself(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    now = SystemClock().now()
    node.record(gate, now - 2 * MINUTE, 1)
    growing = node.grow(gate, now - MINUTE, 12)
    page = await console.as_role("operator", path(gate, at=now - MINUTE))
    await expect(page.get_by_text("Fim do que foi gravado até agora.")).to_be_visible()
    growing.seconds = 60
    await expect(page.get_by_text("Fim do que foi gravado até agora.")).to_have_count(0)
    await paused(page)
    await expect(page.get_by_role("link", name="Ao vivo: Portão 1")).to_have_attribute("href", f"/cameras/{gate}")
    assert await instant(page) > now - MINUTE + timedelta(seconds=11)
    assert len(node.sessions) == 1


async def test_the_minute_of_an_alert_and_of_a_plate_is_a_link_away(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    alert = city.raised(captured_at=NOON + MINUTE, raised_at=NOON + MINUTE)
    console.services.answer("GET", "/detections", paged([read(gate, captured_at=NOON + 2 * MINUTE)]))
    page = await console.as_role("operator", "/painel")
    links = page.get_by_role("link", name="Ver o minuto: ABC1D23, Portão 1")
    await expect(links).to_have_count(2)
    targets = [await link.get_attribute("href") for link in await links.all()]
    before = [f"/gravacoes?camera={gate}&at=2026-11-20T15%3A0{minute}%3A50.000Z" for minute in (0, 1)]
    assert sorted(map(str, targets)) == before
    await page.goto(f"{console.address}/alertas/{alert.alert_id}")
    await page.get_by_role("article", name="Alerta escolhido").get_by_role("link", name="Ver o minuto").click()
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await expect(page.locator(".recordings-clock")).to_contain_text(re.compile(r"12:0[01]:"))


async def test_the_network_comes_back_by_itself(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 120)
    page = await console.as_role("operator", path(gate, at=NOON))
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await page.route("**/playback/**", lambda route: route.abort("connectionrefused"))
    await paused(page)
    await clock_set(page, "2026-11-20T13:30")
    await expect(tile(page)).to_contain_text("Sem conexão com o servidor de gravações. Tentando de novo…")
    await page.unroute("**/playback/**")
    await expect(tile(page)).to_have_attribute("data-shown", "picture")
    await shows(page, NOON + 90 * MINUTE)


async def test_files_that_are_gone_are_asked_for_less_and_less_often_until_the_user_goes_elsewhere(console: Console, node: Node) -> None:
    city = City(console, [camera("Portão 1")])
    gate = city.cameras[0].id
    node.record(gate, NOON, 10)
    node.has_lost_files = True
    page = await console.as_role("operator")
    await page.clock.install()
    await page.goto(console.address + path(gate, at=NOON))
    await expect(tile(page)).to_have_attribute("data-status", "empty")
    for _ in range(40):
        await page.clock.run_for(3_000)
        await expect(tile(page)).to_have_attribute("data-status", "empty")
    assert node.served.count("index.m3u8") <= 9  # after 3, 6, 12, 24, 48 and 60 s
    node.has_lost_files = False
    await page.clock.resume()
    await clock_set(page, "2026-11-20T12:05")
    await shows(page, NOON + 5 * MINUTE)
