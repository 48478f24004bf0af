"""RTSP streams with PyAV: key frames only, over TCP, with limits on time, rate and size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
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
_NEARLY = 0.95
"""Of a timeout: FFmpeg may look at its own clock a moment earlier than this module."""
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

    def grown(self, patience: int) -> ReaderLimits:
        """Returns the limits for a camera that was too slow for these."""
        longest_s = self.longest_read_timeout_s
        return replace(
            self,
            open_timeout_s=max(self.open_timeout_s, min(self.open_timeout_s * patience, longest_s)),
            read_timeout_s=max(self.read_timeout_s, min(self.read_timeout_s * patience, longest_s)),
            no_key_frame_s=self.no_key_frame_s * patience,
        )


class PyAvStreamReader:
    """Reads the key frames of streams. One for all threads: it keeps no state of its own."""

    def __init__(self, clock: Clock, user: str, password: SecretStr, limits: ReaderLimits | None = None) -> None:
        self._clock = clock
        self._user, self._password = user, password
        self._limits = limits or ReaderLimits()

    def pictures(
        self, read_url: str, wanted: Callable[[float], bool], stopped: Callable[[], bool], *, patience: int = 1
    ) -> Iterator[Picture]:
        """Key frames whose stream time is wanted, until `stopped`. `patience`: how many times longer than usual the stream is waited for.

        Raises: StreamBroken, when the stream cannot be opened, ends, stalls or floods.
        """
        limits = self._limits.grown(patience)
        with closing(self._open(read_url, limits)) as container:
            if stopped():
                return
            stream = next(iter(container.streams.video), None)
            if stream is None:
                raise StreamBroken("no_video")
            _prepare(stream)
            for packet in _packets(container, stream, _Budget(limits, self._clock)):
                if stopped():
                    return
                at_s = _seconds(packet) if packet.is_keyframe else None
                if at_s is not None and wanted(at_s) and (picture := _picture(stream, packet, at_s)) is not None:
                    yield picture

    def _open(self, read_url: str, limits: ReaderLimits) -> InputContainer:
        parts = urlsplit(read_url)
        if parts.scheme not in {"rtsp", "rtsps"} or not parts.hostname:
            raise StreamBroken("bad_url")
        credentials = f"{quote(self._user, safe='')}:{quote(self._password.get_secret_value(), safe='')}@" if self._user else ""
        address = parts.netloc.rpartition("@")[2]
        url = urlunsplit((parts.scheme, credentials + address, parts.path, parts.query, ""))
        began = self._clock.monotonic()
        try:
            return av.open(url, format="rtsp", options=_OPTIONS, timeout=(limits.open_timeout_s, limits.read_timeout_s))
        except (FFmpegError, OSError) as error:
            # Not chained: the message carries the URL, and with it the password.
            raise StreamBroken(_cause(error), slow=self._clock.monotonic() - began >= _NEARLY * limits.open_timeout_s) from None


def _packets(container: InputContainer, stream: VideoStream, budget: _Budget) -> Iterator[Packet[VideoStream]]:
    """Packets within the budget. Raises: StreamBroken, in the end always."""
    cause = "ended"
    try:
        for packet in container.demux(stream):
            if packet.size:
                budget.spend(packet)
                yield packet
    except (FFmpegError, OSError):
        cause = "stalled_or_cut"
    raise StreamBroken(cause, slow=budget.waited_in_vain())


def _cause(error: Exception) -> str:
    """Returns why a stream could not be opened, as a label for metrics."""
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

    def __init__(self, limits: ReaderLimits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._second = self._packet_at = self._key_frame_at = clock.monotonic()
        self._packets = self._bytes = 0

    def spend(self, packet: Packet[VideoStream]) -> None:
        """Raises: StreamBroken."""
        now = self._packet_at = self._clock.monotonic()
        if now - self._second >= 1.0:
            self._second, self._packets, self._bytes = now, 0, 0
            if now - self._key_frame_at > self._limits.no_key_frame_s:
                raise StreamBroken("no_key_frames", slow=True)
        self._packets += 1
        self._bytes += packet.size
        if self._packets > self._limits.packets_per_s or self._bytes > self._limits.bytes_per_s:
            raise StreamBroken("flood")
        if packet.is_keyframe:
            self._key_frame_at = now

    def waited_in_vain(self) -> bool:
        """Whether nothing has come for as long as is waited. FFmpeg tells that in several ways, the end of the stream among them."""
        return self._clock.monotonic() - self._packet_at >= _NEARLY * self._limits.read_timeout_s


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
