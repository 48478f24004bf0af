"""The playback server: which stretches of time are recorded, and any stretch as one fMP4 stream."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from media_standin import durations, fmp4, mp4_reader, recordpath, web
from media_standin.auth import AccessRefused, AccessRequest, Gatekeeper, delay_refusal, http_credentials
from media_standin.configuration import Configuration
from media_standin.h264 import CLOCK_RATE
from media_standin.options import InvalidOption
from media_standin.recordings import parse_time

MAX_GAP = timedelta(seconds=1)
"""Segments this close together, of the same picture format, are one stretch."""


class NoRecording(LookupError):
    """no recording segments found"""


@dataclass(slots=True)
class Stretch:
    """Segments without a gap between them."""

    start: datetime
    end: datetime
    files: list[recordpath.Segment]


class PlaybackServer:
    """`/list` and `/get`."""

    def __init__(self, configuration: Configuration, gatekeeper: Gatekeeper) -> None:
        self._configuration = configuration
        self._gatekeeper = gatekeeper

    def application(self) -> ASGIApp:
        """The ASGI application."""
        routes = [Route("/list", self._list, methods=["GET"]), Route("/get", self._get, methods=["GET"])]
        return web.application(routes, self._configuration.options["playbackAllowOrigins"])

    async def _refusal(self, request: Request) -> Response | None:
        access = AccessRequest(
            action="playback",
            ip=web.client_ip(request, self._configuration.options["playbackTrustedProxies"]),
            credentials=http_credentials(request.headers.get("authorization", "")),
            path=request.query_params.get("path", ""),
            query=request.url.query,
        )
        try:
            await self._gatekeeper.admit(access)
        except AccessRefused as refusal:
            await delay_refusal(refusal, f"[playback {access.ip}]")
            return web.unauthenticated(ask=refusal.ask)
        return None

    async def _list(self, request: Request) -> Response:
        refusal = await self._refusal(request)
        if refusal:
            return refusal
        try:
            start, end = _moment(request, "start"), _moment(request, "end")
            stretches = await asyncio.to_thread(self._stretches, request.query_params.get("path", ""), start, end)
        except NoRecording as error:
            return web.error(404, error)
        except (InvalidOption, ValueError, OSError) as error:
            return web.error(400, error)
        return web.Json([_entry(request, stretch) for stretch in _clipped(stretches, start, end)])

    async def _get(self, request: Request) -> Response:
        refusal = await self._refusal(request)
        if refusal:
            return refusal
        try:
            start = _moment(request, "start", required=True)
            assert start is not None
            length = _length(request.query_params.get("duration", ""))
            if request.query_params.get("format", "fmp4") not in {"", "fmp4", "mp4"}:
                raise InvalidOption(f"invalid format: {request.query_params['format']}")
            name = request.query_params.get("path", "")
            stretches = await asyncio.to_thread(self._stretches, name, start, start + length)
            chunks = _film(stretches[0], start, start + length)
            first = await asyncio.to_thread(next, chunks, None)
        except NoRecording as error:
            return web.error(404, error)
        except (InvalidOption, ValueError, OSError) as error:
            return web.error(400, error)
        if first is None:
            return web.error(404, NoRecording.__doc__)
        return StreamingResponse(itertools.chain([first], chunks), media_type="video/mp4", headers={"Accept-Ranges": "none"})

    def _stretches(self, name: str, start: datetime | None, end: datetime | None) -> list[Stretch]:
        """What is recorded between two moments. Raises InvalidOption, NoRecording, OSError."""
        options = self._configuration.find(name)
        files = [file for file in recordpath.segments(options, name) if end is None or file.start <= end]
        before = [index for index, file in enumerate(files) if start is not None and file.start <= start]
        found = _joined(files[before[-1] if before else 0 :])
        found = [stretch for stretch in found if start is None or stretch.end > start]
        if not found:
            raise NoRecording(NoRecording.__doc__)
        return found


def _joined(files: Sequence[recordpath.Segment]) -> list[Stretch]:
    stretches: list[Stretch] = []
    parameters: tuple[bytes, bytes] | None = None
    for file in files:
        try:
            header, seconds = mp4_reader.seconds(file.file)
        except (mp4_reader.Damaged, FileNotFoundError):
            continue  # deleted meanwhile, or so young that nothing is in it
        end = file.start + timedelta(seconds=seconds)
        last = stretches[-1] if stretches else None
        if last and parameters == (header.sps, header.pps) and abs(file.start - last.end) <= MAX_GAP:
            last.files.append(file)
            last.end = end
        else:
            stretches.append(Stretch(file.start, end, [file]))
        parameters = (header.sps, header.pps)
    return stretches


def _clipped(stretches: list[Stretch], start: datetime | None, end: datetime | None) -> list[Stretch]:
    if start and stretches[0].start < start:
        stretches[0].start = start
    if end and stretches[-1].end > end:
        stretches[-1].end = end
    return stretches


def _entry(request: Request, stretch: Stretch) -> dict[str, Any]:
    length = (stretch.end - stretch.start).total_seconds()
    query = urlencode(
        [
            ("duration", f"{length:.6f}".rstrip("0").rstrip(".")),
            ("path", request.query_params["path"]),
            ("start", web.instant(stretch.start) or ""),
        ]
    )
    return {"start": web.instant(stretch.start), "duration": length, "url": f"http://{request.headers.get('host', '')}/get?{query}"}


def _film(stretch: Stretch, start: datetime, end: datetime) -> Iterator[bytes]:
    """One fMP4 stream from the last key picture before `start` on; its clock starts with its first picture."""
    zero: int | None = None
    sequence = end_ticks = 0
    for file in stretch.files:
        offset = round((file.start - stretch.files[0].start).total_seconds() * CLOCK_RATE)
        first = round((start - file.start).total_seconds() * CLOCK_RATE)
        last = round((end - file.start).total_seconds() * CLOCK_RATE)
        if last <= 0:
            return
        with file.file.open("rb") as opened:
            header = mp4_reader.read_header(opened)
            for base, samples in _cut(mp4_reader.runs(opened, header), first, last):
                if zero is None:
                    zero = offset + base
                    yield fmp4.initialisation(header.sps, header.pps)
                start_ticks = max(end_ticks, offset + base - zero)  # file names carry arrival times, which jitter
                yield fmp4.fragment(sequence, start_ticks, samples)
                end_ticks = start_ticks + sum(sample.duration for sample in samples)
                sequence += 1


def _cut(runs: Iterator[mp4_reader.Run], first: int, last: int) -> Iterator[tuple[int, list[fmp4.Sample]]]:
    """Pictures between two ticks; before `first`, back to the key picture that the picture at `first` needs."""
    lead: list[fmp4.Sample] = []
    lead_base = 0
    for run in runs:
        at = run.base_ticks
        samples: list[fmp4.Sample] = []
        base = at
        for sample in run.samples:
            if at >= last:
                break
            if at + sample.duration <= first:
                if sample.key or not lead:
                    lead, lead_base = [], at
                lead.append(sample)
            else:
                if lead and not samples and not sample.key:
                    samples, base = lead, lead_base
                elif not samples:
                    base = at
                lead = []
                samples.append(sample)
            at += sample.duration
        if samples:
            yield base, samples
        if at >= last:
            return


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
        length = timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        try:
            length = durations.parse(text)
        except ValueError as error:
            raise InvalidOption(f"invalid duration: {error}") from error
    if length <= timedelta():
        raise InvalidOption("invalid duration: must be positive")
    return length
