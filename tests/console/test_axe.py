"""axe finds nothing on any screen, dark and light, on a control room's monitor and on a phone.

The screens are those of the console's own table, filled with what a city has, in their dialogs, and with nothing at all. What axe cannot
decide by itself is not looked at here.
"""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from axe_playwright_python.async_playwright import Axe
from PIL import Image
from playwright.async_api import Page, expect
from tests.console.browsing import STATE, Console, settled
from tests.console.rules.city import UNTOUCHED
from tests.console.screens import listing
from tests.console.screens.fleet import Fleet, camera
from tests.console.screens.ruling import Rules, rule
from tests.console.screens.storing import GIGA, forecast, hold, share
from tests.console.screens.telling import Channels, channel, delivery, on_call, policy
from tests.console.standins import Asked, Reply, paged
from tests.identity.running import EMAIL

from alerts.alerts.api import AlertOut, HistoryOut
from alerts.alerts.api import EntryOut as AlertEntryOut
from alerts.alerts.domain import AlertState, Step
from alerts.maintenance.api import HolidayBody, Holidays, WindowOut
from alerts.watchlists.api import WatchlistOut
from gtvision.camera import CameraState, ObjectClass
from gtvision.events import GapCause, Severity, StreamCause
from gtvision.ids import new_id
from gtvision.time import SystemClock
from ingest.detections.api import Bucket, HourOut, PlateReadOut, PlatesOut
from streaming.streams.api import StreamOut
from streaming.timeline.api import TimelineOut
from streaming.timeline.domain import Gap, Span, Timeline
from streaming.usage.api import DiskOut, StoppedOut, UsageOut

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.browser]

NOW = SystemClock().now()
DAY = timedelta(days=1)
MONITOR, PHONE = {"width": 1920, "height": 1080}, {"width": 390, "height": 844}
DIALOGS = {
    "/mural": ("Salvar arranjo", "Câmeras"),
    "/placas": ("Vigiar",),
    "/cameras": ("Adicionar câmera", "Importar CSV"),
    "/cameras/:id": ("Editar", "Remover"),
    "/listas": ("Nova lista",),
    "/listas/:id": ("Adicionar placa", "Colar várias", "Importar arquivo", "Editar"),
    "/regras/:id": ("Remover",),
    "/alertas/:id": ("Adiar",),
    "/canais": ("Conectar canal", "Editar"),
    "/envios": ("Tentativas",),
    "/escalonamento": ("Nova política", "Novo plantão"),
    "/manutencao": ("Planejar trabalho",),
    "/grupos": ("Novo grupo",),
    "/pessoas": ("Nova pessoa",),
    "/chaves": ("Nova chave",),
    "/armazenamento": ("Guardar gravações", "Encerrar"),
    "/auditoria": ("Exportar", "Abrir o registro"),
    "/cidades": ("Nova cidade", "Limites máximos"),
}
"""Path -> how the names of the buttons begin that open a dialog each."""
PURPOSE = f"""() => {{
  {STATE}.then(async ({{ me }}) => {{
    me.value = {{ ...me.value, purpose_required: true }};
    const {{ purposeFor }} = await import(document.querySelector("script[type=module]").src.replace("main.js", "purpose.js"));
    purposeFor(() => null).catch(() => null);
  }});
}}"""
"""JavaScript: asks for a purpose, as what needs one does in a city that requires it."""
GO = "async (to) => (await import(document.querySelector('script[type=module]').src.replace('main.js', 'router.js'))).go(to)"
AXE = "async (within) => (await axe.run(within ?? document, { resultTypes: ['violations'] })).violations"
VERSION = "document.querySelector('script[type=module]').src.split('/app/')[1].split('/')[0]"


def alert(severity: Severity, state: AlertState, watchlist: WatchlistOut, **more: Any) -> AlertOut:
    known: dict[str, Any] = {
        "alert_id": new_id(),
        "kind": "plate_watchlist",
        "severity": severity,
        "title": "Placa ABC1D23 da lista “Furtados” vista em Portão 2",
        "reason": "Furto",
        "state": state,
        "raised_at": NOW,
        "plate": "ABC1D23",
        "watchlist_id": watchlist.watchlist_id,
        "detection_id": new_id(),
        "captured_at": NOW,
        "last_seen_at": NOW,
        "sightings": 3,
        "acknowledged_by": None if state is AlertState.OPEN else new_id(),
        "acknowledged_at": None if state is AlertState.OPEN else NOW,
    }
    return AlertOut(**UNTOUCHED | known | more)


class City:
    """A city in use: something in every list, something wrong, and alerts of each severity."""

    def __init__(self, console: Console) -> None:
        services = console.services
        cameras = [
            camera("Portão 2"),
            camera("Avenida Brasil", state=CameraState.OFFLINE, cause=StreamCause.UNREACHABLE),
            camera("Praça", enabled=False, state=CameraState.DISABLED),
        ]
        fleet = Fleet(services, *cameras)
        fleet.group("Centro")
        gate = cameras[0]
        line = {"a": [0.1, 0.5], "b": [0.9, 0.5], "direction": "a_to_b"}
        hours = {"days": [0, 1], "from": "22:00", "to": "06:00", "holidays": "never"}
        drawn = rule("Pátio", camera_ids=[str(gate.id)], line=line, schedule=hours)
        Rules(services, drawn, rule("Ônibus", enabled=False, classes=["bus"], count={"at_least": 5, "within_s": 60}))
        watchlist = listing.watchlist("Furtados", severity=Severity.CRITICAL, entries=1, legal_basis="Convênio 12/2026")
        limits = {"hours": {"days": [0, 1], "from": "22:00", "to": "06:00"}, "camera_ids": [gate.id], "priority": Severity.INFO}
        entry = listing.entry(watchlist, "ABC1D23", reason="Furto", **limits)
        alerts = [alert(severity, AlertState.OPEN, watchlist, camera_id=gate.id) for severity in Severity]
        alerts.append(alert(Severity.WARNING, AlertState.ACKNOWLEDGED, watchlist, camera_id=gate.id))
        read = PlateReadOut(
            detection_id=new_id(),
            camera_id=gate.id,
            captured_at=NOW,
            object_class=ObjectClass.CAR,
            plate="ABC1D23",
            confidence=0.93,
            alternates=[("ABC1D28", 0.05)],
            box=(0.2, 0.2, 0.6, 0.6),
            plate_box=(0.3, 0.4, 0.4, 0.5),
            evidence_key=None,
            evidence_url=None,
            thumbnail_url=None,
        )
        usage = UsageOut(
            as_of=NOW,
            bytes_used=10**12,
            bytes_per_day=10**11,
            oldest=NOW,
            newest=NOW,
            disk=DiskOut(total_bytes=4 * 10**12, free_bytes=10**11),
            days_left=1.5,
            cameras_recording=1,
            cameras_not_recording_total=1,
            cameras_not_recording=[StoppedOut(camera_id=cameras[1].id, name=cameras[1].name, since=NOW, cause="unreachable")],
        )
        stream = StreamOut(
            camera_id=gate.id,
            name=gate.name,
            state=CameraState.ONLINE,
            cause=None,
            since=NOW,
            revision=1,
            codecs=("H264",),
            playable=True,
            unplayable_reason=None,
            webrtc=True,
            hls=True,
            hls_path="/hls/x",
            whep_path="/whep/x",
        )
        counts = {"critical": 1, "warning": 1, "info": 1, "total": 3}
        for path, body in {
            "/alerts": paged(alerts),
            "/alerts/*": alerts[0],
            "/alerts/changes": {"items": [], "last": 1},
            "/alerts/*/history": HistoryOut(items=[AlertEntryOut(at=NOW, what=Step.RAISED, user_id=None, text="Furto")]),
            "/alerts/summary": {"open": counts, "newest_open": alerts[0]},
            "/watchlists": paged([watchlist]),
            "/watchlists/*": watchlist,
            "/watchlists/*/entries": paged([entry]),
            "/detections": paged([]),
            "/detections/*/evidence": Reply(body=picture(), headers={"content-type": "image/jpeg"}),
            "/detections/*/thumbnail": Reply(body=picture(), headers={"content-type": "image/jpeg"}),
            "/plates/*": paged([read]),
            "/analytics/plates": PlatesOut(bucket=Bucket.HOUR, items=[HourOut(hour=NOW, plates=12)], total=12),
            "/recordings/usage": usage,
            "/recordings/forecast": forecast(
                share(gate, 300), share(cameras[1], 600, days_kept=3.5), full_of_held=True, held_bytes=200 * GIGA, quota_bytes=1_000 * GIGA
            ),
            "/recordings/timeline": _timeline,
            "/recordings/clips": paged([]),
            "/holds": paged([hold(gate.id), hold(None, lifted_at=NOW, lifted_by=new_id())]),
            "/snapshots/*": Reply(body=picture(), headers={"content-type": "image/jpeg"}),
            "/streams": paged([stream]),
            "/streams/*": stream,
            "/cameras/*/history": paged([]),
        }.items():
            services.answer("GET", path, body)
        told = channel("Plantão", trouble={"since": NOW, "detail": "503 Service Unavailable"})
        Channels(services, told, channel("Central", enabled=False))
        group = on_call(told)
        turn = {"group_id": group["group_id"], "group_name": group["name"], "member": "Ana", "from": NOW - DAY, "to": NOW + DAY}
        work = {"name": "Troca do switch", "starts_at": NOW, "ends_at": NOW + DAY, "created_at": NOW}
        window = WindowOut(window_id=new_id(), camera_ids=(), group_ids=(), **work)
        sent = delivery(told)
        for path, body in {
            "/deliveries": paged([sent, delivery(told, state="delivered", delivered_at=NOW)]),
            "/deliveries/*": {**sent, "tries": [{"at": NOW, "outcome": "later", "detail": "503", "took_ms": 12}]},
            "/escalation/policies": paged([policy(told, group)]),
            "/escalation/groups": paged([group]),
            "/escalation/on-call": paged([turn]),
            "/maintenance": paged([window]),
            "/maintenance/holidays": Holidays(dates=[HolidayBody(date=NOW.date(), name="Natal")]),
        }.items():
            services.answer("GET", path, body)
        self.ids = {"/cameras/:id": gate.id, "/alertas/:id": alerts[0].alert_id}
        self.ids |= {"/listas/:id": watchlist.watchlist_id, "/regras/:id": drawn["rule_id"]}
        self.queries = {"/placas": "?plate=ABC1D23", "/gravacoes": f"?camera={gate.id},{cameras[1].id}"}
        self.reads = {"/placas": f"?plate=ABC1D23&read={read.detection_id}", "/armazenamento": "?view=holds"}


def _timeline(asked: Asked) -> TimelineOut:
    """Nothing but gaps, one of each cause."""
    start, end = (datetime.fromisoformat(asked.value(name)) for name in ("from", "to"))
    step = (end - start) / len(GapCause)
    gaps = [Gap(start + place * step, start + (place + 1) * step, cause, "") for place, cause in enumerate(GapCause)]
    return TimelineOut.of(Timeline(UUID(asked.value("camera_id")), Span(start, end), (), gaps, None), None)


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 180), "#345").save(out, "JPEG")
    return out.getvalue()


async def shown(console: Console, email: str, size: Any, scheme: Any) -> Page:
    page = await console.as_user(email)
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    return page


async def addresses(page: Page, ids: dict[str, Any]) -> dict[str, str]:
    """Returns path -> address of the screens that the user may open, of those with an id only what there is."""
    version = await page.evaluate(VERSION)
    table = f"import('/app/{version}/shell/screens.js')"
    paths = await page.evaluate(f"{table}.then(({{ SCREENS, isOpen }}) => SCREENS.filter(isOpen).map(({{ path }}) => path))")
    known = ids | {"/pessoas/:id": await page.evaluate(f"{STATE}.then(({{ me }}) => me.value.id)")}
    return {path: path.replace(":id", str(known.get(path))) for path in paths if ":id" not in path or path in known}


async def is_there(page: Page, address: str) -> None:
    """Goes to the screen as a link does: to load the page anew for each of them takes longer than to look at it."""
    await page.evaluate(GO, address)
    await settled(page)
    await expect(page.locator("#content h1")).to_be_visible()
    await expect(page.locator("#content .skeleton")).to_have_count(0)


async def findings(page: Page, within: str | None = None) -> list[str]:
    """Returns what axe finds on the page as it is, or in a part of it, each with the first place."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(Axe().axe_script)
    found = await page.evaluate(AXE, within)
    firsts = [(each["id"], each["impact"], each["nodes"][0]) for each in found]
    return [f"{name} ({impact}): {node['html'][:200]} {node['failureSummary'][:300]}" for name, impact, node in firsts]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [MONITOR, PHONE], ids=["monitor", "phone"])
async def test_axe_finds_nothing(console: Console, scheme: Any, size: Any) -> None:
    city = City(console)
    page = await console.tab()
    await page.set_viewport_size(size)
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await expect(page.get_by_label("E-mail")).to_be_visible()
    found = {"the login": await findings(page)}
    await page.close()
    page = await shown(console, EMAIL, size, scheme)
    for path, address in (await addresses(page, city.ids)).items():
        await is_there(page, f"{address}{city.queries.get(path, '')}")
        found[path] = await findings(page)
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize(("size", "scheme"), [(MONITOR, "dark"), (PHONE, "light")], ids=["monitor-dark", "phone-light"])
async def test_axe_finds_nothing_in_dialogs(console: Console, scheme: Any, size: Any) -> None:
    city = City(console)
    page = await shown(console, EMAIL, size, scheme)
    dialogs, found = page.locator("dialog[open]"), {}
    known = await addresses(page, city.ids)
    for path, names in DIALOGS.items():
        await is_there(page, f"{known[path]}{city.reads.get(path, '')}")
        if path == "/placas":
            await expect(page.get_by_role("button", name=re.compile("^Vigiar"))).to_be_visible()
        before = await dialogs.count()  # on a phone a read is shown in one
        for name in names:
            await page.locator("#content").get_by_role("button", name=re.compile(f"^{name}")).first.click()
            await expect(dialogs).to_have_count(before + 1)
            await expect(dialogs.last.locator(".skeleton")).to_have_count(0)
            found[f"{path} {name}"] = await findings(page, "dialog[open]")
            await page.keyboard.press("Escape")
            await expect(dialogs).to_have_count(before)
    await page.evaluate(PURPOSE)
    await expect(dialogs).to_have_count(1)
    found["the purpose"] = await findings(page, "dialog[open]")
    assert {dialog: each for dialog, each in found.items() if each} == {}


@pytest.mark.parametrize(
    ("role", "size", "scheme"),
    [("admin", MONITOR, "light"), ("operator", PHONE, "dark")],
    ids=["admin-monitor-light", "operator-phone-dark"],
)
async def test_axe_finds_nothing_in_an_empty_city(console: Console, role: str, scheme: Any, size: Any) -> None:
    page = await shown(console, await console.user(role), size, scheme)
    found = {}
    for path, address in (await addresses(page, {})).items():
        await is_there(page, address)
        found[path] = await findings(page)
    assert {path: each for path, each in found.items() if each} == {}
