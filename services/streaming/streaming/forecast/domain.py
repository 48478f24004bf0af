"""How many days cameras will keep at their pace, and how many are left. Pure: no I/O, no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from streaming.retention.domain import City
from streaming.streams.domain import KeptCamera
from streaming.usage.domain import Room, Usage


@dataclass(frozen=True, slots=True)
class Pace:
    """What a camera adds in a day, and the days that it is to keep."""

    camera_id: UUID
    bytes_per_day: int
    keep_days: int


@dataclass(frozen=True, slots=True)
class CityDemand:
    """What a city will take: its cameras at their pace, within its own limit, beside what stays whatever comes (held, or not known)."""

    paces: Sequence[Pace]
    max_bytes: int | None = None
    fixed_bytes: int = 0

    @property
    def wanted_bytes(self) -> float:
        wanted = float(sum(pace.bytes_per_day * pace.keep_days for pace in self.paces))
        return self.fixed_bytes + min(wanted, math.inf if self.max_bytes is None else max(0, self.max_bytes - self.fixed_bytes))


def days_kept(cities: Mapping[City, CityDemand], room_bytes: int) -> dict[UUID, float]:
    """By camera, the days that it will keep once the room is used up, when cities share it as deletion does (max-min), and the cameras of a
    city go by age alone. What is held counts beside what is recorded from now on."""
    kept: dict[UUID, float] = {}
    left, waiting = float(max(0, room_bytes)), len(cities)
    for demand in sorted(cities.values(), key=lambda each: each.wanted_bytes):
        taken = min(demand.wanted_bytes, left / waiting)
        left, waiting = left - taken, waiting - 1
        horizon = _horizon(demand.paces, taken - demand.fixed_bytes)
        kept |= {pace.camera_id: min(horizon, pace.keep_days) for pace in demand.paces if pace.bytes_per_day > 0}
    return kept


def _horizon(paces: Sequence[Pace], room_bytes: float) -> float:
    """The age at which the oldest recording goes for want of room; infinite where none has to."""
    rate, reached, left = sum(pace.bytes_per_day for pace in paces), 0, max(0.0, room_bytes)
    for pace in sorted(paces, key=lambda each: each.keep_days):
        needed = rate * (pace.keep_days - reached)
        if needed > left:
            return reached + left / rate
        rate, reached, left = rate - pace.bytes_per_day, pace.keep_days, left - needed
    return math.inf


def room_for_days(used_bytes: int, max_bytes: int | None, per_day: float) -> float | None:
    """Days until a limit is reached at a pace; None where that never comes."""
    if max_bytes is None or per_day <= 0:
        return None
    return max(0, max_bytes - used_bytes) / per_day


_SLACK = 1.15


@dataclass(frozen=True, slots=True)
class LowMarks:
    """Below which share of the disk that is free (0..1), or how many days left, it counts as low. Once low, it has room again only
    somewhat above."""

    free: float
    days: float

    def is_low(self, room: Room, *, was_low: bool) -> bool:
        slack = _SLACK if was_low else 1.0
        is_short = room.days_left is not None and room.days_left < self.days * slack
        return is_short or room.free_bytes < room.total_bytes * min(1.0, self.free * slack)


@dataclass(frozen=True, slots=True)
class Share:
    """What one camera takes and will keep. `usage` is None where nothing of it was counted."""

    camera: KeptCamera
    keep_days: int
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a caller's recordings take, and how long they will be kept. `room` is None where nothing was counted, and for callers who
    do not see all of the city's cameras."""

    as_of: datetime | None
    room: Room | None
    sees_the_disk: bool
    quota_bytes: int | None
    shares: Sequence[Share]
