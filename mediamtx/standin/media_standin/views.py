"""Paths and sessions as the control API shows them, with MediaMTX 1.20's fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from media_standin import web
from media_standin.paths import Path

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time: what `onlineTime` is for a camera that was never reached."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Sessions, connections or muxers of one protocol: how they are listed, and how one is ended where the API offers that."""

    items: Callable[[], list[dict[str, Any]]]
    kick: Callable[[UUID], bool] | None = None


def path_view(path: Path) -> dict[str, Any]:
    """One path. `online` is true for a pulled path from the start, whether the camera answers or not: a trap of MediaMTX."""
    stream = path.stream
    since = web.instant(path.available_since)
    inbound = stream.inbound_bytes if stream else 0
    outbound = stream.outbound_bytes if stream else 0
    return {
        "name": path.name,
        "confName": path.options["name"],
        "ready": stream is not None,
        "readyTime": since,
        "available": stream is not None,
        "availableTime": since,
        "online": path.pulled,
        "onlineTime": (since or NEVER) if path.pulled else None,
        "source": {"type": "rtspSource", "id": ""} if path.pulled else None,
        "tracks": ["H264"] if stream else [],
        "tracks2": [{"codec": "H264", "codecProps": _picture(path)}] if stream else [],
        "readers": [{"type": reader.kind, "id": str(reader.id)} for reader in path.readers],
        "inboundBytes": inbound,
        "outboundBytes": outbound,
        "inboundFramesInError": stream.frames_in_error if stream else 0,
        "bytesReceived": inbound,
        "bytesSent": outbound,
    }


def _picture(path: Path) -> dict[str, Any]:
    info = path.stream.picture() if path.stream else None
    if info is None:
        return {"width": 0, "height": 0, "profile": "", "level": ""}
    return {"width": info.width_px, "height": info.height_px, "profile": info.profile, "level": info.level}


def session_view(session: Any, remote_addr: str, user_agent: str) -> dict[str, Any]:
    """The fields that sessions of every protocol have."""
    return {
        "id": str(session.reader.id),
        "created": web.instant(session.created),
        "remoteAddr": remote_addr,
        "path": session.path_name,
        "query": session.query,
        "user": session.user,
        "userAgent": user_agent,
    }


def rtp_counters(outbound_bytes: int, outbound_packets: int) -> dict[str, int | float]:
    """What RTSP and WebRTC sessions count; ours only send, and the old names are still in use."""
    received = {"Packets": 0, "PacketsLost": 0, "PacketsInError": 0, "PacketsJitter": 0.0}
    return {
        "inboundBytes": 0,
        **{f"inboundRTP{name}": value for name, value in received.items()},
        "inboundRTCPPackets": 0,
        "outboundBytes": outbound_bytes,
        "outboundRTPPackets": outbound_packets,
        "outboundRTCPPackets": 0,
        "bytesReceived": 0,
        "bytesSent": outbound_bytes,
        "rtpPacketsSent": outbound_packets,
        "rtpPacketsReceived": 0,
        "rtpPacketsLost": 0,
        "rtpPacketsJitter": 0.0,
        "rtcpPacketsReceived": 0,
        "rtcpPacketsSent": 0,
    }
