"""Prometheus names of messaging, declared once."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from chassis.metrics import LATENCY_BUCKETS_S

MESSAGES = Counter("gtvision_bus_messages_total", "Messages consumed, by outcome: handled, retried, parked, dead", ["queue", "outcome"])
HANDLER_SECONDS = Histogram(
    "gtvision_bus_handler_duration_seconds", "Time a message or batch was being handled", ["queue"], buckets=LATENCY_BUCKETS_S
)
HELD = Gauge("gtvision_bus_held_messages", "Messages held because a dependency is down", ["queue"])
PUBLISHED = Counter(
    "gtvision_bus_published_total", "Messages published, by outcome: confirmed, unroutable, failed", ["exchange", "outcome"]
)
FRAMES = Counter("gtvision_frames_consumed_total", "Frames consumed, by outcome: handled, failed, expired", ["outcome"])
