"""Watchlists, their plates, and when a plate that was read is one that is looked for. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, time
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from gtvision import plate as plates
from gtvision.detection import DetectedObject
from gtvision.errors import Invalid, InvalidPlate
from gtvision.events import Severity
from gtvision.time import isoformat


class Match(StrEnum):
    """How an entry compares plates."""

    EXACT = "exact"
    ERA = "era"
    """ABC1234 and ABC1C34 are the same vehicle. One that is among what the reader may have meant is a possible match."""
    SIMILAR = "similar"
    """As `era`, and a plate with one wrong character is a possible match."""


class Certainty(StrEnum):
    """How sure it is that a plate is the one that is looked for."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A named list of plates; `severity` is that of the alerts which it raises."""

    watchlist_id: UUID
    tenant_id: UUID
    name: str
    severity: Severity
    created_at: datetime
    enabled: bool = True
    channel_ids: tuple[UUID, ...] | None = None
    """Who is told; None: by policy."""
    legal_basis: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of the week in the city's time zone, [`start`, `end`) of each day (0 is Monday); past midnight where `end` is earlier."""

    days: tuple[int, ...]
    start: time
    end: time

    def cover(self, local: datetime) -> bool:
        at, today, yesterday = local.time(), local.weekday() in self.days, (local.weekday() - 1) % 7 in self.days
        if self.start < self.end:
            return today and self.start <= at < self.end
        return (today and at >= self.start) or (yesterday and at < self.end)


@dataclass(frozen=True, slots=True)
class Read:
    """A plate as a camera read it. `is_sure`: well enough to act upon; `alternates` are what the reader may have meant, best first."""

    text: str
    is_sure: bool = True
    alternates: tuple[str, ...] = ()

    @classmethod
    def of(cls, seen: DetectedObject, min_confidence: float, min_alternate: float) -> Read | None:
        """Returns None where it is not even sure that the plate is one of those that the reader may have meant."""
        if seen.plate is None:
            return None
        meant = [each for each in seen.plate_alternates if each.confidence >= min_alternate and each.text != seen.plate.text]
        if seen.plate.confidence + sum(each.confidence for each in meant) < min_confidence:
            return None
        return cls(seen.plate.text, seen.plate.confidence >= min_confidence, tuple(each.text for each in meant))

    @property
    def texts(self) -> tuple[str, ...]:
        return (self.text, *self.alternates)


@dataclass(frozen=True, slots=True)
class Entry:
    """A vehicle that is looked for, why, when and where: in [`valid_from`, `valid_until`), None: without that end.

    A list has one entry of each vehicle, in whichever era its plate is written.
    """

    entry_id: UUID
    tenant_id: UUID
    watchlist_id: UUID
    plate: str
    match: Match
    reason: str
    valid_until: datetime | None
    created_at: datetime
    valid_from: datetime | None = None
    enabled: bool = True
    legal_basis: str = ""
    priority: Severity | None = None
    """Severity of its alerts; None: that of the list."""
    hours: Hours | None = None
    camera_ids: tuple[UUID, ...] = ()
    group_ids: tuple[UUID, ...] = ()
    """Where it is looked for: at these cameras and those of these groups; both empty: everywhere."""

    def compare(self, read: Read) -> Certainty | None:
        """Whether a plate that was read is the one that is looked for."""
        same = self.plate == read.text if self.match is Match.EXACT else plates.key(self.plate) == plates.key(read.text)
        if same:
            return Certainty.CERTAIN if read.is_sure else Certainty.POSSIBLE
        if self.match is Match.EXACT:
            return None
        meant = plates.key(self.plate) in map(plates.key, read.alternates)
        similar = self.match is Match.SIMILAR and read.is_sure and plates.wrong_characters(self.plate, read.text) == 1
        return Certainty.POSSIBLE if meant or similar else None

    def watches(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether it is looked for at that instant, in a city of that time zone."""
        if not self.enabled or (self.valid_from is not None and at < self.valid_from):
            return False
        if self.valid_until is not None and at >= self.valid_until:
            return False
        return self.hours is None or self.hours.cover(at.astimezone(zone))

    def covers(self, camera_id: UUID, groups: Iterable[UUID]) -> bool:
        """Whether it is looked for at a camera of these groups."""
        anywhere = not self.camera_ids and not self.group_ids
        return anywhere or camera_id in self.camera_ids or not set(self.group_ids).isdisjoint(groups)


_SOFTER = {Severity.CRITICAL: Severity.WARNING, Severity.WARNING: Severity.INFO, Severity.INFO: Severity.INFO}


def severity_of(watchlist: Watchlist, entry: Entry, certainty: Certainty) -> Severity:
    """The severity of an alert: the entry's or the list's, one lower for a possible match."""
    severity = entry.priority or watchlist.severity
    return severity if certainty is Certainty.CERTAIN else _SOFTER[severity]


def valid_plate(text: str) -> str:
    """Returns the normalised plate. Raises: InvalidPlate, where the text is a plate of neither era."""
    plate = plates.normalise(text)
    if not plates.is_valid(plate):
        raise InvalidPlate(f"'{text[:32]}' is no Brazilian plate; write ABC1234 or ABC1D23.")
    return plate


def no_nul(text: str) -> str:
    """Raises: ValueError. PostgreSQL holds every character but this one."""
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


def check_validity(valid_from: datetime | None, valid_until: datetime | None, now: datetime) -> None:
    """Raises: Invalid, where the entry would never match."""
    if valid_until is not None and valid_until <= now:
        when = f"{isoformat(valid_until)}, and it is {isoformat(now)}"
        raise Invalid(f"valid_until is in the past ({when}): give a later instant, or none to watch without end.")
    if valid_from is not None and valid_until is not None and valid_from >= valid_until:
        raise Invalid(f"valid_from ({isoformat(valid_from)}) must be before valid_until ({isoformat(valid_until)}).")


def differences(before: Watchlist | Entry, after: Watchlist | Entry) -> str:
    """Returns the names of the fields that differ, for the audit record."""
    return ", ".join(each.name for each in fields(before) if getattr(before, each.name) != getattr(after, each.name))


@dataclass(frozen=True, slots=True)
class PlatePrefix:
    """The beginning of a plate. Raises: InvalidPlate, where the text can begin none."""

    text: str

    def __post_init__(self) -> None:
        if not 1 <= len(plates.normalise(self.text)) <= plates.LENGTH or not re.fullmatch(r"[A-Za-z0-9 -]+", self.text):
            raise InvalidPlate("A plate begins with one to seven letters or digits, such as ABC or ABC-1; * and ? have no meaning here.")

    @property
    def span(self) -> tuple[str, str]:
        return plates.span(self.text)
