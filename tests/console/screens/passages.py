"""Reads of plates for the tests of their screens; ingest's answers are its own models."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from PIL import Image
from playwright.async_api import Locator, Page
from tests.console.browsing import Console
from tests.console.standins import Reply, paged

from cameras.cameras.api import CameraOut
from gtvision.camera import AiSettings, CameraState, ObjectClass, RecordingSettings
from gtvision.detection import DetectedObject, PlateCandidate
from gtvision.events import DetectionMade
from gtvision.geometry import Box
from gtvision.ids import new_id
from ingest.detections import api, usecases
from ingest.detections.domain import Detection

NOW = datetime(2026, 11, 29, 15, 0, tzinfo=UTC)
GATE = CameraOut(
    id=new_id(),
    name="Portão 2",
    url="rtsp://10.0.0.2/live",
    external_id=None,
    groups=[],
    enabled=True,
    recording=RecordingSettings(),
    ai=AiSettings(),
    state=CameraState.ONLINE,
    since=NOW,
    cause=None,
    revision=1,
    created_at=NOW,
    updated_at=NOW,
)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 180), "#345").save(out, "JPEG")
    return out.getvalue()


PICTURE = jpeg()
JPEG = Reply(body=PICTURE, headers={"content-type": "image/jpeg"})


def seen(plate: str, number: int = 0, *others: tuple[str, float], camera: UUID = GATE.id) -> Detection:
    """Returns a read; the higher the number, the older it is."""
    thing = DetectedObject(
        object_class=ObjectClass.CAR,
        confidence=0.9,
        box=Box(x1=0.2, y1=0.2, x2=0.8, y2=0.9),
        plate=PlateCandidate(text=plate, confidence=0.97),
        plate_alternates=tuple(PlateCandidate(text=text, confidence=share) for text, share in others),
        plate_box=Box(x1=0.4, y1=0.6, x2=0.6, y2=0.7),
    )
    at = NOW - timedelta(minutes=number)
    return Detection(
        new_id(), camera, at, at, thing, "evidence/a.jpg", hashlib.sha256(PICTURE).hexdigest(), "cpu", "rapidocr", stored_at=at
    )


def frame(*reads: Detection) -> dict[str, Any]:
    """Returns the reads as the live link tells of them."""
    first = reads[0]
    made = DetectionMade(
        camera_id=first.camera_id,
        captured_at=first.captured_at,
        arrived_at=first.arrived_at,
        width_px=320,
        height_px=180,
        objects=tuple(read.seen for read in reads),
        provider="cpu",
        model="rapidocr",
    )
    return usecases._live_frame(made, reads)


def city_of_one_camera(console: Console) -> None:
    """Answers with its camera, and with the same picture for every read."""
    console.services.answer("GET", "/cameras", {"items": [GATE], "next": None})
    for picture in ("evidence", "thumbnail"):
        console.services.answer("GET", f"/detections/*/{picture}", JPEG)


def found(console: Console, *reads: Detection) -> None:
    console.services.answer("GET", "/plates/*", paged([api._plate_out(read) for read in reads]))


def latest(console: Console, *reads: Detection) -> None:
    console.services.answer("GET", "/detections", paged([api._detection_out(read) for read in reads]))


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="Leituras").get_by_role("button")


def detail(page: Page) -> Locator:
    return page.get_by_role("region", name="Leitura escolhida")
