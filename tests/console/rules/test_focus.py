"""The focus stays where the user put it while live data comes and goes, and goes on to a neighbour where its place is gone."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect
from tests.console.browsing import Console
from tests.console.rules.city import City, camera, is_live

from alerts.alerts.api import AlertOut
from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


def take_of(place: Page | Locator, alert: AlertOut) -> Locator:
    """The button by which this alert is acknowledged."""
    return place.locator(f"[data-alert='{alert.alert_id}']").get_by_role("button", name="Ciente:")


async def test_alerts_that_come_and_go_leave_the_focus_in_the_alert_centre(console: Console) -> None:
    city = City(console)
    alerts = [city.raised(Severity.WARNING, plate=f"ABC1D{number:02}") for number in range(5)]
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    chosen = take_of(page, alerts[2])
    await chosen.focus()
    city.say(city.raised(plate="NEW1D23"))
    city.acknowledged(alerts[4])
    city.acknowledged(alerts[3])
    await expect(page.get_by_role("button", name="1 novo alerta: mostrar")).to_be_visible()
    await expect(page.locator("[data-alert][data-state='acknowledged']")).to_have_count(2)
    await expect(chosen).to_be_focused()
    await page.keyboard.press("Enter")
    row = page.locator(f"[data-alert='{alerts[2].alert_id}']")
    await expect(row).to_have_attribute("data-state", "acknowledged")
    await expect(row.get_by_role("button", name="Já ciente: ABC1D02, Portão 1")).to_be_focused()


async def test_one_acknowledged_by_somebody_else_keeps_the_focus_in_its_row(console: Console) -> None:
    city = City(console)
    alerts = [city.raised(Severity.WARNING, plate=f"ABC1D{number:02}") for number in range(3)]
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await take_of(page, alerts[1]).focus()
    city.acknowledged(alerts[1])
    row = page.locator(f"[data-alert='{alerts[1].alert_id}']")
    await expect(row).to_have_attribute("data-state", "acknowledged")
    assert await row.evaluate("row => row.contains(document.activeElement)")


async def test_after_many_are_acknowledged_the_focus_is_still_in_the_list_s_tools(console: Console) -> None:
    city = City(console)
    for number in range(3):
        city.raised(Severity.WARNING, plate=f"ABC1D{number:02}")
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    await page.get_by_label("Escolher todos os que estão na lista, menos os encerrados").check()
    await page.get_by_role("button", name="Ciente de 3").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-alert][data-state='acknowledged']")).to_have_count(3)
    await page.wait_for_function("() => document.activeElement !== document.body", polling=100)
    assert await page.locator(".alerts").evaluate("screen => screen.contains(document.activeElement)")


async def test_beside_the_dashboard_the_focus_goes_on_to_the_next_alert(console: Console) -> None:
    city = City(console)
    alerts = [city.raised(Severity.WARNING, plate=f"ABC1D{number:02}") for number in range(3)]
    page = await console.as_role("operator", "/painel")
    await is_live(page)
    panel = page.get_by_role("region", name="Alertas abertos mais novos")
    await take_of(panel, alerts[1]).focus()
    city.say(city.raised(Severity.WARNING, plate="NEW1D23"))
    await expect(panel.get_by_role("button", name="1 novo alerta: mostrar")).to_be_visible()
    await expect(take_of(panel, alerts[1])).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(take_of(panel, alerts[1])).to_have_count(0)
    await expect(take_of(panel, alerts[0])).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(take_of(panel, alerts[0])).to_have_count(0)
    await expect(take_of(panel, alerts[2])).to_be_focused()


async def test_the_last_alert_of_the_banner_leaves_the_focus_on_the_page(console: Console) -> None:
    city = City(console)
    city.raised(plate="ABC1D01")
    city.raised(plate="ABC1D02")
    page = await console.as_role("operator", "/cameras")
    await is_live(page)
    await expect(page.get_by_role("button", name="Ciente: Placa ABC1D02")).to_be_enabled()
    await page.get_by_role("button", name="Ciente: Placa ABC1D02").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Ciente: Placa ABC1D01")).to_be_focused()
    await expect(page.get_by_role("button", name="Ciente: Placa ABC1D01")).to_be_enabled()
    await page.keyboard.press("Enter")
    await expect(page.locator(".banner")).to_have_count(0)
    await page.wait_for_function("() => document.activeElement !== document.body", polling=100)


async def test_tiles_are_reached_opened_and_moved_by_keys_and_keep_the_focus(console: Console) -> None:
    city = City(console, [camera(f"Portão {number}") for number in range(1, 5)])
    page = await console.as_role("operator", "/mural")
    await is_live(page)
    tile = page.locator(f".tile[data-camera='{city.cameras[0].id}']")
    await tile.focus()
    await page.evaluate("id => (window.video = document.querySelector(`.tile[data-camera='${id}'] video`))", str(city.cameras[0].id))
    for key, place in (("ArrowRight", 1), ("ArrowDown", 3), ("ArrowLeft", 2), ("ArrowUp", 0)):
        await page.keyboard.press(f"Shift+{key}")
        await expect(page.locator(".wall-slot").nth(place)).to_have_attribute("data-camera", str(city.cameras[0].id))
        await expect(tile).to_be_focused()
        assert await page.evaluate("window.video.isConnected"), "a tile that was made anew starts its picture anew"
    for cause in ("no_progress", "unreachable"):
        data = {"camera_id": str(city.cameras[0].id), "name": "Portão 1", "state": "offline", "since": None, "cause": cause}
        console.live.say("camera", data)
    await expect(tile).to_contain_text("a câmera não responde")
    await expect(tile).to_be_focused()
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/cameras/{city.cameras[0].id}")


async def test_a_picture_that_is_moved_plays_on(console: Console) -> None:
    city = City(console, [camera(f"Portão {number}") for number in range(1, 5)])
    page = await console.as_role("operator", "/mural")
    await is_live(page)
    tile = page.locator(f".tile[data-camera='{city.cameras[0].id}']")
    await tile.focus()
    drawn = """async id => {
      const video = document.querySelector(`.tile[data-camera='${id}'] video`);
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
      const paint = canvas.getContext("2d");
      setInterval(() => paint.fillRect(0, 0, Math.random() * 64, 36), 40);
      video.srcObject = canvas.captureStream(25);
      await video.play();
      window.video = video;
    }"""
    await page.evaluate(drawn, str(city.cameras[0].id))
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        await page.keyboard.press(f"Shift+{key}")
    await expect(tile).to_be_focused()
    before = await page.evaluate("video.currentTime")
    await page.wait_for_function("before => !video.paused && video.currentTime > before + 0.2", arg=before, polling=100)


async def test_what_is_typed_into_a_form_outlives_live_updates(console: Console) -> None:
    city = City(console)
    page = await console.as_role("admin", f"/cameras/{city.cameras[0].id}")
    await is_live(page)
    await page.get_by_role("button", name="Editar").click()
    name = page.get_by_role("dialog").get_by_label("Nome")
    await name.fill("Portão da praça")
    data = {"camera_id": str(city.cameras[0].id), "name": "Portão 1", "state": "online", "since": None}
    console.live.say("camera", data)
    await expect(page.locator("header > .camera-state")).to_have_text("ao vivo")
    await expect(name).to_have_value("Portão da praça")
    await expect(name).to_be_focused()


async def test_who_clicks_beside_everything_has_the_focus_nowhere(console: Console) -> None:
    city = City(console)
    page = await console.as_role("operator", "/painel")
    await is_live(page)
    await page.get_by_role("link", name="Ver todos").focus()
    await page.locator("h1").click()
    city.say(city.raised())
    await expect(page.locator(".banner")).to_be_visible()
    assert await page.evaluate("document.activeElement.matches('body, #content')")
