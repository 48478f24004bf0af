"""HTTP in: legal holds, and what is left of deleted recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AfterValidator, BaseModel, Field

from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant
from streaming.retention.domain import Hold, Reason, Tombstone
from streaming.retention.usecases import HoldDraft, Holds, HoldsQuery, Tombstones

router = APIRouter(prefix="/api/v1", tags=["streaming"])

Reader = Annotated[Caller, requires(Scope.HOLDS_READ)]
Writer = Annotated[Caller, requires(Scope.HOLDS_WRITE)]
HoldsDep = Annotated[Holds, Provided(Holds)]
PageSize = Annotated[int, Query(ge=1, le=500, description="Items a page")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


def _said(text: str) -> str:
    said = text.strip()
    if len(said) < 3:
        raise ValueError("has fewer than 3 characters")
    if "\0" in said:  # PostgreSQL holds every character but this one
        raise ValueError("holds a NUL character")
    return said


Why = Annotated[str, Field(min_length=3, max_length=500), AfterValidator(_said)]


class HoldIn(StrictModel):
    """What is to be kept, and why. Without `camera_id`: of all cameras, also such as were removed."""

    camera_id: UUID | None = None
    since: Annotated[Instant, Field(alias="from")]
    range_until: Annotated[Instant, Field(alias="to")]
    reason: Why
    until: Instant | None = Field(None, description="When the hold ends by itself; null: when it is lifted")


class LiftIn(StrictModel):
    """Why a hold ends."""

    reason: Why


class HoldOut(BaseModel):
    """A hold: nothing of its cameras and range is deleted while it is active (neither lifted, nor past `until`)."""

    hold_id: UUID
    camera_id: UUID | None
    since: datetime = Field(serialization_alias="from")
    range_until: datetime = Field(serialization_alias="to")
    reason: str
    placed_by: UUID
    placed_at: datetime
    until: datetime | None
    lifted_by: UUID | None
    lifted_at: datetime | None
    lift_reason: str | None

    @classmethod
    def of(cls, hold: Hold) -> HoldOut:
        return cls(
            hold_id=hold.hold_id,
            camera_id=hold.camera_id,
            since=hold.since,
            range_until=hold.until,
            reason=hold.reason,
            placed_by=hold.placed_by,
            placed_at=hold.placed_at,
            until=hold.expires_at,
            lifted_by=hold.lifted_by,
            lifted_at=hold.lifted_at,
            lift_reason=hold.lift_reason,
        )


class TombstoneOut(BaseModel):
    """Adjoining recordings of one day that were deleted by one rule."""

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


@router.post("/holds", status_code=status.HTTP_201_CREATED, summary="Keep recordings, whatever retention and disk say")
async def post_hold(body: HoldIn, caller: Writer, holds: HoldsDep, once: Idempotent, response: Response) -> HoldOut:
    draft = HoldDraft(body.camera_id, body.since, body.range_until, body.reason, body.until)
    hold = await holds.place(caller, draft, once)
    tell_replayed(once, response)
    return HoldOut.of(hold)


@router.get("/holds", summary="Holds, newest first")
async def get_holds(
    caller: Reader,
    holds: HoldsDep,
    active: Annotated[bool | None, Query(description="Only those that hold now, or only those that ended")] = None,
    limit: PageSize = 100,
    cursor: Cursor = None,
) -> Page[HoldOut]:
    found = await holds.list(caller, HoldsQuery(active, _before(cursor), limit))
    following = encode_cursor(at=found[-1].placed_at, id=found[-1].hold_id) if len(found) == limit else None
    return Page(items=[HoldOut.of(hold) for hold in found], next=following)


@router.get("/holds/{hold_id}", summary="A hold")
async def get_hold(hold_id: UUID, caller: Reader, holds: HoldsDep) -> HoldOut:
    return HoldOut.of(await holds.show(caller, hold_id))


@router.post("/holds/{hold_id}/lift", summary="End a hold")
async def post_lift(hold_id: UUID, body: LiftIn, caller: Writer, holds: HoldsDep) -> HoldOut:
    return HoldOut.of(await holds.lift(caller, hold_id, body.reason))


@router.get("/recordings/tombstones", summary="What was deleted of a camera, by which rule; newest recordings first")
async def get_tombstones(
    camera_id: UUID,
    caller: Annotated[Caller, requires(Scope.RECORDINGS_READ)],
    tombstones: Annotated[Tombstones, Provided(Tombstones)],
    limit: PageSize = 100,
    cursor: Cursor = None,
) -> Page[TombstoneOut]:
    found = await tombstones.list(caller, camera_id, _before(cursor), limit)
    following = encode_cursor(at=found[-1].started_at, id=found[-1].tombstone_id) if len(found) == limit else None
    return Page(items=[TombstoneOut.of(each) for each in found], next=following)


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
