"""Clips, what their files are made of, and how a range of recordings was cut. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import quote
from uuid import UUID

from gtvision.errors import Conflict, Invalid, RateLimited
from gtvision.time import isoformat
from streaming.recordings.domain import SegmentFile


class ClipState(StrEnum):
    """Where a clip is. The last five are final, but that `ready` becomes `expired` or `deleted`."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DELETED = "deleted"
    """Somebody deleted its file before it expired."""


class Failure(StrEnum):
    """Why a clip could not be made, or is not made yet."""

    NO_RECORDING = "no_recording"
    """There is no picture in the range, or no longer."""
    FORMAT_CHANGED = "format_changed"
    """The camera's codec or resolution changed within the range, and one MP4 cannot hold both without encoding anew."""
    TOO_LARGE = "too_large"
    NO_ROOM = "no_room"
    """The recorder's disk has no room to make it: it waits, and is tried again by itself."""
    GAVE_UP = "gave_up"
    """Its worker died in it, as often as it may be tried."""


class ClipTooLong(Invalid):
    """The range is longer than a clip may be."""

    code = "clip_too_long"


class TooManyClips(RateLimited):
    """As many clips of your city are waiting as may wait: try again when one is ready."""

    code = "too_many_clips"


class ClipsFull(Conflict):
    """The clips of your city take all the room that they may take: delete some, or wait until some expire."""

    code = "clips_full"


class ClipNotReady(Conflict):
    """The clip's file is not there: it is not made yet, could not be made, or has expired."""

    code = "clip_not_ready"


class ClipEnded(Conflict):
    """The clip has ended already: there is nothing to cancel."""

    code = "clip_ended"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, by whom, and for which declared purpose."""

    camera_id: UUID
    since: datetime
    until: datetime
    name: str
    requested_by: UUID
    role: str
    session_id: UUID
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip. `manifest` is what `Made.manifest` says of a ready one, and where the format changed of one that failed by that."""

    tenant_id: UUID
    clip_id: UUID
    request: Request
    created_at: datetime
    state: ClipState = ClipState.QUEUED
    progress: float = 0.0
    estimated_bytes: int = 0
    """What its file will have, as far as the recordings tell; counted until it is made."""
    attempts: int = 0
    fence: int = 0
    """Counts its workers: only the last one may write."""
    object_key: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    reason: Failure | None = None
    manifest: Mapping[str, object] | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be made."""
        return self.state in {ClipState.QUEUED, ClipState.RUNNING}


_NOT_IN_FILES = re.compile(r'[\\/:*?"<>|%\x00-\x1f]+')


def content_disposition(name: str) -> str:
    """Returns the header by which a browser saves a clip under its name (RFC 6266), without what file systems refuse."""
    file_name = f"{_NOT_IN_FILES.sub(' ', name).strip(' .') or 'clip'}.mp4"
    return f"attachment; filename=\"clip.mp4\"; filename*=UTF-8''{quote(file_name)}"


# --- cutting -----------------------------------------------------------------------------------------------------------


class CannotCut(Exception):
    """The range cannot become a file. `at` is where the format changed."""

    def __init__(self, reason: Failure, at: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason, self.at = reason, at


class NoRoom(Exception):
    """The disk has no room for the result now. `wanted_bytes` is what it needs beside what is to stay free."""

    def __init__(self, wanted_bytes: int) -> None:
        super().__init__(wanted_bytes)
        self.wanted_bytes = wanted_bytes


class Stopped(Exception):
    """The cut was ended before its end."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A recorded file that may hold some of a range. What it shows lies between both instants, whatever its timestamps say."""

    path: PurePosixPath
    started_at: datetime
    ends_at: datetime
    size_bytes: int

    def wanted_bytes(self, until: datetime) -> int:
        """How much of it has to be read for a range that ends there."""
        lasts = self.ends_at - self.started_at
        return self.size_bytes if until >= self.ends_at or not lasts else int(self.size_bytes * ((until - self.started_at) / lasts))


_WRITTEN_EARLY = timedelta(seconds=2)
"""So much sooner than its frames end may a file be written: cameras send in bursts."""


def pieces(files: Iterable[SegmentFile], since: datetime, until: datetime) -> list[Piece]:
    """One camera's files that may hold some of the range, oldest first."""
    ordered = sorted(files, key=lambda file: file.started_at)
    found = []
    for number, file in enumerate(ordered, 1):
        followed_at = ordered[number].started_at if number < len(ordered) else None
        written = file.modified_at + _WRITTEN_EARLY
        ends_at = max(file.started_at, written if followed_at is None else min(written, followed_at))
        if file.started_at < until and ends_at > since:
            found.append(Piece(file.path, file.started_at, ends_at, file.size_bytes))
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant to another."""

    since: datetime
    until: datetime

    def as_dict(self) -> dict[str, str]:
        return {"from": isoformat(self.since), "to": isoformat(self.until)}


_UNSEEN = timedelta(seconds=2)
"""A shorter pause between two pictures is none: the instants in the names of files are as exact as the camera's clock."""


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of time, those that follow at once made one."""
    made: list[Span] = []
    for span in spans:
        if made and span.since - made[-1].until <= _UNSEEN:
            made[-1] = Span(made[-1].since, max(made[-1].until, span.until))
        else:
            made.append(span)
    return made


def gaps(spans: Sequence[Span], since: datetime, until: datetime) -> list[Span]:
    """What the range holds beside the spans, which are joined and in order."""
    edges = [since, *(edge for span in spans for edge in (span.since, span.until)), until]
    between = [Span(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    return [gap for gap in between if gap.until - gap.since > _UNSEEN]


@dataclass(frozen=True, slots=True)
class Made:
    """A finished file: its bytes, and which times it shows. Gaps are closed in it, so that players do not stand still."""

    size_bytes: int
    sha256: str
    spans: tuple[Span, ...]
    video: str
    """`codec WIDTHxHEIGHT`."""
    audio: str | None
    """Codec; None where there is no sound, or none that an MP4 can hold."""

    def manifest(self, since: datetime, until: datetime) -> dict[str, object]:
        """Returns what is kept of it with the clip."""
        return {
            "recorded": [span.as_dict() for span in self.spans],
            "gaps": [gap.as_dict() for gap in gaps(self.spans, since, until)],
            "video": self.video,
            "audio": self.audio,
        }


def live_message(clip: Clip) -> dict[str, object]:
    """Returns what is said live of a clip: to the whole city, so nothing of what it shows."""
    return {"kind": "clip", "clip_id": str(clip.clip_id), "state": clip.state.value, "progress": round(clip.progress, 3)}
