"""Thumbnails: made beside the recordings, in a loop of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chassis.logs import get_logger
from gtvision.errors import Invalid
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import Look, SegmentFile
from streaming.snapshots.domain import without_thumbnail

if TYPE_CHECKING:
    from streaming.gateways.pyav_pictures import PyAvPictures
    from streaming.gateways.recordings_folder import RecordingsFolder

log = get_logger(__name__)

_MOST_OF_A_CAMERA = 50
"""More are not made between two looks."""
_SWEPT_EVERY_S = timedelta(hours=1).total_seconds()


class Thumbnails:
    """Makes one thumbnail of each finished recording, beside it. It follows the looks at the folder and works in a loop of its own.

    The newest come first: people look at them most, and after an outage what is recorded now does not wait for what was missed. Each file
    is tried once, which is noted on the disk beside it.
    """

    def __init__(self, files: RecordingsFolder, pictures: PyAvPictures, *, clock: Clock, idle_after: timedelta) -> None:
        self._files, self._pictures, self._clock, self._idle_after = files, pictures, clock, idle_after
        self._missing: list[SegmentFile] = []
        self._swept_at = float("-inf")

    async def follow(self, look: Look) -> None:
        """Notes which thumbnails are missing."""
        self._missing = without_thumbnail(look, self._idle_after, _MOST_OF_A_CAMERA)
        metrics.thumbnails_missing.set(sum(len(files.without_thumbnail) for files in look.files.values()))

    async def make_next(self) -> None:
        """Makes one thumbnail, where one is missing; once an hour, removes those whose recordings are gone. Raises: Unavailable."""
        if self._clock.monotonic() - self._swept_at >= _SWEPT_EVERY_S:
            swept = await self._files.sweep(self._clock.now())
            self._swept_at = self._clock.monotonic()
            log.info("thumbnails_swept", removed=swept)
        if self._missing:
            await self._make(self._missing.pop())

    async def _make(self, file: SegmentFile) -> None:
        await self._files.begin_thumbnail(file.path)
        with metrics.thumbnail_seconds.time():
            try:
                jpeg = await self._pictures.thumbnail(file.path)
            except (Invalid, OSError) as error:
                metrics.thumbnails.labels("failed").inc()
                log.warning("thumbnail_failed", path=str(file.path), reason=str(error))
                return
            await self._files.put_thumbnail(file.path, jpeg)
        metrics.thumbnails.labels("made").inc()
