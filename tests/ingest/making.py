"""Builders of the objects that ingest's tests use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gtvision.camera import ObjectClass
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import DetectionMade, Event
from gtvision.geometry import Box
from gtvision.ids import new_id
from ingest.detections.domain import Detection

BOX = Box(x1=0.25, y1=0.25, x2=0.5, y2=0.75)


def seen(plate: str | None = None, alternates: Sequence[tuple[str, float]] = (), sure: float = 0.875) -> DetectedObject:
    return DetectedObject(
        object_class=ObjectClass.CAR,
        confidence=0.75,
        box=BOX,
        plate=PlateCandidate(text=plate, confidence=sure) if plate else None,
        plate_alternates=tuple(PlateCandidate(text=text, confidence=confidence) for text, confidence in alternates),
        plate_box=Box(x1=0.3, y1=0.6, x2=0.4, y2=0.65) if plate else None,
    )


def detection(
    captured_at: datetime, camera_id: UUID | None = None, plate: str | None = None, alternates: Sequence[tuple[str, float]] = ()
) -> Detection:
    return Detection(
        detection_id=new_id(),
        camera_id=camera_id or new_id(),
        captured_at=captured_at,
        arrived_at=captured_at,
        seen=seen(plate, alternates),
        evidence_key="evidence/a/b.jpg",
        evidence_sha256="0" * 64,
        provider="cpu",
        model="test",
        clock_skew_ms=-7_000,
    )


def frame(
    captured_at: datetime, *objects: DetectedObject, camera_id: UUID | None = None, tenant_id: UUID | None = None, **more: object
) -> Event[DetectionMade]:
    camera = camera_id or new_id()
    data = DetectionMade(
        camera_id=camera,
        captured_at=captured_at,
        arrived_at=captured_at,
        width_px=1280,
        height_px=720,
        objects=objects or (seen("ABC1D23"),),
        provider="cpu",
        model="test",
        **more,
    )
    return Event[DetectionMade](
        type=DetectionMade.key, occurred_at=captured_at, tenant_id=tenant_id or new_id(), camera_id=camera, data=data
    )
