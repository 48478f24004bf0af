"""Prometheus names of ingest, declared once."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

STORED = Counter("gtvision_ingest_detections_stored_total", "Rows committed")
REPEATED = Counter("gtvision_ingest_detections_repeated_total", "Rows that were there already")
REFUSED = Counter("gtvision_ingest_detections_refused_total", "Rows outside the retention window", ["reason"])
ROWS_DELETED = Counter("gtvision_ingest_detections_deleted_total", "Rows deleted because their city keeps them no longer")
PICTURES_DELETED = Counter("gtvision_ingest_pictures_deleted_total", "Pictures deleted because their city keeps them no longer")
DELAY = Histogram("gtvision_ingest_capture_to_store_seconds", "From capture to commit", buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 120, 600))

LIVE_CONNECTIONS = Gauge("gtvision_ingest_live_connections", "Open WebSockets")
LIVE_DELIVERED = Counter("gtvision_ingest_live_messages_total", "Messages handed to WebSockets")
LIVE_SLOW = Counter("gtvision_ingest_live_slow_readers_total", "WebSockets closed because their reader was too slow")

GRABBERS = Gauge("gtvision_ingest_grabber_peers", "Living grabbers, this one included")
CAMERAS_GRABBED = Gauge("gtvision_ingest_grabber_cameras", "Cameras that this grabber reads")
PICTURES = Counter("gtvision_ingest_grabber_pictures_total", "Key frames decoded")
FRAMES_SENT = Counter("gtvision_ingest_grabber_frames_total", "Frames handed on", ["reason"])
FRAMES_SKIPPED = Counter("gtvision_ingest_grabber_frames_skipped_total", "Key frames that showed nothing new", ["reason"])
FRAMES_DROPPED = Counter("gtvision_ingest_grabber_frames_dropped_total", "Frames that found no way out", ["reason"])
STREAM_BREAKS = Counter("gtvision_ingest_grabber_stream_breaks_total", "Streams that ended or failed", ["cause"])
CAMERAS_WITHOUT_KEY_FRAMES = Gauge(
    "gtvision_ingest_grabber_cameras_without_key_frames", "Cameras that this grabber reads and that gave no key frame for a minute"
)
READERS_REPLACED = Counter("gtvision_ingest_grabber_readers_replaced_total", "Threads that hung and were replaced")
CLOCK_SKEWED = Counter("gtvision_ingest_grabber_clock_skewed_total", "Frames whose stream clock was off by more than 5 s")
