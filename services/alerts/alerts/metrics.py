"""What alerts counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

alerts_raised = Counter("gtvision_alerts_raised_total", "Alerts raised", ["kind", "severity"])
sightings_joined = Counter("gtvision_alerts_sightings_joined_total", "Sightings that were counted to an earlier alert")
cameras_reconnected = Counter("gtvision_alerts_cameras_reconnected_total", "Cameras that were back before anybody was told of their loss")
seconds_to_acknowledge = Histogram(
    "gtvision_alerts_acknowledge_seconds",
    "Time from raising an alert to its acknowledgement",
    buckets=(1, 5, 15, 30, 60, 300, 900, 3600, 14400),
)
delivery_tries = Counter("gtvision_alerts_delivery_tries_total", "Tries to send a message", ["kind", "outcome"])
deliveries_digested = Counter("gtvision_alerts_deliveries_digested_total", "Messages that became part of a digest")
deliveries_given_up = Counter("gtvision_alerts_deliveries_given_up_total", "Messages that were given up")
oldest_delivery_seconds = Gauge("gtvision_alerts_oldest_delivery_seconds", "Age of the oldest message that is due and not sent")
escalations = Counter("gtvision_alerts_escalations_total", "Steps taken because nobody acknowledged an alert")
