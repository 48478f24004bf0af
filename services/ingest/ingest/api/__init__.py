"""HTTP and WebSocket in."""

from ingest.api.detections import router as detections_router
from ingest.api.live import router as live_router

__all__ = ["detections_router", "live_router"]
