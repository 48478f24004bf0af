"""HTTP in: what the recordings take."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from chassis.auth import requires
from chassis.http import Provided
from gtvision.tenancy import Caller, Scope
from streaming.usage.domain import Totals
from streaming.usage.usecases import RecordingUsage

router = APIRouter(prefix="/api/v1", tags=["streaming"])

_MOST_STOPPED = 100
UsageDep = Annotated[RecordingUsage, Provided(RecordingUsage)]


class DiskOut(BaseModel):
    """The disk that the recordings are on, whoever's they are."""

    total_bytes: int
    free_bytes: int


class StoppedOut(BaseModel):
    """A camera that should be recorded and is not."""

    model_config = ConfigDict(from_attributes=True)

    camera_id: UUID
    name: str
    since: datetime | None
    cause: str | None = Field(description="As the stream's; `nothing_written` where there is a picture; null where it is not known")


class UsageOut(BaseModel):
    """What the recordings of your cameras take, as counted half a minute ago at most (`as_of`; null: not yet)."""

    as_of: datetime | None
    bytes_used: int
    bytes_per_day: int | None = Field(description="Measured over the last 24 hours; null in the first hour")
    oldest: datetime | None
    newest: datetime | None
    disk: DiskOut | None
    days_left: float | None = Field(description="Until the quota or the disk's floor at that pace; null: not known, or never")
    cameras_recording: int
    cameras_not_recording_total: int
    cameras_not_recording: list[StoppedOut] = Field(description="The first 100, by name")

    @classmethod
    def of(cls, totals: Totals) -> UsageOut:
        room = totals.room
        return cls(
            as_of=totals.as_of,
            bytes_used=totals.bytes_used,
            bytes_per_day=totals.bytes_per_day,
            oldest=totals.oldest,
            newest=totals.newest,
            disk=DiskOut(total_bytes=room.total_bytes, free_bytes=room.free_bytes) if room else None,
            days_left=round(room.days_left, 1) if room and room.days_left is not None else None,
            cameras_recording=totals.recording,
            cameras_not_recording_total=len(totals.stopped),
            cameras_not_recording=[StoppedOut.model_validate(camera) for camera in totals.stopped[:_MOST_STOPPED]],
        )


@router.get("/recordings/usage", summary="What the recordings take, and which cameras are not recorded")
async def get_usage(caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)], usage: UsageDep) -> UsageOut:
    return UsageOut.of(await usage.totals(caller))
