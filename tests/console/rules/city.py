"""A city for the console: cameras, and alerts that are raised, listed in pages, counted and acknowledged as the service does it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from playwright.async_api import Page, expect
from tests.console.browsing import Console, settled
from tests.console.standins import Answer, Asked, Reply, paged, problem

from alerts.alerts.api import AcknowledgedOut, AlertOut, ChangesOut, EntryOut, HistoryOut, OpenCounts, ResolvedOut, SummaryOut
from alerts.alerts.domain import AlertState, Step
from cameras.cameras.api import CameraOut
from gtvision.camera import AiSettings, RecordingSettings
from gtvision.events import Severity
from gtvision.time import SystemClock

BEGAN = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNTOUCHED: dict[str, Any] = {
    "camera_ids": [],
    "rule_id": None,
    "resolved_by": None,
    "resolved_at": None,
    "assigned_to": None,
    "snoozed_until": None,
    "is_possible": False,
    "alternatives": [],
    "details": {},
    "comments": 0,
    "change": 1,
}
"""What an alert has that nobody has done anything with."""
AWAY = Reply(502, b"<html>Bad Gateway</html>", {"content-type": "text/html"})
"""What a proxy says for a service that is away."""


def camera(name: str = "Portão 2", **changes: Any) -> CameraOut:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "name": name,
        "url": "rtsp://10.0.0.5:554/ch1",
        "external_id": None,
        "groups": [],
        "enabled": True,
        "recording": RecordingSettings(),
        "ai": AiSettings(),
        "state": "offline",
        "since": BEGAN,
        "cause": "unreachable",
        "revision": 1,
        "created_at": BEGAN,
        "updated_at": BEGAN,
    }
    return CameraOut(**fields | changes)


def read(camera_id: UUID, **changes: Any) -> dict[str, Any]:
    """A plate that was read, as the API and the live link say it."""
    fields: dict[str, Any] = {
        "detection_id": uuid4(),
        "camera_id": camera_id,
        "captured_at": BEGAN,
        "object_class": "car",
        "confidence": 0.9,
        "plate": "ABC1D23",
        "plate_confidence": 0.9,
        "plate_alternates": [],
        "box": [0, 0, 1, 1],
        "plate_box": None,
    }
    return fields | changes


class City:
    """What the console's services know. `raised` tells nobody: a test says it on the live link where it is to be heard."""

    def __init__(self, console: Console, cameras: list[CameraOut] | None = None) -> None:
        self.console = console
        self.cameras = cameras if cameras is not None else [camera("Portão 1"), camera("Portão 2")]
        self.alerts: dict[UUID, AlertOut] = {}
        self.last = 0
        """Number of the last change of an alert."""
        self.told: list[EntryOut] = []
        """What the history of an alert has beside its beginning."""
        self.is_away = False
        """Whether the services answer as a proxy does whose services are being restarted."""
        services = console.services
        for method, path, answer in (
            ("GET", "/cameras", self._cameras),
            ("GET", "/cameras/*", self._camera),
            ("GET", "/cameras/*/history", paged([])),
            ("GET", "/alerts/*", self._alert),
            ("GET", "/alerts/summary", self._summary),
            ("GET", "/alerts/changes", self._changes),
            ("GET", "/alerts/*/history", self._history),
            ("GET", "/alerts", self._page),
            ("POST", "/alerts/*/acknowledge", self._acknowledge),
            ("POST", "/alerts/acknowledge", self._acknowledge_several),
            ("POST", "/alerts/resolve", self._resolve_several),
            ("POST", "/alerts/*/comments", self._comment),
            ("PUT", "/alerts/*/assignee", self._assign),
            ("PUT", "/alerts/*/snooze", self._snooze),
        ):
            services.answer(method, path, self._unless_away(answer))

    def raised(self, severity: Severity = Severity.CRITICAL, plate: str | None = "ABC1D23", **changes: Any) -> AlertOut:
        moment = BEGAN + timedelta(seconds=len(self.alerts))
        fields: dict[str, Any] = {
            "alert_id": uuid4(),
            "kind": "watchlist",
            "severity": severity,
            "title": f"Placa {plate}",
            "reason": "roubado",
            "state": AlertState.OPEN,
            "raised_at": moment,
            "camera_id": self.cameras[0].id if self.cameras else None,
            "plate": plate,
            "watchlist_id": None,
            "detection_id": None,
            "captured_at": moment,
            "last_seen_at": moment,
            "sightings": 1,
            "acknowledged_by": None,
            "acknowledged_at": None,
        } | UNTOUCHED
        self.last += 1
        fields["change"] = self.last
        alert = AlertOut(**fields | changes)
        self.alerts[alert.alert_id] = alert
        return alert

    def say(self, alert: AlertOut) -> None:
        """Tells the open pages of an alert as it is now."""
        self.console.live.say("alert", self.alerts[alert.alert_id])

    def acknowledged(self, alert: AlertOut) -> None:
        """Somebody else has acknowledged it."""
        self._take(alert.alert_id)

    def _unless_away(self, answer: Answer) -> Answer:
        return lambda asked: AWAY if self.is_away else answer(asked)

    def _cameras(self, asked: Asked) -> Any:
        return paged(self.cameras)(asked)

    def _camera(self, asked: Asked) -> Any:
        return next((each for each in self.cameras if asked.path.endswith(str(each.id))), problem(404, "not_found"))

    def _found(self, asked: Asked) -> list[AlertOut]:
        awake = asked.value("awake") == "true"
        states, severities, lists = (asked.query.get(name) for name in ("state", "severity", "watchlist_id"))
        kept = [each for each in self.alerts.values() if (not states or each.state in states) and (not awake or _is_awake(each))]
        kept = [each for each in kept if not severities or each.severity in severities]
        kept = [each for each in kept if not lists or str(each.watchlist_id) in lists]
        kinds, people = asked.query.get("kind"), asked.query.get("assigned_to")
        kept = [each for each in kept if (not kinds or each.kind in kinds) and (not people or str(each.assigned_to) in people)]
        return sorted(kept, key=lambda each: each.raised_at, reverse=True)

    def _page(self, asked: Asked) -> Any:
        return paged(self._found(asked))(asked)

    def _alert(self, asked: Asked) -> Any:
        return self.alerts.get(UUID(asked.path.split("/")[2]), problem(404, "not_found"))

    def _summary(self, _asked: Asked) -> SummaryOut:
        opened = [each for each in self.alerts.values() if _is_awake(each) and each.state == AlertState.OPEN]
        counts = {str(severity): sum(each.severity == severity for each in opened) for severity in Severity}
        return SummaryOut(open=OpenCounts(**counts, total=len(opened)), newest_open=opened[-1] if opened else None)

    def _change(self, alert_id: UUID, **changes: Any) -> AlertOut:
        """Changes an alert as the service does, and tells the open pages of it."""
        self.last += 1
        changed = self.alerts[alert_id].model_copy(update=changes | {"change": self.last})
        self.alerts[alert_id] = changed
        self.console.live.say("alert", changed)
        return changed

    def _take(self, alert_id: UUID) -> AlertOut:
        moment = BEGAN + timedelta(hours=1)
        return self._change(alert_id, state=AlertState.ACKNOWLEDGED, acknowledged_by=uuid4(), acknowledged_at=moment)

    def _resolve(self, alert_id: UUID) -> AlertOut:
        return self._change(alert_id, state=AlertState.RESOLVED, resolved_by=uuid4(), resolved_at=BEGAN + timedelta(hours=2))

    def _acknowledge(self, asked: Asked) -> Any:
        alert_id = UUID(asked.path.split("/")[2])
        return self._take(alert_id) if alert_id in self.alerts else problem(404, "not_found")

    def _acknowledge_several(self, asked: Asked) -> AcknowledgedOut:
        return AcknowledgedOut(acknowledged=[self._take(each) for each in self._named(asked)], not_found=[])

    def _resolve_several(self, asked: Asked) -> ResolvedOut:
        return ResolvedOut(resolved=[self._resolve(each) for each in self._named(asked)], not_found=[])

    def _named(self, asked: Asked) -> list[UUID]:
        return [UUID(each) for each in asked.body["alert_ids"] if UUID(each) in self.alerts]

    def _comment(self, asked: Asked) -> AlertOut:
        alert_id = UUID(asked.path.split("/")[2])
        self.told.append(EntryOut(at=BEGAN, what=Step.COMMENTED, user_id=uuid4(), text=asked.body["text"]))
        return self._change(alert_id, comments=self.alerts[alert_id].comments + 1)

    def _assign(self, asked: Asked) -> AlertOut:
        return self._change(UUID(asked.path.split("/")[2]), assigned_to=_uuid(asked.body["user_id"]))

    def _snooze(self, asked: Asked) -> AlertOut:
        return self._change(UUID(asked.path.split("/")[2]), snoozed_until=_instant(asked.body["until"]))

    def _history(self, _asked: Asked) -> HistoryOut:
        return HistoryOut(items=[EntryOut(at=BEGAN, what=Step.RAISED, user_id=None, text=""), *self.told])

    def _changes(self, asked: Asked) -> ChangesOut:
        after = asked.value("after")
        found = sorted((each for each in self.alerts.values() if after and each.change > int(after)), key=lambda each: each.change)
        shown = found[: int(asked.value("limit", "200"))]
        return ChangesOut(items=shown, last=self.last if len(shown) == len(found) else shown[-1].change)


def _uuid(text: str | None) -> UUID | None:
    return UUID(text) if text else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _is_awake(alert: AlertOut) -> bool:
    return alert.snoozed_until is None or alert.snoozed_until <= SystemClock().now()


class Outage:
    """The server is away: nothing of the API is answered, and the live link is cut."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._path = "**/api/v1/**"

    async def begin(self, status: int = 0) -> None:
        """`status`: what a proxy in front says meanwhile; 0: the connection is refused."""

        async def refuse(route: Any) -> None:
            if status:
                await route.fulfill(status=status, body="<html>Bad Gateway</html>", headers={"content-type": "text/html"})
            else:
                await route.abort("connectionrefused")

        self._refuse = refuse
        await self.console.context.route(self._path, refuse)
        await self.console.live.cut()

    async def end(self) -> None:
        await self.console.context.unroute(self._path, self._refuse)


def link(page: Page) -> Any:
    return page.locator(".top > .link")


async def is_live(page: Page) -> None:
    """Waits for the live link, and for what is read when it opens."""
    await expect(link(page)).to_have_text("ao vivo")
    await settled(page)


async def played(page: Page) -> int:
    """How many tones this page has played since it was loaded."""
    return int(await page.locator(".top .sound").get_attribute("data-played") or 0)


async def sounded(page: Page, since: int = 0) -> None:
    """Waits for a tone."""
    await page.wait_for_function("since => Number(document.querySelector('.top .sound')?.dataset.played) > since", arg=since, polling=100)
