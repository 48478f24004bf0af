"""Nouns of retention: `rules` say what goes, `holds` what stays, and `tombstones` what went."""

from streaming.retention.domain.holds import City, Held, HeldSpans, Hold
from streaming.retention.domain.rules import (
    GIGABYTE,
    CityLimits,
    CitySettings,
    Doomed,
    HeldState,
    Limits,
    Policy,
    Reason,
    Rules,
    Spared,
    keep_days,
    keeping,
    limits_of_cities,
    to_delete,
)
from streaming.retention.domain.tombstones import Tombstone, bury

__all__ = [
    "GIGABYTE",
    "City",
    "CityLimits",
    "CitySettings",
    "Doomed",
    "Held",
    "HeldSpans",
    "HeldState",
    "Hold",
    "Limits",
    "Policy",
    "Reason",
    "Rules",
    "Spared",
    "Tombstone",
    "bury",
    "keep_days",
    "keeping",
    "limits_of_cities",
    "to_delete",
]
