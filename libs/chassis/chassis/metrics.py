"""Prometheus names that every process exposes, declared once, and how they are rendered.

A service declares its own in its `metrics.py` with `prometheus_client`, as `gtvision_<service>_<thing>_<unit>`.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Gauge, Histogram, generate_latest

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 1.0, 2.5, 5.0, 10.0)
"""Around the bars of the API: 50, 100, 200 and 400 ms."""

HTTP_SECONDS = Histogram(
    "gtvision_http_request_duration_seconds",
    "Time from the request's head to the last byte of the answer",
    ["method", "route", "status"],
    buckets=LATENCY_BUCKETS_S,
)
HTTP_IN_FLIGHT = Gauge("gtvision_http_requests_in_flight", "Requests being answered now")
HTTP_REFUSED = Counter("gtvision_http_refused_total", "Requests refused, by the answer's code", ["code"])
SOCKETS_OPEN = Gauge("gtvision_websockets_open", "WebSocket connections open now")
LOOP_FAILURES = Counter("gtvision_loop_failures_total", "Times that a background loop failed and was started again", ["loop"])
LOOP_AGE_SECONDS = Gauge("gtvision_loop_heartbeat_age_seconds", "Time since a background loop's last heartbeat", ["loop"])
AUTH_TOKENS = Counter("gtvision_auth_tokens_total", "Tokens and tickets looked at, by outcome", ["outcome"])
LIVE_MESSAGES = Counter("gtvision_live_messages_total", "Live messages, by outcome (loss is allowed)", ["outcome"])


def render() -> tuple[bytes, str]:
    """The exposition text and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
