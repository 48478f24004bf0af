"""Nouns of retention: `rules` say what goes, and `holds` what stays."""

from streaming.retention.domain.holds import City, Held, HeldSpans, Hold
from streaming.retention.domain.rules import (
    GIGABYTE,
    CityLimits,
    CitySettings,
    Doomed,
    HeldState,
    Limits,
    Rules,
    Spared,
    keep_days,
    keeping,
    limits_of_cities,
    to_delete,
)

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
    "Rules",
    "Spared",
    "keep_days",
    "keeping",
    "limits_of_cities",
    "to_delete",
]
