"""Who is told of an alert, when nobody answers, and who is on call. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from alerts.alerts.domain import Alert
from alerts.deliveries.domain import CHANNEL_ALERT, Recipient
from gtvision.errors import Invalid
from gtvision.events import Severity

REMINDER: Final = 0
"""Number of a waiting step that is a reminder: step 0 itself is taken at once and never waits."""
REPEATED_EVERY_H: Final = 4
"""How often critical alerts are repeated where no policy says otherwise."""


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """Whom to tell when an alert has been open for so long."""

    after_min: int
    channel_ids: tuple[UUID, ...] = ()
    group_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Who is told of which alerts, and in which order. Empty tuples: every one. Of the enabled policies the first that matches applies.

    `repeat_h` is how often an open critical alert is repeated; None: never.
    """

    policy_id: UUID
    tenant_id: UUID
    name: str
    created_at: datetime
    enabled: bool = True
    order: int = 100
    severities: tuple[Severity, ...] = ()
    kinds: tuple[str, ...] = ()
    watchlist_ids: tuple[UUID, ...] = ()
    rule_ids: tuple[UUID, ...] = ()
    steps: tuple[PolicyStep, ...] = ()
    repeat_h: int | None = REPEATED_EVERY_H

    def matches(self, alert: Alert) -> bool:
        """Whether it applies to an alert. Where both lists and rules are named, an alert of any of them is meant."""
        sources = {*self.watchlist_ids, *self.rule_ids}
        return (
            self.enabled
            and (not self.severities or alert.severity in self.severities)
            and (not self.kinds or alert.kind in self.kinds)
            and (not sources or alert.watchlist_id in sources or alert.rule_id in sources)
        )


def check_steps(steps: Sequence[PolicyStep]) -> None:
    """Raises: Invalid, where a policy would tell nobody at once, or two steps come together."""
    times = [step.after_min for step in steps]
    if not times or times[0] != 0 or any(later <= earlier for earlier, later in pairwise(times)):
        raise Invalid("steps begin with after_min 0, and each comes after the one before.")
    if any(not step.channel_ids and not step.group_ids for step in steps):
        raise Invalid("Each step names a channel or a group.")


def first_match(policies: Iterable[Policy], alert: Alert) -> Policy | None:
    """Returns the policy that applies, of policies in their order."""
    return next((policy for policy in policies if policy.matches(alert)), None)


# --- on call -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Member:
    """A person who takes turns, and the ways to reach them."""

    name: str
    user_id: UUID | None
    reach: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Rotation:
    """Turns of so many days from a date on, handed over at a time of the city's clock. On `starts_on` the first member begins."""

    starts_on: date
    at: time
    days: int = 7


@dataclass(frozen=True, slots=True)
class Override:
    """Another member, by name, in [`start`, `end`)."""

    start: datetime
    end: datetime
    member: str


@dataclass(frozen=True, slots=True)
class Group:
    """People who take turns at being on call."""

    group_id: UUID
    tenant_id: UUID
    name: str
    created_at: datetime
    members: tuple[Member, ...]
    rotation: Rotation
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on call in [`start`, `end`)."""

    group_id: UUID
    group_name: str
    member: str
    start: datetime
    end: datetime


def check_group(group: Group) -> None:
    """Raises: Invalid, where two members have one name, or an override names none of them or ends before it begins."""
    names = [member.name for member in group.members]
    if not names or len({*names}) != len(names):
        raise Invalid("A group has members, each with a name of its own.")
    for override in group.overrides:
        if override.member not in names or override.start >= override.end:
            raise Invalid("An override names a member of the group, and ends after it begins.")


def on_call(group: Group, at: datetime, zone: ZoneInfo) -> Member:
    """Returns who is on call at an instant: by an override, of several the last one, or by the turns."""
    named = {member.name: member for member in group.members}
    for override in reversed(group.overrides):
        if override.start <= at < override.end and override.member in named:
            return named[override.member]
    return group.members[_turn(group.rotation, at, zone) % len(group.members)]


def _turn(rotation: Rotation, at: datetime, zone: ZoneInfo) -> int:
    """Returns the number of the turn, by the city's clock; before the first turn it is negative."""
    passed = at.astimezone(zone).replace(tzinfo=None) - datetime.combine(rotation.starts_on, rotation.at)
    return passed // timedelta(days=rotation.days)


def shifts(group: Group, start: datetime, end: datetime, zone: ZoneInfo) -> list[Shift]:
    """Returns who is on call between two instants, each turn once, cut where an override begins or ends."""
    edges = sorted({start, end, *(each for each in _edges(group, start, end, zone) if start < each < end)})
    found: list[Shift] = []
    for begins, ends in pairwise(edges):
        name = on_call(group, begins, zone).name
        joined = found and found[-1].member == name
        found.append(Shift(group.group_id, group.name, name, found.pop().start if joined else begins, ends))
    return found


def _edges(group: Group, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    for override in group.overrides:
        yield from (override.start, override.end)
    turn, rotation = _turn(group.rotation, start, zone), group.rotation
    while True:
        turn += 1
        day = rotation.starts_on + timedelta(days=turn * rotation.days)
        edge = datetime.combine(day, rotation.at, zone).astimezone(start.tzinfo)
        if edge >= end:
            return
        yield edge


# --- whom to tell ------------------------------------------------------------------------------------------------------


def recipients(step: PolicyStep, groups: Mapping[UUID, Group], at: datetime, zone: ZoneInfo) -> list[Recipient]:
    """Returns whom a step tells: its channels, and of each group the one on call. A group that is gone tells nobody."""
    found = [Recipient(channel_id) for channel_id in step.channel_ids]
    for group_id in step.group_ids:
        if group_id in groups:
            found += on_call(groups[group_id], at, zone).reach
    return list(dict.fromkeys(found))


def reachable(wanted: Iterable[Recipient], enabled: Iterable[UUID], alert: Alert) -> list[Recipient]:
    """Leaves out channels that are off or gone, and of a channel that is out of order the channel itself."""
    usable = {each for each in enabled if not (alert.kind == CHANNEL_ALERT and str(each) == alert.subject)}
    return [each for each in wanted if each.channel_id in usable]


@dataclass(frozen=True, slots=True)
class Due:
    """A step of an alert's policy that is taken at an instant, unless a person acknowledges before. `policy_id` None: no policy."""

    alert_id: UUID
    step: int
    due_at: datetime
    policy_id: UUID | None = None
    repeat_h: int | None = None


def later_steps(policy: Policy | None, alert: Alert, at: datetime) -> list[Due]:
    """Returns what follows where nobody acknowledges: the later steps, and the reminder of a critical alert."""
    policy_id = policy.policy_id if policy else None
    steps = policy.steps if policy else ()
    found = [Due(alert.alert_id, number, at + timedelta(minutes=step.after_min), policy_id) for number, step in enumerate(steps) if number]
    repeat_h = policy.repeat_h if policy else REPEATED_EVERY_H
    if alert.severity is Severity.CRITICAL and repeat_h is not None:
        found.append(Due(alert.alert_id, REMINDER, at + timedelta(hours=repeat_h), policy_id, repeat_h))
    return found
