"""When a stored plate is worth an alert. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from alerts.alerts.domain import PLATE_ALERT, Occurrence
from alerts.watchlists.domain import Entry, Watchlist
from gtvision import plate as plates
from gtvision.events import StoredDetection


def confident_plates(detections: Iterable[StoredDetection], min_confidence: float) -> list[StoredDetection]:
    """Detections whose plate was read well enough to act upon."""
    return [seen for seen in detections if seen.object.plate is not None and seen.object.plate.confidence >= min_confidence]


def sighting(watchlist: Watchlist, entry: Entry, seen: StoredDetection, camera_name: str, cooldown: timedelta) -> Occurrence:
    """What is told of a watched plate. A vehicle at a camera is one alert for as long as it is seen again within the cooldown."""
    plate = seen.object.plate.text if seen.object.plate else entry.plate
    return Occurrence(
        kind=PLATE_ALERT,
        subject=f"{entry.entry_id}/{seen.camera_id}",
        severity=watchlist.severity,
        title=f"Placa {plates.format_plate(plate)} da lista “{watchlist.name}” vista em {camera_name}",
        at=seen.captured_at,
        cooldown=cooldown,
        camera_id=seen.camera_id,
        plate=plate,
        watchlist_id=watchlist.watchlist_id,
        entry_id=entry.entry_id,
        detection_id=seen.detection_id,
        captured_at=seen.captured_at,
        evidence_key=seen.evidence_key,
        reason=entry.reason,
    )
