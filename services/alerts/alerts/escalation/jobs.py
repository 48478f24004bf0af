"""Clock in: steps whose time has come."""

from __future__ import annotations

from datetime import timedelta

from alerts.escalation.usecases import Escalation
from chassis.loops import Loop, every

EVERY = timedelta(seconds=1)


def escalating(escalation: Escalation) -> Loop:
    """Returns the loop that takes due steps."""
    return every(EVERY, escalation.take_due, retry=EVERY, lasting=True)
