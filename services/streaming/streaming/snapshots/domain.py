"""Pictures of recordings: thumbnails, the sprites that are made of them, and stills. Pure: no I/O, no clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import nlargest
from pathlib import PurePosixPath
from uuid import UUID

from gtvision.camera import path_name
from gtvision.tenancy import Caller
from streaming.playback.domain import OtherCamera, TicketExpired
from streaming.recordings.domain import Look, SegmentFile, parse_segment_path

SPRITE_COLUMNS, SPRITE_ROWS = 10, 6
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
_FRESH = timedelta(seconds=30)
"""A key frame comes every ten seconds at the latest from all but broken cameras."""
_LONGEST_FILE = timedelta(seconds=90)
"""A file is cut at the first key frame after a minute."""


def without_thumbnail(look: Look, idle_after: timedelta, most: int) -> list[SegmentFile]:
    """Finished files that have no thumbnail and were not tried already, so many of each camera at most; the newest last."""
    missing: list[SegmentFile] = []
    for files in look.files.values():
        missing += files.finished(look.now, idle_after, nlargest(most, files.without_thumbnail))
    return sorted(missing, key=lambda file: file.started_at)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The picture with which a recorded file begins, at the instant in its name. `path` is relative to the recordings folder."""

    path: PurePosixPath
    at: datetime


def thumbnails_within(camera_id: UUID, names: Sequence[str], since: datetime, until: datetime) -> list[Thumbnail]:
    """The thumbnails of the files that begin in the range, oldest first. `names`: what the camera's folder holds, in order."""
    first, last = (bisect_left(names, f"{instant:%Y-%m-%d_%H-%M-%S-%f}") for instant in (since, until))
    found: list[Thumbnail] = []
    for name in names[first:last]:
        path = PurePosixPath(path_name(camera_id), name)
        parsed = parse_segment_path(path.with_suffix(".mp4")) if path.suffix == ".jpg" else None
        if parsed is not None:
            found.append(Thumbnail(path, parsed[1]))
    return found


def sprite_cells(thumbnails: Sequence[Thumbnail], hour: datetime) -> list[PurePosixPath | None]:
    """The picture of each minute of an hour: of the first file that begins in it, or of the one before where that goes on through it."""
    shown: dict[int, PurePosixPath] = {}
    for number, thumbnail in enumerate(thumbnails):
        minute = (thumbnail.at - hour) // MINUTE
        shown.setdefault(minute, thumbnail.path)
        following = thumbnails[number + 1].at if number + 1 < len(thumbnails) else None
        if following is not None and (following - hour) // MINUTE > minute + 1 and following - thumbnail.at < _LONGEST_FILE:
            shown[minute + 1] = thumbnail.path
    return [shown.get(minute) for minute in range(SPRITE_COLUMNS * SPRITE_ROWS)]


# --- stills -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which picture of a recorded file: the last key frame at or before `offset` from the file's own 0 (None: the last there is).

    `exact`: the frame that is shown at `offset`. `width` is in pixels; a smaller picture stays as it is.
    """

    offset: timedelta | None
    width: int | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and where it is in its recorded file."""

    jpeg: bytes = field(repr=False)
    at: timedelta


@dataclass(frozen=True, slots=True)
class StillTicket:
    """What a ticket allows until `expires_at`: one picture of one camera, at an instant, or now where that is None."""

    camera_id: UUID
    caller: Caller
    """Who asked for it, without scopes: once their rights have ended, the ticket's have too."""
    purpose: str | None
    expires_at: datetime
    at: datetime | None
    width: int | None
    exact: bool
    is_recorded: bool
    """Whether it is known that something is recorded then. What was recorded in the last seconds is not known yet."""

    def check(self, camera_id: UUID, now: datetime) -> None:
        """Whether it shows a camera. Raises: TicketRefused."""
        if camera_id != self.camera_id:
            raise OtherCamera
        if self.expires_at <= now:
            raise TicketExpired


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a camera."""

    camera_id: UUID
    captured_at: datetime
    jpeg: bytes = field(repr=False)


def recordings_before(camera_id: UUID, names: Sequence[str], at: datetime | None, most: int = 2) -> list[tuple[PurePosixPath, datetime]]:
    """The last recorded files that begin at or before an instant (None: of all), and their instants, the last first.

    `names`: what the camera's folder holds, in order.
    """
    end = len(names) if at is None else bisect_right(names, f"{at:%Y-%m-%d_%H-%M-%S-%f}.mp4")
    found: list[tuple[PurePosixPath, datetime]] = []
    while end > 0 and len(found) < most:
        end -= 1
        path = PurePosixPath(path_name(camera_id), names[end])
        parsed = parse_segment_path(path)
        if parsed is not None:
            found.append((path, parsed[1]))
    return found


def is_fresh(captured_at: datetime, at: datetime) -> bool:
    """Whether a picture shows what was to be seen at an instant, where nothing else says that there was a recording then."""
    return at - captured_at <= _FRESH
