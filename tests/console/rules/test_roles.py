"""Each role sees what it may: nothing is asked for that would be refused, nothing waits for ever, nothing leads nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from playwright.async_api import Page, Response, expect
from tests.console.browsing import Console, settled
from tests.console.rules.city import City, camera
from tests.console.standins import Asked, problem

from alerts.alerts.api import router as alerts
from alerts.watchlists.api import router as watchlists
from cameras.cameras.api import router as cameras
from cameras.groups.api import router as groups
from cameras.layouts.api import router as layouts
from gtvision.events import Severity
from gtvision.tenancy import ROLE_SCOPES, Role
from ingest.detections.api import router as detections
from streaming.forecast.api import router as forecast
from streaming.recordings.api import router as recordings
from streaming.retention.api import router as holds
from streaming.streams.api import router as streams
from streaming.timeline.api import router as timeline
from streaming.usage.api import router as usage

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

ROUTERS: list[APIRouter] = [alerts, watchlists, cameras, groups, layouts, detections, recordings, usage, forecast, holds, streams, timeline]


def guarded() -> Iterator[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Yields method, path and scopes (one of which is needed) of every route, as the services declare them."""
    for router in ROUTERS:
        for route in router.routes:
            found: Any = route
            scopes = {scope for each in found.dependant.dependencies for scope in each.own_oauth_scopes or []}
            path = re.compile(re.sub(r"\{[^}]+\}", "[^/]+", found.path.removeprefix("/api/v1")))
            yield from ((method, path, frozenset(scopes)) for method in found.methods)


GUARDED = list(guarded())


def guard(console: Console, role: Role) -> None:
    """Lets the services' stand-ins refuse what this role may not do, as the services do."""
    answers = console.services._found

    def checked(asked: Asked) -> Any:
        for method, path, scopes in GUARDED:
            if method == asked.method and path.fullmatch(asked.path):
                return answers(asked) if not scopes or scopes & set(map(str, ROLE_SCOPES[role])) else problem(403, "missing_scope")
        return answers(asked)

    console.services._found = checked  # type: ignore[method-assign]


def refused(page: Page) -> list[str]:
    """Returns the list to which each refusal of the API is added."""
    found: list[str] = []

    def see(response: Response) -> None:
        if response.status == 403:
            found.append(f"{response.request.method} {response.url}")

    page.on("response", see)
    return found


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR, Role.OPERATOR, Role.ADMIN])
async def test_no_screen_asks_for_what_is_refused_or_waits_for_ever(console: Console, role: Role) -> None:
    guard(console, role)
    city = City(console, [camera("Portão 1", state="online", cause=None), camera("Portão 2")])
    alert = city.raised(Severity.WARNING)
    page = await console.as_role(role.value)
    refusals = refused(page)
    screens: list[str] = await page.eval_on_selector_all(".side a", "links => links.map((link) => link.getAttribute('href'))")
    assert len(screens) >= 3
    for path in ["/", *screens, f"/alertas/{alert.alert_id}", f"/cameras/{city.cameras[0].id}", "/conta", "/ajuda"]:
        await page.goto(f"{console.address}{path}")
        await expect(page.locator(".screen h1, .screen h2").first).to_be_visible()
        await expect(page.locator("#content .skeleton")).to_have_count(0)
        await expect(page.locator("#content .empty[role=alert]")).to_have_count(0)
        await settled(page)
        assert not refusals, path


async def test_a_viewer_sees_alerts_without_what_a_viewer_may_not_do(console: Console) -> None:
    guard(console, Role.VIEWER)
    city = City(console)
    alert = city.raised(detection_id="0190a5c2-0000-7000-8000-0000000000d1")
    page = await console.as_role("viewer", f"/alertas/{alert.alert_id}")
    refusals = refused(page)
    await expect(page.get_by_text("Sua conta não abre imagens.")).to_be_visible()
    await expect(page.get_by_role("button", name="Ciente")).to_have_count(0)
    await expect(page.get_by_role("link", name="Ver passagens desta placa")).to_have_count(0)
    await settled(page)
    assert not refusals
    await page.goto(f"{console.address}/conta")
    here = page.get_by_role("region", name="Neste navegador")
    await expect(here.get_by_label("Atalhos de teclado")).to_be_visible()
    await expect(here.get_by_label("Som dos alertas")).to_have_count(0)


async def test_an_auditor_begins_with_the_audit_and_is_offered_no_live_pictures(console: Console) -> None:
    guard(console, Role.AUDITOR)
    city = City(console)
    page = await console.as_role("auditor")
    await page.wait_for_url("**/auditoria")
    await expect(page.get_by_role("link", name="Mural")).to_have_count(0)
    await page.goto(f"{console.address}/cameras/{city.cameras[0].id}")
    await expect(page.get_by_role("heading", name="Portão 1")).to_be_visible()
    await expect(page.locator(".tile")).to_have_count(0)
    await page.goto(f"{console.address}/mural")
    await expect(page.get_by_role("heading", name="Esta página não existe, ou não é para o seu papel.")).to_be_visible()
