"""What cameras counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SIGHTINGS = Counter("gtvision_cameras_sightings_total", "Changes of state that streaming told, by new state", ["state"])
ANNOUNCED = Counter("gtvision_cameras_announced_total", "Cameras told again to every listener")
ANNOUNCER = Gauge("gtvision_cameras_announcer_leader", "1 where this process is the one that announces")
URLS_REFUSED = Counter("gtvision_cameras_urls_refused_total", "Camera addresses refused")
