"""How loud an alert is, what `alerts` says of its alerts and messages, and what of the installation itself is worth one."""

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


class StorageRanLow(EventData):
    """A disk of recordings fills up, or (`is_low` false) has room again. Told on a change, and every ten minutes while it is low."""

    key = "storage.ran_low.v1"
    emitter = "streaming"

    node: str
    is_low: bool
    free_percent: Annotated[float, Field(ge=0, le=100)]
    days_left: Annotated[float | None, Field(ge=0)] = None
    """At the rate of the last days; None where that is not known yet."""


class BudgetExhausted(EventData):
    """A share of the day's money for cloud AI has been spent: told once at 80 % and once at 100 %."""

    key = "budget.exhausted.v1"
    emitter = "ai-detect"

    day: str
    """ISO date in the city's time zone."""
    spent_usd: Annotated[float, Field(ge=0)]
    limit_usd: Annotated[float, Field(ge=0)]


class ProviderSwitched(EventData):
    """Pictures are read by another provider than before."""

    key = "provider.switched.v1"
    emitter = "ai-detect"

    previous: str
    current: str
    cause: str
    is_fallback: bool
    """Whether the new one is not the one that the installation prefers."""
