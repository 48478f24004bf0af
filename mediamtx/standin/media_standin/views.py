"""Paths and sessions as the control API shows them: every field that MediaMTX 1.20 has, in its order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from media_standin import web
from media_standin.paths import Path
from media_standin.rtsp.server import Connection, RtspServer, Session

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time: what `onlineTime` is for a camera that was never reached."""


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


class RtspSessions:
    """RTSP sessions for the control API."""

    def __init__(self, server: RtspServer) -> None:
        self._server = server

    def items(self) -> list[dict[str, Any]]:
        return [_rtsp_session(session) for session in self._server.sessions]

    def kick(self, identity: UUID) -> bool:
        return self._server.kick(identity)


class RtspConnections:
    """RTSP connections for the control API."""

    def __init__(self, server: RtspServer) -> None:
        self._server = server

    def items(self) -> list[dict[str, Any]]:
        return [_rtsp_connection(connection) for connection in self._server.connections.values()]

    def kick(self, identity: UUID) -> bool:  # noqa: ARG002 - connections have no kick endpoint
        return False


def _rtsp_session(session: Session) -> dict[str, Any]:
    return {
        "id": str(session.id),
        "created": web.instant(session.created),
        "remoteAddr": session.conn.remote_addr,
        "state": session.state,
        "path": session.path_name,
        "query": session.query,
        "user": session.user,
        "userAgent": session.conn.user_agent,
        "transport": "TCP",
        "profile": "AVP",
        "conns": [str(session.conn.id)],
        "inboundBytes": 0,
        "inboundRTPPackets": 0,
        "inboundRTPPacketsLost": 0,
        "inboundRTPPacketsInError": 0,
        "inboundRTPPacketsJitter": 0.0,
        "inboundRTCPPackets": 0,
        "inboundRTCPPacketsInError": 0,
        "outboundBytes": session.outbound_bytes,
        "outboundRTPPackets": session.outbound_packets,
        "outboundRTPPacketsReportedLost": 0,
        "outboundRTPPacketsDiscarded": 0,
        "outboundRTCPPackets": 0,
        "bytesReceived": 0,
        "bytesSent": session.outbound_bytes,
        "rtpPacketsReceived": 0,
        "rtpPacketsSent": session.outbound_packets,
        "rtpPacketsLost": 0,
        "rtpPacketsInError": 0,
        "rtpPacketsJitter": 0.0,
        "rtcpPacketsReceived": 0,
        "rtcpPacketsSent": 0,
        "rtcpPacketsInError": 0,
    }


def _rtsp_connection(connection: Connection) -> dict[str, Any]:
    return {
        "id": str(connection.id),
        "created": web.instant(connection.created),
        "remoteAddr": connection.remote_addr,
        "session": str(connection.session.id) if connection.session else None,
        "tunnel": "none",
        "inboundBytes": connection.inbound_bytes,
        "outboundBytes": connection.outbound_bytes,
        "bytesReceived": connection.inbound_bytes,
        "bytesSent": connection.outbound_bytes,
    }
