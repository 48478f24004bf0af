"""Watchlists and their plates. Pure: no I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
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
    """A vehicle that is looked for, why, and until when. A list has one entry of each, in whichever era its plate is written."""

    entry_id: UUID
    tenant_id: UUID
    watchlist_id: UUID
    plate: str
    match: Match
    reason: str
    valid_until: datetime | None
    created_at: datetime

    def fits(self, plate: str, at: datetime) -> bool:
        """Whether a plate read at that instant is the one looked for."""
        if self.valid_until is not None and at >= self.valid_until:
            return False
        return self.plate == plate if self.match is Match.EXACT else plates.key(self.plate) == plates.key(plate)


def valid_plate(text: str) -> str:
    """Returns the normalised plate. Raises: InvalidPlate, where the text is a plate of neither era."""
    plate = plates.normalise(text)
    if not plates.is_valid(plate):
        raise InvalidPlate(f"'{text[:32]}' is no Brazilian plate; write ABC1234 or ABC1D23.")
    return plate


def check_valid_until(valid_until: datetime | None, now: datetime) -> None:
    """Raises: Invalid, where the entry would never match."""
    if valid_until is not None and valid_until <= now:
        when = f"{isoformat(valid_until)}, and it is {isoformat(now)}"
        raise Invalid(f"valid_until is in the past ({when}): give a later instant, or none to watch without end.")
