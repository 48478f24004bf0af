"""HTTP in: the timeline of a camera. It shows no picture, so it is not put on record: a screen asks at every move of the timeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from chassis.http import Provided, StrictModel
from city.purposes import requires_with_purpose
from gtvision.errors import Invalid
from gtvision.events import GapCause
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming.timeline.domain import Resolution, Timeline
from streaming.timeline.usecases import Timelines

router = APIRouter(prefix="/api/v1", tags=["streaming"])

_LONGEST = timedelta(days=366)
_LISTED = timedelta(days=31)
"""A longer range is told by its density alone."""


class TimelineParams(StrictModel):
    """Which time of which camera."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to", description="At most 366 days after `from`; cut at now")]
    resolution: Resolution | None = None


class SpanOut(BaseModel):
    """A time that was recorded."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")


class GapOut(SpanOut):
    """A time that was not recorded. `detail` is the exact cause, such as `unreachable` or `stopped`; empty where none is known."""

    cause: GapCause
    detail: str


class BucketOut(BaseModel):
    """What was recorded in a minute, an hour or a day of UTC."""

    since: datetime = Field(serialization_alias="from")
    recorded_s: float


class ArchivedOut(BaseModel):
    """A span of off-site copies, to be asked for by `/recordings/archive/restore`; brought back, it is in `recorded` until then."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    storage_class: str
    restored_until: datetime | None


class TimelineOut(BaseModel):
    """What was recorded of a camera, and why the rest was not: `recorded` and `gaps` are the whole range, and nothing twice."""

    camera_id: UUID
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to", description="As asked for, but no later than what is known")
    written_to: datetime | None = Field(description="Where the last recording in the range ends, or is written to")
    recorded: list[SpanOut] = Field(description="Empty where the range is longer than 31 days")
    gaps: list[GapOut] = Field(description="Empty where the range is longer than 31 days")
    archived: list[ArchivedOut] = Field(description="What only off-site copies hold, or was brought back from them; in `gaps`, too")
    recorded_s: float
    explained_s: float = Field(description="How much of the gaps has a cause other than `unknown`")
    density: list[BucketOut] | None = Field(description="Where `resolution` was given; of a range longer than 31 days by the day")

    @classmethod
    def of(cls, timeline: Timeline, resolution: Resolution | None) -> TimelineOut:
        is_listed = timeline.whole.end - timeline.whole.start <= _LISTED
        resolution = resolution or (None if is_listed else Resolution.DAY)
        density = None if resolution is None else timeline.density(resolution)
        return cls(
            camera_id=timeline.camera_id,
            since=timeline.whole.start,
            until=timeline.whole.end,
            written_to=timeline.written_to,
            recorded=[SpanOut(since=span.start, until=span.end) for span in timeline.recorded] if is_listed else [],
            gaps=[GapOut(since=gap.start, until=gap.end, cause=gap.cause, detail=gap.detail) for gap in timeline.gaps] if is_listed else [],
            archived=[
                ArchivedOut(since=each.start, until=each.end, storage_class=each.storage_class, restored_until=each.restored_until)
                for each in timeline.archived
            ],
            recorded_s=round(timeline.recorded_s, 3),
            explained_s=round(timeline.explained_s, 3),
            density=None if density is None else [BucketOut(since=start, recorded_s=round(seconds, 3)) for start, seconds in density],
        )


_FINEST: Mapping[Resolution, timedelta] = {Resolution.MINUTE: _LISTED, Resolution.HOUR: _LONGEST, Resolution.DAY: _LONGEST}


@router.get("/recordings/timeline", summary="What was recorded of a camera, and the causes of the gaps")
async def get_timeline(
    query: Annotated[TimelineParams, Query()],
    caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ)],
    timelines: Annotated[Timelines, Provided(Timelines)],
) -> TimelineOut:
    if query.until <= query.since:
        raise Invalid("`to` must be after `from`.")
    longest = _FINEST[query.resolution or Resolution.DAY]
    if query.until - query.since > longest:
        raise Invalid(f"The range is longer than {longest.days} days.")
    return TimelineOut.of(await timelines.show(caller, query.camera_id, query.since, query.until), query.resolution)
