"""HTTP in: how long recordings will be kept."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from chassis.auth import requires
from chassis.http import Provided
from gtvision.tenancy import Caller, Scope
from streaming.forecast.domain import Forecast, Share
from streaming.forecast.usecases import Forecasts

router = APIRouter(prefix="/api/v1", tags=["streaming"])


class RecordingsDiskOut(BaseModel):
    """The disk that the recordings are on, whoever's they are."""

    model_config = ConfigDict(from_attributes=True)

    total_bytes: int
    free_bytes: int
    floor_bytes: int = Field(description="What is kept free: recordings go before it is used")


class ShareOut(BaseModel):
    """What one camera takes, and how long it will be kept."""

    camera_id: UUID
    name: str
    bytes_used: int
    bytes_per_day: int | None = Field(description="Measured over the last 24 hours; null in the first hour")
    retention_days: int = Field(description="What is to be kept: the camera's days, or the city's where they are fewer")
    oldest: datetime | None
    days_kept: float | None = Field(description="What will be kept at this pace, once the room is used up; null: not known")

    @classmethod
    def of(cls, share: Share) -> ShareOut:
        usage = share.usage
        return cls(
            camera_id=share.camera.camera_id,
            name=share.camera.name,
            bytes_used=usage.bytes_used if usage else 0,
            bytes_per_day=usage.bytes_per_day if usage else None,
            retention_days=share.keep_days,
            oldest=usage.oldest if usage else None,
            days_kept=round(usage.days_kept, 1) if usage and usage.days_kept is not None else None,
        )


class ForecastOut(BaseModel):
    """How long recordings will be kept, as counted half a minute ago at most (`as_of`; null: not yet)."""

    as_of: datetime | None
    disk: RecordingsDiskOut | None
    quota_bytes: int | None = Field(description="The city's own limit; null: none, or you do not see all of its cameras")
    held_bytes: int | None = Field(description="Of the whole city; null: not known, or you do not see all of its cameras")
    full_of_held: bool = Field(description="What your city holds leaves too little room, on the disk or within its own limit")
    days_left: float | None = Field(description="Until the oldest have to go for new ones; null: not known, or never")
    cameras: list[ShareOut]

    @classmethod
    def of(cls, forecast: Forecast) -> ForecastOut:
        room = forecast.room
        disk = room if forecast.sees_the_disk else None
        return cls(
            as_of=forecast.as_of,
            disk=RecordingsDiskOut.model_validate(disk) if disk else None,
            quota_bytes=forecast.quota_bytes,
            held_bytes=room.held_bytes if room else None,
            full_of_held=room.full_of_held if room else False,
            days_left=round(disk.days_left, 1) if disk and disk.days_left is not None else None,
            cameras=[ShareOut.of(share) for share in forecast.shares],
        )


@router.get("/recordings/forecast", summary="How long recordings will be kept, by camera")
async def get_forecast(
    caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)], forecasts: Annotated[Forecasts, Provided(Forecasts)]
) -> ForecastOut:
    return ForecastOut.of(await forecasts.show(caller))
