"""What is typed, ticked and shown stays as it is while live data goes on, in a real browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect
from tests.console.browsing import Console
from tests.console.rules.city import UNTOUCHED
from tests.console.screens.fleet import Fleet, camera
from tests.console.standins import Asked, Reply, paged, problem

from alerts.alerts.api import AcknowledgedOut, AlertOut
from alerts.alerts.domain import AlertState
from gtvision.camera import CameraState
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.time import SystemClock, isoformat

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]


def moved(camera_id: Any, state: str = "degraded") -> dict[str, Any]:
    """A live message on another state of the camera."""
    return {"camera_id": str(camera_id), "state": state, "cause": "no_progress", "since": "2026-11-29T08:00:00Z"}


def raised(plate: str, **more: Any) -> AlertOut:
    """An open alert on a plate."""
    now = SystemClock().now()
    known: dict[str, Any] = {
        "alert_id": new_id(),
        "kind": "watchlist_hit",
        "severity": Severity.CRITICAL,
        "title": f"Placa {plate}",
        "reason": "roubado",
        "state": AlertState.OPEN,
        "raised_at": now,
        "camera_id": None,
        "plate": plate,
        "watchlist_id": None,
        "detection_id": None,
        "captured_at": now,
        "last_seen_at": now,
        "sightings": 1,
        "acknowledged_by": None,
        "acknowledged_at": None,
    }
    return AlertOut(**UNTOUCHED | known | more)


def acknowledged(alert: AlertOut) -> AlertOut:
    return alert.model_copy(update={"state": AlertState.ACKNOWLEDGED, "acknowledged_by": new_id(), "acknowledged_at": SystemClock().now()})


class Alerts:
    """Answers for `/alerts`: those of the list, and others that are only read by themselves."""

    def __init__(self, console: Console, listed: list[AlertOut], others: list[AlertOut] | None = None) -> None:
        self.all = {str(each.alert_id): each for each in [*listed, *(others or [])]}
        self.listed = [str(each.alert_id) for each in listed]
        console.services.answer("GET", "/alerts", self._page)
        console.services.answer("GET", "/alerts/????????-*", lambda asked: self.all[asked.path.split("/")[2]])
        console.services.answer("GET", "/alerts/*/history", {"items": []})
        console.services.answer("POST", "/alerts/*/acknowledge", lambda asked: self._one(asked.path.split("/")[2]))
        console.services.answer("POST", "/alerts/acknowledge", self._several)

    def _page(self, asked: Asked) -> Any:
        states = asked.query.get("state")
        return paged([self.all[each] for each in self.listed if not states or self.all[each].state in states])(asked)

    def _several(self, asked: Asked) -> AcknowledgedOut:
        """All but the first exist."""
        first, *rest = asked.body["alert_ids"]
        return AcknowledgedOut(acknowledged=[self._one(each) for each in rest], not_found=[first])

    def _one(self, alert_id: str) -> AlertOut:
        self.all[alert_id] = acknowledged(self.all[alert_id])
        return self.all[alert_id]


async def test_the_end_of_a_key_stays_as_its_maker_chose_it(console: Console) -> None:
    page = await console.as_role("admin", "/chaves")
    await page.get_by_role("button", name="Nova chave").click()
    dialog = page.get_by_role("dialog")
    until = dialog.get_by_label("Válida até")
    chosen = await until.evaluate("field => new Date(Date.parse(field.min) + 3 * 86400000).toISOString().slice(0, 10)")
    await until.fill(chosen)
    await dialog.get_by_role("checkbox").first.check()
    await expect(until).to_have_value(chosen)


async def test_what_is_typed_of_a_camera_stays_while_its_groups_and_state_change(console: Console) -> None:
    gate, yard = camera("Portão 2"), camera("Pátio")
    fleet = Fleet(console.services, gate, yard)
    fleet.group("Centro")
    console.services.answer("GET", "/cameras/*/history", paged([]))
    page = await console.as_role("admin", f"/cameras/{gate.id}")
    await page.get_by_role("button", name="Editar", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Nome").fill("Portão dos fundos")
    await dialog.get_by_label("Câmera em uso").uncheck()
    await dialog.get_by_label("Centro").check()
    console.live.say("camera", moved(gate.id))
    await expect(page.locator(".camera > header")).to_contain_text("com falhas")
    await expect(dialog.get_by_label("Nome")).to_have_value("Portão dos fundos")
    await expect(dialog.get_by_label("Câmera em uso")).not_to_be_checked()
    await expect(dialog.get_by_label("Centro")).to_be_checked()


async def test_an_acknowledged_alert_is_seen_as_such_also_outside_of_the_list_and_without_the_live_link(console: Console) -> None:
    listed, old = [raised("ABC1D23"), raised("BRA2E19"), raised("QWE4R56")], raised("OLD1A11")
    Alerts(console, listed, [old])
    page = await console.as_role("operator", f"/alertas/{old.alert_id}")
    detail = page.get_by_role("article", name="Alerta escolhido")
    await page.get_by_label("Escolher: QWE4R56").check()
    await detail.get_by_role("button", name="Ciente: OLD1A11").click()
    await expect(detail).to_contain_text("ciente desde")
    await expect(detail.get_by_role("button", name="Ciente: OLD1A11")).to_have_count(0)

    row = page.locator(f"[data-alert='{listed[0].alert_id}']")
    await row.get_by_role("button", name="Ciente: ABC1D23").click()
    await expect(row).to_have_attribute("data-state", "acknowledged")
    await expect(page.get_by_label("Escolher: QWE4R56")).to_be_checked()

    await page.get_by_label("Escolher: BRA2E19").check()
    await page.get_by_role("button", name="Ciente de 2").click()
    await expect(page.get_by_role("button", name="Ciente de")).to_have_count(0)
    await expect(page.locator(f"[data-alert='{listed[1].alert_id}']")).to_have_attribute("data-state", "acknowledged")
    await expect(page.get_by_text("Alerta marcado como ciente.").first).to_be_visible()
    await expect(page.get_by_text("2 alertas marcados como cientes.")).to_have_count(0)


async def test_the_detail_of_one_alert_never_stands_at_the_address_of_another(console: Console) -> None:
    one, other = raised("OLD1A11"), raised("OLD2B22")
    Alerts(console, [], [one, other])
    page = await console.as_role("operator", f"/alertas/{one.alert_id}")
    detail = page.get_by_role("article", name="Alerta escolhido")
    await expect(detail).to_contain_text("OLD1A11")
    asked, answered = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answered.wait()
        await route.fallback()

    await page.route(f"**/alerts/{other.alert_id}", late)
    there = "path => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')) }"
    await page.evaluate(there, f"/alertas/{other.alert_id}")
    await asked.wait()
    await expect(detail).to_have_count(0)
    answered.set()
    await expect(detail).to_contain_text("OLD2B22")


@pytest.mark.parametrize("path", ["/alertas?from=abc&to=2026", "/placas?from=abc", "/auditoria?from=abc"])
async def test_an_address_with_garbage_for_a_time_shows_the_screen(console: Console, path: str) -> None:
    page = await console.as_role("admin", path)
    await expect(page.get_by_label("De", exact=True)).to_have_value("")


async def test_a_held_list_stays_where_it_is_when_its_first_row_goes(console: Console) -> None:
    shown = [raised("ABC1D23"), raised("BRA2E19")]
    Fleet(console.services, camera("Portão 2"))
    Alerts(console, shown)
    page = await console.as_role("operator", "/painel")
    panel = page.get_by_role("region", name="Alertas abertos mais novos")
    rows = panel.locator("li")
    await panel.get_by_role("button", name="Ciente: BRA2E19").focus()
    for plate in ("NEW1A11", "NEW2B22"):
        console.live.say("alert", raised(plate))
    await expect(panel.get_by_role("button", name="2 novos alertas: mostrar")).to_be_visible()
    console.live.say("alert", acknowledged(shown[0]))
    await expect(panel.get_by_text("ABC1D23")).to_have_count(0)
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("BRA2E19")
    await expect(panel.get_by_role("button", name="2 novos alertas: mostrar")).to_be_visible()


async def test_cameras_beyond_the_tiles_of_the_wall_are_kept_and_preselected(console: Console) -> None:
    fleet = [camera(f"Câmera {number:02}") for number in range(30)]
    Fleet(console.services, *fleet)
    page = await console.as_role("operator", "/mural")
    tools = page.locator(".wall-tools")
    await tools.get_by_role("button", name="16 câmeras").click()
    await tools.get_by_role("button", name="Câmeras", exact=True).click()
    dialog = page.get_by_role("dialog")
    for number in range(4, 16):
        await dialog.get_by_role("checkbox", name=f"Câmera {number:02}").check()
    await dialog.get_by_role("button", name="16 câmeras").click()
    slots = page.locator(".wall-slot[data-camera]")
    await expect(slots).to_have_count(16)

    await tools.get_by_role("button", name="4 câmeras", exact=True).click()
    await expect(slots).to_have_count(4)
    await page.get_by_role("button", name="Tirar Câmera 01 do mural").click()
    await expect(slots).to_have_count(3)
    await tools.get_by_role("button", name="Câmeras", exact=True).click()
    await expect(dialog.get_by_role("button", name="15 câmeras")).to_be_visible()
    await page.keyboard.press("Escape")
    await tools.get_by_role("button", name="16 câmeras").click()
    await expect(slots).to_have_count(15)


async def test_the_choice_of_cameras_says_where_it_ends(console: Console) -> None:
    Fleet(console.services, *[camera(f"Câmera {number:02}") for number in range(26)])
    page = await console.as_role("operator", "/mural")
    await page.locator(".wall-tools").get_by_role("button", name="Câmeras", exact=True).click()
    dialog = page.get_by_role("dialog")
    for number in range(4, 25):
        await dialog.get_by_role("checkbox", name=f"Câmera {number:02}").check()
    await expect(dialog.get_by_text("No máximo 25 câmeras")).to_be_visible()
    await expect(dialog.get_by_role("checkbox", name="Câmera 25")).to_be_disabled()
    await dialog.get_by_role("checkbox", name="Câmera 24").uncheck()
    await expect(dialog.get_by_role("checkbox", name="Câmera 25")).to_be_enabled()


async def test_a_file_as_excel_saves_it_in_brazil_keeps_its_accents_and_a_failure_at_the_end_ends_the_import(console: Console) -> None:
    Fleet(console.services)
    console.services.answer("POST", "/cameras", lambda asked: Reply(201, camera(asked.body["name"])))
    page = await console.as_role("admin", "/cameras?import=1")
    dialog = page.get_by_role("dialog")
    text = "nome;url\r\nPortão São João;rtsp://10.0.0.5/1\r\n"
    await dialog.get_by_label("Arquivo CSV").set_input_files({"name": "c.csv", "mimeType": "text/csv", "buffer": text.encode("cp1252")})
    await expect(dialog.get_by_role("rowheader", name="Portão São João")).to_be_visible()
    console.services.answer("GET", "/groups", problem(503, "unavailable"))
    await dialog.get_by_role("button", name="Importar 1").click()
    await expect(dialog.get_by_role("status").first).to_contain_text("1 câmera importada")
    assert console.services.to("POST", "/cameras")[0].body["name"] == "Portão São João"


async def test_after_an_acknowledgement_the_next_one_has_the_focus(console: Console) -> None:
    Fleet(console.services, camera("Portão 2"))
    Alerts(console, [raised("ABC1D23"), raised("BRA2E19"), raised("QWE4R56")])
    page = await console.as_role("operator", "/painel")
    panel = page.get_by_role("region", name="Alertas abertos mais novos")
    await panel.get_by_role("button", name="Ciente: BRA2E19").press("Enter")
    await expect(panel.get_by_role("button", name="Ciente: BRA2E19")).to_have_count(0)
    await expect(panel.get_by_role("button", name="Ciente: QWE4R56")).to_be_focused()


async def test_the_dashboard_says_what_it_could_not_read_and_leads_to_all_that_need_attention(console: Console) -> None:
    ill = [camera(f"Câmera {number:02}", state=state) for number in range(7) for state in (CameraState.OFFLINE, CameraState.DEGRADED)]
    Fleet(console.services, camera("Portão 2"), *ill)
    console.services.answer("GET", "/recordings/usage", problem(503, "unavailable"))
    page = await console.as_role("operator", "/painel")
    await expect(page.locator(".dashboard-figures").get_by_role("button", name="Tentar de novo").first).to_be_visible()
    await page.get_by_role("link", name="Ver todas as 14").click()
    await expect(page.get_by_label("Estado")).to_have_value("down")
    await expect(page.get_by_text("14 de 15 câmeras")).to_be_visible()


async def test_the_reads_of_a_camera_are_cut_at_an_end_and_can_be_read_on(console: Console) -> None:
    gate = camera("Portão 2")
    Fleet(console.services, gate)
    console.services.answer("GET", "/cameras/*/history", paged([]))
    page = await console.as_role("operator", f"/cameras/{gate.id}")
    panel = page.get_by_role("region", name="Placas lidas por esta câmera")
    await expect(panel.get_by_text("Nenhuma placa lida por esta câmera.")).to_be_visible()
    now = isoformat(SystemClock().now())
    read = {"camera_id": str(gate.id), "captured_at": now, "plate_confidence": 0.9}
    objects = [{**read, "detection_id": str(new_id()), "plate": f"ABC{number:04}"} for number in range(250)]
    console.live.say("detection", {"camera_id": str(gate.id), "captured_at": now, "objects": objects})
    await expect(panel.locator("li")).to_have_count(200)
    await expect(panel.locator("li").first).to_contain_text(str(SystemClock().now().year))
    before = len(console.services.to("GET", "/detections"))
    await panel.get_by_role("button", name="Carregar mais").click()
    await expect(panel.get_by_text("Nenhuma placa lida por esta câmera.")).to_be_visible()
    assert len(console.services.to("GET", "/detections")) == before + 1


async def test_an_alert_is_opened_without_taking_the_focus_out_of_the_list(console: Console) -> None:
    Alerts(console, [raised("ABC1D23"), raised("BRA2E19")])
    page = await console.as_role("operator", "/alertas")
    row = page.locator(".alert-row", has_text="BRA2E19").locator(".alert-what")
    await row.press("Enter")
    await expect(page.get_by_role("article", name="Alerta escolhido")).to_contain_text("BRA2E19")
    await expect(row).to_be_focused()
