"""Verbs of retention: `deletion` follows the recorder agent's looks, `holds` answers callers."""

from streaming.retention.usecases.deletion import Retention, Went
from streaming.retention.usecases.holds import HoldDraft, Holds, HoldsOfCities, HoldsQuery

__all__ = ["HoldDraft", "Holds", "HoldsOfCities", "HoldsQuery", "Retention", "Went"]
