"""Recorded spans of a camera, and the gaps between them with their causes. Pure: no I/O, no clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gtvision.camera import CameraState
from gtvision.events import GapCause, StreamCause
from gtvision.time import EARLIEST
from streaming.streams.domain import DesiredCamera, Playability, StreamView, Unplayable


class Source(StrEnum):
    """Who noticed an interruption. A camera has one open interruption of each source at most."""

    STREAM = "stream"
    """The reconciler, by the stream's progress."""
    RECORDER = "recorder"
    """The recorder agent, by what is written to disk."""
    PICTURES = "pictures"
    """The recorder agent, by the pictures in what is written: it is recorded, but not well."""
    INDEX = "index"
    """Who held the index against the disk: it was recorded, and its file is gone."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The time from `start` up to `end`, which is later."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A time in which nothing was recorded, and why. `detail` is a word of its own grammar, such as `unreachable`."""

    start: datetime
    end: datetime
    cause: GapCause
    detail: str


@dataclass(frozen=True, slots=True)
class Interruption:
    """Nothing of a camera can be recorded from `started_at` on."""

    tenant_id: UUID
    camera_id: UUID
    started_at: datetime
    interruption_id: UUID
    cause: GapCause
    detail: str


@dataclass(frozen=True, slots=True)
class Watches:
    """When it was looked whether streams advance. `spans` are in no order and may overlap."""

    first: datetime | None
    """When that began for the first time; None: never."""
    spans: Sequence[Span]
    stops: Collection[datetime]
    """Ends of spans that were on purpose: the installation was told to stop."""


SAME_RECORDING = timedelta(seconds=1.5)
"""Two files that are no further apart are one recording: a file ends with its last frame, the next begins with a key frame."""
_BESIDE = timedelta(seconds=30)
"""So long may it take to notice an interruption, and after it until the first key frame is written."""


def joined(spans: Iterable[Span], within: timedelta = SAME_RECORDING) -> list[Span]:
    """The same spans in order, those joined that overlap or are no further apart than `within`."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start - found[-1].end <= within:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def clipped(spans: Iterable[Span], whole: Span) -> list[Span]:
    """What of the spans lies within the whole."""
    cut = (Span(max(span.start, whole.start), min(span.end, whole.end)) for span in spans)
    return [span for span in cut if span.start < span.end]


def outside(whole: Span, covers: Sequence[Span] | Sequence[Gap]) -> list[Span]:
    """What of the whole no cover covers. The covers are in order and do not overlap."""
    found: list[Span] = []
    reached = whole.start
    for cover in covers[bisect_right(covers, whole.start, key=lambda each: each.end) :]:
        if cover.start >= whole.end:
            break
        if cover.start > reached:
            found.append(Span(reached, cover.start))
        reached = cover.end
    return [*found, Span(reached, whole.end)] if reached < whole.end else found


def without_stills(recorded: Sequence[Span], gaps: Iterable[Gap]) -> list[Span]:
    """The same spans, which are in order and apart, less the times within one in which the camera sent nothing.

    The media server lets the picture before last so long that the file has no hole.
    """
    still = joined(Span(gap.start, gap.end) for gap in gaps if gap.detail == StreamCause.NO_PROGRESS.value)
    places = [(bisect_left(recorded, each.start, key=lambda span: span.start), each) for each in still]
    inside = [each for place, each in places if place and each.end < recorded[place - 1].end]
    return [part for span in recorded for part in outside(span, inside)]


def explain(whole: Span, recorded: Sequence[Span], layers: Sequence[Iterable[Gap]]) -> list[Gap]:
    """Every time of the whole that was not recorded, in order, with its cause: recorded and explained are all of it, and nothing twice.

    `recorded` lies within the whole, in order and apart. Of the explanations, which may overlap, those of an earlier layer are believed
    first. A short time beside an explained one has the same cause; what is left is unknown.
    """
    known = _laid(layers)
    return [gap for hole in outside(whole, recorded) for gap in _explained(hole, known)]


def _laid(layers: Sequence[Iterable[Gap]]) -> list[Gap]:
    """The explanations in order, without overlap."""
    laid: list[Gap] = []
    for layer in layers:
        added: list[Gap] = []
        reached = EARLIEST
        for each in sorted(layer):
            start = max(each.start, reached)
            if start < each.end:
                reached = each.end
                added += [replace(each, start=part.start, end=part.end) for part in outside(Span(start, each.end), laid)]
        laid = sorted([*laid, *added])
    return laid


def _explained(hole: Span, known: Sequence[Gap]) -> list[Gap]:
    first = bisect_right(known, hole.start, key=lambda each: each.end)
    last = bisect_left(known, hole.end, key=lambda each: each.start)
    parts = [replace(each, start=max(each.start, hole.start), end=min(each.end, hole.end)) for each in known[first:last]]
    parts = sorted([*parts, *(Gap(left.start, left.end, GapCause.UNKNOWN, "") for left in outside(hole, parts))])
    found: list[Gap] = []
    for number, part in enumerate(parts):
        cause = _cause_beside(parts, number)
        if found and (found[-1].cause, found[-1].detail) == cause:
            found[-1] = replace(found[-1], end=part.end)
        else:
            found.append(Gap(part.start, part.end, *cause))
    return found


def _cause_beside(parts: Sequence[Gap], number: int) -> tuple[GapCause, str]:
    """A part's own cause, or that of its neighbour where it has none and is short; the neighbour before it first."""
    part = parts[number]
    if part.cause is GapCause.UNKNOWN and part.end - part.start <= _BESIDE:
        for beside in (*parts[max(0, number - 1) : number], *parts[number + 1 : number + 2]):
            return beside.cause, beside.detail
    return part.cause, part.detail


class Resolution(StrEnum):
    """The length of a bucket of the density; days are those of UTC."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"

    @property
    def length(self) -> timedelta:
        return {Resolution.MINUTE: timedelta(minutes=1), Resolution.HOUR: timedelta(hours=1), Resolution.DAY: timedelta(days=1)}[self]


@dataclass(frozen=True, slots=True)
class ArchivedSpan:
    """A span that only off-site copies hold; where it was brought back, `restored_until` says how long it stays."""

    start: datetime
    end: datetime
    storage_class: str
    restored_until: datetime | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A camera's recordings within `whole`: recorded spans and gaps, which together are all of it."""

    camera_id: UUID
    whole: Span
    recorded: Sequence[Span]
    gaps: Sequence[Gap]
    written_to: datetime | None
    """Up to where the camera's newest recording is written; None where there is none within the whole."""
    archived: Sequence[ArchivedSpan] = ()

    @property
    def recorded_s(self) -> float:
        return sum((span.end - span.start).total_seconds() for span in self.recorded)

    @property
    def explained_s(self) -> float:
        """How much of the gaps has a known cause."""
        return sum((gap.end - gap.start).total_seconds() for gap in self.gaps if gap.cause is not GapCause.UNKNOWN)

    def density(self, resolution: Resolution) -> list[tuple[datetime, float]]:
        """The start of each bucket that the whole touches, and the seconds recorded in it."""
        length = resolution.length
        start = EARLIEST + (self.whole.start - EARLIEST) // length * length
        buckets = [0.0] * -((start - self.whole.end) // length)
        for span in self.recorded:
            first, last = (span.start - start) // length, -((start - span.end) // length)
            for number in range(first, last):
                begins = start + number * length
                buckets[number] += (min(span.end, begins + length) - max(span.start, begins)).total_seconds()
        return [(start + number * length, seconds) for number, seconds in enumerate(buckets)]


_CAUSES = {
    StreamCause.UNREACHABLE: GapCause.NETWORK,
    StreamCause.NO_PROGRESS: GapCause.CAMERA,
    StreamCause.MEDIA_SERVER_DOWN: GapCause.NODE,
    StreamCause.DISABLED: GapCause.OPERATOR,
    StreamCause.ADDRESS_REFUSED: GapCause.OPERATOR,
    StreamCause.ADDRESS_INVALID: GapCause.OPERATOR,
}


def cause_of(stream: StreamCause) -> GapCause:
    """Whose doing the cause of a stream's state is."""
    return _CAUSES.get(stream, GapCause.UNKNOWN)


def why_unrecorded(camera: DesiredCamera, stream: StreamView) -> tuple[GapCause, str] | None:
    """Why nothing of the camera can be recorded, by its settings and its stream; None where nothing speaks against it."""
    if not camera.enabled or stream.state is CameraState.DISABLED:
        return GapCause.OPERATOR, StreamCause.DISABLED.value
    if not camera.recording.enabled:
        return GapCause.OPERATOR, "recording_off"
    if stream.state is CameraState.OFFLINE:
        cause = stream.cause or StreamCause.UNKNOWN
        return cause_of(cause), cause.value
    if stream.state is not CameraState.UNKNOWN and Playability.of(stream.codecs).reason is Unplayable.NO_VIDEO:
        return GapCause.CAMERA, Unplayable.NO_VIDEO.value
    return None


def ailment_of(stopped: Interruption) -> StreamCause:
    """The cause of a stream's state while its recording has stopped."""
    if stopped.cause is GapCause.DISK:
        return StreamCause.DISK_FULL
    return StreamCause(stopped.detail) if stopped.cause is GapCause.CAMERA else StreamCause.NOT_RECORDED
