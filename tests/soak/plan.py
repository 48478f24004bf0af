"""When each fault comes: one after the other, with quiet times between. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FAULTS: Sequence[tuple[str, float]] = (
    ("a camera freezes", 60.0),
    ("a camera refuses", 60.0),
    ("footage is held", 0.0),
    ("the media server is killed", 0.0),
    ("the recorder is killed", 0.0),
    ("streaming is killed", 0.0),
    ("PostgreSQL is away", 120.0),
    ("the disk is full", 60.0),
)
"""What happens, and for how many seconds where it does not pass by itself."""
_BUSY = 0.5
"""Faults last no longer than this share of the run, in which they are shortened where it is a short one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fault, `at_s` seconds after the beginning of the run at the earliest, for `lasts_s` seconds."""

    what: str
    at_s: float
    lasts_s: float


def plan(run_s: float, faults: Sequence[tuple[str, float]] = FAULTS) -> list[Step]:
    """Spreads the faults over a run, with equal quiet times before, between and after them."""
    whole = sum(lasts for _, lasts in faults)
    scale = min(1.0, run_s * _BUSY / whole) if whole else 1.0
    quiet = (run_s - whole * scale) / (len(faults) + 1)
    steps, at = [], quiet
    for what, lasts in faults:
        steps.append(Step(what, at, lasts * scale))
        at += lasts * scale + quiet
    return steps
