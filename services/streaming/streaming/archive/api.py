"""HTTP in: ranges are asked for from the archive."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from city.purposes import requires_with_purpose
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming.archive.domain import Restore, RestoreState
from streaming.archive.usecases import Archives, RestoreDraft

router = APIRouter(prefix="/api/v1/recordings/archive", tags=["streaming"])

ArchivesDep = Annotated[Archives, Provided(Archives)]


class RestoreIn(StrictModel):
    """A range of a camera's off-site copies, 24 hours at most."""

    camera_id: UUID
    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]
    days: Annotated[int, Field(ge=1, le=30)] = 7
    """How long it stays, from now on."""


class RestoreOut(BaseModel):
    """A range that comes back, or did. What is `ready` plays as any recording does, until `keep_until`."""

    restore_id: UUID
    camera_id: UUID
    since: Annotated[datetime, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    state: RestoreState = Field(description="`waiting`: all that is left is in cold storage, which needs up to two days")
    files: int
    files_done: int
    files_missing: int = Field(description="Copies that are gone, or are not what was copied")
    progress: float = Field(description="0..1")
    reason: str | None = Field(description="Why it failed: `no_room`, `copies_missing`")
    requested_by: UUID
    requested_at: datetime
    keep_until: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Restore) -> RestoreOut:
        return cls(
            restore_id=job.restore_id,
            camera_id=job.camera_id,
            since=job.since,
            until=job.until,
            state=job.state,
            files=job.total,
            files_done=job.done,
            files_missing=job.missing,
            progress=min(1.0, round(job.done / job.total, 3)),
            reason=job.reason,
            requested_by=job.requested_by,
            requested_at=job.requested_at,
            keep_until=job.keep_until,
            finished_at=job.finished_at,
        )


@router.post("/restore", status_code=202, summary="Bring a range back from the off-site copies")
async def restore_range(
    body: RestoreIn,
    caller: Annotated[Caller, requires_with_purpose(Scope.RECORDINGS_READ)],
    archives: ArchivesDep,
    once: Idempotent,
    response: Response,
) -> RestoreOut:
    job = await archives.restore(caller, RestoreDraft(body.camera_id, body.since, body.until, body.days), once)
    tell_replayed(once, response)
    return RestoreOut.of(job)


@router.get("/restores", summary="What was asked for of the cameras that you may see, the latest first")
async def list_restores(
    caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)],
    archives: ArchivesDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Page[RestoreOut]:
    before = decode_cursor(cursor, before=UUID)["before"] if cursor else None
    found = await archives.list(caller, before, limit)
    following = encode_cursor(before=found[-1].restore_id) if len(found) == limit else None
    return Page(items=[RestoreOut.of(job) for job in found], next=following)


@router.get("/restores/{restore_id}", summary="How far a range is that comes back")
async def get_restore(restore_id: UUID, caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)], archives: ArchivesDep) -> RestoreOut:
    return RestoreOut.of(await archives.show(caller, restore_id))
