"""A channel, and what it wants to be told. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.alerts.domain import Alert, Notice
from alerts.browsers.domain import Browser
from alerts.channels.domain.kinds import KINDS, Kind
from alerts.messages.domain import Style, Template
from gtvision.events import Severity

_ORDER = tuple(Severity)
_TELLS_ACKNOWLEDGED = {Kind.PAGERDUTY, Kind.WEBHOOK}
"""Machines, which keep a state of their own; a person need not be told that a colleague looks after it."""
_RATES = {Kind.PAGERDUTY: (600, 6_000), Kind.WEBHOOK: (600, 6_000)}
"""Messages a minute of machines, at first and at most."""
SECRET_OVERLAP = timedelta(hours=24)
"""How long the secret before signs too."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the city's clock in which a channel is silent, [`start`, `end`); past midnight they belong to the day on which they began.

    `days` counts from Monday, 0; empty: every day. The same start and end is the whole day.
    """

    start: time
    end: time
    days: frozenset[int] = frozenset()
    except_critical: bool = True

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Returns when the quiet hours end in which an instant lies, or None."""
        local = now.astimezone(zone)
        for back in (0, 1):
            day = local.date() - timedelta(days=back)
            begins = datetime.combine(day, self.start, zone)
            ends = datetime.combine(day + timedelta(days=self.end <= self.start), self.end, zone)
            if (not self.days or day.weekday() in self.days) and begins <= local < ends:
                return ends.astimezone(now.tzinfo)
        return None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when a channel does not deliver, and what it answered last."""

    since: datetime
    detail: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach people of a tenant. `kinds` are those of alerts, empty: every one; `sealed` holds its secrets, each sealed."""

    channel_id: UUID
    tenant_id: UUID
    kind: Kind
    name: str
    created_at: datetime
    settings: Mapping[str, Any]
    sealed: Mapping[str, str] = field(repr=False)
    enabled: bool = True
    min_severity: Severity = Severity.WARNING
    kinds: tuple[str, ...] = ()
    rate_per_minute: int = 20
    quiet_hours: QuietHours | None = None
    template: Template | None = None
    rotated_at: datetime | None = None
    """When a webhook's secret was replaced."""
    trouble: Trouble | None = None
    last_delivered_at: datetime | None = None

    def wants(self, alert: Alert, notice: Notice) -> bool:
        """Whether it is told of this at all; quiet hours are a matter of when."""
        if not self.enabled or (notice is Notice.ACKNOWLEDGED and self.kind not in _TELLS_ACKNOWLEDGED):
            return False
        return _ORDER.index(alert.severity) >= _ORDER.index(self.min_severity) and (not self.kinds or alert.kind in self.kinds)

    def style(self) -> Style:
        """Returns how its messages are written."""
        return style_of(self.kind, self.template)


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A channel with its secrets in the clear, for as long as a message is sent."""

    channel_id: UUID
    tenant_id: UUID
    kind: Kind
    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    browsers: tuple[Browser, ...] = field(default=(), repr=False)
    """Of web push: those to reach."""
    partly: Mapping[str, int] = field(default_factory=dict, repr=False)
    """Of a digest: endpoint -> how many of its alerts the browser may see, where that is not every one."""


def rates_of(kind: Kind) -> tuple[int, int]:
    """Returns how many messages a minute a channel of a kind takes where nobody said so, and at most."""
    return _RATES.get(kind, (20, 600))


def style_of(kind: Kind, template: Template | None) -> Style:
    """Returns how messages of a kind are written."""
    return Style(template, is_short=kind is Kind.SMS, carries_pictures=KINDS[kind].carries_pictures)
