"""How loud an alert is, and what `alerts` says of its alerts and messages."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gtvision.envelope import EventData
from gtvision.time import Instant


class Severity(StrEnum):
    """How loud an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertRaised(EventData):
    """Something that a person should know of."""

    key = "alert.raised.v1"
    emitter = "alerts"

    alert_id: UUID
    kind: str
    severity: Severity
    title: str
    camera_id: UUID | None = None
    plate: str | None = None
    watchlist_id: UUID | None = None
    detection_id: UUID | None = None
    captured_at: Instant | None = None
    evidence_key: str | None = None
    rule_id: UUID | None = None
    camera_ids: tuple[UUID, ...] = ()
    """Every camera that it is about, where it is about several."""
    is_possible: bool = False
    """Whether the plate is only similar to the one that is looked for."""


class AlertAcknowledged(EventData):
    """A person has seen the alert."""

    key = "alert.acknowledged.v1"
    emitter = "alerts"

    alert_id: UUID
    user_id: UUID
    """The nil UUID where it was done by the link of a message and the person is not known."""
    acknowledged_at: Instant


class AlertEscalated(EventData):
    """Nobody acknowledged the alert in time: the next step of its policy was taken."""

    key = "alert.escalated.v1"
    emitter = "alerts"

    alert_id: UUID
    step: Annotated[int, Field(ge=1)]
    escalated_at: Instant


class AlertResolved(EventData):
    """What the alert was about is over. `user_id` is None where its source said so."""

    key = "alert.resolved.v1"
    emitter = "alerts"

    alert_id: UUID
    resolved_at: Instant
    user_id: UUID | None = None


class NotificationFailed(EventData):
    """A message about an alert was given up: the channel refused it, or was not reached for hours."""

    key = "notification.failed.v1"
    emitter = "alerts"

    delivery_id: UUID
    channel_id: UUID
    alert_id: UUID | None = None
    attempts: Annotated[int, Field(ge=0)]
    cause: str
