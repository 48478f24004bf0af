"""Pulls one camera over interleaved TCP.

The receive path is the hot one: a whole burst is read into one buffer and handed on as a list of packets, which is what keeps a
camera's cost near that of a C program.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

from media_standin.rtsp import sdp, wire
from media_standin.rtsp.wire import ProtocolError
from media_standin.stream import Stream

log = logging.getLogger("media_standin.rtsp.client")

BUFFER_BYTES = 512 * 1024
"""Holds the largest burst between two turns of the loop; a single interleaved packet is at most 64 KiB."""
KEEPALIVE_S = 25.0
_DOLLAR = 0x24


class CameraRefused(ConnectionError):
    """The camera answered, but not with a stream."""


class _Interleaved(asyncio.BufferedProtocol):
    """Splits the connection's bytes into RTP bursts and RTSP responses."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.stream: Stream | None = None
        self.video_channel = 0
        self.received_bytes = 0
        self.responses: asyncio.Queue[wire.Message | Exception] = asyncio.Queue(8)
        """Answers of the camera, and what ended the connection."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._clock = clock
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._used = 0

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._view[self._used :]

    def buffer_updated(self, nbytes: int) -> None:
        self.received_bytes += nbytes
        end = self._used + nbytes
        try:
            start = self._split(end)
        except ProtocolError as error:
            self._fail(error)
            start = end
        left = end - start
        if left and start:
            self._buffer[:left] = self._buffer[start:end]
        elif left == BUFFER_BYTES:
            self._fail(ProtocolError("the camera sends no packet boundaries"))
            left = 0
        self._used = left

    def _split(self, end: int) -> int:
        """Takes out everything complete; returns where the rest starts."""
        buffer, view, at = self._buffer, self._view, 0
        channel = self.video_channel
        packets: list[bytes] = []
        size = 0
        while end - at >= 4:
            if buffer[at] != _DOLLAR:
                used = self._take_response(bytes(view[at:end]))
                if not used:
                    break
                at += used
                continue
            following = at + 4 + (buffer[at + 2] << 8 | buffer[at + 3])
            if following > end:
                break
            if buffer[at + 1] == channel:
                packets.append(bytes(view[at:following]))
                size += following - at - 4
            elif buffer[at + 1] == channel + 1 and self.stream:
                self.stream.push_control(bytes(view[at:following]))
            at = following
        if packets and self.stream:
            self.stream.push(packets, size, self._clock())
        return at

    def _take_response(self, data: bytes) -> int:
        parsed = wire.parse(data)
        if parsed is None:
            return 0
        message, used = parsed
        if message.start.startswith("RTSP/") and not self.responses.full():
            self.responses.put_nowait(message)
        return used

    def _fail(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(error)
            if not self.responses.full():
                self.responses.put_nowait(error)

    def eof_received(self) -> bool:
        self._fail(ConnectionResetError("the camera closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was lost"))


class CameraConnection:
    """One attempt at one camera: `run` returns only by raising."""

    def __init__(self, url: str, timeout_s: float, wall_clock: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._url = _without_userinfo(parts)
        self._host, self._port = parts.hostname or "", parts.port or 554
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._timeout_s = timeout_s
        self._wall_clock = wall_clock
        self._authorization: wire.Authorization | None = None
        self._session = ""
        self._keepalive_s = KEEPALIVE_S
        self._cseq = 0

    async def run(self, available: Callable[[Stream], None]) -> None:
        """Connects, plays, calls `available` once and feeds the stream until the camera stops.

        Raises ConnectionError, OSError or TimeoutError: refused, wrong password, no H264, silent for `timeout_s`, closed.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._timeout_s):
            transport, protocol = await loop.create_connection(lambda: _Interleaved(self._wall_clock), self._host, self._port)
        try:
            async with asyncio.timeout(self._timeout_s):
                stream = await self._open(transport, protocol)
            available(stream)
            await self._watch(transport, protocol)
        finally:
            if self._session and not transport.is_closing():
                transport.write(self._request("TEARDOWN", self._url, {}))
            transport.close()
            protocol.stream = None
            if not protocol.lost.cancel() and not protocol.lost.cancelled():
                protocol.lost.exception()  # read it, so that asyncio does not report it as forgotten

    async def _open(self, transport: asyncio.Transport, protocol: _Interleaved) -> Stream:
        answer = await self._ask(transport, protocol, "DESCRIBE", self._url, {"Accept": "application/sdp"})
        base = answer.headers.get("content-base") or answer.headers.get("content-location") or self._url
        offer = sdp.read(answer.body, base)
        if offer.skipped:
            log.info("tracks left out of %s:%d: %s", self._host, self._port, ", ".join(offer.skipped))
        answer = await self._ask(transport, protocol, "SETUP", offer.control_url, {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"})
        self._session, _, rest = answer.headers.get("session", "").partition(";")
        self._keepalive_s = _keepalive_s(rest)
        protocol.video_channel = _channel(answer.headers.get("transport", ""))
        stream = Stream(offer.track)
        protocol.stream = stream
        await self._ask(transport, protocol, "PLAY", base, {"Range": "npt=0.000-"})
        return stream

    async def _watch(self, transport: asyncio.Transport, protocol: _Interleaved) -> None:
        """Ends by raising when the camera closes or has sent nothing for the time-out."""
        seen, step, since_keepalive = protocol.received_bytes, min(1.0, self._timeout_s / 4), 0.0
        silent_s = 0.0
        while True:
            done, _ = await asyncio.wait([protocol.lost], timeout=step)
            if done:
                protocol.lost.result()
            silent_s = 0.0 if protocol.received_bytes != seen else silent_s + step
            seen = protocol.received_bytes
            if silent_s >= self._timeout_s:
                raise TimeoutError("the camera is silent")
            since_keepalive += step
            if since_keepalive >= self._keepalive_s:
                since_keepalive = 0.0
                transport.write(self._request("GET_PARAMETER", self._url, {}))
                while not protocol.responses.empty():
                    protocol.responses.get_nowait()

    async def _ask(
        self, transport: asyncio.Transport, protocol: _Interleaved, method: str, url: str, headers: dict[str, str]
    ) -> wire.Message:
        transport.write(self._request(method, url, headers))
        answer = await self._answer(protocol)
        if answer.status == 401 and self._user and self._authorization is None:
            self._authorization = wire.Authorization(self._user, self._password, answer.challenges)
            transport.write(self._request(method, url, headers))
            answer = await self._answer(protocol)
        if answer.status != 200:
            raise CameraRefused(f"{method} was answered with {answer.start.partition(' ')[2][:80]}")
        return answer

    async def _answer(self, protocol: _Interleaved) -> wire.Message:
        answer = await protocol.responses.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _request(self, method: str, url: str, headers: dict[str, str]) -> bytes:
        self._cseq += 1
        complete = {"CSeq": str(self._cseq), "User-Agent": "media-standin", **headers}
        if self._session:
            complete["Session"] = self._session
        if self._authorization:
            complete["Authorization"] = self._authorization.header(method, url)
        return wire.encode(f"{method} {url} RTSP/1.0", complete)


def _without_userinfo(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    netloc = f"{host}:{parts.port}" if parts.port else host
    return parts._replace(netloc=netloc, fragment="").geturl()


def _keepalive_s(parameters: str) -> float:
    """Well within the session time-out that the camera named, if it named one."""
    _, _, seconds = parameters.partition("timeout=")
    digits = seconds.partition(";")[0].strip()
    return min(KEEPALIVE_S, max(5.0, int(digits) / 2)) if digits.isdigit() else KEEPALIVE_S


def _channel(transport: str) -> int:
    """The RTP channel that the camera chose."""
    for part in transport.split(";"):
        name, _, value = part.strip().partition("=")
        first = value.partition("-")[0]
        if name == "interleaved" and first.isdigit():
            return int(first)
    return 0
