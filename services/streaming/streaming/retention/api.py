"""HTTP in: legal holds."""

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
from streaming.retention.domain import Hold
from streaming.retention.usecases import HoldDraft, Holds, HoldsQuery

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


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
