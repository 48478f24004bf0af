"""What a trial is asked, and what it tells. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from uuid import UUID

from city.judging import Grouping, Judge
from gtvision.camera import ObjectClass
from gtvision.errors import Invalid
from gtvision.rules import RuleCondition, Sighting

LONGEST = timedelta(days=31)
SHOWN = 200
"""Alerts that are listed, the newest; all are counted."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A condition over [start, end). Raises: Invalid."""

    condition: RuleCondition
    cooldown: timedelta
    start: datetime
    end: datetime
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise Invalid("'from' must be before 'to'.")
        if self.end - self.start > LONGEST:
            raise Invalid("A rule is tried over 31 days at most: ask for less at a time.")

    @property
    def names_a_plate(self) -> bool:
        """Whether it is a search for a plate, with the rules of one."""
        return self.condition.plate not in {None, "none"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is stored of the detection that an alert begins with."""

    object_class: ObjectClass
    confidence: float
    plate: str | None
    has_evidence: bool


@dataclass(slots=True)
class WouldBe:
    """An alert that would have been raised: its first sighting, how many joined it, and when the last of them was."""

    first: Sighting
    last_seen_at: float
    sightings: int = 1
    shown: Shown | None = None


@dataclass(slots=True)
class Outcome:
    """What a trial found. `scanned` counts the stored detections that were compared; until `scanned_until` all were."""

    complete: bool
    scanned: int
    scanned_until: datetime
    total: int
    alerts: list[WouldBe]
    by_day: list[tuple[date, int]]


@dataclass(slots=True)
class Tally:
    """Judges sightings slice by slice, and counts alerts. Blocking: some microseconds a sighting."""

    trial: Trial
    zone: tzinfo
    scanned: int = 0
    total: int = 0
    judge: Judge = field(init=False)
    group: Grouping = field(init=False)
    newest: deque[WouldBe] = field(default_factory=lambda: deque(maxlen=SHOWN))
    _open: dict[UUID, WouldBe] = field(default_factory=dict)
    _days: Counter[date] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        asked_by_the_database: dict[str, object] = {"classes": frozenset(), "plate": None, "min_confidence": 0.0}
        condition = self.trial.condition.model_copy(update=asked_by_the_database)
        self.judge = Judge(condition, self.zone, self.trial.holidays)
        self.group = Grouping(self.trial.cooldown)

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Takes the next rows in order of time, each as a `Sighting` begins."""
        sightings = [Sighting(*row) for row in rows]  # type: ignore[arg-type]
        self.scanned += len(sightings)
        for hit in self.judge.judge(sightings):
            if self.group.is_new(hit):
                self.total += 1
                self._open[hit.camera_id] = alert = WouldBe(hit, hit.at)
                self.newest.append(alert)
                self._days[datetime.fromtimestamp(hit.at, self.zone).date()] += 1
            else:
                alert = self._open[hit.camera_id]
                alert.sightings += 1
                alert.last_seen_at = max(alert.last_seen_at, hit.at)

    def outcome(self, reached: float | None) -> Outcome:
        """Returns what was found; `reached` is where the time ran out, None where all was seen."""
        until = self.trial.end if reached is None else datetime.fromtimestamp(reached, UTC)
        return Outcome(reached is None, self.scanned, until, self.total, list(reversed(self.newest)), sorted(self._days.items()))
