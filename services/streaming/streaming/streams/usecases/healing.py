"""Cameras whose stream advances while nothing of it is written: their paths are made anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.events import StreamCause
from streaming.streams.domain import StreamView

_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 300))
"""The last one again and again: a path that was made anew ends what is watched of the camera."""


class Healing:
    """Says when a path is to be made anew. A disk that takes nothing, and a codec, are not mended so."""

    def __init__(self) -> None:
        self._tried: dict[UUID, tuple[int, datetime]] = {}
        """How often a camera's path was made anew since it was well last, and when the pause before the next time began."""

    def due(self, streams: Iterable[StreamView], now: datetime) -> list[UUID]:
        """Returns the cameras whose paths are to be made anew now. They count as tried."""
        found = []
        for stream in streams:
            if stream.state is CameraState.OFFLINE:
                continue  # perhaps by what was tried
            if stream.cause is not StreamCause.NOT_RECORDED:
                self._tried.pop(stream.camera_id, None)
                continue
            tries, since = self._tried.setdefault(stream.camera_id, (0, stream.since or now))
            if now - since >= _PAUSES[min(tries, len(_PAUSES) - 1)]:
                self._tried[stream.camera_id] = tries + 1, now
                found.append(stream.camera_id)
        return found
