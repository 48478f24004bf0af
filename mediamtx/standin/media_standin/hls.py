"""HLS: one stream as fMP4 segments in memory, and the playlists that list them (RFC 8216)."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from media_standin import fmp4
from media_standin.h264 import CLOCK_RATE, MAX_STEP_TICKS, AccessUnit
from media_standin.options import Options, duration
from media_standin.stream import Stream

MAX_SEGMENT_BYTES = 50 * 1024 * 1024
"""hlsSegmentMaxSize's default: a stream that never sends a key picture must not fill the memory."""
_HEAD = ["#EXTM3U", "#EXT-X-VERSION:10"]


@dataclass(slots=True)
class Segment:
    """A run of pictures that starts with a key picture."""

    number: int
    name: str
    started_at: datetime
    data: bytes = b""
    seconds: float = 0.0


class Muxer:
    """Cuts one stream into segments and keeps the last `hlsSegmentCount` segments."""

    def __init__(self, stream: Stream, options: Options, closed: Callable[[], None]) -> None:
        self._stream = stream
        self._closed = closed
        self._keep = int(options["hlsSegmentCount"])
        self._segment_ticks = int(duration(options, "hlsSegmentDuration").total_seconds() * CLOCK_RATE)
        self._prefix = f"{secrets.token_hex(6)}_video1"
        self._init = b""
        self._parameters = (b"", b"")
        self._segments: deque[Segment] = deque()
        self._current: Segment | None = None
        self._pending: AccessUnit | None = None
        self._samples: list[fmp4.Sample] = []
        self._bytes = 0
        self._ticks = 0
        """Time at which the current segment starts, without the jumps of the camera's clock."""
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Begins with the group of pictures that the stream has already, so that the first segment is complete soon."""
        for unit in list(self._stream.group):
            self._on_unit(unit)
        self._stream.read_units(self, self._on_unit, self._closed)

    def stop(self) -> None:
        """Leaves the stream and wakes every request that waits."""
        self._stream.forget(self)
        self._changed.set()

    @property
    def ready(self) -> bool:
        """True from the first complete segment."""
        return bool(self._segments)

    async def wait_ready(self) -> None:
        """Returns when there is a segment to play, or when the stream has ended."""
        while not self.ready and not self._stream.closed:
            await self._changed.wait()

    def file(self, name: str) -> bytes | None:
        """The header or a segment, None if there is no such file."""
        if name == self._init_name:
            return self._init
        return next((segment.data for segment in self._segments if segment.name == name), None)

    @property
    def _init_name(self) -> str:
        return f"{self._prefix}_init.mp4"

    def _on_unit(self, unit: AccessUnit) -> None:
        """A picture's duration is known when the next one comes, so one is always held back."""
        previous, self._pending = self._pending, unit
        if previous is not None and self._current is not None:
            step = unit.ticks - previous.ticks
            self._samples.append(fmp4.Sample(previous.avcc(), step if 0 < step < MAX_STEP_TICKS else CLOCK_RATE // 25, previous.key))
            self._bytes += len(self._samples[-1].data)
            if self._bytes > MAX_SEGMENT_BYTES:
                self._closed()
                return
        if unit.key:
            if self._init and (self._stream.sps, self._stream.pps) != self._parameters:
                self._closed()  # another picture size needs a player that starts anew
            elif self._current is None or sum(sample.duration for sample in self._samples) >= self._segment_ticks:
                self._begin_segment(unit)

    def _begin_segment(self, unit: AccessUnit) -> None:
        if not self._init:
            self._parameters = (self._stream.sps, self._stream.pps)
            try:
                self._init = fmp4.initialisation(*self._parameters)
            except ValueError:
                return
        number = 0
        if self._current is not None:
            number = self._current.number + 1
            self._finish_segment(self._current)
        self._current = Segment(number, f"{self._prefix}_seg{number}.mp4", datetime.fromtimestamp(unit.arrived_at, UTC))
        self._changed.set()
        self._changed = asyncio.Event()

    def _finish_segment(self, segment: Segment) -> None:
        ticks = sum(sample.duration for sample in self._samples)
        segment.data = fmp4.fragment(segment.number, self._ticks, self._samples)
        segment.seconds = ticks / CLOCK_RATE
        self._ticks += ticks
        self._samples, self._bytes = [], 0
        self._segments.append(segment)
        while len(self._segments) > self._keep:
            self._segments.popleft()

    def multivariant(self, query: str) -> str:
        """The playlist that names the one rendition."""
        picture = self._stream.picture()
        rates = [8 * len(segment.data) / segment.seconds for segment in self._segments]
        steps = [later.ticks - earlier.ticks for earlier, later in pairwise(self._stream.group) if later.ticks > earlier.ticks]
        attributes = [
            f"BANDWIDTH={int(max(rates, default=0))}",
            f"AVERAGE-BANDWIDTH={int(sum(rates) / len(rates)) if rates else 0}",
            f'CODECS="avc1.{self._stream.sps[1:4].hex()}"',
        ]
        if picture:
            attributes.append(f"RESOLUTION={picture.width_px}x{picture.height_px}")
        if steps:
            attributes.append(f"FRAME-RATE={CLOCK_RATE * len(steps) / sum(steps):.3f}")
        lines = [*_HEAD, "#EXT-X-INDEPENDENT-SEGMENTS", "", f"#EXT-X-STREAM-INF:{','.join(attributes)}", f"video1_stream.m3u8{query}", ""]
        return "\n".join(lines)

    def media(self, query: str) -> str:
        """The playlist of segments."""
        longest = max((segment.seconds for segment in self._segments), default=1.0)
        first = self._segments[0].number if self._segments else 0
        lines = [*_HEAD, f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest - 0.01))}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        lines.append(f'#EXT-X-MAP:URI="{self._init_name}{query}"')
        for segment in self._segments:
            moment = segment.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            newest = segment.number > self._segments[-1].number - 2  # MediaMTX dates two; a player counts back from them
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{moment}"] if newest else []
            lines += [f"#EXTINF:{segment.seconds:.5f},", f"{segment.name}{query}"]
        return "\n".join([*lines, ""])
