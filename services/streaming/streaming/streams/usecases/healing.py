"""Cameras whose stream advances while nothing of it is written, or whose clock was set: their paths are made anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.events import StreamCause
from streaming.streams.domain import StreamView

_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 300))
"""The last one again and again: a path that was made anew ends what is watched of the camera."""

_CURABLE = frozenset({StreamCause.NOT_RECORDED, StreamCause.CLOCK_JUMPED})
"""After a clock was set back, MediaMTX records again by itself, but refuses HLS (500) until the stream is as old as it was before."""
_MOST_FOR_JUMPS = 3
"""A camera that is recorded can be watched live: one whose clock jumps all day is not mended by being made anew all day."""
_WELL = timedelta(minutes=10)
"""A camera that was well for so long begins anew: one that sends a picture a minute would be made anew each minute otherwise."""


@dataclass(slots=True)
class _Tries:
    """How often a camera's path was made anew, and when the pause before the next time began; since when the camera is well again."""

    count: int
    paused_at: datetime
    well_since: datetime | None = None


class Healing:
    """Says when a path is to be made anew. A disk that takes nothing, and a codec, are not mended so."""

    def __init__(self) -> None:
        self._tries: dict[UUID, _Tries] = {}

    def due(self, streams: Iterable[StreamView], now: datetime) -> list[UUID]:
        """Returns the cameras whose paths are to be made anew now. They count as tried."""
        return [stream.camera_id for stream in streams if self._is_due(stream, now)]

    def _is_due(self, stream: StreamView, now: datetime) -> bool:
        if stream.state is CameraState.OFFLINE:
            return False  # perhaps by what was tried
        known = self._tries.get(stream.camera_id)
        if stream.cause not in _CURABLE:
            if known is not None:
                known.well_since = known.well_since or now
                if now - known.well_since >= _WELL:
                    del self._tries[stream.camera_id]
            return False
        if known is None:
            known = self._tries[stream.camera_id] = _Tries(0, stream.since or now)
        elif known.well_since is not None:
            known.paused_at, known.well_since = stream.since or now, None
        if stream.cause is StreamCause.CLOCK_JUMPED and known.count >= _MOST_FOR_JUMPS:
            return False
        if now - known.paused_at < _PAUSES[min(known.count, len(_PAUSES) - 1)]:
            return False
        known.count, known.paused_at = known.count + 1, now
        return True
