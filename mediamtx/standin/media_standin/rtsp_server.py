"""Serves streams to RTSP readers over interleaved TCP: packets go out exactly as the camera sent them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from gtvision.ids import new_id
from gtvision.time import Clock
from media_standin import web
from media_standin.auth import AccessRefused, AccessRequest, http_credentials
from media_standin.options import InvalidOption
from media_standin.paths import NoStream, Path, PathManager, Reader, TooManyReaders
from media_standin.rtsp import sdp, wire
from media_standin.stream import Stream
from media_standin.views import rtp_counters, session_view

log = logging.getLogger("media_standin.rtsp_server")

MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""A reader that leaves this much unread is dropped."""
IDLE_S = 60.0
"""A connection that sends no request for this long before PLAY is closed."""
_METHODS = "DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, PAUSE, GET_PARAMETER, TEARDOWN"
_TRACK = "/trackID="


class Session:
    """One RTSP session, from SETUP to the end of its connection."""

    def __init__(self, conn: Connection, path: str, query: str) -> None:
        self.id: UUID = new_id()
        self.created = conn.clock.now()
        self.conn = conn
        self.path_name = path
        self.query = query
        self.user = ""
        self.state = "idle"
        self.path: Path | None = None
        self.stream: Stream | None = None
        self.reader = Reader("rtspSession", self.id, conn.close)
        self.channel = 0
        self.outbound_bytes = 0
        self.outbound_packets = 0
        self._marker_seen = False

    def play(self) -> None:
        """Starts at the next picture."""
        assert self.stream is not None
        self.state = "read"
        self.stream.read_packets(self, self._send, self.conn.close)

    def end(self) -> None:
        """Leaves the stream and the path."""
        if self.stream:
            self.stream.forget(self)
        if self.path:
            self.path.dismiss(self.reader)
        self.stream = self.path = None

    def _send(self, packets: list[bytes]) -> None:
        if not self._marker_seen:
            packets = self._after_marker(packets)
        if not packets:
            return
        if self.channel:
            packets = [b"$" + bytes((self.channel + (packet[1] & 1),)) + packet[2:] for packet in packets]
        data = b"".join(packets)
        self.outbound_bytes += len(data)
        self.outbound_packets += len(packets)
        assert self.stream is not None
        self.stream.outbound_bytes += len(data)
        self.conn.send(data)

    def _after_marker(self, packets: list[bytes]) -> list[bytes]:
        """A reader must not begin in the middle of a picture."""
        for index, packet in enumerate(packets):
            if not packet[1] & 1 and packet[5] & 0x80:
                self._marker_seen = True
                return packets[index + 1 :]
        return []


class Connection(asyncio.Protocol):
    """One TCP connection of a reader."""

    def __init__(self, server: RtspServer) -> None:
        self.id: UUID = new_id()
        self.clock = server.clock
        self.created = server.clock.now()
        self.session: Session | None = None
        self.remote_addr = ""
        self.inbound_bytes = 0
        self.outbound_bytes = 0
        self.user_agent = ""
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._requests: asyncio.Queue[wire.Message] = asyncio.Queue(16)
        self._worker: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are not asyncio's classes
        host, port = self._transport.get_extra_info("peername")[:2]
        self.remote_addr = f"{host}:{port}"
        self._server.connections[self.id] = self
        self._worker = asyncio.create_task(self._serve(), name=f"rtsp {self.remote_addr}")

    def data_received(self, data: bytes) -> None:
        self.inbound_bytes += len(data)
        self._received += data
        try:
            while self._take_one():
                pass
        except wire.ProtocolError as error:
            log.info("[conn %s] closed: %s", self.remote_addr, error)
            self.close()

    def _take_one(self) -> bool:
        """A request, or a reader's RTCP packet, which tells nothing that we need."""
        received = self._received
        if len(received) >= 4 and received[0] == 0x24:
            size = 4 + (received[2] << 8 | received[3])
            if len(received) < size:
                return False
            del received[:size]
            return True
        parsed = wire.parse(bytes(received)) if received else None
        if parsed is None:
            return False
        message, used = parsed
        del received[:used]
        if self._requests.full():
            raise wire.ProtocolError("too many requests at once")
        self._requests.put_nowait(message)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.pop(self.id, None)
        if self.session:
            self.session.end()
            self.session = None
        if self._worker:
            self._worker.cancel()
        log.debug("[conn %s] closed: %s", self.remote_addr, exc or "by the reader")

    def close(self) -> None:
        """Ends the connection, what is unsent included."""
        if self._transport and not self._transport.is_closing():
            self._transport.abort()

    def send(self, data: bytes) -> None:
        """Sends, or drops a reader that is too slow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self.outbound_bytes += len(data)
        transport.write(data)
        if transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            log.warning("[conn %s] reader is too slow, dropped", self.remote_addr)
            self.close()

    async def _serve(self) -> None:
        while True:
            patience = None if self.session and self.session.state == "read" else IDLE_S
            try:
                async with asyncio.timeout(patience):
                    request = await self._requests.get()
            except TimeoutError:
                self.close()
                return
            try:
                await self._answer(request)
            except wire.ProtocolError as error:
                log.info("[conn %s] closed: %s", self.remote_addr, error)
                self.close()

    async def _answer(self, request: wire.Message) -> None:
        method, _, rest = request.start.partition(" ")
        url = rest.partition(" ")[0]
        cseq = request.headers.get("cseq", "")
        self.user_agent = request.headers.get("user-agent", self.user_agent)
        if not cseq or "\n" in cseq:
            raise wire.ProtocolError("a request without CSeq")
        if method == "OPTIONS":
            self.send(wire.response(200, cseq, {"Public": _METHODS}))
        elif method in {"DESCRIBE", "SETUP"}:
            await self._guarded(method, url, request, cseq)
        elif method == "PLAY":
            self._play(cseq)
        elif method in {"GET_PARAMETER", "SET_PARAMETER"}:
            self.send(wire.response(200, cseq, self._session_header()))
        elif method == "TEARDOWN":
            self.send(wire.response(200, cseq, self._session_header()))
            self._finish()
        else:
            self.send(wire.response(501, cseq))

    def _finish(self) -> None:
        if self.session:
            self.session.end()
            self.session = None
        if self._transport:
            self._transport.close()

    async def _guarded(self, method: str, url: str, request: wire.Message, cseq: str) -> None:
        """Describes or sets up, and turns each refusal into its status."""
        try:
            if method == "DESCRIBE":
                await self._describe(url, request, cseq)
            else:
                await self._set_up(url, request, cseq)
        except AccessRefused:
            self.send(wire.response(401, cseq, {"WWW-Authenticate": 'Basic realm="mediamtx"'}))
        except NoStream:
            self.send(wire.response(404, cseq))
        except (InvalidOption, TooManyReaders, ValueError) as error:
            log.info("[conn %s] %s", self.remote_addr, error)
            self.send(wire.response(400, cseq))

    async def _describe(self, url: str, request: wire.Message, cseq: str) -> None:
        name, query = _target(url)
        stream = await self._server.paths.describe(self._access(name, query, request, self.id))
        body = sdp.describe(stream.track, stream.sps, stream.pps)
        base = url.rstrip("/") + "/"
        self.send(wire.response(200, cseq, {"Content-Base": base, "Content-Type": "application/sdp"}, body))

    async def _set_up(self, url: str, request: wire.Message, cseq: str) -> None:
        if self.session is not None:
            self.send(wire.response(455, cseq))
            return
        name, query = _target(url)
        channel = _channel(request.headers.get("transport", ""))
        if channel is None:
            self.send(wire.response(461, cseq))
            return
        session = Session(self, name, query)
        session.channel = channel
        access = self._access(name, query, request, session.id)
        session.path, session.stream, session.user = await self._server.paths.add_reader(access, session.reader)
        if self._transport is None or self._transport.is_closing():
            session.end()
            return
        self.session = session
        transport = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"
        self.send(wire.response(200, cseq, {"Transport": transport, **self._session_header()}))

    def _play(self, cseq: str) -> None:
        if self.session is None:
            self.send(wire.response(454, cseq))
            return
        self.send(wire.response(200, cseq, self._session_header()))
        if self.session.state != "read":
            self.session.play()
            log.info("[conn %s] is reading from path '%s'", self.remote_addr, self.session.path_name)

    def _session_header(self) -> dict[str, str]:
        return {"Session": f"{self.session.id.hex};timeout=60"} if self.session else {}

    def _access(self, name: str, query: str, request: wire.Message, identity: UUID) -> AccessRequest:
        return AccessRequest(
            action="read",
            ip=self.remote_addr.rpartition(":")[0],
            credentials=http_credentials(request.headers.get("authorization", "")),
            path=name,
            query=query,
            protocol="rtsp",
            id=identity,
            user_agent=self.user_agent,
        )


class RtspServer:
    """Listens for readers."""

    def __init__(self, paths: PathManager, clock: Clock) -> None:
        self.paths = paths
        self.clock = clock
        self.connections: dict[UUID, Connection] = {}
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        self._server = await asyncio.get_running_loop().create_server(lambda: Connection(self), host, port)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for connection in list(self.connections.values()):
            connection.close()

    @property
    def _sessions(self) -> list[Session]:
        return [connection.session for connection in self.connections.values() if connection.session]

    def sessions(self) -> list[dict[str, Any]]:
        """Sessions for the control API."""
        return [_session_view(session) for session in self._sessions]

    def conns(self) -> list[dict[str, Any]]:
        """Connections for the control API."""
        return [_connection_view(connection) for connection in self.connections.values()]

    def kick(self, identity: UUID) -> bool:
        """False if there is no such session."""
        for session in self._sessions:
            if session.id == identity:
                session.conn.close()
                return True
        return False


def _session_view(session: Session) -> dict[str, Any]:
    return {
        **session_view(session, session.conn.remote_addr, session.conn.user_agent),
        "state": session.state,
        "transport": "TCP",
        "profile": "AVP",
        "conns": [str(session.conn.id)],
        **rtp_counters(session.outbound_bytes, session.outbound_packets),
        "inboundRTCPPacketsInError": 0,
        "outboundRTPPacketsReportedLost": 0,
        "outboundRTPPacketsDiscarded": 0,
        "rtpPacketsInError": 0,
        "rtcpPacketsInError": 0,
    }


def _connection_view(connection: Connection) -> dict[str, Any]:
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


def _target(url: str) -> tuple[str, str]:
    """Path name and query of a request URL, which may end in the track and may carry the track after the query."""
    parts = urlsplit(url)
    path, _, _ = parts.path.partition(_TRACK)
    query, _, _ = parts.query.partition(_TRACK)
    name = unquote(path).strip("/")
    return name, query.rstrip("/")


def _channel(transport: str) -> int | None:
    """The RTP channel that the reader asks for, None where it does not want interleaved TCP."""
    for choice in transport.split(","):
        if "RTP/AVP/TCP" not in choice.upper():
            continue
        for part in choice.split(";"):
            name, _, value = part.strip().partition("=")
            first = value.partition("-")[0]
            if name.lower() == "interleaved" and first.isdigit() and int(first) < 255:
                return int(first)
        return 0
    return None
