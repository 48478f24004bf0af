"""Events in: detections, in batches."""

from __future__ import annotations

from gtvision.events import DetectionMade, Event
from ingest.detections.usecases import Detections


class DetectionEvents:
    """What the analysis saw."""

    def __init__(self, detections: Detections) -> None:
        self._detections = detections

    async def on_detection_made(self, events: list[Event[DetectionMade]]) -> None:
        """Repeats need no inbox: ids derive from the frame."""
        await self._detections.store_detections(events)
