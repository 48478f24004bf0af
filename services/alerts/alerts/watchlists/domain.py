"""Watchlists and their plates. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from gtvision import plate as plates
from gtvision.errors import Invalid, InvalidPlate
from gtvision.events import Severity
from gtvision.time import isoformat


class Match(StrEnum):
    """How an entry compares plates."""

    EXACT = "exact"
    ERA = "era"
    """ABC1234 and ABC1C34 are the same vehicle."""


@dataclass(frozen=True, slots=True)
class Watchlist:
    """A named list of plates; `severity` is that of the alerts which it raises."""

    watchlist_id: UUID
    tenant_id: UUID
    name: str
    severity: Severity
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A vehicle that is looked for, why, and in which time, [`valid_from`, `valid_until`); None: without that end.

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

    def fits(self, plate: str, at: datetime) -> bool:
        """Whether a plate read at that instant is the one looked for."""
        if (self.valid_from is not None and at < self.valid_from) or (self.valid_until is not None and at >= self.valid_until):
            return False
        return self.plate == plate if self.match is Match.EXACT else plates.key(self.plate) == plates.key(plate)


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
