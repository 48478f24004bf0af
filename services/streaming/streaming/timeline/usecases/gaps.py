"""Gaps that a newly indexed recording closes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from chassis.db import UnitOfWork
from gtvision.events import RecordingGapClosed
from gtvision.ids import derived_id
from streaming import metrics
from streaming.recordings.domain import Segment

if TYPE_CHECKING:
    from streaming.streams.repository import PostgresStreams
    from streaming.timeline.repository import PostgresTimeline
    from streaming.timeline.usecases.timelines import TimelineReader

_TOLD_FROM = timedelta(seconds=2)


class ClosedGaps:
    """Says between which two recordings there was nothing, and why."""

    def __init__(
        self,
        reader: TimelineReader,
        repository: Callable[[UnitOfWork], PostgresTimeline],
        streams: Callable[[UnitOfWork], PostgresStreams],
    ) -> None:
        self._reader, self._repository, self._streams = reader, repository, streams

    async def tell(self, uow: UnitOfWork, segment: Segment) -> None:
        """Emits the gap before a segment that was just stored, in its transaction. Of a segment that is indexed again, it is the same."""
        before = await self._repository(uow).ended_before(segment.camera_id, segment.started_at)
        camera = await self._streams(uow).kept(segment.camera_id)
        if before is None or camera is None or segment.started_at - before <= _TOLD_FROM:
            return
        gaps = (await self._reader.read(uow, camera, before, segment.started_at)).gaps
        if not gaps:
            return
        longest = max(gaps, key=lambda gap: gap.end - gap.start)
        started_at, ended_at = gaps[0].start, gaps[-1].end
        told = RecordingGapClosed(
            camera_id=segment.camera_id, started_at=started_at, ended_at=ended_at, cause=longest.cause, detail=longest.detail
        )
        told_id = derived_id("gap closed", segment.camera_id, started_at.isoformat(), ended_at.isoformat())
        uow.emit(told, camera_id=segment.camera_id, event_id=told_id)
        metrics.recording_gaps.labels(longest.cause.value).inc()
