"""HTTP in: alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from alerts.alerts.domain import AlertQuery, AlertState
from alerts.alerts.usecases import Alerts
from alerts.watchlists.domain import valid_plate
from chassis.auth import requires
from chassis.http import Page, Provided, StrictModel, decode_cursor, encode_cursor
from city.purposes import Declared, check_purpose
from city.tenants import TenantDirectory
from gtvision.events import Severity
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

AlertsDep = Annotated[Alerts, Provided(Alerts)]


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
    plate: str | None
    watchlist_id: UUID | None
    detection_id: UUID | None
    captured_at: datetime | None
    last_seen_at: datetime | None
    sightings: int
    acknowledged_by: UUID | None
    acknowledged_at: datetime | None


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


class AcknowledgedOut(BaseModel):
    """The alerts, in the order in which they were named, and those that do not exist."""

    acknowledged: list[AlertOut]
    not_found: list[UUID]


class AlertsIn(BaseModel):
    """Which alerts: all that are named must hold; of a repeated one, any."""

    state: AlertState | None = None
    severity: Annotated[list[Severity] | None, Field(max_length=3, description="One or more")] = None
    camera_id: Annotated[list[UUID] | None, Field(max_length=200, description="One or more cameras")] = None
    watchlist_id: Annotated[list[UUID] | None, Field(max_length=50, description="One or more watchlists, also removed ones")] = None
    plate: Annotated[str | None, Field(max_length=32, description="A whole plate, as it was read")] = None
    start: Annotated[Instant | None, Field(alias="from", description="Raised at or after")] = None
    end: Annotated[Instant | None, Field(alias="to", description="Raised before")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="Items a page")] = 100
    cursor: Annotated[str | None, Field(max_length=512, description="`next` of the page before")] = None

    def query(self) -> AlertQuery:
        """Raises: InvalidPlate, InvalidCursor."""
        return AlertQuery(
            limit=self.limit,
            state=self.state,
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
    caller: Annotated[Caller, requires(Scope.ALERTS_READ)],
    alerts: AlertsDep,
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
    return Page(items=[AlertOut.model_validate(alert) for alert in found], next=following)


@router.get("/summary", summary="How many alerts are open")
async def get_summary(caller: Annotated[Caller, requires(Scope.ALERTS_READ)], alerts: AlertsDep) -> SummaryOut:
    found = await alerts.count_open_alerts(caller)
    counts = OpenCounts(**{severity.value: found.counts.get(severity, 0) for severity in Severity}, total=found.total)
    return SummaryOut(open=counts, newest_open=AlertOut.model_validate(found.newest) if found.newest else None)


@router.post("/acknowledge", summary="Say that you have seen several")
async def acknowledge_several(
    body: AcknowledgeIn, caller: Annotated[Caller, requires(Scope.ALERTS_ACKNOWLEDGE)], alerts: AlertsDep
) -> AcknowledgedOut:
    found = await alerts.acknowledge_alerts(caller, body.alert_ids)
    known = {alert.alert_id for alert in found}
    unknown = [each for each in dict.fromkeys(body.alert_ids) if each not in known]
    return AcknowledgedOut(acknowledged=[AlertOut.model_validate(alert) for alert in found], not_found=unknown)


@router.get("/{alert_id}", summary="An alert")
async def get_alert(alert_id: UUID, caller: Annotated[Caller, requires(Scope.ALERTS_READ)], alerts: AlertsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.show_alert(caller, alert_id))


@router.post("/{alert_id}/acknowledge", summary="Say that you have seen it")
async def acknowledge(alert_id: UUID, caller: Annotated[Caller, requires(Scope.ALERTS_ACKNOWLEDGE)], alerts: AlertsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.acknowledge_alert(caller, alert_id))


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
