"""What is typed, ticked and shown stays as it is while live data goes on, in a real browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from playwright.async_api import Route, expect
from tests.console.browsing import Console
from tests.console.screens.fleet import Fleet, camera
from tests.console.standins import Asked, paged

from alerts.alerts.api import AcknowledgedOut, AlertOut
from alerts.alerts.domain import AlertState
from gtvision.events import Severity
from gtvision.ids import new_id
from gtvision.time import SystemClock

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
    return AlertOut(**known | more)


def acknowledged(alert: AlertOut) -> AlertOut:
    return alert.model_copy(update={"state": AlertState.ACKNOWLEDGED, "acknowledged_by": new_id(), "acknowledged_at": SystemClock().now()})


class Alerts:
    """Answers for `/alerts`: those of the list, and others that are only read by themselves."""

    def __init__(self, console: Console, listed: list[AlertOut], others: list[AlertOut] | None = None) -> None:
        self.all = {str(each.alert_id): each for each in [*listed, *(others or [])]}
        console.services.answer("GET", "/alerts", paged(listed))
        console.services.answer("GET", "/alerts/????????-*", lambda asked: self.all[asked.path.split("/")[2]])
        console.services.answer("POST", "/alerts/*/acknowledge", lambda asked: acknowledged(self.all[asked.path.split("/")[2]]))
        console.services.answer("POST", "/alerts/acknowledge", self._several)

    def _several(self, asked: Asked) -> AcknowledgedOut:
        """All but the first exist."""
        first, *rest = asked.body["alert_ids"]
        return AcknowledgedOut(acknowledged=[acknowledged(self.all[each]) for each in rest], not_found=[first])


async def test_the_end_of_a_key_stays_as_its_maker_chose_it(console: Console) -> None:
    page = await console.as_role("admin", "/chaves")
    await page.get_by_role("button", name="Nova chave").first.click()
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
    await console.live.subscribed()
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
    await expect(page.get_by_role("button", name="Ciente de 0")).to_be_disabled()
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
