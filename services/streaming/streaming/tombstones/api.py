"""HTTP in: what is left of deleted recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.tenancy import Caller, Scope
from streaming.tombstones.domain import Reason, Tombstone
from streaming.tombstones.usecases import Tombstones

router = APIRouter(prefix="/api/v1", tags=["streaming"])


class TombstoneOut(BaseModel):
    """Adjoining recordings of one day, or off-site copies of them, that were deleted by one rule."""

    tombstone_id: UUID
    camera_id: UUID
    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    segments: int
    size_bytes: int
    sha256: str = Field(description="Chain over the hashes of the files, in the order in which they went")
    reason: Reason
    policy_value: float = Field(description="Days, gigabytes, or the share of the disk that stays free (0..1)")
    deleted_at: datetime = Field(description="When the last of them went")

    @classmethod
    def of(cls, tombstone: Tombstone) -> TombstoneOut:
        return cls(
            tombstone_id=tombstone.tombstone_id,
            camera_id=tombstone.camera_id,
            since=tombstone.started_at,
            until=tombstone.ended_at,
            segments=tombstone.segments,
            size_bytes=tombstone.size_bytes,
            sha256=tombstone.sha256,
            reason=tombstone.policy.reason,
            policy_value=tombstone.policy.value,
            deleted_at=tombstone.deleted_at,
        )


@router.get("/recordings/tombstones", summary="What was deleted of a camera, by which rule; newest recordings first")
async def get_tombstones(
    camera_id: UUID,
    caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)],
    tombstones: Annotated[Tombstones, Provided(Tombstones)],
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page")] = 100,
    cursor: Annotated[str | None, Query(max_length=512, description="`next` of the page before")] = None,
) -> Page[TombstoneOut]:
    found = await tombstones.list(caller, camera_id, _before(cursor), limit)
    following = encode_cursor(at=found[-1].started_at, id=found[-1].tombstone_id) if len(found) == limit else None
    return Page(items=[TombstoneOut.of(each) for each in found], next=following)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
