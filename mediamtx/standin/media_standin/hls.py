"""HLS: one stream as fMP4 segments and parts in memory, and the playlists that list them (RFC 8216, and its second edition for parts)."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from media_standin import fmp4
from media_standin.h264 import CLOCK_RATE, AccessUnit
from media_standin.options import Options, duration
from media_standin.stream import Stream

MAX_SEGMENT_BYTES = 50 * 1024 * 1024
"""hlsSegmentMaxSize's default: a stream that never sends a key picture must not fill the memory."""


@dataclass(slots=True)
class Part:
    """A piece of a segment that can be played as soon as it is there."""

    name: str
    data: bytes
    ticks: int
    independent: bool


@dataclass(slots=True)
class Segment:
    """A run of pictures that starts with a key picture."""

    number: int
    name: str
    started_at: datetime
    parts: list[Part] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(part.ticks for part in self.parts) / CLOCK_RATE

    def data(self) -> bytes:
        return b"".join(part.data for part in self.parts)


class Muxer:
    """Cuts one stream; keeps `hlsSegmentCount` segments."""

    def __init__(self, stream: Stream, options: Options, closed: Callable[[], None]) -> None:
        self.low_latency = options["hlsVariant"] == "lowLatency"
        self._stream = stream
        self._closed = closed
        self._keep = int(options["hlsSegmentCount"])
        self._segment_ticks = int(duration(options, "hlsSegmentDuration").total_seconds() * CLOCK_RATE)
        self._part_ticks = int(duration(options, "hlsPartDuration").total_seconds() * CLOCK_RATE)
        self._prefix = f"{secrets.token_hex(6)}_video1"
        self._init = b""
        self._parameters = (stream.sps, stream.pps)
        self._segments: deque[Segment] = deque()
        self._current: Segment | None = None
        self._samples: list[fmp4.Sample] = []
        self._part_start = 0
        self._pending: AccessUnit | None = None
        self._next_segment = self._keep if self.low_latency else 0
        self._next_part = 0
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Begins with the group of pictures that the stream has already, so that the first segment is complete soon."""
        for unit in list(self._stream.group):
            self._on_unit(unit)
        self._stream.read_units(self, self._on_unit, self._closed)

    def stop(self) -> None:
        """Lets the stream go and wakes everybody who waits."""
        self._stream.forget(self)
        self._changed.set()

    @property
    def ready(self) -> bool:
        """True from the first complete segment."""
        return bool(self._segments)

    async def wait_ready(self) -> None:
        """Returns when there is something to play."""
        while not self.ready and not self._stream.closed:
            await self._changed.wait()

    async def wait_for(self, segment: int, part: int | None) -> None:
        """Blocking playlist reload: returns when that segment, or that part of it, is there."""
        while not self._has(segment, part) and not self._stream.closed:
            await self._changed.wait()

    def _has(self, segment: int, part: int | None) -> bool:
        if segment < self._next_segment - (1 if self._current else 0):
            return True
        if part is None or self._current is None or segment != self._current.number:
            return False
        return part < len(self._current.parts)

    async def wait_part(self, name: str) -> bytes | None:
        """A part or a segment; the one part that was announced is waited for. None if there is no such thing."""
        while name == self._part_name(self._next_part) and not self._stream.closed:
            await self._changed.wait()
        for segment in [*self._segments, *([self._current] if self._current else [])]:
            if segment.name == name and segment is not self._current:
                return segment.data()
            for part in segment.parts:
                if part.name == name:
                    return part.data
        return self._init if name == self._init_name else None

    @property
    def _init_name(self) -> str:
        return f"{self._prefix}_init.mp4"

    def _part_name(self, number: int) -> str:
        return f"{self._prefix}_part{number}.mp4"

    def _on_unit(self, unit: AccessUnit) -> None:
        previous, self._pending = self._pending, unit
        if previous is not None:
            step = unit.ticks - previous.ticks
            self._append(previous, step if 0 < step < 10 * CLOCK_RATE else CLOCK_RATE // 25)
        if unit.key:
            if (self._stream.sps, self._stream.pps) != self._parameters and self._segments:
                self._closed()  # another picture size needs a player that starts anew
                return
            if self._current is None or self._current_ticks() >= self._segment_ticks:
                self._begin_segment(unit)

    def _current_ticks(self) -> int:
        assert self._current is not None
        return sum(part.ticks for part in self._current.parts) + sum(sample.duration for sample in self._samples)

    def _begin_segment(self, unit: AccessUnit) -> None:
        if not self._init:
            try:
                self._init = fmp4.initialisation(self._stream.sps, self._stream.pps)
            except ValueError:
                return
            self._parameters = (self._stream.sps, self._stream.pps)
        if self._current is not None:
            self._finish_part()
            self._segments.append(self._current)
            while len(self._segments) > self._keep:
                self._segments.popleft()
        number = self._next_segment
        self._next_segment += 1
        self._current = Segment(number, f"{self._prefix}_seg{number}.mp4", datetime.fromtimestamp(unit.arrived_at, UTC))
        self._announce()

    def _append(self, unit: AccessUnit, ticks: int) -> None:
        if self._current is None:
            return
        self._samples.append(fmp4.Sample(unit.avcc(), ticks, unit.key))
        if self.low_latency and sum(sample.duration for sample in self._samples) >= self._part_ticks:
            self._finish_part()
            self._announce()
        elif sum(len(part.data) for part in self._current.parts) > MAX_SEGMENT_BYTES or len(self._samples) > 60_000:
            self._closed()

    def _finish_part(self) -> None:
        if not self._samples or self._current is None:
            return
        ticks = sum(sample.duration for sample in self._samples)
        data = fmp4.fragment(self._next_part, self._part_start, self._samples)
        self._current.parts.append(Part(self._part_name(self._next_part), data, ticks, self._samples[0].key))
        self._part_start += ticks
        self._next_part += 1
        self._samples = []

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def multivariant(self, query: str) -> str:
        """The playlist that names the one rendition."""
        picture = self._stream.picture()
        rates = [8 * len(segment.data()) / segment.seconds for segment in self._segments if segment.seconds]
        units = self._stream.group
        steps = [later.ticks - earlier.ticks for earlier, later in pairwise(units) if later.ticks > earlier.ticks]
        attributes = [
            f"BANDWIDTH={int(max(rates, default=0))}",
            f"AVERAGE-BANDWIDTH={int(sum(rates) / len(rates)) if rates else 0}",
            f'CODECS="avc1.{self._stream.sps[1:4].hex()}"',
        ]
        if picture:
            attributes.append(f"RESOLUTION={picture.width_px}x{picture.height_px}")
        if steps:
            attributes.append(f"FRAME-RATE={CLOCK_RATE * len(steps) / sum(steps):.3f}")
        lines = ["#EXTM3U", "#EXT-X-VERSION:10", "#EXT-X-INDEPENDENT-SEGMENTS", "", f"#EXT-X-STREAM-INF:{','.join(attributes)}"]
        return "\n".join([*lines, f"video1_stream.m3u8{query}", ""])

    def media(self, query: str) -> str:
        """The playlist of segments; with parts of the newest ones where latency is to be low."""
        longest = max((segment.seconds for segment in self._segments), default=1.0)
        lines = ["#EXTM3U", "#EXT-X-VERSION:10", f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest - 0.01))}"]
        if self.low_latency:
            target = self._part_target()
            lines += [
                f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={target * 2.5:.5f}",
                f"#EXT-X-PART-INF:PART-TARGET={target:.5f}",
            ]
        gaps = max(0, self._keep - len(self._segments)) if self.low_latency else 0
        first = self._segments[0].number if self._segments else self._next_segment
        lines += [f"#EXT-X-MEDIA-SEQUENCE:{first - gaps}", f'#EXT-X-MAP:URI="{self._init_name}{query}"']
        for _ in range(gaps):
            lines += ["#EXT-X-GAP", f"#EXTINF:{longest:.5f},", "gap.mp4"]
        for index, segment in enumerate(self._segments):
            lines += self._segment_lines(segment, query, with_parts=self.low_latency and index >= len(self._segments) - 2)
        if self.low_latency and self._current:
            lines += self._part_lines(self._current, query)
            lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{self._part_name(self._next_part)}{query}"')
        return "\n".join([*lines, ""])

    def _part_target(self) -> float:
        parts = [part.ticks for segment in self._segments for part in segment.parts]
        return max([*parts, self._part_ticks]) / CLOCK_RATE

    def _segment_lines(self, segment: Segment, query: str, *, with_parts: bool) -> list[str]:
        lines = self._part_lines(segment, query) if with_parts else [] if self.low_latency else [_date_time(segment)]
        return [*lines, f"#EXTINF:{segment.seconds:.5f},", f"{segment.name}{query}"]

    def _part_lines(self, segment: Segment, query: str) -> list[str]:
        lines = [_date_time(segment)]
        for part in segment.parts:
            independent = ",INDEPENDENT=YES" if part.independent else ""
            lines.append(f'#EXT-X-PART:DURATION={part.ticks / CLOCK_RATE:.5f},URI="{part.name}{query}"{independent}')
        return lines


def _date_time(segment: Segment) -> str:
    return f"#EXT-X-PROGRAM-DATE-TIME:{segment.started_at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"
