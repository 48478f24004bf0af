"""HTTP in: what a rule would have raised."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from chassis.auth import requires
from chassis.http import Provided, StrictModel
from city.purposes import Declared, check_purpose
from city.tenants import TenantDirectory
from gtvision.camera import ObjectClass
from gtvision.rules import RuleCondition
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant, isoformat
from ingest.trials.domain import Outcome, Trial, WouldBe
from ingest.trials.usecases import Trials

router = APIRouter(prefix="/api/v1")


class TrialIn(StrictModel):
    """A rule as it may be saved, and over which time it is tried: 31 days at most."""

    condition: RuleCondition
    cooldown_s: Annotated[int, Field(ge=0, le=86_400, description="Hits of a camera closer than this to the one before are one alert")] = 60
    start: Annotated[Instant, Field(alias="from")]
    end: Annotated[Instant, Field(alias="to")]
    holidays: Annotated[tuple[date, ...], Field(max_length=1_000, description="The city's, where the schedule asks for them")] = ()

    def trial(self) -> Trial:
        """Raises: Invalid."""
        return Trial(self.condition, timedelta(seconds=self.cooldown_s), self.start, self.end, frozenset(self.holidays))


class WouldBeOut(BaseModel):
    """An alert that would have been raised, by the detection that it begins with."""

    at: Instant
    last_seen_at: Instant
    sightings: int
    camera_id: UUID
    detection_id: UUID
    object_class: ObjectClass | None
    confidence: float | None
    plate: str | None
    evidence: bool
    thumbnail_url: str | None

    @classmethod
    def of(cls, alert: WouldBe) -> WouldBeOut:
        first, shown = alert.first, alert.shown
        evidence = shown is not None and shown.has_evidence
        return cls(
            at=first.captured_at,
            last_seen_at=datetime.fromtimestamp(alert.last_seen_at, UTC),
            sightings=alert.sightings,
            camera_id=first.camera_id,
            detection_id=first.detection_id,
            object_class=shown.object_class if shown else None,
            confidence=shown.confidence if shown else None,
            plate=shown.plate if shown else None,
            evidence=evidence,
            thumbnail_url=f"/api/v1/detections/{first.detection_id}/thumbnail?captured_at={isoformat(first.captured_at)}"
            if evidence
            else None,
        )


class DayOut(BaseModel):
    """How many alerts a day of the city's own calendar would have had."""

    date: date
    count: int


class TrialOut(BaseModel):
    """All alerts are counted, the newest 200 listed. Where `complete` is false the time ran out, and only what was captured before
    `scanned_until` was compared: ask for a shorter time."""

    total: int
    alerts: list[WouldBeOut]
    by_day: list[DayOut]
    scanned: int
    scanned_until: Instant
    complete: bool

    @classmethod
    def of(cls, outcome: Outcome) -> TrialOut:
        return cls(
            total=outcome.total,
            alerts=[WouldBeOut.of(each) for each in outcome.alerts],
            by_day=[DayOut(date=day, count=count) for day, count in outcome.by_day],
            scanned=outcome.scanned,
            scanned_until=outcome.scanned_until,
            complete=outcome.complete,
        )


@router.post("/detections/dry-run", tags=["detections"], summary="Try a rule over what is stored")
async def try_rule(
    body: TrialIn,
    caller: Annotated[Caller, requires(Scope.RULES_WRITE)],
    trials: Annotated[Trials, Provided(Trials)],
    tenants: Annotated[TenantDirectory, Provided(TenantDirectory)],
    x_purpose: Declared = None,
) -> TrialOut:
    """Says which alerts a rule would have raised. It needs `detections:read` too; one that looks for plates is a search for them, and
    needs `plates:search`, and a purpose where the city requires one."""
    caller.require(Scope.DETECTIONS_READ)
    trial = body.trial()
    if trial.names_a_plate:
        caller.require(Scope.PLATES_SEARCH)
        check_purpose(tenants.settings(caller.tenant_id).purposes, x_purpose)
    return TrialOut.of(await trials.try_rule(caller, trial))
