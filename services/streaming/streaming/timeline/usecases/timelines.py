"""The timeline of a camera, as callers see it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from gtvision.errors import Invalid
from gtvision.events import GapCause
from gtvision.tenancy import Caller
from gtvision.time import EARLIEST, LATEST, Clock
from streaming.streams.domain import KeptCamera
from streaming.timeline.domain import ArchivedSpan, Gap, Source, Span, Timeline, Watches, clipped, explain, joined, outside, without_stills

if TYPE_CHECKING:
    from streaming.streams.usecases import Streams
    from streaming.timeline.repository import PostgresTimeline

Deleted = Callable[[UnitOfWork, UUID, datetime, datetime], Awaitable[Sequence[tuple[datetime, datetime]]]]
"""Returns the spans of a camera's recordings that were deleted by policy and overlap a range: `(uow, camera_id, since, until)`."""
Archived = Callable[[UnitOfWork, UUID, datetime, datetime], Awaitable[Sequence[ArchivedSpan]]]
"""Returns the spans of a camera that off-site copies hold, in the same way."""
LISTED = timedelta(days=31)
"""Of a longer range only the density is told."""

_LATELY = timedelta(seconds=15)
"""What was written so lately is being written: later instants are not known yet. The same holds for what is watched."""


class Timelines:
    """What was recorded of a camera, and why the rest was not, as callers see it."""

    def __init__(self, uow: UowFactory, reader: TimelineReader, streams: Streams, clock: Clock, archived: Archived | None = None) -> None:
        self._uow, self._reader, self._streams, self._clock, self._archived = uow, reader, streams, clock, archived

    async def show(self, caller: Caller, camera_id: UUID, since: datetime, until: datetime) -> Timeline:
        """Up to now, or to where the file that is being written is known. Raises: NotFound; Invalid, where the range lies in the future."""
        camera = await self._streams.find_kept(caller, camera_id)
        if since >= min(until, self._clock.now()):
            raise Invalid("`from` lies in the future, or `to` is not after it.")
        async with self._uow(caller.tenant_id) as uow:
            timeline = await self._reader.read(uow, camera, since, until)
            whole = timeline.whole
            if self._archived is None or whole.end - whole.start > LISTED:
                return timeline
            return replace(timeline, archived=await self._archived(uow, camera_id, whole.start, whole.end))


class TimelineReader:
    """Puts together what the index, the open file and the interruptions say."""

    def __init__(self, repository: Callable[[UnitOfWork], PostgresTimeline], clock: Clock, deleted: Deleted) -> None:
        self._repository, self._clock, self._deleted = repository, clock, deleted

    async def has_recording(self, uow: UnitOfWork, camera_id: UUID, since: datetime, until: datetime) -> bool:
        """Whether there is any in the range, also in the file that is being written."""
        repository = self._repository(uow)
        writing = await repository.open_file(camera_id)
        if writing is not None and writing.start < until and writing.end > since:
            return True
        return bool(await repository.recorded(camera_id, Span(since, until)))

    async def read(self, uow: UnitOfWork, camera: KeptCamera, since: datetime, until: datetime) -> Timeline:
        """The range, which begins before now, up to what is known. The unit of work is of the camera's tenant."""
        repository, camera_id = self._repository(uow), camera.camera_id
        now = max(self._clock.now(), since + timedelta(microseconds=1))
        writing = await repository.open_file(camera_id)
        if writing is not None and since < writing.end and now - writing.end <= _LATELY:
            until = min(until, writing.end)
        whole = Span(since, min(until, now))
        recorded = await repository.recorded(camera_id, whole) + ([writing] if writing else [])
        by_source = await repository.interruptions(camera_id, whole)
        of_the_stream = [gap for source, gap in by_source if source is Source.STREAM]
        recorded = clipped(without_stills(joined(recorded), of_the_stream), whole)
        gone = await self._deleted(uow, camera_id, whole.start, whole.end)
        unwatched = _unwatched(await repository.watches(whole), whole, now)
        layers = (
            [gap for source, gap in by_source if source is Source.INDEX],
            # a tombstone is of what was recorded, whatever else went wrong at that time
            [Gap(start, end, GapCause.RETENTION, "deleted") for start, end in gone],
            _while_not_there(camera),
            [gap for _, gap in by_source if gap.cause is GapCause.OPERATOR],
            # what was wrong as all was stopped is not known to have gone on, and did not matter
            [gap for gap in unwatched if gap.cause is GapCause.PLANNED],
            of_the_stream,
            [gap for source, gap in by_source if source is Source.RECORDER],
            unwatched,
            [gap for source, gap in by_source if source is Source.PICTURES and not any(_meet(gap, other) for other in of_the_stream)],
        )
        written_to = recorded[-1].end if recorded else None
        return Timeline(camera_id, whole, recorded, explain(whole, recorded, layers), written_to)


def _meet(one: Gap, other: Gap) -> bool:
    """A recording that breaks off with the stream looks as if the camera's clock had jumped."""
    return one.start < other.end and other.start < one.end


def _while_not_there(camera: KeptCamera) -> list[Gap]:
    found = []
    if camera.known_since is not None:
        found.append(Gap(EARLIEST, camera.known_since, GapCause.OPERATOR, "not_registered"))
    if camera.removed_at is not None:
        found.append(Gap(camera.removed_at, LATEST, GapCause.OPERATOR, "removed"))
    return found


def _unwatched(watches: Watches, whole: Span, now: datetime) -> list[Gap]:
    """Times in which no process looked at the streams, since the first time that one did; planned where the last one stopped on purpose."""
    if watches.first is None or watches.first >= whole.end:
        return []
    ends = sorted(span.end for span in watches.spans)
    last, spans = max(ends, default=watches.first), list(watches.spans)
    if last < now <= last + _LATELY and last not in watches.stops:
        spans.append(Span(last, now))
    found = []
    for left in outside(Span(max(watches.first, whole.start), whole.end), joined(spans, within=timedelta(0))):
        before = bisect_right(ends, left.start)
        is_planned = before > 0 and ends[before - 1] in watches.stops
        found.append(Gap(left.start, left.end, *((GapCause.PLANNED, "stopped") if is_planned else (GapCause.NODE, "not_watched"))))
    return found
