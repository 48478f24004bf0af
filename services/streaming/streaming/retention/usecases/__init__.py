"""Verbs of retention: `deletion` follows the recorder agent's looks, `holds` and `tombstones` answer callers."""

from streaming.retention.usecases.deletion import Retention
from streaming.retention.usecases.holds import HoldDraft, Holds, HoldsQuery
from streaming.retention.usecases.tombstones import Tombstones

__all__ = ["HoldDraft", "Holds", "HoldsQuery", "Retention", "Tombstones"]
