"""The folder of one camera, looked at again and again: a look costs what has changed since the last one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from stat import S_ISDIR
from uuid import UUID

from gtvision.time import LATEST
from streaming.recordings.domain import CameraFiles, Status, begin_of, stem_of

RECORDING, THUMBNAIL, UNFINISHED = ".mp4", ".jpg", ".part"

_COARSE_S = 2.0
"""So coarse may the time stamps of a file system be: a change soon after another leaves no trace."""
_LISTED_WITHIN_S = 60.0
_WELL_AFTER_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at a folder found."""

    changed_ns: int
    """The folder's own time stamp: when a name last came into it or went from it."""
    is_listed: bool
    files: CameraFiles
    names: int
    """The sum of the hashes of their names."""
    came: tuple[Status, ...] = ()
    went: tuple[int, ...] = ()
    written: tuple[Status, ...] = ()
    """What was written to, of the files that may be."""


class CameraFolder:
    """What is known of the folder. `look` runs in a thread; all else in the event loop."""

    def __init__(self, path: Path, camera_id: UUID) -> None:
        self._path = path
        self.files = CameraFiles(camera_id)
        self._is_new, self._names = True, 0
        self._deleted: set[int] = set()
        self._listed_ns = self._seen_ns = -1
        """The folder's time stamp when its names were listed, and at the last look."""
        self._listed_at = self._seen_at = 0.0
        """Monotonic: when its names were listed, and when that time stamp was first seen."""

    def look(self, now: datetime) -> Seen:
        """Asks for the files that may be written to. Lists the names only where they have changed, and asks for what is new.

        Raises: OSError.
        """
        changed_ns = self._path.stat().st_mtime_ns  # before all else: what changes from here on is found by the next look
        if self._is_new:
            files = all_files(self._path, self.files.camera_id, now)
            return Seen(changed_ns, True, files, _hashed(files.begins))
        deleted = tuple(self._deleted)
        files = self.files.with_changes((), deleted, now) if deleted else self.files
        names = self._names - _hashed(begin for begin in deleted if self.files.place_of(begin) is not None)
        written = tuple(self._written(files))
        if not self._has_to_list(changed_ns, written):
            return Seen(changed_ns, False, files, names, (), deleted, written)
        came, went = self._changes(files, names)
        if came or went:
            files = files.with_changes(came, went, now)
            names += _hashed(each.begin for each in came) - _hashed(went)
        return Seen(changed_ns, True, files, names, tuple(came), (*deleted, *went), written)

    def learn(self, seen: Seen, now: datetime) -> None:
        """Takes over what a look found."""
        at = time.monotonic()
        if seen.changed_ns != self._seen_ns:
            self._seen_ns, self._seen_at = seen.changed_ns, at
        if seen.is_listed:
            self._listed_ns, self._listed_at = seen.changed_ns, at
        self.files, self._names, self._is_new = seen.files, seen.names, False
        self.files.note(seen.came, seen.went)
        self.files.write(seen.written, now)
        self._deleted.difference_update(seen.went)

    def deleted(self, begin: int) -> None:
        """A file was deleted: the next look knows without a list."""
        self._deleted.add(begin)

    def _has_to_list(self, changed_ns: int, written: Iterable[Status]) -> bool:
        """Not at once while a file is written to that was there before the folder changed: a camera goes on to a new file only once. What
        came or went then is a thumbnail, or what is old."""
        if changed_ns == self._listed_ns and self._listed_at - self._seen_at >= _COARSE_S:
            return False
        goes_on = any(each.modified * 1_000 > changed_ns + _WELL_AFTER_NS for each in written)
        return not goes_on or time.monotonic() - self._listed_at >= _LISTED_WITHIN_S

    def _written(self, files: CameraFiles) -> Iterator[Status]:
        for begin in files.watched:
            place, status = files.place_of(begin), self._status(begin)
            if place is not None and status is not None and status != files.status(place):
                yield status

    def _changes(self, files: CameraFiles, known_names: int) -> tuple[list[Status], list[int]]:
        """What came and what went. Mostly that is what is newer than all that was known, and all of that is still there: then the names,
        of which there may be 100,000, are not read one by one."""
        names = [name for name in os.listdir(self._path) if name.endswith(RECORDING)]  # noqa: PTH208 - 100,000 paths cost more than the list
        newest = files.newest_stem + RECORDING
        new = [name for name in names if name > newest]
        if sum(map(hash, names)) - sum(map(hash, new)) == known_names:
            came, went = _begins(new), set[int]()
        else:
            here, known = _begins(names), set(files.begins)
            came, went = here - known, known - here
        return [status for begin in sorted(came) if (status := self._status(begin)) is not None], sorted(went)

    def _status(self, begin: int) -> Status | None:
        """None: it is gone since it was listed, or a folder."""
        try:
            status = os.lstat(self._path / (stem_of(begin) + RECORDING))
        except FileNotFoundError:
            return None
        return _status_of(begin, status)


def all_files(folder: Path, camera_id: UUID, now: datetime = LATEST) -> CameraFiles:
    """Lists a folder and asks for every file in it. Raises: OSError."""
    found, pictured = [], set[str]()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(RECORDING):
                begin = begin_of(entry.name.removesuffix(RECORDING))
                if begin is not None and (status := _status_of_entry(begin, entry)) is not None:
                    found.append(status)
            elif entry.name.endswith((THUMBNAIL, THUMBNAIL + UNFINISHED)):
                pictured.add(entry.name[:26])
    without = (each.begin for each in found if stem_of(each.begin) not in pictured)
    return CameraFiles(camera_id, found, now, without_thumbnail=without)


def _status_of_entry(begin: int, entry: os.DirEntry[str]) -> Status | None:
    try:
        return _status_of(begin, entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None


def _status_of(begin: int, status: os.stat_result) -> Status | None:
    """None: it is a folder."""
    if S_ISDIR(status.st_mode):
        return None
    return Status(begin, status.st_size, (status.st_mtime_ns + 500) // 1_000)


def _begins(names: Iterable[str]) -> set[int]:
    return {begin for name in names if (begin := begin_of(name.removesuffix(RECORDING))) is not None}


def _hashed(begins: Iterable[int]) -> int:
    return sum(hash(stem_of(begin) + RECORDING) for begin in begins)
