"""No list is cut silently: more than a thousand cameras, ten thousand alerts, and counts that are true."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect
from tests.chassis.waiting import until
from tests.console.browsing import Console
from tests.console.rules.city import City, camera, is_live, read

from cameras.cameras.api import CameraOut
from gtvision.events import Severity

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

CAMERAS, ALERTS = 1_050, 10_000


def fleet() -> list[CameraOut]:
    return [camera(f"Câmera {number:04}", state="online" if number % 2 else "offline", cause=None) for number in range(1, CAMERAS + 1)]


async def scrolled_to(page: Page, selector: str) -> None:
    """Scrolls the list to its end, and on as it grows, until this is in it."""
    scroll = """wanted => {
      const box = document.querySelector(".virtual");
      box?.scrollTo(0, box.scrollHeight);
      return box?.querySelector(wanted);
    }"""
    await page.wait_for_function(scroll, arg=selector, polling=50)


async def test_each_of_a_thousand_cameras_is_counted_named_and_found(console: Console) -> None:
    city = City(console, fleet())
    page = await console.as_role("operator", "/painel")
    await expect(page.get_by_role("link", name="Câmeras 525 de 1050 no ar")).to_be_visible()
    last = city.cameras[-1]
    city.say(city.raised(Severity.WARNING, camera_id=last.id))
    await expect(page.get_by_role("region", name="Alertas abertos mais novos")).to_contain_text("Câmera 1050")
    await page.get_by_role("link", name="Câmeras", exact=True).click()
    await expect(page.get_by_text("1050 câmeras", exact=True)).to_be_visible()
    await scrolled_to(page, f"[data-camera='{last.id}']")
    await page.get_by_label("Nome ou código").fill("1049")
    await expect(page.get_by_text("1 de 1050 câmeras")).to_be_visible()


async def test_the_picker_finds_the_last_camera(console: Console) -> None:
    city = City(console, fleet())
    page = await console.as_role("operator", "/alertas")
    await page.get_by_text("Todas as câmeras", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Buscar câmera").fill("camera 1050")
    await dialog.get_by_label("Câmera 1050").check()
    await dialog.get_by_role("button", name="1 câmera").click()
    await page.wait_for_url(f"**/alertas?cameras={city.cameras[-1].id}")
    wanted = [str(city.cameras[-1].id)]
    await until(lambda: any(each.query.get("camera_id") == wanted for each in console.services.to("GET", "/alerts")))


async def test_reads_of_every_camera_have_their_names(console: Console) -> None:
    city = City(console, fleet())
    page = await console.as_role("operator", "/placas")
    await is_live(page)
    await page.get_by_text("Nenhuma placa foi lida ainda.").hover()  # under the pointer the list stays still
    seen = read(city.cameras[-1].id)
    console.live.say("detection", {"camera_id": seen["camera_id"], "captured_at": seen["captured_at"], "objects": [seen]})
    await page.get_by_role("button", name="1 nova leitura: mostrar").click()
    await expect(page.get_by_role("list", name="Leituras")).to_contain_text("Câmera 1050")
    await expect(page.get_by_text("câmera removida")).to_have_count(0)


async def test_ten_thousand_open_alerts_are_counted_and_can_all_be_reached(console: Console) -> None:
    city = City(console)
    for number in range(ALERTS):
        city.raised(Severity.INFO, plate=f"AB{number // 1000}C{number % 1000:03}")
    page = await console.as_role("operator", "/alertas")
    await expect(page).to_have_title("(10000) Alertas · GT-Vision")
    await expect(page.get_by_role("status").filter(has_text="abertos")).to_contain_text("10.000 abertos")
    await expect(page.get_by_text("200 carregados; role para ver mais")).to_be_visible()
    first = page.locator(f"[data-alert='{next(reversed(city.alerts))}'] .alert-what")
    await first.focus()
    oldest = next(iter(city.alerts))
    await scrolled_to(page, f"[data-alert='{oldest}']")
    await expect(page.get_by_text("10.000 na lista")).to_be_visible()
    await expect(first).to_be_focused()  # far away by now
    assert await page.locator(".virtual li").count() < 100


async def test_all_open_alerts_of_the_list_are_acknowledged_at_once(console: Console) -> None:
    city = City(console)
    for number in range(1_200):
        city.raised(Severity.INFO, plate=f"ABC{number:04}")
    page = await console.as_role("operator", "/alertas")
    await is_live(page)
    oldest = next(iter(city.alerts))
    await scrolled_to(page, f"[data-alert='{oldest}']")
    await page.get_by_label("Escolher todos os que estão na lista, menos os encerrados").check()
    await page.get_by_role("button", name="Ciente de 1200").click()
    await expect(page).to_have_title("Alertas · GT-Vision")
    asked = [len(each.body["alert_ids"]) for each in console.services.to("POST", "/alerts/acknowledge")]
    assert sum(asked) == 1_200
    assert max(asked) <= 500  # as many as the service takes


async def test_open_alerts_older_than_many_acknowledged_ones_are_there(console: Console) -> None:
    city = City(console)
    old = city.raised(Severity.WARNING, plate="OLD1D23")
    for number in range(150):
        city.acknowledged(city.raised(Severity.INFO, plate=f"ABC{number:04}"))
    page = await console.as_role("operator", "/painel")
    panel = page.get_by_role("region", name="Alertas abertos mais novos")
    await expect(panel.locator(f"[data-alert='{old.alert_id}']")).to_be_visible()
    await expect(panel.locator(".count")).to_have_text("1")
