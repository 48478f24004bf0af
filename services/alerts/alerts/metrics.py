"""What alerts counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

alerts_raised = Counter("gtvision_alerts_raised_total", "Alerts raised", ["kind", "severity"])
sightings_joined = Counter("gtvision_alerts_sightings_joined_total", "Sightings that were counted to an earlier alert")
cameras_reconnected = Counter("gtvision_alerts_cameras_reconnected_total", "Cameras that were back before anybody was told of their loss")
seconds_to_acknowledge = Histogram(
    "gtvision_alerts_acknowledge_seconds",
    "Time from raising an alert to its acknowledgement",
    buckets=(1, 5, 15, 30, 60, 300, 900, 3600, 14400),
)
