"""HTTP in: watchlists and alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from pydantic import AfterValidator, BaseModel, Field

from alerts.domain import Alert, AlertState, Entry, Match, Watchlist
from alerts.ports import AlertQuery
from alerts.usecases import (
    EntryDraft,
    Store,
    acknowledge_alert,
    create_watchlist,
    delete_watchlist,
    list_alerts,
    list_entries,
    list_watchlists,
    unwatch_plate,
    watch_plate,
)
from chassis.auth import requires
from chassis.http import Page, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from gtvision.events import Severity
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1", tags=["alerts"])

Reader = Annotated[Caller, requires(Scope.WATCHLISTS_READ)]
Writer = Annotated[Caller, requires(Scope.WATCHLISTS_WRITE)]
PageSize = Annotated[int, Query(ge=1, le=500, description="Items a page")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before")]


async def store_of(request: Request) -> Store:
    """The store that `app` built."""
    store: Store = request.app.state.store
    return store


StoreDep = Annotated[Store, Depends(store_of)]


def _no_nul(text: str) -> str:
    if "\0" in text:  # PostgreSQL holds every character but this one
        raise ValueError("holds a NUL character")
    return text


def _not_blank(text: str) -> str:
    if not text.strip() or not text.strip().isprintable():
        raise ValueError("must be printable and not blank")
    return text.strip()


class WatchlistIn(StrictModel):
    """A new list of plates."""

    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_not_blank)]
    severity: Severity = Severity.WARNING


class WatchlistOut(BaseModel):
    """A list and how many plates it holds."""

    watchlist_id: UUID
    name: str
    severity: Severity
    created_at: datetime
    entries: int

    @classmethod
    def of(cls, watchlist: Watchlist, entries: int) -> WatchlistOut:
        return cls(
            watchlist_id=watchlist.watchlist_id,
            name=watchlist.name,
            severity=watchlist.severity,
            created_at=watchlist.created_at,
            entries=entries,
        )


class EntryIn(StrictModel):
    """A plate to look for; hyphens, spaces and case do not matter."""

    plate: Annotated[str, Field(min_length=1, max_length=32)]
    match: Match = Match.ERA
    reason: Annotated[str, Field(max_length=500), AfterValidator(_no_nul)] = ""
    valid_until: Instant | None = None


class EntryOut(BaseModel):
    """A plate on a list."""

    entry_id: UUID
    watchlist_id: UUID
    plate: str
    match: Match
    reason: str
    valid_until: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, entry: Entry) -> EntryOut:
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class AlertOut(BaseModel):
    """An alert; the live channel carries the same fields."""

    alert_id: UUID
    kind: str
    severity: Severity
    title: str
    reason: str
    state: AlertState
    raised_at: datetime
    camera_id: UUID | None
    plate: str | None
    watchlist_id: UUID | None
    detection_id: UUID | None
    captured_at: datetime | None
    last_seen_at: datetime | None
    sightings: int
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        return cls(**{name: getattr(alert, name) for name in cls.model_fields})


@router.post("/watchlists", status_code=status.HTTP_201_CREATED, summary="Make a watchlist")
async def post_watchlist(body: WatchlistIn, caller: Writer, store: StoreDep, once: Idempotent, response: Response) -> WatchlistOut:
    made = WatchlistOut.of(*await create_watchlist(store, caller, body.name, body.severity, once))
    tell_replayed(once, response)
    return made


@router.get("/watchlists", summary="Watchlists")
async def get_watchlists(caller: Reader, store: StoreDep, limit: PageSize = 100, cursor: Cursor = None) -> Page[WatchlistOut]:
    rows = await list_watchlists(store, caller, _after(cursor), limit)
    items = [WatchlistOut.of(watchlist, entries) for watchlist, entries in rows]
    return Page(items=items, next=encode_cursor(after=items[-1].watchlist_id) if len(items) == limit else None)


@router.delete("/watchlists/{watchlist_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Remove a watchlist; its alerts stay")
async def remove_watchlist(watchlist_id: UUID, caller: Writer, store: StoreDep) -> None:
    await delete_watchlist(store, caller, watchlist_id)


@router.post("/watchlists/{watchlist_id}/entries", status_code=status.HTTP_201_CREATED, summary="Watch a plate")
async def post_entry(watchlist_id: UUID, body: EntryIn, caller: Writer, store: StoreDep, once: Idempotent, response: Response) -> EntryOut:
    draft = EntryDraft(plate=body.plate, match=body.match, reason=body.reason, valid_until=body.valid_until)
    made = EntryOut.of(await watch_plate(store, caller, watchlist_id, draft, once))
    tell_replayed(once, response)
    return made


@router.get("/watchlists/{watchlist_id}/entries", summary="Plates of a watchlist")
async def get_entries(watchlist_id: UUID, caller: Reader, store: StoreDep, limit: PageSize = 100, cursor: Cursor = None) -> Page[EntryOut]:
    items = [EntryOut.of(entry) for entry in await list_entries(store, caller, watchlist_id, _after(cursor), limit)]
    return Page(items=items, next=encode_cursor(after=items[-1].entry_id) if len(items) == limit else None)


@router.delete("/watchlists/{watchlist_id}/entries/{entry_id}", status_code=status.HTTP_204_NO_CONTENT, summary="Stop watching a plate")
async def remove_entry(watchlist_id: UUID, entry_id: UUID, caller: Writer, store: StoreDep) -> None:
    await unwatch_plate(store, caller, watchlist_id, entry_id)


@router.get("/alerts", summary="Alerts, newest first")
async def get_alerts(
    caller: Annotated[Caller, requires(Scope.ALERTS_READ)],
    store: StoreDep,
    state: AlertState | None = None,
    limit: PageSize = 100,
    cursor: Cursor = None,
) -> Page[AlertOut]:
    alerts = await list_alerts(store, caller, AlertQuery(state=state, groups=None, before=_before(cursor), limit=limit))
    last = alerts[-1] if len(alerts) == limit else None
    following = encode_cursor(at=last.raised_at, id=last.alert_id) if last else None
    return Page(items=[AlertOut.of(alert) for alert in alerts], next=following)


@router.post("/alerts/{alert_id}/acknowledge", summary="Say that you have seen it")
async def acknowledge(alert_id: UUID, caller: Annotated[Caller, requires(Scope.ALERTS_ACKNOWLEDGE)], store: StoreDep) -> AlertOut:
    return AlertOut.of(await acknowledge_alert(store, caller, alert_id))


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    after: UUID = decode_cursor(cursor, after=UUID)["after"]
    return after


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
