"""Events in: what the analysis saw, in batches."""

from __future__ import annotations

from chassis.bus import BatchConsumer
from chassis.settings import RabbitSettings
from chassis.topology import event_queue
from gtvision.events import DetectionMade
from ingest.detections.usecases import Detections


def detection_batches(detections: Detections, rabbit: RabbitSettings, *, batch_size: int, window_ms: float) -> BatchConsumer:
    """Returns the consumer that stores up to `batch_size` events in one transaction. Repeats need no inbox: ids derive from the frame."""
    return BatchConsumer(
        rabbit,
        queue=event_queue("ingest", DetectionMade),
        key=DetectionMade.key,
        handler=detections.store_detections,
        prefetch=2 * batch_size,
        batch_size=batch_size,
        window_ms=window_ms,
    )
