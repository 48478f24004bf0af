"""Alerts, and when a sighting becomes one. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from alerts.watchlists.domain import Entry, Watchlist
from gtvision import plate as plates
from gtvision.events import GapCause, RecordingStopped, Severity, StoredDetection
from gtvision.ids import derived_id

PLATE_ALERT = "plate_watchlist"
"""`kind` of an alert that a watched plate raised."""
RECORDING_ALERT = "recording_stopped"
"""`kind` of an alert that a camera is not recorded any more; without a camera where the disk takes nothing."""


class AlertState(StrEnum):
    """Whether a person has seen it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know of. `sightings` counts repeats within the cooldown; `last_seen_at` is the newest one's time."""

    alert_id: UUID
    tenant_id: UUID
    kind: str
    severity: Severity
    title: str
    state: AlertState
    raised_at: datetime
    camera_id: UUID | None = None
    plate: str | None = None
    watchlist_id: UUID | None = None
    entry_id: UUID | None = None
    detection_id: UUID | None = None
    captured_at: datetime | None = None
    last_seen_at: datetime | None = None
    sightings: int = 1
    evidence_key: str | None = None
    reason: str = ""
    acknowledged_by: UUID | None = None
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """What alerts keeps of a camera: its name for titles, its groups for rights."""

    name: str
    groups: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts, newest first; None everywhere: no limit of that kind.

    `groups` are those whose cameras the caller may see, [`start`, `end`) is when they were raised, `plate` is normalised, and `before` is
    where the last page ended.
    """

    limit: int
    state: AlertState | None = None
    camera_ids: frozenset[UUID] | None = None
    watchlist_ids: frozenset[UUID] | None = None
    severities: frozenset[Severity] | None = None
    start: datetime | None = None
    end: datetime | None = None
    plate: str | None = None
    groups: frozenset[UUID] | None = None
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, slots=True)
class OpenAlerts:
    """How many alerts are open, by severity, and the newest of them."""

    counts: Mapping[Severity, int]
    newest: Alert | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def confident_plates(detections: Iterable[StoredDetection], min_confidence: float) -> list[StoredDetection]:
    """Detections whose plate was read well enough to act upon."""
    return [seen for seen in detections if seen.object.plate is not None and seen.object.plate.confidence >= min_confidence]


def raise_alert(watchlist: Watchlist, entry: Entry, seen: StoredDetection, camera_name: str, now: datetime) -> Alert:
    """The alert for a watched plate. Its id derives from entry and detection, so the same sighting never raises two."""
    plate = seen.object.plate.text if seen.object.plate else entry.plate
    return Alert(
        alert_id=derived_id("alert", entry.entry_id, seen.detection_id),
        tenant_id=entry.tenant_id,
        kind=PLATE_ALERT,
        severity=watchlist.severity,
        title=f"Placa {plates.format_plate(plate)} da lista “{watchlist.name}” vista em {camera_name}",
        state=AlertState.OPEN,
        raised_at=now,
        camera_id=seen.camera_id,
        plate=plate,
        watchlist_id=watchlist.watchlist_id,
        entry_id=entry.entry_id,
        detection_id=seen.detection_id,
        captured_at=seen.captured_at,
        last_seen_at=seen.captured_at,
        evidence_key=seen.evidence_key,
        reason=entry.reason,
    )


def recording_alert(tenant_id: UUID, stopped: RecordingStopped, camera_name: str, now: datetime) -> Alert:
    """The alert for a recording that has stopped. A disk that takes nothing concerns every camera, and is one alert."""
    is_disk = stopped.cause is GapCause.DISK
    return Alert(
        alert_id=derived_id("alert", RECORDING_ALERT, stopped.camera_id, stopped.since.isoformat()),
        tenant_id=tenant_id,
        kind=RECORDING_ALERT,
        severity=Severity.CRITICAL,
        title="Gravação parada: o disco das gravações não aceita mais nada" if is_disk else f"Gravação parada em {camera_name}",
        state=AlertState.OPEN,
        raised_at=now,
        camera_id=None if is_disk else stopped.camera_id,
        captured_at=stopped.since,
        last_seen_at=stopped.since,
    )


def within_cooldown(last_seen_at: datetime, captured_at: datetime, cooldown: timedelta) -> bool:
    """Whether a sighting belongs to the alert before it: close in time, in either direction (frames may arrive out of order)."""
    return abs(captured_at - last_seen_at) < cooldown
