"""Detections and plates over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from chassis.auth import requires
from chassis.http import Page, Provided, decode_cursor, encode_cursor
from city.purposes import requires_with_purpose
from gtvision.camera import ObjectClass
from gtvision.geometry import Box
from gtvision.tenancy import Caller, Scope
from gtvision.time import Instant, isoformat
from ingest.detections.domain import Detection, PlateMatch, PlateSearch, Search
from ingest.detections.usecases import Detections

router = APIRouter(prefix="/api/v1")

Corners = tuple[float, float, float, float]
"""A box: x1, y1, x2, y2, 0..1 from the top left."""


class DetectionOut(BaseModel):
    """One object that was seen in one frame."""

    detection_id: UUID
    camera_id: UUID
    captured_at: Instant
    arrived_at: Instant
    stored_at: Instant | None
    object_class: ObjectClass
    confidence: float
    box: Corners
    plate: str | None
    plate_confidence: float | None
    plate_box: Corners | None
    plate_alternates: list[tuple[str, float]]
    evidence_key: str | None
    evidence_sha256: str | None
    evidence_url: str | None
    thumbnail_url: str | None
    provider: str
    model: str
    clock_skew_ms: int | None


class PlateReadOut(BaseModel):
    """A plate that was read. `confidence` is the reading's; `alternates` is what else it may be, best first."""

    detection_id: UUID
    camera_id: UUID
    captured_at: Instant
    object_class: ObjectClass
    plate: str
    confidence: float
    alternates: list[tuple[str, float]]
    box: Corners
    plate_box: Corners | None
    evidence_key: str | None
    evidence_url: str | None
    thumbnail_url: str | None


class Bucket(StrEnum):
    """Over how long a time is summed."""

    HOUR = "hour"


class HourOut(BaseModel):
    """How many plates were read in the hour that begins then, UTC."""

    hour: Instant
    plates: int


class PlatesOut(BaseModel):
    """Every hour of the time, also those without a plate; the first and the last count only what lies within it."""

    bucket: Bucket
    items: list[HourOut]
    total: int


DetectionsDep = Annotated[Detections, Provided(Detections)]


Cameras = Annotated[list[UUID] | None, Query(max_length=200, description="One or more cameras")]


async def _page_query(
    camera_id: Cameras = None,
    start: Annotated[Instant | None, Query(alias="from", description="Captured at or after")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Captured before")] = None,
    cursor: Annotated[str | None, Query(max_length=1_000, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Search:
    """One more than asked for: it tells whether there is a next page."""
    return Search(limit=limit + 1, camera_ids=_cameras(camera_id), start=start, end=end, after=_after(cursor))


Paging = Annotated[Search, Depends(_page_query)]


@router.get("/detections", tags=["detections"])
async def list_detections(
    caller: Annotated[Caller, requires(Scope.DETECTIONS_READ)],
    detections: DetectionsDep,
    paging: Paging,
    object_class: Annotated[ObjectClass | None, Query(alias="class")] = None,
    min_confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
    plates_only: Annotated[bool, Query(description="Only those with a plate")] = False,
) -> Page[DetectionOut]:
    """What was seen, newest first."""
    search = replace(paging, object_class=object_class, min_confidence=min_confidence, plates_only=plates_only)
    found = await detections.list_detections(caller, search)
    return Page(items=[_detection_out(each) for each in found[: paging.limit - 1]], next=_next(found, paging.limit))


@router.get("/plates/{plate}", tags=["plates"])
async def search_plate(
    plate: str,
    caller: Annotated[Caller, requires_with_purpose(Scope.PLATES_SEARCH)],
    detections: DetectionsDep,
    paging: Paging,
    mode: PlateMatch = PlateMatch.ERA,
) -> Page[PlateReadOut]:
    """Where and when a plate was read, newest first.

    `era` finds ABC1234 also where it was read as ABC1C34, `exact` only the text, `prefix` every plate that begins so.
    """
    found = await detections.list_detections(caller, replace(paging, plate=PlateSearch(plate, mode)))
    return Page(items=[_plate_out(each) for each in found[: paging.limit - 1]], next=_next(found, paging.limit))


_JPEG: dict[int | str, dict[str, object]] = {200: {"content": {"image/jpeg": {}}}}

_PRIVATE = {"cache-control": "private, max-age=3600", "x-content-type-options": "nosniff"}


@router.get("/detections/{detection_id}/evidence", tags=["detections"], response_class=Response, responses=_JPEG)
async def show_evidence(
    detection_id: UUID,
    captured_at: Annotated[Instant, Query(description="The detection's capture time, exactly")],
    caller: Annotated[Caller, requires_with_purpose(Scope.DETECTIONS_READ)],
    detections: DetectionsDep,
) -> Response:
    """The very picture that was read, checked against its hash."""
    picture = await detections.open_evidence(caller, detection_id, captured_at)
    return Response(picture, media_type="image/jpeg", headers=_PRIVATE)


@router.get("/detections/{detection_id}/thumbnail", tags=["detections"], response_class=Response, responses=_JPEG)
async def show_thumbnail(
    detection_id: UUID,
    captured_at: Annotated[Instant, Query(description="The detection's capture time, exactly")],
    caller: Annotated[Caller, requires_with_purpose(Scope.DETECTIONS_READ, Scope.PLATES_SEARCH)],
    detections: DetectionsDep,
) -> Response:
    """The plate, or the object where none was read, cut out of the picture: 240 px wide and high at most."""
    picture = await detections.open_thumbnail(caller, detection_id, captured_at)
    return Response(picture, media_type="image/jpeg", headers=_PRIVATE)


@router.get("/analytics/plates", tags=["analytics"])
async def count_plates(
    caller: Annotated[Caller, requires(Scope.DETECTIONS_READ)],
    detections: DetectionsDep,
    camera_id: Cameras = None,
    start: Annotated[Instant | None, Query(alias="from", description="Captured at or after; 24 hours before `to` where absent")] = None,
    end: Annotated[Instant | None, Query(alias="to", description="Captured before; now where absent")] = None,
    bucket: Bucket = Bucket.HOUR,
) -> PlatesOut:
    """How many plates were read, by the hour, over seven days at most."""
    found = await detections.count_plates(caller, Search(limit=0, camera_ids=_cameras(camera_id), start=start, end=end))
    hours = [HourOut(hour=hour, plates=plates) for hour, plates in found]
    return PlatesOut(bucket=bucket, items=hours, total=sum(plates for _, plates in found))


def _cameras(named: list[UUID] | None) -> frozenset[UUID] | None:
    return frozenset(named) if named else None


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    values = decode_cursor(cursor, captured_at=datetime, detection_id=UUID)
    return values["captured_at"], values["detection_id"]


def _next(found: list[Detection], limit: int) -> str | None:
    if len(found) < limit:
        return None
    last = found[limit - 2]
    return encode_cursor(captured_at=last.captured_at, detection_id=last.detection_id)


def _corners(box: Box) -> Corners:
    return box.x1, box.y1, box.x2, box.y2


def _url(row: Detection, what: str) -> str | None:
    if row.evidence_key is None:
        return None
    return f"/api/v1/detections/{row.detection_id}/{what}?captured_at={isoformat(row.captured_at)}"


def _alternates(row: Detection) -> list[tuple[str, float]]:
    return [(each.text, each.confidence) for each in row.seen.plate_alternates]


def _detection_out(row: Detection) -> DetectionOut:
    seen = row.seen
    return DetectionOut(
        detection_id=row.detection_id,
        camera_id=row.camera_id,
        captured_at=row.captured_at,
        arrived_at=row.arrived_at,
        stored_at=row.stored_at,
        object_class=seen.object_class,
        confidence=seen.confidence,
        box=_corners(seen.box),
        plate=seen.plate.text if seen.plate else None,
        plate_confidence=seen.plate.confidence if seen.plate else None,
        plate_box=_corners(seen.plate_box) if seen.plate_box else None,
        plate_alternates=_alternates(row),
        evidence_key=row.evidence_key,
        evidence_sha256=row.evidence_sha256,
        evidence_url=_url(row, "evidence"),
        thumbnail_url=_url(row, "thumbnail"),
        provider=row.provider,
        model=row.model,
        clock_skew_ms=row.clock_skew_ms,
    )


def _plate_out(row: Detection) -> PlateReadOut:
    assert row.seen.plate is not None
    return PlateReadOut(
        detection_id=row.detection_id,
        camera_id=row.camera_id,
        captured_at=row.captured_at,
        object_class=row.seen.object_class,
        plate=row.seen.plate.text,
        confidence=row.seen.plate.confidence,
        alternates=_alternates(row),
        box=_corners(row.seen.box),
        plate_box=_corners(row.seen.plate_box) if row.seen.plate_box else None,
        evidence_key=row.evidence_key,
        evidence_url=_url(row, "evidence"),
        thumbnail_url=_url(row, "thumbnail"),
    )
