"""RTSP streams with PyAV: key frames only, over TCP, with limits on time, rate and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import av
import numpy as np
from av.codec.context import Flags
from av.container import InputContainer
from av.error import ExitError, FFmpegError, HTTPForbiddenError, HTTPNotFoundError, HTTPUnauthorizedError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream
from pydantic import SecretStr

from gtvision.time import Clock
from ingest.grabbing.domain import Picture, Plane, StreamBroken

av.logging.set_level(None)  # ffmpeg's own lines can carry URLs

_OPTIONS = {
    "rtsp_transport": "tcp",
    "protocol_whitelist": "rtsp,rtp,udp,tcp",
    "allowed_media_types": "video",
    "fflags": "nobuffer",
    "analyzeduration": "1000000",
    "probesize": "500000",
    "fps_probe_size": "0",
}
_PIXELS_AT_MOST = 16_000_000
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """What one stream may take."""

    open_timeout_s: float = 10.0
    read_timeout_s: float = 10.0
    longest_read_timeout_s: float = 40.0
    """What the two above may grow to for a slow camera."""
    no_key_frame_s: float = 60.0
    """A stream without key frames is broken, however many bytes it sends."""
    packets_per_s: int = 2_000
    bytes_per_s: int = 8_000_000
    """64 Mbit/s: four times a good 4K camera."""


class PyAvStreamReader:
    """Implements `ports.StreamReader`. One for all threads: it keeps no state of its own."""

    def __init__(self, clock: Clock, user: str, password: SecretStr, limits: ReaderLimits | None = None) -> None:
        self._clock = clock
        self._user, self._password = user, password
        self._limits = limits or ReaderLimits()

    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        with closing(self._open(read_url, patience)) as container:
            if stopped():
                return
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise StreamBroken("no_video")
            _prepare(stream)
            budget = _Budget(self._limits, self._clock, patience)
            yield from self._decode(container, stream, wanted, stopped, budget)

    def _open(self, read_url: str, patience: int) -> InputContainer:
        parts = urlsplit(read_url)
        if parts.scheme not in {"rtsp", "rtsps"} or not parts.hostname:
            raise StreamBroken("bad_url")
        credentials = f"{quote(self._user, safe='')}:{quote(self._password.get_secret_value(), safe='')}@" if self._user else ""
        address = parts.netloc.rpartition("@")[2]
        url = urlunsplit((parts.scheme, credentials + address, parts.path, parts.query, ""))
        limits = (self._grown(self._limits.open_timeout_s, patience), self._grown(self._limits.read_timeout_s, patience))
        try:
            return av.open(url, format="rtsp", options=_OPTIONS, timeout=limits)
        except (FFmpegError, OSError) as error:
            # Not chained: the message carries the URL, and with it the password.
            cause = _cause(error)
            raise StreamBroken(cause, slow=cause == "timeout") from None

    def _grown(self, timeout_s: float, patience: int) -> float:
        return max(timeout_s, min(timeout_s * patience, self._limits.longest_read_timeout_s))

    def _decode(
        self,
        container: InputContainer,
        stream: VideoStream,
        wanted: Callable[[float], bool],
        stopped: Callable[[], bool],
        budget: _Budget,
    ) -> Iterator[Picture]:
        for packet in self._packets(container, stream):
            if stopped():
                return
            budget.spend(packet)
            if not packet.is_keyframe:
                continue
            budget.key_frame()
            at_s = _seconds(packet)
            if at_s is None or not wanted(at_s):
                continue
            picture = _picture(stream, packet, at_s)
            if picture is not None:
                yield picture
        raise StreamBroken("ended")

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        try:
            for packet in container.demux(stream):
                if packet.size:
                    yield packet
        except (FFmpegError, OSError) as error:
            raise StreamBroken("stalled_or_cut", slow=_cause(error) == "timeout") from None


def _cause(error: Exception) -> str:
    """Why a stream could not be opened, in a word."""
    match error:
        case HTTPUnauthorizedError() | HTTPForbiddenError():
            return "refused"
        case HTTPNotFoundError():
            return "not_found"
        case ExitError() | TimeoutError():
            return "timeout"
        case _:
            return "unreachable"


class _Budget:
    """Ends a stream that floods, or that sends everything but key frames."""

    def __init__(self, limits: ReaderLimits, clock: Clock, patience: int) -> None:
        self._limits, self._clock = limits, clock
        self._no_key_frame_s = limits.no_key_frame_s * patience
        self._second = self._key_frame_at = clock.monotonic()
        self._packets = self._bytes = 0

    def spend(self, packet: Packet[VideoStream]) -> None:
        now = self._clock.monotonic()
        if now - self._second >= 1.0:
            self._second, self._packets, self._bytes = now, 0, 0
            if now - self._key_frame_at > self._no_key_frame_s:
                raise StreamBroken("no_key_frames", slow=True)
        self._packets += 1
        self._bytes += packet.size
        if self._packets > self._limits.packets_per_s or self._bytes > self._limits.bytes_per_s:
            raise StreamBroken("flood")

    def key_frame(self) -> None:
        self._key_frame_at = self._clock.monotonic()


def _prepare(stream: VideoStream) -> None:
    context = stream.codec_context
    context.thread_count = 1  # many cameras share the cores already
    context.skip_frame = "NONKEY"
    context.flags |= Flags.low_delay
    if context.width * context.height > _PIXELS_AT_MOST:
        raise StreamBroken("too_large")


def _seconds(packet: Packet[VideoStream]) -> float | None:
    """RTSP gives the first packets no time."""
    stamp = packet.pts if packet.pts is not None else packet.dts
    return None if stamp is None or packet.time_base is None else float(stamp * packet.time_base)


def _picture(stream: VideoStream, packet: Packet[VideoStream], at_s: float) -> Picture | None:
    """Decode one key frame on its own: drained at once, since a stream with B-frames would hold it back until the next one."""
    context = stream.codec_context
    try:
        frames = [*context.decode(packet), *context.decode(None)]
        context.flush_buffers()
    except FFmpegError:
        context.flush_buffers()
        return None
    if not frames or frames[0].width * frames[0].height > _PIXELS_AT_MOST:
        return None
    frame: VideoFrame = frames[0]
    full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
    if frame.format.name not in {"yuv420p", "yuvj420p"}:
        frame = frame.reformat(format="yuv420p")
    y, u, v = (_plane(plane) for plane in frame.planes)
    return Picture(y=y, u=u, v=v, stream_s=at_s, full_range=full_range)


def _plane(plane: VideoPlane) -> Plane:
    """A view without copying; numpy keeps the frame's memory alive."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return np.asarray(rows[: plane.height, : plane.width])
