"""Alerts: when something is a new one, when it joins an earlier one, and what a person does with it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.events import Severity
from gtvision.ids import derived_id

PLATE_ALERT = "plate_watchlist"
"""`kind` of an alert that a watched plate raised."""
RECORDING_ALERT = "recording_stopped"
"""`kind` of an alert that a camera is not recorded any more; without a camera where the disk takes nothing."""

_LOUDNESS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
CAMERAS_AT_MOST = 1_000


class AlertState(StrEnum):
    """How far it has come."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """A person has seen it."""
    RESOLVED = "resolved"
    """What it was about is over: its source said so, or a person."""


class Notice(StrEnum):
    """Why people are told of an alert."""

    RAISED = "raised"
    WORSENED = "worsened"
    """It is louder than before."""
    ESCALATED = "escalated"
    REMINDER = "reminder"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Step(StrEnum):
    """An entry of an alert's history."""

    RAISED = "raised"
    WORSENED = "worsened"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    COMMENTED = "commented"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ESCALATED = "escalated"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Something that a source saw. The same `kind` and `subject` is the same alert, for as long as the rules below say.

    A sighting (a plate, a hit of a rule) joins the alert that was last seen closer than `cooldown` to `at`. A condition (`lasting`) joins
    for as long as the alert is not resolved; within `cooldown` after that, the alert is opened again, and people are told only if it is
    louder than before, or still open when the cooldown ends: what comes and goes does not storm.
    """

    kind: str
    subject: str
    severity: Severity
    title: str
    at: datetime
    cooldown: timedelta = timedelta(minutes=1)
    lasting: bool = False
    camera_id: UUID | None = None
    camera_ids: tuple[UUID, ...] = ()
    """Every camera that it is about, where it is about several."""
    plate: str | None = None
    watchlist_id: UUID | None = None
    entry_id: UUID | None = None
    rule_id: UUID | None = None
    detection_id: UUID | None = None
    captured_at: datetime | None = None
    evidence_key: str | None = None
    reason: str = ""
    is_possible: bool = False
    """Whether the plate is only similar to the one that is looked for; `alternatives` says what else it may be."""
    alternatives: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    """What else a person should read, by its name on the screen. Never a secret."""
    muted_until: datetime | None = None
    """Planned work: people are told only if it is still open then."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that a person should know of. `sightings` counts repeats; `last_seen_at` is the newest one's time."""

    alert_id: UUID
    tenant_id: UUID
    kind: str
    severity: Severity
    title: str
    state: AlertState
    raised_at: datetime
    subject: str = ""
    lasting: bool = False
    camera_id: UUID | None = None
    camera_ids: tuple[UUID, ...] = ()
    plate: str | None = None
    watchlist_id: UUID | None = None
    entry_id: UUID | None = None
    rule_id: UUID | None = None
    detection_id: UUID | None = None
    captured_at: datetime | None = None
    last_seen_at: datetime | None = None
    sightings: int = 1
    evidence_key: str | None = None
    reason: str = ""
    is_possible: bool = False
    alternatives: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    acknowledged_by: UUID | None = None
    acknowledged_at: datetime | None = None
    resolved_by: UUID | None = None
    """None: its source."""
    resolved_at: datetime | None = None
    assigned_to: UUID | None = None
    snoozed_until: datetime | None = None
    """Until then nobody is told of it, and it does not count as open."""
    told: bool = False
    """Whether people were told of it since it was opened last."""
    comments: int = 0
    change: int = 0
    """Number of the change in the tenant's alerts that brought it to this state; a later change has a higher one."""


@dataclass(frozen=True, slots=True)
class Joined:
    """An alert that an occurrence was counted to, and what people should learn of it."""

    alert: Alert
    notice: Notice | None = None
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Raised:
    """What became of an occurrence."""

    alert: Alert
    is_new: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of an alert's history. `user_id` is None where no person did it."""

    at: datetime
    what: Step
    user_id: UUID | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class KnownCamera:
    """What alerts keeps of a camera: its name for titles, its groups for rights."""

    name: str
    groups: frozenset[UUID]
    removed: bool = False


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts, newest first; None everywhere: no limit of that kind.

    `groups` are those whose cameras the caller may see, [`start`, `end`) is when they were raised, `plate` is normalised, and `before` is
    where the last page ended.
    """

    limit: int
    states: frozenset[AlertState] | None = None
    camera_ids: frozenset[UUID] | None = None
    watchlist_ids: frozenset[UUID] | None = None
    rule_ids: frozenset[UUID] | None = None
    kinds: frozenset[str] | None = None
    severities: frozenset[Severity] | None = None
    assigned_to: UUID | None = None
    awake: bool = False
    """Leaves out those that are snoozed."""
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


def new_alert(tenant_id: UUID, seen: Occurrence, now: datetime, change: int) -> Alert:
    """The alert of an occurrence. Its id derives from the detection, where there is one: the same sighting never raises two."""
    muted = seen.muted_until if seen.muted_until is not None and seen.muted_until > now else None
    return Alert(
        alert_id=derived_id("alert", tenant_id, seen.kind, seen.subject, seen.detection_id or f"change {change}"),
        tenant_id=tenant_id,
        kind=seen.kind,
        severity=seen.severity,
        title=seen.title,
        state=AlertState.OPEN,
        raised_at=now,
        subject=seen.subject,
        lasting=seen.lasting,
        camera_id=seen.camera_id,
        camera_ids=seen.camera_ids[:CAMERAS_AT_MOST],
        plate=seen.plate,
        watchlist_id=seen.watchlist_id,
        entry_id=seen.entry_id,
        rule_id=seen.rule_id,
        detection_id=seen.detection_id,
        captured_at=seen.captured_at or seen.at,
        last_seen_at=seen.at,
        evidence_key=seen.evidence_key,
        reason=seen.reason,
        is_possible=seen.is_possible,
        alternatives=seen.alternatives,
        details=seen.details,
        snoozed_until=muted,
        told=muted is None,
        change=change,
    )


def join(alert: Alert, seen: Occurrence, now: datetime, change: int) -> Joined | None:
    """Returns the alert with the occurrence counted to it, or None where it belongs to a new one."""
    ended = alert.state is AlertState.RESOLVED
    counted = replace(alert, sightings=alert.sightings + 1, last_seen_at=max(alert.last_seen_at or seen.at, seen.at), change=change)
    if not seen.lasting:
        if alert.last_seen_at is None or abs(seen.at - alert.last_seen_at) >= seen.cooldown:
            return None
        return _confirmed(counted, seen) if alert.is_possible and not seen.is_possible and not ended else Joined(counted)
    told = replace(counted, title=seen.title, camera_id=seen.camera_id, camera_ids=seen.camera_ids[:CAMERAS_AT_MOST], details=seen.details)
    if ended:
        if alert.resolved_at is None or now - alert.resolved_at >= seen.cooldown:
            return None
        quiet = max(now + seen.cooldown, seen.muted_until or now)
        opened = replace(told, state=AlertState.OPEN, severity=seen.severity, resolved_at=None, resolved_by=None, told=False)
        opened = replace(opened, acknowledged_at=None, acknowledged_by=None, snoozed_until=quiet)
        is_muted = seen.muted_until is not None and seen.muted_until > now
        if is_muted or _LOUDNESS[seen.severity] <= _LOUDNESS[alert.severity]:
            return Joined(opened, step=Step.REOPENED)
        return Joined(replace(opened, snoozed_until=None, told=True), Notice.WORSENED, Step.REOPENED)
    return _worsened(told, seen.severity)


def _confirmed(counted: Alert, seen: Occurrence) -> Joined:
    """A possible match that turns out to be a certain one."""
    certain = replace(counted, is_possible=False, title=seen.title, plate=seen.plate, alternatives=(), detection_id=seen.detection_id)
    certain = replace(certain, captured_at=seen.captured_at or seen.at, evidence_key=seen.evidence_key)
    joined = _worsened(certain, seen.severity)
    return joined if joined.notice else Joined(certain, Notice.WORSENED, Step.WORSENED)


def _worsened(alert: Alert, severity: Severity) -> Joined:
    """The alert at this severity, if that is louder: then it is open again for whoever acknowledged it."""
    if _LOUDNESS[severity] <= _LOUDNESS[alert.severity]:
        return Joined(alert)
    louder = replace(alert, severity=severity, state=AlertState.OPEN, acknowledged_at=None, acknowledged_by=None)
    return Joined(louder, Notice.WORSENED, Step.WORSENED)
