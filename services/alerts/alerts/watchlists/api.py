"""HTTP in: watchlists and their plates."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from alerts.watchlists.domain import Hours, Match, PlatePrefix, Watchlist, no_nul
from alerts.watchlists.usecases import EntryDraft, WatchlistDraft, Watchlists
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.errors import Invalid
from gtvision.events import Severity
from gtvision.names import clean_name
from gtvision.patch import Patch
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/watchlists", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.WATCHLISTS_READ)]
Writer = Annotated[Caller, requires(Scope.WATCHLISTS_WRITE)]
WatchlistsDep = Annotated[Watchlists, Provided(Watchlists)]
PageSize = Annotated[int, Query(ge=1, le=500, description="Items a page")]
Beginning = Annotated[str | None, Query(max_length=16, description="Beginning of the plate")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


Name = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_name)]
Reason = Annotated[str, Field(max_length=500), AfterValidator(no_nul)]


LegalBasis = Annotated[str, Field(max_length=500, description="Why the law allows it"), AfterValidator(no_nul)]
Description = Annotated[str, Field(max_length=2_000), AfterValidator(no_nul)]
Ids = Annotated[tuple[UUID, ...], Field(max_length=500)]
Channels = Annotated[tuple[UUID, ...] | None, Field(max_length=100, description="Who is told; null: by policy")]


def _of_the_day(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"[0-2]\d:[0-5]\d", value):
        raise ValueError("is no time of the day, such as 07:30")
    return value


TimeOfDay = Annotated[
    time,
    BeforeValidator(_of_the_day),
    PlainSerializer(lambda at: at.isoformat("minutes"), return_type=str),
    Field(json_schema_extra={"format": "HH:MM"}, examples=["07:30"]),
]
Weekday = Annotated[int, Field(ge=0, le=6)]


class WeekHours(StrictModel):
    """Hours of the week in the city's time zone, `from` to `to` on each of the days (0 is Monday), past midnight where `to` is earlier."""

    model_config = ConfigDict(from_attributes=True, validate_by_name=True, validate_by_alias=True)

    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="to")]

    def hours(self) -> Hours:
        return Hours(tuple(sorted(set(self.days))), self.start, self.end)


class WatchlistIn(StrictModel):
    """A new list of plates."""

    name: Name
    severity: Severity = Severity.WARNING
    enabled: bool = True
    channel_ids: Channels = None
    legal_basis: LegalBasis = ""
    description: Description = ""

    def draft(self) -> WatchlistDraft:
        return WatchlistDraft(self.name, self.severity, self.enabled, self.channel_ids, self.legal_basis, self.description)


class WatchlistPatch(StrictModel):
    """What to change. What is left out stays; a null `channel_ids` leaves it to the policies who is told."""

    name: Name | None = None
    severity: Severity | None = None
    enabled: bool | None = None
    channel_ids: Channels = None
    legal_basis: LegalBasis | None = None
    description: Description | None = None

    def patch(self) -> Patch:
        return _patch(self, "channel_ids")


class WatchlistOut(BaseModel):
    """A list and how many plates it holds."""

    watchlist_id: UUID
    name: str
    severity: Severity
    enabled: bool
    channel_ids: tuple[UUID, ...] | None
    legal_basis: str
    description: str
    created_at: datetime
    entries: int

    @classmethod
    def of(cls, watchlist: Watchlist, entries: int) -> WatchlistOut:
        kept = {name: getattr(watchlist, name) for name in cls.model_fields if name != "entries"}
        return cls(**kept, entries=entries)


class EntryIn(StrictModel):
    """A plate to look for; hyphens, spaces and case do not matter. Without cameras and groups it is looked for everywhere."""

    plate: Annotated[str, Field(min_length=1, max_length=32)]
    match: Match = Match.ERA
    reason: Reason = ""
    valid_until: Instant | None = None
    valid_from: Instant | None = None
    enabled: bool = True
    legal_basis: LegalBasis = ""
    priority: Annotated[Severity | None, Field(description="Severity of its alerts; null: that of the list")] = None
    hours: WeekHours | None = None
    camera_ids: Ids = ()
    group_ids: Ids = ()

    def draft(self) -> EntryDraft:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return EntryDraft(**values | {"hours": self.hours.hours() if self.hours else None})


class EntryPatch(StrictModel):
    """What to change. What is left out stays; a null `valid_until` or `valid_from` ends nothing, nor do null `hours` limit it."""

    match: Match | None = None
    reason: Reason | None = None
    valid_until: Instant | None = None
    valid_from: Instant | None = None
    enabled: bool | None = None
    legal_basis: LegalBasis | None = None
    priority: Severity | None = None
    hours: WeekHours | None = None
    camera_ids: Ids | None = None
    group_ids: Ids | None = None

    def patch(self) -> Patch:
        patch = _patch(self, "valid_until", "valid_from", "priority", "hours")
        return Patch({**patch.values, "hours": self.hours.hours()}) if self.hours else patch


def _patch(body: StrictModel, *nullable: str) -> Patch:
    """Raises: Invalid, where something is null that cannot be."""
    null = [name for name in sorted(body.model_fields_set - {*nullable}) if getattr(body, name) is None]
    if null:
        raise Invalid(f"{' and '.join(null)} cannot be null.")
    return Patch.of(body)


class EntryOut(BaseModel):
    """A plate on a list."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: UUID
    watchlist_id: UUID
    plate: str
    match: Match
    reason: str
    valid_until: datetime | None
    valid_from: datetime | None
    enabled: bool
    legal_basis: str
    priority: Severity | None
    hours: WeekHours | None
    camera_ids: tuple[UUID, ...]
    group_ids: tuple[UUID, ...]
    created_at: datetime


@router.post("", status_code=status.HTTP_201_CREATED, summary="Make a watchlist")
async def post_watchlist(
    body: WatchlistIn, caller: Writer, watchlists: WatchlistsDep, once: Idempotent, response: Response
) -> WatchlistOut:
    made = await watchlists.create_watchlist(caller, body.draft(), once)
    tell_replayed(once, response)
    return WatchlistOut.of(*made)


@router.get("", summary="Watchlists")
async def get_watchlists(caller: Reader, watchlists: WatchlistsDep, limit: PageSize = 100, cursor: Cursor = None) -> Page[WatchlistOut]:
    rows = await watchlists.list_watchlists(caller, _after(cursor), limit)
    items = [WatchlistOut.of(watchlist, entries) for watchlist, entries in rows]
    return Page(items=items, next=encode_cursor(after=items[-1].watchlist_id) if len(items) == limit else None)


@router.get("/{watchlist_id}", summary="A watchlist")
async def get_watchlist(watchlist_id: UUID, caller: Reader, watchlists: WatchlistsDep) -> WatchlistOut:
    return WatchlistOut.of(*await watchlists.show_watchlist(caller, watchlist_id))


@router.patch("/{watchlist_id}", summary="Change a watchlist; alerts that it raised stay as they are")
async def patch_watchlist(watchlist_id: UUID, body: WatchlistPatch, caller: Writer, watchlists: WatchlistsDep) -> WatchlistOut:
    return WatchlistOut.of(*await watchlists.change_watchlist(caller, watchlist_id, body.patch()))


@router.delete("/{watchlist_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a watchlist; its alerts stay")
async def remove_watchlist(watchlist_id: UUID, caller: Writer, watchlists: WatchlistsDep) -> None:
    await watchlists.delete_watchlist(caller, watchlist_id)


@router.post("/{watchlist_id}/entries", status_code=status.HTTP_201_CREATED, summary="Watch a plate")
async def post_entry(
    watchlist_id: UUID, body: EntryIn, caller: Writer, watchlists: WatchlistsDep, once: Idempotent, response: Response
) -> EntryOut:
    made = await watchlists.add_plate(caller, watchlist_id, body.draft(), once)
    tell_replayed(once, response)
    return EntryOut.model_validate(made)


@router.get("/{watchlist_id}/entries", summary="Plates of a watchlist")
async def get_entries(
    watchlist_id: UUID, caller: Reader, watchlists: WatchlistsDep, limit: PageSize = 100, cursor: Cursor = None, q: Beginning = None
) -> Page[EntryOut]:
    found = await watchlists.list_plates(caller, watchlist_id, _after(cursor), limit, PlatePrefix(q) if q else None)
    items = [EntryOut.model_validate(entry) for entry in found]
    return Page(items=items, next=encode_cursor(after=items[-1].entry_id) if len(items) == limit else None)


@router.patch("/{watchlist_id}/entries/{entry_id}", summary="Change why, how, when and where a plate is watched")
async def patch_entry(watchlist_id: UUID, entry_id: UUID, body: EntryPatch, caller: Writer, watchlists: WatchlistsDep) -> EntryOut:
    return EntryOut.model_validate(await watchlists.change_plate(caller, watchlist_id, entry_id, body.patch()))


@router.delete("/{watchlist_id}/entries/{entry_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Stop watching a plate")
async def remove_entry(watchlist_id: UUID, entry_id: UUID, caller: Writer, watchlists: WatchlistsDep) -> None:
    await watchlists.remove_plate(caller, watchlist_id, entry_id)


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    after: UUID = decode_cursor(cursor, after=UUID)["after"]
    return after
