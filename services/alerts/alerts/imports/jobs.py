"""Clock in: imports that wait, also those of a process that ended on the way."""

from __future__ import annotations

from datetime import timedelta

from alerts.imports.usecases import Imports
from chassis.loops import Loop, every

LOOK_EVERY = timedelta(seconds=5)


def importing(imports: Imports) -> Loop:
    """Returns the loop that works on imports."""
    return every(LOOK_EVERY, imports.work_off, retry=timedelta(seconds=2), wake=imports.wake, lasting=True)
