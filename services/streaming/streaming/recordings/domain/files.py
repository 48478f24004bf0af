"""Recorded files as they are found on the disk, those of each camera in order. Pure: no I/O, no clock."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import nlargest
from pathlib import PurePosixPath
from typing import NamedTuple, overload
from uuid import UUID

from gtvision.camera import camera_of_path, path_name
from gtvision.time import EARLIEST, LATEST
from streaming.streams.domain import DesiredCamera

_NAME_FORMAT = "%Y-%m-%d_%H-%M-%S-%f"
_MICROSECOND = timedelta(microseconds=1)
_LONGEST_KEPT = timedelta(days=3_650)
_WATCHED = 4
"""So many files of a camera, those that were seen to be written last, are looked at in each look."""


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A recorded file as found on disk. `path` is relative to the recordings folder."""

    path: PurePosixPath
    camera_id: UUID
    started_at: datetime
    """The instant in its name: of its first packet, which may be sound."""
    size_bytes: int
    modified_at: datetime
    followed_at: datetime | None = None
    """The instant in the name of the camera's next file, where there is one."""


def parse_segment_path(path: PurePosixPath) -> tuple[UUID, datetime] | None:
    """Camera and start instant (UTC) of a file in MediaMTX's layout `cam_<id>/<date and time>.mp4`; None for anything else."""
    camera = camera_of_path(path.parts[0]) if len(path.parts) == 2 and path.suffix == ".mp4" else None
    if camera is None:
        return None
    try:
        return UUID(camera), datetime.strptime(path.stem, _NAME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def is_dated(file: SegmentFile, now: datetime) -> bool:
    """Whether the time in its name can be: a machine whose clock was wrong writes names of 1970 or of the next year."""
    return now - _LONGEST_KEPT <= file.started_at < now + timedelta(days=1)


def thumbnail_of(path: PurePosixPath) -> PurePosixPath:
    """Where the thumbnail of a recorded file is: beside it."""
    return path.with_suffix(".jpg")


def microseconds(instant: datetime) -> int:
    """Since 1970."""
    return (instant - EARLIEST) // _MICROSECOND


def instant_of(microseconds: int) -> datetime:
    return EARLIEST + microseconds * _MICROSECOND


def begin_of(stem: str) -> int | None:
    """The instant in a file's name, in microseconds since 1970; None where it is not written as a media server writes it.

    Faster than `strptime` by ten times: the first look at a disk reads millions of names.
    """
    if len(stem) != 26 or stem < "1" or (stem[10], stem[13], stem[16], stem[19]) != ("_", "-", "-", "-"):
        return None
    try:
        return microseconds(datetime.fromisoformat(f"{stem[:10]}T{stem[11:13]}:{stem[14:16]}:{stem[17:19]}.{stem[20:]}+00:00"))
    except ValueError:
        return None


def stem_of(begin: int) -> str:
    """The name, without suffix, of the file that begins at an instant in microseconds since 1970."""
    return f"{instant_of(begin):{_NAME_FORMAT}}"


class Status(NamedTuple):
    """What the file system says of a file. Instants are in microseconds since 1970."""

    begin: int
    """The instant in its name."""
    size_bytes: int
    modified: int


_JUST_NOW = timedelta(seconds=5)
_SKEW = timedelta(minutes=1)
"""So far may the clock of the disk's own server be ahead."""


class CameraFiles(Sequence[SegmentFile]):
    """One camera's recorded files in the order of their names, 24 bytes each: a node has millions. A `SegmentFile` is made where one is
    asked for.

    A look that finds that files came or went makes a new one, so that who has it may read it in a thread. What is known of the files that
    are being written, and the two sets of what is still to be done, are changed in place, in the event loop alone.
    """

    def __init__(
        self, camera_id: UUID, found: Iterable[Status] = (), now: datetime = LATEST, *, without_thumbnail: Iterable[int] = ()
    ) -> None:
        """`without_thumbnail` are of those that have none, and for which none was tried, the instants in their names."""
        self.camera_id, ordered = camera_id, sorted(found)
        self._begins, self._sizes, self._modified = (array("q", [each[field] for each in ordered]) for field in range(3))
        self.size_bytes = sum(self._sizes)
        self.unindexed: set[int] | None = None
        """The instants in the names of those that are not in the index as they are; None: it was not held against them yet."""
        self.without_thumbnail = set(without_thumbnail)
        """The same of those that have no thumbnail, and for which none was tried."""
        self.watched: tuple[int, ...] = ()
        """Of those that may be written to, the instants in their names; what was seen to be written last is the last."""
        self._watch((), now)

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, place: int) -> SegmentFile: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SegmentFile]: ...
    def __getitem__(self, place: int | slice) -> SegmentFile | Sequence[SegmentFile]:
        places = range(len(self._begins))[place]
        return self._file(places) if isinstance(places, int) else [self._file(each) for each in places]

    def __iter__(self) -> Iterator[SegmentFile]:
        return map(self._file, range(len(self._begins)))

    def has(self, path: PurePosixPath) -> bool:
        """Whether a file of this name is there."""
        begin = begin_of(path.stem)
        return begin is not None and self.place_of(begin) is not None

    def _file(self, place: int) -> SegmentFile:
        begin, size_bytes, modified = self.status(place)
        path = PurePosixPath(path_name(self.camera_id), f"{stem_of(begin)}.mp4")
        return SegmentFile(path, self.camera_id, instant_of(begin), size_bytes, instant_of(modified))

    def status(self, place: int) -> Status:
        return Status(self._begins[place], self._sizes[place], self._modified[place])

    def place_of(self, begin: int) -> int | None:
        """Where the file is that begins at an instant in microseconds since 1970; None: it is not here."""
        place = bisect_left(self._begins, begin)
        return place if place < len(self._begins) and self._begins[place] == begin else None

    @property
    def begins(self) -> Iterable[int]:
        """The instants in their names, in microseconds since 1970, in order."""
        return self._begins

    @property
    def newest_stem(self) -> str:
        """The name, without suffix, of the last; empty where there is none."""
        return stem_of(self._begins[-1]) if self._begins else ""

    def place_at(self, instant: datetime) -> int:
        """Where the files begin that start at an instant or later."""
        return bisect_left(self._begins, microseconds(instant))

    def around(self, since: datetime, until: datetime) -> Sequence[SegmentFile]:
        """Files that may show something of a range, as none is longer than a day, and the one that follows."""
        return self[self.place_at(since - timedelta(days=1)) : self.place_at(until) + 1]

    def bytes_between(self, first: int, end: int | None = None) -> int:
        """What the files of these places take; without `end`, to the last."""
        return sum(self._sizes[first:end])

    # --- what is written

    def written_last(self, now: datetime) -> SegmentFile | None:
        """The file that was written last: it may be being written. By its name it need not be the newest.

        What was written in the future was written before the clock was set back, perhaps long before what is written now.
        """
        places = [place for begin in self.watched if (place := self.place_of(begin)) is not None]
        last = self._written_last(map(self.status, places), now, 1)
        return self.file_of(last[0]) if last else None

    def written_since(self, instant: datetime) -> list[SegmentFile]:
        """Files that were written to since an instant, as far as they began since or may still be written; oldest first."""
        begun = range(self.place_at(instant), len(self._begins))
        earlier = sorted(place for begin in self.watched if (place := self.place_of(begin)) is not None and place < begun.start)
        return [file for file in map(self._file, (*earlier, *begun)) if file.modified_at > instant]

    def file_of(self, begin: int) -> SegmentFile | None:
        """The file that begins at an instant in microseconds since 1970; None: it is not here."""
        place = self.place_of(begin)
        return None if place is None else self._file(place)

    def finished(self, now: datetime, idle_after: timedelta, begins: Iterable[int] | None = None) -> list[SegmentFile]:
        """Files that will not grow any more, oldest first: another one was written later, or nothing was for a while.

        `begins`: of these alone, by the instants in their names.
        """
        last, done = self.written_last(now), []
        for begin in self._begins if begins is None else sorted(begins):
            place = self.place_of(begin)
            if place is None:
                continue
            file = self._file(place)
            if last is None or file.path != last.path or now - file.modified_at >= idle_after:
                following = self._begins[place + 1 : place + 2]
                done.append(replace(file, followed_at=instant_of(following[0]) if following else None))
        return done

    # --- what a look changes

    def with_changes(self, came: Sequence[Status], went: Iterable[int], now: datetime) -> CameraFiles:
        """The files after some came and others went: a new object, which has the same sets until it is told of the changes (`note`)."""
        made = copy(self)
        made._begins, made._sizes, made._modified = self._begins[:], self._sizes[:], self._modified[:]
        for begin in went:
            made._drop(begin)
        for status in came:
            made._put(status)
        made._watch(came, now)
        return made

    def note(self, came: Iterable[Status], went: Iterable[int]) -> None:
        """Notes what is to be done of what came, and nothing of what went."""
        for begins in (self.unindexed, self.without_thumbnail):
            if begins is not None:
                begins.difference_update(went)
                begins.update(status.begin for status in came)

    def write(self, written: Sequence[Status], now: datetime) -> None:
        """Files that are here have grown, or were written to."""
        self.correct(written)
        self._watch(written, now)

    def differing(self, found: CameraFiles) -> list[Status]:
        """What was found of files that are here and are not watched, where that is something else."""
        places = ((self.place_of(begin), place) for place, begin in enumerate(found.begins) if begin not in self.watched)
        return [found.status(place) for own, place in places if own is not None and self.status(own) != found.status(place)]

    def correct(self, differing: Iterable[Status]) -> None:
        """Files that were not watched are not what they were."""
        for status in differing:
            if self.place_of(status.begin) is not None:
                self._put(status)
                if self.unindexed is not None:
                    self.unindexed.add(status.begin)

    def _put(self, status: Status) -> None:
        place = bisect_left(self._begins, status.begin)
        if place == len(self._begins) or self._begins[place] != status.begin:
            for column, value in zip((self._begins, self._sizes, self._modified), (status.begin, 0, 0), strict=True):
                column.insert(place, value)
        self.size_bytes += status.size_bytes - self._sizes[place]
        self._sizes[place], self._modified[place] = status.size_bytes, status.modified

    def _drop(self, begin: int) -> None:
        place = self.place_of(begin)
        if place is not None:
            self.size_bytes -= self._sizes[place]
            for column in (self._begins, self._sizes, self._modified):
                del column[place]

    def _watch(self, written: Iterable[Status], now: datetime) -> None:
        """Those that were written last, of those that were watched and what was seen to be written now: old files that are brought back,
        however many, do not displace the one that is written."""
        begins = (*self.watched, *(each.begin for each in written))
        places = {place for begin in begins if (place := self.place_of(begin)) is not None} or range(len(self))
        last = self._written_last(map(self.status, places), now, _WATCHED)
        watched = dict.fromkeys([*last[::-1], *self._begins[-1:]])  # also the newest: others may have the time of their copy
        self.watched = tuple(watched)[-_WATCHED:]

    @staticmethod
    def _written_last(among: Iterable[Status], now: datetime, most: int) -> list[int]:
        """Of what was written just now the newest by name comes first: an old file may be copied back beside the one that is written."""
        latest, lately = microseconds(now + _SKEW), microseconds(now - _JUST_NOW)
        best = nlargest(most, among, key=lambda each: (each.modified <= latest, min(each.modified, lately), each.begin))
        return [each.begin for each in best]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the recordings folder found: the files in it, by camera, and the cameras of all tenants, by id. `now` is when it
    began: to index what was found may take long, and by the time of its end each file would seem to be written no more."""

    files: Mapping[UUID, CameraFiles]
    cameras: Mapping[UUID, DesiredCamera]
    now: datetime

    def written_last(self) -> dict[UUID, SegmentFile]:
        """Each camera's file that was written last: it may be being written."""
        found = ((camera_id, files.written_last(self.now)) for camera_id, files in self.files.items())
        return {camera_id: file for camera_id, file in found if file is not None}
