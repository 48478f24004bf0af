"""A tile says in words what it shows, can be reached and used by keyboard, and keeps the focus whatever happens to its camera."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from playwright.async_api import Locator, Page, WebSocketRoute, expect
from tests.chassis.waiting import until
from tests.console.ui.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.media]

TILE = """
async (camera) => {
  const { html, render, signal } = await import("/ui/html.js");
  const { Tile } = await import("/ui/tile.js");
  for (const name of ["tokens", "elements", "parts", "tile"]) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: `/styles/${name}.css` }));
  }
  const shown = (window.shown = signal(camera));
  window.heard = [];
  const hear = (what) => (camera) => heard.push([what, camera.name]);
  const Stage = () => shown.value && html`<${Tile} camera=${shown.value} onOpen=${hear("open")} onRemove=${hear("remove")} />`;
  render(html`<${Stage} />`, document.body);
}
"""


def camera(live: UUID, **changes: Any) -> dict[str, Any]:
    return {"id": str(live), "name": "Portão 2", "state": "online", "cause": None, "since": None, "enabled": True, "revision": 1, **changes}


async def shown(page: Page, it: dict[str, Any]) -> Locator:
    """Shows the tile of a camera, or the tile that is there with the camera as it is now."""
    if await page.evaluate("() => 'shown' in window"):
        await page.evaluate("camera => { shown.value = camera }", it)
    else:
        await page.evaluate(TILE, it)
    return page.locator("figure")


async def test_a_tile_that_plays_says_so_and_by_what(page: Page, live: UUID) -> None:
    tile = await shown(page, camera(live))
    await expect(tile).to_have_attribute("aria-label", "Câmera Portão 2: ao vivo")
    await expect(tile.locator(".badge")).to_have_text("WebRTC: baixa latência")
    first = await tile.get_attribute("data-first-frame-ms")
    await expect(tile.locator(".badge")).to_have_attribute("title", f"baixa latência, primeira imagem em {first} ms")
    await expect(tile.locator(".notice")).to_have_count(0)


async def test_a_tile_without_signal_says_since_when_and_why(page: Page, stage: Stage, live: UUID) -> None:
    tile = await shown(page, camera(live, state="offline", cause="no_progress", since="2026-01-02T03:04:05Z"))
    await expect(tile.locator(".notice")).to_contain_text("sem sinal · desde ")
    await expect(tile.locator(".notice")).to_contain_text("a câmera responde, mas não envia imagem")
    assert (await tile.get_attribute("aria-label") or "").startswith("Câmera Portão 2: sem sinal, desde ")
    assert stage.asked == 0


async def test_the_focus_stays_while_the_camera_goes_and_comes(page: Page, live: UUID) -> None:
    tile = await shown(page, camera(live))
    await expect(tile).to_have_attribute("data-status", "playing")
    await page.keyboard.press("Tab")
    await expect(tile).to_be_focused()
    await shown(page, camera(live, state="offline", cause="unreachable", since="2026-01-02T03:04:05Z"))
    await expect(tile).to_have_attribute("data-status", "offline")
    await expect(tile).to_be_focused()
    await shown(page, camera(live, since="2026-01-02T03:09:05Z"))
    await expect(tile).to_have_attribute("data-status", "playing")
    await expect(tile).to_be_focused()


async def test_keys_open_and_remove_and_those_of_its_button_are_its_button_s(page: Page, live: UUID) -> None:
    await shown(page, camera(live, state="unknown"))
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Delete")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Tirar Portão 2 do mural")).to_be_focused()
    await page.keyboard.press("Enter")
    assert await page.evaluate("() => heard") == [["open", "Portão 2"], ["remove", "Portão 2"], ["remove", "Portão 2"]]


async def test_a_tile_that_is_taken_away_or_out_of_sight_plays_no_longer(page: Page, live: UUID) -> None:
    tile = await shown(page, camera(live))
    await expect(tile).to_have_attribute("data-status", "playing")
    await page.evaluate("() => { document.body.style.paddingBlockStart = '5000px' }")
    await expect(tile).to_have_attribute("data-status", "connecting")
    assert await page.evaluate("() => document.querySelector('video').srcObject === null")
    await tile.scroll_into_view_if_needed()
    await expect(tile).to_have_attribute("data-status", "playing")
    await page.evaluate("() => { window.left = document.querySelector('video'); shown.value = null }")
    await page.wait_for_function("() => left.srcObject === null", polling=50)


async def test_live_detections_are_drawn_in_the_tile_of_their_camera(page: Page, live: UUID) -> None:
    sockets: list[WebSocketRoute] = []
    await page.route("**/api/v1/users/me", lambda route: route.fulfill(json={"id": "x", "name": "Ana", "scopes": ["detections:read"]}))

    def take(socket: WebSocketRoute) -> None:
        sockets.append(socket)

    await page.route_web_socket("**/ws/v1/live*", take)
    tile = await shown(page, camera(live))
    await expect(tile).to_have_attribute("data-status", "playing")
    await page.evaluate("async () => (await import('/shell/state.js')).enter()")
    await until(lambda: bool(sockets))
    canvas = tile.locator("canvas")
    seen = {"object_class": "car", "box": [0.1, 0.2, 0.5, 0.8], "plate": None, "plate_box": None}

    def tell(camera_id: UUID, count: int) -> None:
        moment = datetime.now(UTC) - timedelta(milliseconds=300)
        data = {"camera_id": str(camera_id), "captured_at": moment.isoformat(), "objects": [seen] * count}
        sockets[0].send(json.dumps({"type": "detection", "data": data}))

    async def drawn() -> bool:
        tell(live, 1)
        tell(uuid4(), 2)
        count = await canvas.get_attribute("data-boxes")
        assert count in {None, "0", "1"}
        return count == "1"

    await until(drawn)
