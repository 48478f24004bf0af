"""HTTP in: alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from alerts.alerts.domain import AlertQuery, AlertState
from alerts.alerts.usecases import Alerts
from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from gtvision.events import Severity
from gtvision.tenancy import Caller, Scope

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


@router.get("", summary="Alerts, newest first")
async def get_alerts(
    caller: Annotated[Caller, requires(Scope.ALERTS_READ)],
    alerts: AlertsDep,
    state: AlertState | None = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Items a page")] = 100,
    cursor: Annotated[str | None, Query(max_length=512, description="`next` of the page before")] = None,
) -> Page[AlertOut]:
    found = await alerts.list_alerts(caller, AlertQuery(state=state, groups=None, before=_before(cursor), limit=limit))
    last = found[-1] if len(found) == limit else None
    following = encode_cursor(at=last.raised_at, id=last.alert_id) if last else None
    return Page(items=[AlertOut.model_validate(alert) for alert in found], next=following)


@router.post("/{alert_id}/acknowledge", summary="Say that you have seen it")
async def acknowledge(alert_id: UUID, caller: Annotated[Caller, requires(Scope.ALERTS_ACKNOWLEDGE)], alerts: AlertsDep) -> AlertOut:
    return AlertOut.model_validate(await alerts.acknowledge_alert(caller, alert_id))


def _before(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, at=datetime, id=UUID)
    return values["at"], values["id"]
