"""What is done with alerts: a method a verb, one transaction each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from alerts import metrics
from alerts.alerts.domain import Alert, AlertQuery, AlertState, OpenAlerts, confident_plates, raise_alert, recording_alert, within_cooldown
from alerts.watchlists.domain import Entry, Watchlist
from chassis.db import UnitOfWork, UowFactory
from chassis.live import LivePublisher
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import AlertAcknowledged, AlertRaised, RecordingStopped, StoredDetection
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

if TYPE_CHECKING:
    from alerts.alerts.repository import PostgresAlerts
    from alerts.watchlists.repository import PostgresWatchlists

_INTERNAL = {"tenant_id", "entry_id", "evidence_key"}
"""Fields of an alert that no answer and no live message shows."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of a tenant. `min_confidence` is 0..1; within `cooldown` a plate at a camera is one alert."""

    uow: UowFactory
    repository: Callable[[UnitOfWork], PostgresAlerts]
    watchlists: Callable[[UnitOfWork], PostgresWatchlists]
    clock: Clock
    live: LivePublisher
    min_confidence: float
    cooldown: timedelta

    async def raise_alerts(self, tenant_id: UUID, event_id: UUID, detections: Sequence[StoredDetection]) -> int:
        """Compares stored plates with the watchlists. Returns how many alerts were new; a repeat of the event does nothing."""
        seen = confident_plates(detections, self.min_confidence)
        if not seen:
            return 0
        raised = 0
        async with self.uow(tenant_id) as uow:
            if await uow.seen("detections_stored", event_id):
                return 0
            watched = await self.watchlists(uow).matching({each.object.plate.text for each in seen if each.object.plate})
            hits = [
                (watchlist, entry, sighting)
                for sighting in sorted(seen, key=lambda each: each.captured_at)
                for watchlist, entry in watched
                if sighting.object.plate is not None and entry.fits(sighting.object.plate.text, sighting.captured_at)
            ]
            # All at once and in one order, so that neither another replica nor a person who acknowledges several waits for us in turn.
            await self.repository(uow).lock_latest({(entry.entry_id, sighting.camera_id) for _, entry, sighting in hits})
            for watchlist, entry, sighting in hits:
                raised += await self._sight(uow, watchlist, entry, sighting)
        return raised

    async def _sight(self, uow: UnitOfWork, watchlist: Watchlist, entry: Entry, sighting: StoredDetection) -> bool:
        """Counts the sighting to the alert before it, or raises a new one. Returns whether it did that."""
        alerts = self.repository(uow)
        latest = await alerts.latest(entry.entry_id, sighting.camera_id)
        if latest and latest.last_seen_at and within_cooldown(latest.last_seen_at, sighting.captured_at, self.cooldown):
            await alerts.count_sighting(latest.alert_id, max(latest.last_seen_at, sighting.captured_at))
            metrics.sightings_joined.inc()
            return False
        camera = await alerts.camera(sighting.camera_id)
        alert = raise_alert(watchlist, entry, sighting, camera.name if camera else "câmera removida", self.clock.now())
        if not await alerts.add(alert):
            return False
        self._raised(uow, alert)
        return True

    async def raise_recording_alert(self, tenant_id: UUID, event_id: UUID, stopped: RecordingStopped) -> bool:
        """Raises an alert for a recording that has stopped, or counts it to one that is open. A repeat of the event does nothing."""
        async with self.uow(tenant_id) as uow:
            if await uow.seen("recording_stopped", event_id):
                return False
            alerts = self.repository(uow)
            camera = await alerts.camera(stopped.camera_id)
            alert = recording_alert(tenant_id, stopped, camera.name if camera else "câmera removida", self.clock.now())
            known = await alerts.open_of_kind(alert.kind, alert.camera_id)
            if known is not None:
                await alerts.count_sighting(known.alert_id, max(known.last_seen_at or stopped.since, stopped.since))
                metrics.sightings_joined.inc()
                return False
            if not await alerts.add(alert):
                return False
            self._raised(uow, alert)
            return True

    def _raised(self, uow: UnitOfWork, alert: Alert) -> None:
        """Tells listeners and the live channel of a new alert."""
        uow.emit(_event(alert), camera_id=alert.camera_id, event_id=alert.alert_id)
        self._publish(uow, alert)
        metrics.alerts_raised.labels(alert.kind, alert.severity.value).inc()

    async def acknowledge_alert(self, caller: Caller, alert_id: UUID) -> Alert:
        """Records that a person has seen it; again changes nothing. Raises: NotFound."""
        found = await self.acknowledge_alerts(caller, [alert_id])
        if not found:
            raise NotFound("There is no such alert.")
        return found[0]

    async def acknowledge_alerts(self, caller: Caller, alert_ids: Sequence[UUID]) -> list[Alert]:
        """Records that a person has seen them, all in one transaction, and returns them in that order.

        One that was acknowledged before is returned as it is; one that does not exist, or is not the caller's to see, is left out.
        """
        now = self.clock.now()
        async with self.uow(caller.tenant_id) as uow:
            alerts = self.repository(uow)
            found = await alerts.find(set(alert_ids), caller.camera_groups, lock=True)
            still_open = [alert for alert in found.values() if alert.state is AlertState.OPEN]
            if still_open:
                await alerts.acknowledge([alert.alert_id for alert in still_open], caller.user_id, now)
            for alert in still_open:
                found[alert.alert_id] = self._acknowledged(uow, caller, alert, now)
        for alert in still_open:
            metrics.seconds_to_acknowledge.observe(max(0.0, (now - alert.raised_at).total_seconds()))
        return [found[each] for each in dict.fromkeys(alert_ids) if each in found]

    def _acknowledged(self, uow: UnitOfWork, caller: Caller, alert: Alert, now: datetime) -> Alert:
        """Tells listeners, the audit record and the live channel of it."""
        changed = replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=caller.user_id, acknowledged_at=now)
        uow.emit(AlertAcknowledged(alert_id=alert.alert_id, user_id=caller.user_id, acknowledged_at=now), camera_id=alert.camera_id)
        entry = AuditEntry("alert", alert.alert_id, alert.camera_id, details={"kind": alert.kind})
        record(uow, Action.ALERT_ACKNOWLEDGED, caller, entry)
        self._publish(uow, changed)
        return changed

    async def show_alert(self, caller: Caller, alert_id: UUID) -> Alert:
        """Raises: NotFound."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).find([alert_id], caller.camera_groups)
        if alert_id not in found:
            raise NotFound("There is no such alert.")
        return found[alert_id]

    async def list_alerts(self, caller: Caller, query: AlertQuery) -> list[Alert]:
        """Returns alerts of cameras that the caller may see, newest first. Those of a plate are on record, or not shown."""
        async with self.uow(caller.tenant_id) as uow:
            found = await self.repository(uow).list_newest(replace(query, groups=caller.camera_groups))
            if query.plate is not None:
                record(uow, Action.PLATE_SEARCHED, caller, _searched(query, len(found)))
        return found

    async def count_open_alerts(self, caller: Caller) -> OpenAlerts:
        """Counts the open alerts of cameras that the caller may see, by severity."""
        async with self.uow(caller.tenant_id) as uow:
            alerts, groups = self.repository(uow), caller.camera_groups
            newest = await alerts.list_newest(AlertQuery(limit=1, state=AlertState.OPEN, groups=groups))
            return OpenAlerts(await alerts.count_open(groups), next(iter(newest), None))

    def _publish(self, uow: UnitOfWork, alert: Alert) -> None:
        message = as_message(alert)
        uow.after_commit(lambda: self.live.publish(alert.tenant_id, "alerts", message))


def _searched(query: AlertQuery, found: int) -> AuditEntry:
    cameras = sorted(query.camera_ids or ())
    details = {"in": "alerts", "found": found} | ({"cameras": " ".join(map(str, cameras))} if len(cameras) > 1 else {})
    return AuditEntry("plate", query.plate, cameras[0] if len(cameras) == 1 else None, query.start, query.end, details)


def _event(alert: Alert) -> AlertRaised:
    return AlertRaised(**{name: getattr(alert, name) for name in AlertRaised.model_fields})


def as_message(alert: Alert) -> dict[str, object]:
    """Returns the alert as REST and the live channel show it."""
    return {each.name: _as_json(getattr(alert, each.name)) for each in fields(alert) if each.name not in _INTERNAL}


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return isoformat(value)
    return str(value) if isinstance(value, UUID) else value
