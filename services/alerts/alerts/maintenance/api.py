"""HTTP in: planned work and holidays."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alerts.maintenance.domain import Holiday, Window
from alerts.maintenance.usecases import Maintenance, WindowDraft
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.errors import Invalid
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/maintenance", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.ALERTS_READ)]
Writer = Annotated[Caller, requires(Scope.RULES_WRITE)]
MaintenanceDep = Annotated[Maintenance, Provided(Maintenance)]
Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Cameras = Annotated[tuple[UUID, ...], Field(max_length=1_000)]
Groups = Annotated[tuple[UUID, ...], Field(max_length=200)]


class WindowIn(StrictModel):
    """Planned work: what happens to these cameras is told to nobody before its end. Neither cameras nor groups: the whole city."""

    name: Name
    starts_at: Instant
    ends_at: Instant
    camera_ids: Cameras = ()
    group_ids: Groups = ()


class WindowPatch(StrictModel):
    """What to change. What is left out stays."""

    name: Name | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    camera_ids: Cameras | None = None
    group_ids: Groups | None = None

    def patch(self) -> Patch:
        """Raises: Invalid, where something is null."""
        if null := [name for name in sorted(self.model_fields_set) if getattr(self, name) is None]:
            raise Invalid(f"{' and '.join(null)} cannot be null.")
        return Patch.of(self)


class WindowOut(BaseModel):
    """Planned work."""

    model_config = ConfigDict(from_attributes=True)

    window_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    camera_ids: tuple[UUID, ...]
    group_ids: tuple[UUID, ...]
    created_at: datetime

    @classmethod
    def of(cls, window: Window) -> WindowOut:
        return cls.model_validate(window)


class HolidayBody(StrictModel):
    """A day on which the city rests."""

    date: date
    name: Name


class Holidays(StrictModel):
    """The days on which the city rests; rules may hold on them only, or never."""

    dates: Annotated[list[HolidayBody], Field(max_length=400)]

    @classmethod
    def of(cls, days: list[Holiday]) -> Holidays:
        return cls(dates=[HolidayBody(date=each.day, name=each.name) for each in days])


@router.get("", summary="Planned work, the newest first")
async def get_windows(
    caller: Reader,
    maintenance: MaintenanceDep,
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page")] = 100,
    cursor: Annotated[str | None, Query(max_length=512, description="`next` of the page before")] = None,
) -> Page[WindowOut]:
    before = decode_cursor(cursor, before=UUID)["before"] if cursor is not None else None
    found, following = await maintenance.list_windows(caller, before, limit)
    return Page(items=[WindowOut.of(each) for each in found], next=encode_cursor(before=following) if following else None)


@router.post("", status_code=status.HTTP_201_CREATED, summary="Plan work during which nobody is told")
async def post_window(body: WindowIn, caller: Writer, maintenance: MaintenanceDep, once: Idempotent, response: Response) -> WindowOut:
    draft = WindowDraft(body.name, body.starts_at, body.ends_at, body.camera_ids, body.group_ids)
    made = await maintenance.plan_window(caller, draft, once)
    tell_replayed(once, response)
    return WindowOut.of(made)


@router.get("/holidays", summary="Days on which the city rests")
async def get_holidays(caller: Reader, maintenance: MaintenanceDep) -> Holidays:
    return Holidays.of(await maintenance.list_holidays(caller))


@router.put("/holidays", summary="Say on which days the city rests, all of them")
async def put_holidays(body: Holidays, caller: Writer, maintenance: MaintenanceDep) -> Holidays:
    days = {each.date: Holiday(each.date, each.name) for each in body.dates}
    return Holidays.of(await maintenance.set_holidays(caller, list(days.values())))


@router.patch("/{window_id}", summary="Change planned work")
async def patch_window(window_id: UUID, body: WindowPatch, caller: Writer, maintenance: MaintenanceDep) -> WindowOut:
    return WindowOut.of(await maintenance.change_window(caller, window_id, body.patch()))


@router.delete("/{window_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Call planned work off, or end it")
async def remove_window(window_id: UUID, caller: Writer, maintenance: MaintenanceDep) -> None:
    await maintenance.remove_window(caller, window_id)
