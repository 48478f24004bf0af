"""HTTP in: alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alerts.alerts.domain import Alert, AlertQuery, AlertState, Step
from alerts.alerts.usecases import AlertLists, Alerts
from alerts.watchlists.domain import no_nul, valid_plate
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from chassis.idempotency import Idempotent, tell_replayed
from city.purposes import Declared, check_purpose
from city.tenants import TenantDirectory
from gtvision.events import Severity
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

AlertsDep = Annotated[Alerts, Provided(Alerts)]
ListsDep = Annotated[AlertLists, Provided(AlertLists)]
Reader = Annotated[Caller, requires(Scope.ALERTS_READ)]
Keeper = Annotated[Caller, requires(Scope.ALERTS_ACKNOWLEDGE)]
Text = Annotated[str, Field(max_length=2_000), AfterValidator(no_nul)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$")]


class AlertOut(BaseModel):
    """An alert; the live channel carries the same fields."""

    model_config = ConfigDict(from_attributes=True)

    alert_id: UUID
    kind: str
    severity: Severity
    title: str
    reason: str
    state: AlertState
    raised_at: datetime
    camera_id: UUID | None
    camera_ids: list[UUID]
    plate: str | None
    watchlist_id: UUID | None
    rule_id: UUID | None
    detection_id: UUID | None
    captured_at: datetime | None
    last_seen_at: datetime | None
    sightings: int
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None
    resolved_by: UUID | None
    resolved_at: datetime | None
    assigned_to: UUID | None
    snoozed_until: datetime | None
    is_possible: bool
    alternatives: list[str]
    details: dict[str, str]
    comments: int
    change: int


class ChangesOut(BaseModel):
    """Alerts that changed, as they are now, and the number to ask on from."""

    items: list[AlertOut]
    last: int


class EntryOut(BaseModel):
    """A step of an alert's history; without a person where its source or the clock took it."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    what: Step
    user_id: UUID | None
    text: str


class HistoryOut(BaseModel):
    """What became of an alert, oldest first."""

    items: list[EntryOut]


class OpenCounts(BaseModel):
    """How many alerts are open."""

    critical: int
    warning: int
    info: int
    total: int


class SummaryOut(BaseModel):
    """What is open at this moment, of the cameras that the caller may see."""

    open: OpenCounts
    newest_open: AlertOut | None


class AcknowledgeIn(StrictModel):
    """The alerts that a person has seen."""

    alert_ids: Annotated[list[UUID], Field(min_length=1, max_length=500)]
    comment: Text = ""


class CommentIn(StrictModel):
    """What a person says of an alert."""

    text: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(no_nul)]


class NoteIn(StrictModel):
    """What a person may add."""

    comment: Text = ""


class AssigneeIn(StrictModel):
    """Who sees to it; null: no one in particular."""

    user_id: UUID | None


class SnoozeIn(StrictModel):
    """Until when nobody is told of it; null: no longer."""

    until: Instant | None


class ResolvedOut(BaseModel):
    """The alerts, in the order in which they were named, and those that do not exist."""

    resolved: list[AlertOut]
    not_found: list[UUID]


class AcknowledgedOut(BaseModel):
    """The alerts, in the order in which they were named, and those that do not exist."""

    acknowledged: list[AlertOut]
    not_found: list[UUID]


class AlertsIn(BaseModel):
    """Which alerts: all that are named must hold; of a repeated one, any."""

    state: Annotated[list[AlertState] | None, Field(max_length=3, description="One or more")] = None
    kind: Annotated[list[Kind] | None, Field(max_length=20, description="One or more, such as `camera_lost`")] = None
    severity: Annotated[list[Severity] | None, Field(max_length=3, description="One or more")] = None
    camera_id: Annotated[list[UUID] | None, Field(max_length=200, description="One or more cameras")] = None
    watchlist_id: Annotated[list[UUID] | None, Field(max_length=50, description="One or more watchlists, also removed ones")] = None
    rule_id: Annotated[list[UUID] | None, Field(max_length=50, description="One or more rules, also removed ones")] = None
    assigned_to: Annotated[UUID | None, Field(description="Who sees to it")] = None
    awake: Annotated[bool, Field(description="Leave out those that are snoozed")] = False
    plate: Annotated[str | None, Field(max_length=32, description="A whole plate, as it was read")] = None
    start: Annotated[Instant | None, Field(alias="from", description="Raised at or after")] = None
    end: Annotated[Instant | None, Field(alias="to", description="Raised before")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Items a page")] = 100
    cursor: Annotated[str | None, Field(max_length=512, description="`next` of the page before")] = None

    def query(self) -> AlertQuery:
        """Raises: InvalidPlate, InvalidCursor."""
        return AlertQuery(
            limit=self.limit,
            states=frozenset(self.state) if self.state else None,
            kinds=frozenset(self.kind) if self.kind else None,
            rule_ids=frozenset(self.rule_id) if self.rule_id else None,
            assigned_to=self.assigned_to,
            awake=self.awake,
            severities=frozenset(self.severity) if self.severity else None,
            camera_ids=frozenset(self.camera_id) if self.camera_id else None,
            watchlist_ids=frozenset(self.watchlist_id) if self.watchlist_id else None,
            plate=valid_plate(self.plate) if self.plate is not None else None,
            start=self.start,
            end=self.end,
            before=_before(self.cursor),
        )


@router.get("", summary="Alerts, newest first")
async def get_alerts(
    caller: Reader,
    alerts: ListsDep,
    tenants: Annotated[TenantDirectory, Provided(TenantDirectory)],
    wanted: Annotated[AlertsIn, Query()],
    x_purpose: Declared = None,
) -> Page[AlertOut]:
    """With `plate` it is a search for that plate: for a purpose, where the city requires one, and on record."""
    if wanted.plate is not None:
        check_purpose(tenants.settings(caller.tenant_id).purposes, x_purpose)
    found = await alerts.list_alerts(caller, wanted.query())
    last = found[-1] if len(found) == wanted.limit else None
    following = encode_cursor(at=last.raised_at, id=last.alert_id) if last else None
    return Page(items=_out(found), next=following)


@router.get("/summary", summary="How many alerts are open")
async def get_summary(caller: Reader, alerts: ListsDep) -> SummaryOut:
    found = await alerts.count_open_alerts(caller)
    counts = OpenCounts(**{severity.value: found.counts.get(severity, 0) for severity in Severity}, total=found.total)
    return SummaryOut(open=counts, newest_open=AlertOut.model_validate(found.newest) if found.newest else None)


@router.get("/changes", summary="Alerts that changed since")
async def get_changes(
    caller: Reader,
    alerts: ListsDep,
    after: Annotated[int | None, Query(ge=0, le=2**62, description="`last` of the answer before, or the highest `change` seen")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page")] = 200,
) -> ChangesOut:
    """What the live channel told while it was not heard. A page that is not full ends at the present; so does one without `after`."""
    found, last = await alerts.list_changes(caller, after, limit)
    return ChangesOut(items=_out(found), last=last)


@router.post("/acknowledge", summary="Say that you have seen several")
async def acknowledge_several(body: AcknowledgeIn, caller: Keeper, alerts: AlertsDep) -> AcknowledgedOut:
    found = await alerts.acknowledge_alerts(caller, body.alert_ids, body.comment)
    return AcknowledgedOut(acknowledged=_out(found), not_found=_unknown(body.alert_ids, found))


@router.post("/resolve", summary="Say that several are over")
async def resolve_several(body: AcknowledgeIn, caller: Keeper, alerts: AlertsDep) -> ResolvedOut:
    found = await alerts.resolve_alerts(caller, body.alert_ids, body.comment)
    return ResolvedOut(resolved=_out(found), not_found=_unknown(body.alert_ids, found))


@router.get("/{alert_id}", summary="An alert")
async def get_alert(alert_id: UUID, caller: Reader, alerts: ListsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.show_alert(caller, alert_id))


@router.get("/{alert_id}/history", summary="What became of an alert")
async def get_history(alert_id: UUID, caller: Reader, alerts: ListsDep) -> HistoryOut:
    return HistoryOut(items=[EntryOut.model_validate(entry) for entry in await alerts.show_history(caller, alert_id)])


@router.post("/{alert_id}/acknowledge", summary="Say that you have seen it")
async def acknowledge(alert_id: UUID, caller: Keeper, alerts: AlertsDep, body: NoteIn | None = None) -> AlertOut:
    return AlertOut.model_validate(await alerts.acknowledge_alert(caller, alert_id, body.comment if body else ""))


@router.post("/{alert_id}/comments", status_code=status.HTTP_201_CREATED, summary="Comment an alert")
async def post_comment(
    alert_id: UUID, body: CommentIn, caller: Keeper, alerts: AlertsDep, once: Idempotent, response: Response
) -> AlertOut:
    alert = await alerts.comment_alert(caller, alert_id, body.text, once)
    tell_replayed(once, response)
    return AlertOut.model_validate(alert)


@router.put("/{alert_id}/assignee", summary="Say who sees to an alert")
async def put_assignee(alert_id: UUID, body: AssigneeIn, caller: Keeper, alerts: AlertsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.assign_alert(caller, alert_id, body.user_id))


@router.put("/{alert_id}/snooze", summary="Be told of an alert later")
async def put_snooze(alert_id: UUID, body: SnoozeIn, caller: Keeper, alerts: AlertsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.snooze_alert(caller, alert_id, body.until))


def _out(found: list[Alert]) -> list[AlertOut]:
    return [AlertOut.model_validate(alert) for alert in found]


def _unknown(asked: list[UUID], found: list[Alert]) -> list[UUID]:
    known = {alert.alert_id for alert in found}
    return [each for each in dict.fromkeys(asked) if each not in known]


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
