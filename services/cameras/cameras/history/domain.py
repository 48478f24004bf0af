"""A change of a camera's state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.events import StreamCause

KEPT = timedelta(days=90)
"""Changes that are older are forgotten at the camera's next one."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """Since `at` a screen shows the camera in this state, for this cause."""

    camera_id: UUID
    at: datetime
    state: CameraState
    cause: StreamCause | None


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which changes of a camera, newest first: at or after `start`, before `end`, and before the last one of the page before."""

    start: datetime | None
    end: datetime | None
    before: datetime | None
    limit: int
