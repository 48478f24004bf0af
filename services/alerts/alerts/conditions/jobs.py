"""Clock in: lost cameras to be told of."""

from __future__ import annotations

from datetime import timedelta

from alerts.conditions.usecases import CameraConditions
from chassis.loops import Loop, every

TELL_EVERY = timedelta(seconds=1)


def telling(cameras: CameraConditions) -> Loop:
    """Returns the loop that raises the alerts of lost cameras."""
    return every(TELL_EVERY, cameras.tell_due, retry=TELL_EVERY, lasting=True)
