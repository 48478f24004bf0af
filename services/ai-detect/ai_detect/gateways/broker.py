"""Detections on their way to the broker."""

from __future__ import annotations

from uuid import UUID

from chassis.bus import EventPublisher
from chassis.envelope import Links
from gtvision.events import DetectionMade
from gtvision.ids import derived_id


class BrokerAnnouncer:
    """Publishes with a confirm. The event's id derives from the frame, so that a frame that comes again repeats its event."""

    def __init__(self, publisher: EventPublisher) -> None:
        self._publisher = publisher

    async def announce(self, tenant_id: UUID, detection: DetectionMade, correlation_id: UUID) -> None:
        event_id = derived_id("detection.made", detection.camera_id, detection.captured_at.isoformat())
        links = Links(event_id=event_id, correlation_id=correlation_id)
        await self._publisher.publish(detection, tenant_id=tenant_id, camera_id=detection.camera_id, links=links)
