"""Clock in: alerts whose snooze has ended."""

from __future__ import annotations

from datetime import timedelta

from alerts.alerts.usecases import Alerts
from chassis.loops import Loop, every

WAKE_EVERY = timedelta(seconds=2)


def waking(alerts: Alerts) -> Loop:
    """Returns the loop that tells people of alerts whose snooze has ended."""
    return every(WAKE_EVERY, alerts.wake_snoozed, retry=WAKE_EVERY, lasting=True)
