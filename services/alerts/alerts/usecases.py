"""What alerts does. One method a verb, one transaction each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from alerts import metrics
from alerts.domain import Alert, AlertState, Entry, Match, Watchlist, confident_plates, raise_alert, valid_plate, within_cooldown
from alerts.ports import AlertQuery, AlertRepository, CameraRepository, WatchlistRepository
from chassis.db import UnitOfWork, UowFactory
from chassis.idempotency import Gone, Once, claim, point
from chassis.live import LivePublisher
from city.audit import AuditEntry, record
from gtvision.audit import Action
from gtvision.errors import NotFound
from gtvision.events import AlertAcknowledged, AlertRaised, Severity, StoredDetection
from gtvision.ids import new_id
from gtvision.tenancy import Caller
from gtvision.time import Clock, isoformat

Found = TypeVar("Found")


class Repositories(Protocol):
    """The tables of one unit of work."""

    @property
    def watchlists(self) -> WatchlistRepository: ...
    @property
    def alerts(self) -> AlertRepository: ...
    @property
    def cameras(self) -> CameraRepository: ...


@dataclass(frozen=True, slots=True)
class Store:
    """A transaction, what can be done in it, the time, and who hears of it."""

    uow: UowFactory
    repositories: Callable[[UnitOfWork], Repositories]
    clock: Clock
    live: LivePublisher


# --- watchlists --------------------------------------------------------------------------------------------------------------


async def create_watchlist(store: Store, caller: Caller, name: str, severity: Severity, once: Once | None = None) -> tuple[Watchlist, int]:
    """The list and how many plates it holds: none, unless an earlier request made it.

    Raises: Conflict where the tenant has a list of that name, IdempotencyKeyReused, Gone.
    """
    watchlist = Watchlist(
        watchlist_id=new_id(), tenant_id=caller.tenant_id, name=name.strip(), severity=severity, created_at=store.clock.now()
    )
    async with store.uow(caller.tenant_id) as uow:
        watchlists = store.repositories(uow).watchlists
        earlier = await claim(uow, caller, once, watchlist.watchlist_id, watchlist.created_at)
        if earlier is not None:
            return _still(await watchlists.get(earlier)), await watchlists.count_entries(earlier)
        await watchlists.add(watchlist)
        record(uow, Action.WATCHLIST_CREATED, caller, _audit_of_watchlist(watchlist))
    return watchlist, 0


def _still(found: Found | None) -> Found:
    if found is None:
        raise Gone
    return found


async def list_watchlists(store: Store, caller: Caller, after: UUID | None, limit: int) -> list[tuple[Watchlist, int]]:
    """Watchlists of the caller's tenant with how many plates they hold."""
    async with store.uow(caller.tenant_id) as uow:
        return await store.repositories(uow).watchlists.list_after(after, limit)


async def delete_watchlist(store: Store, caller: Caller, watchlist_id: UUID) -> None:
    """Its alerts stay. Raises: NotFound."""
    async with store.uow(caller.tenant_id) as uow:
        watchlists = store.repositories(uow).watchlists
        watchlist = await watchlists.get(watchlist_id)
        if watchlist is None or not await watchlists.delete(watchlist_id):
            raise NotFound("There is no such watchlist.")
        record(uow, Action.WATCHLIST_REMOVED, caller, _audit_of_watchlist(watchlist))


def _audit_of_watchlist(watchlist: Watchlist) -> AuditEntry:
    return AuditEntry("watchlist", watchlist.watchlist_id, details={"name": watchlist.name, "severity": watchlist.severity})


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """A plate to look for, as a person typed it."""

    plate: str
    match: Match
    reason: str
    valid_until: datetime | None


async def watch_plate(store: Store, caller: Caller, watchlist_id: UUID, draft: EntryDraft, once: Once | None = None) -> Entry:
    """Add a plate to a list; the same plate again is the same entry. Raises: InvalidPlate, NotFound, IdempotencyKeyReused, Gone."""
    entry = Entry(
        entry_id=new_id(),
        tenant_id=caller.tenant_id,
        watchlist_id=watchlist_id,
        plate=valid_plate(draft.plate),
        match=draft.match,
        reason=draft.reason,
        valid_until=draft.valid_until,
        created_at=store.clock.now(),
    )
    async with store.uow(caller.tenant_id) as uow:
        watchlists = store.repositories(uow).watchlists
        earlier = await claim(uow, caller, once, entry.entry_id, entry.created_at)
        if earlier is not None:
            return _still(await watchlists.get_entry(watchlist_id, earlier))
        if await watchlists.get(watchlist_id) is None:
            raise NotFound("There is no such watchlist.")
        stored = await watchlists.add_entry(entry)
        await point(uow, caller, once, stored.entry_id)
        record(uow, Action.WATCHLIST_ENTRY_ADDED, caller, _audit_of_entry(stored))
    return stored


async def list_entries(store: Store, caller: Caller, watchlist_id: UUID, after: UUID | None, limit: int) -> list[Entry]:
    """Raises: NotFound."""
    async with store.uow(caller.tenant_id) as uow:
        watchlists = store.repositories(uow).watchlists
        if await watchlists.get(watchlist_id) is None:
            raise NotFound("There is no such watchlist.")
        return await watchlists.entries_after(watchlist_id, after, limit)


async def unwatch_plate(store: Store, caller: Caller, watchlist_id: UUID, entry_id: UUID) -> None:
    """Raises: NotFound."""
    async with store.uow(caller.tenant_id) as uow:
        entry = await store.repositories(uow).watchlists.delete_entry(watchlist_id, entry_id)
        if entry is None:
            raise NotFound("There is no such entry.")
        record(uow, Action.WATCHLIST_ENTRY_REMOVED, caller, _audit_of_entry(entry))


def _audit_of_entry(entry: Entry) -> AuditEntry:
    details = {"watchlist": entry.watchlist_id, "plate": entry.plate, "match": entry.match, "valid_until": entry.valid_until or "always"}
    return AuditEntry("watchlist_entry", entry.entry_id, details=details)


# --- alerts ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sightings:
    """A committed batch of detections, and how to judge it."""

    tenant_id: UUID
    detections: Sequence[StoredDetection]
    event_id: UUID
    min_confidence: float
    cooldown: timedelta


async def raise_alerts(store: Store, batch: Sightings) -> int:
    """Compare stored plates with the watchlists; how many alerts were new. A repeat of the event does nothing."""
    seen = confident_plates(batch.detections, batch.min_confidence)
    if not seen:
        return 0
    raised = 0
    async with store.uow(batch.tenant_id) as uow:
        if await uow.seen("detections_stored", batch.event_id):
            return 0
        repositories = store.repositories(uow)
        texts = {sighting.object.plate.text for sighting in seen if sighting.object.plate}
        watched = await repositories.watchlists.matching(sorted(texts))
        for sighting in sorted(seen, key=lambda item: item.captured_at):
            for watchlist, entry in watched:
                plate = sighting.object.plate
                if plate is not None and entry.fits(plate.text, sighting.captured_at):
                    raised += await _sight(store, uow, watchlist, entry, sighting, batch.cooldown)
    return raised


async def _sight(store: Store, uow: UnitOfWork, watchlist: Watchlist, entry: Entry, sighting: StoredDetection, cooldown: timedelta) -> int:
    repositories = store.repositories(uow)
    latest = await repositories.alerts.latest(entry.entry_id, sighting.camera_id)
    if latest is not None and latest.last_seen_at is not None and within_cooldown(latest.last_seen_at, sighting.captured_at, cooldown):
        await repositories.alerts.count_sighting(latest.alert_id, max(latest.last_seen_at, sighting.captured_at))
        metrics.sightings_joined.inc()
        return 0
    camera = await repositories.cameras.get(sighting.camera_id)
    alert = raise_alert(watchlist, entry, sighting, camera.name if camera else "câmera removida", store.clock.now())
    if not await repositories.alerts.add(alert):
        return 0
    uow.emit(
        AlertRaised(
            alert_id=alert.alert_id,
            kind=alert.kind,
            severity=alert.severity,
            title=alert.title,
            camera_id=alert.camera_id,
            plate=alert.plate,
            watchlist_id=alert.watchlist_id,
            detection_id=alert.detection_id,
            captured_at=alert.captured_at,
            evidence_key=alert.evidence_key,
        ),
        camera_id=alert.camera_id,
        event_id=alert.alert_id,
    )
    _publish(store, uow, alert)
    metrics.alerts_raised.labels(alert.kind, alert.severity.value).inc()
    return 1


async def acknowledge_alert(store: Store, caller: Caller, alert_id: UUID) -> Alert:
    """Say that a person has seen it; again changes nothing. Raises: NotFound."""
    async with store.uow(caller.tenant_id) as uow:
        repositories = store.repositories(uow)
        alert = await repositories.alerts.get(alert_id)
        if alert is None or not await _may_see(repositories, caller, alert):
            raise NotFound("There is no such alert.")
        if alert.state is AlertState.ACKNOWLEDGED:
            return alert
        now = store.clock.now()
        await repositories.alerts.acknowledge(alert_id, caller.user_id, now)
        acknowledged = replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=caller.user_id, acknowledged_at=now)
        uow.emit(AlertAcknowledged(alert_id=alert_id, user_id=caller.user_id, acknowledged_at=now), camera_id=alert.camera_id)
        record(uow, Action.ALERT_ACKNOWLEDGED, caller, AuditEntry("alert", alert_id, alert.camera_id, details={"kind": alert.kind}))
        _publish(store, uow, acknowledged)
    metrics.seconds_to_acknowledge.observe(max(0.0, (now - alert.raised_at).total_seconds()))
    return acknowledged


async def _may_see(repositories: Repositories, caller: Caller, alert: Alert) -> bool:
    if caller.camera_groups is None or alert.camera_id is None:
        return True
    camera = await repositories.cameras.get(alert.camera_id)
    return camera is not None and caller.may_see(camera.groups)


async def list_alerts(store: Store, caller: Caller, query: AlertQuery) -> list[Alert]:
    """Alerts of cameras that the caller may see, newest first."""
    async with store.uow(caller.tenant_id) as uow:
        return await store.repositories(uow).alerts.list_newest(replace(query, groups=caller.camera_groups))


def as_message(alert: Alert) -> dict[str, object]:
    """The alert as REST and the live channel show it."""
    return {
        "alert_id": str(alert.alert_id),
        "kind": alert.kind,
        "severity": alert.severity.value,
        "title": alert.title,
        "reason": alert.reason,
        "state": alert.state.value,
        "raised_at": isoformat(alert.raised_at),
        "camera_id": str(alert.camera_id) if alert.camera_id else None,
        "plate": alert.plate,
        "watchlist_id": str(alert.watchlist_id) if alert.watchlist_id else None,
        "detection_id": str(alert.detection_id) if alert.detection_id else None,
        "captured_at": isoformat(alert.captured_at) if alert.captured_at else None,
        "last_seen_at": isoformat(alert.last_seen_at) if alert.last_seen_at else None,
        "sightings": alert.sightings,
        "acknowledged_by": str(alert.acknowledged_by) if alert.acknowledged_by else None,
        "acknowledged_at": isoformat(alert.acknowledged_at) if alert.acknowledged_at else None,
    }


def _publish(store: Store, uow: UnitOfWork, alert: Alert) -> None:
    message = as_message(alert)
    uow.after_commit(lambda: store.live.publish(alert.tenant_id, "alerts", message))
