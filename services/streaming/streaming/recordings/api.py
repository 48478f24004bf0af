"""HTTP in: what was recorded."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from city.purposes import requires_with_purpose
from gtvision.errors import Invalid
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming.recordings.usecases import RecordingQuery, Recordings

router = APIRouter(prefix="/api/v1", tags=["streaming"])

RecordingsDep = Annotated[Recordings, Provided(Recordings)]


class SegmentOut(BaseModel):
    """A recorded file: its true span (UTC), size in bytes, SHA-256 and its link in the camera's chain."""

    model_config = ConfigDict(from_attributes=True)

    segment_id: UUID
    camera_id: UUID
    started_at: datetime
    ended_at: datetime
    duration_s: float
    size_bytes: int
    sha256: str
    chain: str


class RecordingParams(StrictModel):
    """Which recordings."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]
    limit: Annotated[int, Query(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Query(max_length=512)] = None


@router.get("/recordings", summary="Recorded segments of a camera that overlap a range, newest first")
async def get_recordings(
    query: Annotated[RecordingParams, Query()],
    caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ)],
    recordings: RecordingsDep,
) -> Page[SegmentOut]:
    if query.until <= query.since:
        raise Invalid("`to` must be after `from`.")
    segments = await recordings.list(caller, _recording_query(query))
    last = segments[-1] if len(segments) == query.limit else None
    following = encode_cursor(at=last.started_at, id=last.segment_id) if last else None
    return Page(items=[SegmentOut.model_validate(segment) for segment in segments], next=following)


def _recording_query(query: RecordingParams) -> RecordingQuery:
    before = None
    if query.cursor:
        values = decode_cursor(query.cursor, at=datetime, id=UUID)
        before = values["at"], values["id"]
    return RecordingQuery(camera_id=query.camera_id, since=query.since, until=query.until, before=before, limit=query.limit)
