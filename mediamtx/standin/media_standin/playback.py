"""The playback server: which spans of time are recorded, and any span as one fMP4 stream."""

from __future__ import annotations

import asyncio
import itertools
import re
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import av
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from media_standin import durations, fmp4, recordpath, web
from media_standin.auth import Authorizer
from media_standin.configuration import Configuration
from media_standin.h264 import CLOCK_RATE
from media_standin.options import InvalidOption
from media_standin.recordings import parse_time

MAX_GAP = timedelta(seconds=1)
"""Segments this close together, of the same picture format, are one span."""

HEADER_BYTES = 4096
"""Holds `ftyp` and `moov` of a recording."""
_QUICK = {"analyzeduration": "0", "probesize": "32"}
"""The header tells all that is needed: libav decodes no picture to learn more."""


class NoRecording(LookupError):
    """no recording segments found"""


@dataclass(slots=True)
class Span:
    """Segments without a gap between them."""

    start: datetime
    end: datetime
    files: list[recordpath.Segment]


class PlaybackServer:
    """`/list` and `/get`."""

    def __init__(self, configuration: Configuration, authorizer: Authorizer) -> None:
        self._configuration = configuration
        self._authorizer = authorizer

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [Route("/list", self._route(self._list), methods=["GET"]), Route("/get", self._route(self._get), methods=["GET"])]
        return web.application(routes, self._configuration.options["playbackAllowOrigins"])

    def _route(self, action: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            trusted = self._configuration.options["playbackTrustedProxies"]
            refusal = await self._authorizer.refusal(request, "playback", trusted, request.query_params.get("path", ""))
            if refusal:
                return refusal
            try:
                return await action(request)
            except NoRecording as error:
                return web.error(404, error)
            except (ValueError, OSError, av.FFmpegError) as error:
                return web.error(400, error)

        return guarded

    async def _list(self, request: Request) -> Response:
        start, end = _moment(request, "start"), _moment(request, "end")
        spans = await asyncio.to_thread(self._spans, request.query_params.get("path", ""), start, end)
        return web.Json([_entry(request, span) for span in _clipped(spans, start, end)])

    async def _get(self, request: Request) -> Response:
        start = _moment(request, "start", required=True)
        assert start is not None
        end = start + _length(request.query_params.get("duration", ""))
        if request.query_params.get("format", "fmp4") not in {"", "fmp4", "mp4"}:
            raise InvalidOption(f"invalid format: {request.query_params['format']}")
        spans = await asyncio.to_thread(self._spans, request.query_params.get("path", ""), start, end)
        chunks = _film(spans[0], start, end)
        first = await asyncio.to_thread(next, chunks, None)
        if first is None:
            raise NoRecording(NoRecording.__doc__)
        return StreamingResponse(itertools.chain([first], chunks), media_type="video/mp4", headers={"Accept-Ranges": "none"})

    def _spans(self, name: str, start: datetime | None, end: datetime | None) -> list[Span]:
        """What is recorded between two moments. Raises InvalidOption, NoRecording, OSError."""
        options = self._configuration.find(name)
        files = [file for file in recordpath.segments(options, name) if end is None or file.start <= end]
        before = [index for index, file in enumerate(files) if start is not None and file.start <= start]
        found = _joined(files[before[-1] if before else 0 :])
        found = [span for span in found if start is None or span.end > start]
        if not found:
            raise NoRecording(NoRecording.__doc__)
        return found


def _joined(files: Sequence[recordpath.Segment]) -> list[Span]:
    spans: list[Span] = []
    format_before = b""
    for file in files:
        try:
            picture_format, seconds = _measured(file.file)
        except (ValueError, FileNotFoundError, av.FFmpegError):
            continue  # deleted meanwhile, or so new that it is empty
        end = file.start + timedelta(seconds=seconds)
        last = spans[-1] if spans else None
        if last and picture_format == format_before and abs(file.start - last.end) <= MAX_GAP:
            last.files.append(file)
            last.end = end
        else:
            spans.append(Span(file.start, end, [file]))
        format_before = picture_format
    return spans


def _measured(path: Path) -> tuple[bytes, float]:
    """Parameter sets and length in seconds. Raises ValueError, OSError.

    A recording that was closed has both at its beginning; libav, which takes milliseconds to open a file, is asked about the others only.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    at = header.index(b"avcC") - 4
    size, milliseconds = struct.unpack_from(">I", header, at)[0], struct.unpack_from(">I", header, fmp4.duration_offset(header))[0]
    if not milliseconds:
        with av.open(str(path), options=_QUICK) as recording:
            ends = [_ticks(packet) + _duration(packet) for packet in recording.demux(video=0) if packet.dts is not None]
        milliseconds = max(ends, default=0) * 1000 / CLOCK_RATE
    return header[at : at + size], milliseconds / 1000


def _clipped(spans: list[Span], start: datetime | None, end: datetime | None) -> list[Span]:
    if start and spans[0].start < start:
        spans[0].start = start
    if end and spans[-1].end > end:
        spans[-1].end = end
    return spans


def _entry(request: Request, span: Span) -> dict[str, Any]:
    length = (span.end - span.start).total_seconds()
    query = urlencode(
        [
            ("duration", f"{length:.6f}".rstrip("0").rstrip(".")),
            ("path", request.query_params["path"]),
            ("start", web.instant(span.start) or ""),
        ]
    )
    return {"start": web.instant(span.start), "duration": length, "url": f"http://{request.headers.get('host', '')}/get?{query}"}


def _film(span: Span, start: datetime, end: datetime) -> Iterator[bytes]:
    """One fMP4 stream from the last key picture before `start` on; its clock starts with its first picture."""
    zero: int | None = None
    sequence = end_ticks = 0
    for file in span.files:
        offset = round((file.start - span.files[0].start).total_seconds() * CLOCK_RATE)
        first, last = (round((moment - file.start).total_seconds() * CLOCK_RATE) for moment in (start, end))
        if last <= 0:
            return
        with av.open(str(file.file), options=_QUICK) as recording:
            for base, samples in _cut(recording.demux(video=0), first, last):
                if zero is None:
                    zero = offset + base
                    yield fmp4.initialisation(*_parameter_sets(recording.streams.video[0].codec_context.extradata or b""))
                start_ticks = max(end_ticks, offset + base - zero)  # file names carry arrival times, which jitter
                yield fmp4.fragment(sequence, start_ticks, samples)
                end_ticks = start_ticks + sum(sample.duration for sample in samples)
                sequence += 1


def _parameter_sets(avcc: bytes) -> tuple[bytes, bytes]:
    """SPS and PPS of an `avcC` box."""
    size = int.from_bytes(avcc[6:8], "big")
    return avcc[8 : 8 + size], avcc[11 + size : 11 + size + int.from_bytes(avcc[9 + size : 11 + size], "big")]


def _ticks(packet: Any) -> int:
    return int(packet.dts * packet.time_base * CLOCK_RATE + 0.5)


def _duration(packet: Any) -> int:
    return int((packet.duration or 0) * packet.time_base * CLOCK_RATE + 0.5)


def _cut(packets: Iterator[Any], first: int, last: int) -> Iterator[tuple[int, list[fmp4.Sample]]]:
    """Pictures between two ticks, a second at a time; before `first`, back to the key picture that the picture at `first` needs."""
    samples: list[fmp4.Sample] = []
    base = 0
    wanted = False
    for packet in packets:
        if packet.dts is None or _ticks(packet) >= last:  # libav marks the end with a packet without time
            break
        if packet.is_keyframe and not wanted:
            samples = []
        elif wanted and _ticks(packet) - base >= CLOCK_RATE:
            yield base, samples
            samples = []
        if not samples:
            base = _ticks(packet)
        samples.append(fmp4.Sample(bytes(packet), _duration(packet), packet.is_keyframe))
        wanted = wanted or _ticks(packet) + _duration(packet) > first
    if wanted:
        yield base, samples


def _moment(request: Request, name: str, *, required: bool = False) -> datetime | None:
    text = request.query_params.get(name, "")
    if not text and not required:
        return None
    try:
        return parse_time(text)
    except ValueError as error:
        raise InvalidOption(f"invalid {name}: {error}") from error


def _length(text: str) -> timedelta:
    try:
        length = durations.parse(text + "s" if re.fullmatch(r"\d+(\.\d*)?", text) else text)
    except (ValueError, OverflowError) as error:
        raise InvalidOption(f"invalid duration: {error}") from error
    if length <= timedelta():
        raise InvalidOption("invalid duration: must be positive")
    return length
