"""Tests that metrics have MediaMTX's names."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.contracts.media.conftest import PATIENCE_S, MediaServer

pytestmark = pytest.mark.media

SAMPLE = re.compile(r'^([a-z_]+)(?:\{((?:[a-zA-Z]+="[^"]*",?)*)\})? (\S+)$')
FAMILIES = {
    "paths", "paths_readers", "paths_inbound_bytes", "paths_outbound_bytes", "paths_inbound_frames_in_error",
    "hls_sessions", "hls_sessions_outbound_bytes", "hls_muxers", "hls_muxers_outbound_bytes", "hls_muxers_outbound_frames_discarded",
    "rtsp_conns", "rtsp_conns_inbound_bytes", "rtsp_conns_outbound_bytes",
    "rtsp_sessions", "rtsp_sessions_inbound_bytes", "rtsp_sessions_outbound_bytes", "rtsp_sessions_outbound_rtp_packets",
    "rtsp_sessions_inbound_rtp_packets_lost", "rtsp_sessions_inbound_rtcp_packets", "rtsp_sessions_outbound_rtp_packets_discarded",
    "webrtc_sessions", "webrtc_sessions_outbound_bytes", "webrtc_sessions_outbound_rtp_packets",
    "webrtc_sessions_outbound_frames_discarded", "webrtc_sessions_inbound_rtp_packets_jitter",
}  # fmt: skip


def samples(server: MediaServer) -> list[tuple[str, dict[str, str], float]]:
    answer = httpx.get(server.metrics_url, auth=("operator", "operator-secret"), timeout=PATIENCE_S)
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    found = [SAMPLE.match(line) for line in lines]
    assert all(found), lines
    return [(one[1], dict(re.findall(r'([a-zA-Z]+)="([^"]*)"', one[2] or "")), float(one[3])) for one in found if one]


def test_every_family_is_there(server: MediaServer, live: str) -> None:
    assert {name for name, _, _ in samples(server)} >= FAMILIES


def test_paths_tell_their_state(server: MediaServer, live: str) -> None:
    server.add("metrics/off")
    seen = {labels["name"]: labels["state"] for name, labels, value in samples(server) if name == "paths" and value == 1}
    assert (seen[live], seen["metrics/off"]) == ("ready", "notReady")
    assert any(value > 0 for name, labels, value in samples(server) if name == "paths_inbound_bytes" and labels["name"] == live)
    readers = [labels for name, labels, _ in samples(server) if name == "paths_readers" and labels["name"] == "metrics/off"]
    assert readers == [{"name": "metrics/off", "readerType": "", "state": "notReady"}]
    server.delete("metrics/off")


def test_a_viewer_is_counted(server: MediaServer, live: str) -> None:
    httpx.get(f"{server.hls_url}/{live}/index.m3u8?cookieCheck=1&ticket=good", timeout=PATIENCE_S)
    found = [labels for name, labels, value in samples(server) if name == "hls_sessions" and value == 1]
    assert live in [labels["path"] for labels in found]
    assert set(found[0]) == {"id", "path", "remoteAddr"}
    assert any(labels == {"name": live} for name, labels, _ in samples(server) if name == "hls_muxers")


def test_metrics_ask_for_credentials(server: MediaServer) -> None:
    assert httpx.get(server.metrics_url, timeout=PATIENCE_S).headers["www-authenticate"] == 'Basic realm="mediamtx"'
