"""Messages on their way to people: when one is tried again, when many become one, when a channel is in trouble. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from uuid import UUID

from alerts.alerts.domain import Alert, Notice, Occurrence
from gtvision.events import Severity
from gtvision.ids import derived_id

if TYPE_CHECKING:
    from alerts.channels.domain import Channel

CHANNEL_ALERT: Final = "notification_failed"
"""`kind` of the alert that a channel is out of order; its subject is the channel's id."""
DIGEST: Final = "digest"
"""`notice` and `kind` of a message that stands for many."""
MACHINES: Final = frozenset({"webhook", "pagerduty"})
"""Kinds of channel that are read by programs: they get each message by itself, and are told of acknowledgements."""
FLOOD: Final = 10
"""So many messages may wait for a channel's rate before they become one."""
GIVEN_UP_AFTER: Final = timedelta(hours=24)
LEASE: Final = timedelta(seconds=30)
"""A message that was taken and not recorded is sent again after this; a try takes at most 20 s."""
TROUBLE_AFTER: Final = timedelta(minutes=2)
CLOSED_AFTER: Final = 3  # so many failures in a row are the channel's, not a message's
LONG_AWAY: Final = timedelta(minutes=1)
"""A channel that is back after this is tried with everything that waits, whatever its next try."""

_WAITS = (
    timedelta(seconds=5),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
)
_PROBED_EVERY: Final = timedelta(minutes=1)
_LOUDNESS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class DeliveryState(StrEnum):
    """How far a message has come."""

    WAITING = "waiting"
    HELD = "held"
    """Until the channel's quiet hours end."""
    DELIVERED = "delivered"
    FAILED = "failed"
    DIGESTED = "digested"
    """Another message, `digest_id`, tells what this one would have told."""


PENDING: Final = frozenset({DeliveryState.WAITING, DeliveryState.HELD})


@dataclass(frozen=True, slots=True, order=True)
class Recipient:
    """Where a message goes: a channel, and the address of one person on it; without it, the channel's own address."""

    channel_id: UUID
    to: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one recipient, sent at least once and always under this id. A digest has no alert.

    `fence` counts how often it was taken to be sent: only who took it last records what became of it. `expires_at` is when it is given up.
    """

    delivery_id: UUID
    tenant_id: UUID
    channel_id: UUID
    to: str
    alert_id: UUID | None
    notice: str
    severity: Severity
    kind: str
    title: str
    created_at: datetime
    next_try_at: datetime
    expires_at: datetime
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    fence: int = 0
    last_answer: str = ""
    external_id: str | None = None
    digest_id: UUID | None = None
    delivered_at: datetime | None = None

    @property
    def recipient(self) -> Recipient:
        return Recipient(self.channel_id, self.to)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to send a message, and the answer."""

    at: datetime
    outcome: str
    detail: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which messages, newest first; None everywhere: no limit of that kind. `before` is where the last page ended."""

    limit: int
    channel_id: UUID | None = None
    alert_id: UUID | None = None
    states: frozenset[DeliveryState] | None = None
    before: tuple[datetime, UUID] | None = None


def new_delivery(alert: Alert, notice: Notice, recipient: Recipient, at: datetime, occasion: str) -> Delivery:
    """The message of an occasion. Its id derives from all of these, so an occasion that is noted twice is one message."""
    return Delivery(
        delivery_id=derived_id("delivery", alert.alert_id, notice, occasion, recipient.channel_id, recipient.to),
        tenant_id=alert.tenant_id,
        channel_id=recipient.channel_id,
        to=recipient.to,
        alert_id=alert.alert_id,
        notice=notice,
        severity=alert.severity,
        kind=alert.kind,
        title=alert.title,
        created_at=at,
        next_try_at=at,
        expires_at=at + GIVEN_UP_AFTER,
    )


def wait_after(attempts: int, chance: float) -> timedelta:
    """Returns the wait after so many tries in vain: 5 s to 1 h, a fifth longer or shorter by `chance` (0..1)."""
    return _WAITS[min(max(attempts, 1), len(_WAITS)) - 1] * (0.8 + 0.4 * chance)


# --- the end of an alert -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ending:
    """What the end of an alert makes of its messages.

    `combined` were never tried: they tell of the end at once. `replaced` may have arrived: the new message of that recipient stands for
    them. `told` get a new message.
    """

    combined: Mapping[Recipient, UUID]
    replaced: Mapping[UUID, Recipient]
    told: tuple[Recipient, ...]


def plan_ending(rows: Iterable[Delivery]) -> Ending:
    """Returns who has to learn that the alert is over: all who were told, or have a message waiting."""
    combined: dict[Recipient, UUID] = {}
    replaced: dict[UUID, Recipient] = {}
    told: dict[Recipient, None] = {}
    for row in sorted(rows, key=lambda each: (each.created_at, each.delivery_id)):
        if row.notice == Notice.RESOLVED or row.state is DeliveryState.FAILED:
            continue
        if row.state not in PENDING:
            told[row.recipient] = None
        elif row.attempts == 0 and row.recipient not in combined:
            combined[row.recipient] = row.delivery_id
        else:
            replaced[row.delivery_id] = row.recipient
    new = {**told, **dict.fromkeys(replaced.values())}
    return Ending(combined, replaced, tuple(each for each in new if each not in combined))


# --- the pace of a channel ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a channel may be used, and how it fares. All replicas share it.

    `tokens` are the messages that may leave at once. After CLOSED_AFTER failures in a row, or where the channel asked for a pause, nothing
    leaves before `closed_until`, and then one message at a time, until one arrives. `trouble_told` says whether there is an alert of its
    being out of order.
    """

    channel_id: UUID
    tokens: float
    refilled_at: datetime
    failures: int = 0
    closed_until: datetime | None = None
    failing_since: datetime | None = None
    refused_at: datetime | None = None
    trouble_told: bool = False
    trouble_detail: str = ""

    def is_out(self, now: datetime) -> bool:
        """Whether it is out of order: it has refused a message, or failed for TROUBLE_AFTER, and delivered none since."""
        return self.refused_at is not None or (self.failing_since is not None and now - self.failing_since >= TROUBLE_AFTER)

    def refilled(self, per_minute: int, now: datetime) -> Pace:
        """Returns it with the tokens of the time that has passed; a clock that was set back gives none."""
        passed = max(0.0, (now - self.refilled_at).total_seconds())
        return replace(self, tokens=min(float(per_minute), self.tokens + passed * per_minute / 60), refilled_at=now)

    def room(self, now: datetime) -> int:
        """Returns how many messages may leave now."""
        if self.closed_until is not None and now < self.closed_until:
            return 0
        return min(int(self.tokens), 1) if self.failures >= CLOSED_AFTER else int(self.tokens)

    @property
    def is_well(self) -> bool:
        """Whether a message that arrives is no news."""
        return not self.failures and self.failing_since is None and self.refused_at is None

    def after_success(self) -> Pace:
        return replace(self, failures=0, closed_until=None, failing_since=None, refused_at=None, trouble_detail="")

    def after_failure(self, detail: str, now: datetime, retry_after: timedelta | None, chance: float) -> Pace:
        """What failed may succeed later."""
        failures = self.failures + 1
        wait = max(min(wait_after(failures + 1 - CLOSED_AFTER, chance), _PROBED_EVERY), retry_after or timedelta(0))
        is_closed = failures >= CLOSED_AFTER or retry_after is not None
        failed = replace(self, failures=failures, failing_since=self.failing_since or now, trouble_detail=detail)
        return replace(failed, closed_until=now + wait) if is_closed else failed

    def after_refusal(self, detail: str, now: datetime) -> Pace:
        """The channel says that this will never succeed: a wrong address, a withdrawn key."""
        return replace(self, refused_at=self.refused_at or now, trouble_detail=detail)


def is_flood(waiting: int, tokens: float, kind: str) -> bool:
    """Whether more messages wait than a person would read one by one."""
    return kind not in MACHINES and tokens >= 1 and waiting - int(tokens) > FLOOD


def trouble_alert(channel: Channel, pace: Pace, now: datetime) -> Occurrence:
    """What is raised of a channel that is out of order."""
    return Occurrence(
        kind=CHANNEL_ALERT,
        subject=str(pace.channel_id),
        severity=Severity.CRITICAL,
        title=f"O canal “{channel.name}” não entrega mensagens",
        at=now,
        lasting=True,
        details={"Canal": channel.name, "Resposta": pace.trouble_detail},
    )


# --- digests -----------------------------------------------------------------------------------------------------------


def new_digest(rows: Sequence[Delivery], delivery_id: UUID, now: datetime) -> Delivery:
    """The one message for these, which go to one recipient; as loud as the loudest of them."""
    loudest = max((row.severity for row in rows), key=_LOUDNESS.__getitem__)
    title = f"{len(rows)} avisos de {len({row.alert_id for row in rows})} alertas"
    return replace(
        rows[0],
        delivery_id=delivery_id,
        alert_id=None,
        notice=DIGEST,
        kind=DIGEST,
        severity=loudest,
        title=title,
        created_at=now,
        next_try_at=now,
        expires_at=now + GIVEN_UP_AFTER,
        state=DeliveryState.WAITING,
        attempts=0,
        fence=0,
        last_answer="",
    )
