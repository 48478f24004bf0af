"""The index brought to what the disk says."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from uuid import UUID

from chassis.db import UnitOfWork, UowFactory
from chassis.logs import get_logger
from gtvision.causes import GapCause
from gtvision.errors import Conflict, Invalid, Unavailable
from gtvision.ids import derived_id
from gtvision.time import Clock
from streaming import metrics
from streaming.recordings.domain import CameraFiles, Look, Segment, SegmentFile, is_dated
from streaming.reindex.domain import MOST_CHANGED, Differences, IndexedFile, compare, whole
from streaming.streams.domain import DesiredCamera
from streaming.timeline.domain import Interruption, Source, Span, joined

if TYPE_CHECKING:
    from streaming.gateways.recordings_folder import RecordingsFolder
    from streaming.reindex.repository import PostgresIndexedFiles
    from streaming.timeline.repository import PostgresInterruptions

log = get_logger(__name__)

Add = Callable[[UUID, SegmentFile], Awaitable[Segment | None]]
MakeRoom = Callable[[date, date], Awaitable[None]]
_AT_ONCE = 500


class TooMuchWouldChange(Conflict):
    """More than 5 % of the index would go or change. Is the disk with the recordings there?"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What was changed in the index."""

    added: int
    removed: int
    refused: Sequence[tuple[PurePosixPath, str]]
    """Files that were not indexed, with the reason in words. One that others follow keeps its old hash, so that it shows."""


class Comparison:
    """Holds the index against the disk, and removes what is gone. Every file of the installation is in one folder."""

    def __init__(
        self,
        uow: UowFactory,
        rows: Callable[[UnitOfWork], PostgresIndexedFiles],
        interruptions: Callable[[UnitOfWork], PostgresInterruptions],
        files: RecordingsFolder,
        clock: Clock,
        idle_after: timedelta,
    ) -> None:
        self._uow, self._rows, self._interruptions, self._files = uow, rows, interruptions, files
        self._clock, self._idle_after = clock, idle_after
        self._look: Look | None = None

    async def follow(self, look: Look) -> None:
        """Learns which cameras there are."""
        self._look = look

    async def hold_against_disk(self) -> None:
        """Takes rows out of the index whose files are gone, and tells the next look of files that changed. Looks find all that is new.

        Every file is asked for anew, camera by camera. One whose folder cannot be read keeps its rows, and does not keep the others from
        their turn. Raises: Unavailable.
        """
        if self._look is None:
            return
        parts, unread = list[Differences](), list[str]()
        missing, on_disk = 0, sum(len(files) for files in self._look.files.values())
        for camera in list(self._look.cameras.values()):
            try:
                files = await self._files.check(camera.camera_id)
            except Unavailable:
                unread.append(str(camera.camera_id))
                continue
            parts.append(replace(await self._differences(camera, files, self._clock.now()), unindexed=()))
            missing += len(parts[-1].missing)
            if missing > MOST_CHANGED * (on_disk + missing):
                break  # it is too much already, and a disk that is not there must not fill the memory with its rows
        if unread:
            log.error("cameras_not_compared", cameras=len(unread), first=unread[0])
        found = whole(parts)
        metrics.rows_without_files.set(len(found.missing))
        try:
            for row in await self.remove_missing(found):
                log.error("recording_lost", path=row.path, size_bytes=row.size_bytes)
        except TooMuchWouldChange as error:
            metrics.reindex_stopped.inc()
            log.error("reindex_stopped", reason=error.message, rows=found.rows, missing=len(found.missing), changed=len(found.changed))

    async def differences(self, look: Look) -> Differences:
        """Raises: Unavailable."""
        cameras = [(camera, look.files.get(camera.camera_id) or CameraFiles(camera.camera_id)) for camera in look.cameras.values()]
        return whole([await self._differences(camera, files, look.now) for camera, files in cameras])

    async def _differences(self, camera: DesiredCamera, files: CameraFiles, now: datetime) -> Differences:
        """Rows are read after the files were listed: one that came since is of a file in the list."""
        rows: list[IndexedFile] = []
        more = True
        while more:
            async with self._uow(camera.tenant_id) as uow:
                page = await self._rows(uow).of_camera(camera.camera_id, rows[-1] if rows else None)
            rows += page
            more = bool(page)
        return await asyncio.to_thread(compare, files, now, self._idle_after, rows)

    async def remove_missing(self, found: Differences, *, force: bool = False) -> list[IndexedFile]:
        """Takes rows without files out of the index, tells the timeline, returns them. Raises: TooMuchWouldChange, unless forced."""
        if found.is_too_much and not force:
            raise TooMuchWouldChange
        by_camera: defaultdict[tuple[UUID, UUID], list[IndexedFile]] = defaultdict(list)
        for row in found.missing:
            if await self._files.has(PurePosixPath(row.path), row.size_bytes):
                continue  # it came back from off-site since the files were listed
            by_camera[row.tenant_id, row.camera_id].append(row)
        removed: list[IndexedFile] = []
        for (tenant_id, camera_id), rows in by_camera.items():
            for first in range(0, len(rows), _AT_ONCE):
                removed += await self._remove(tenant_id, camera_id, rows[first : first + _AT_ONCE])
        return removed

    async def _remove(self, tenant_id: UUID, camera_id: UUID, rows: Sequence[IndexedFile]) -> list[IndexedFile]:
        async with self._uow(tenant_id) as uow:
            gone = await self._rows(uow).remove(rows)
            for span in joined(Span(row.started_at, row.ended_at) for row in gone if row.started_at < row.ended_at):
                lost_id = derived_id("recording lost", camera_id, span.start.isoformat(), span.end.isoformat())
                lost = Interruption(tenant_id, camera_id, span.start, lost_id, GapCause.DISK, "file_missing")
                await self._interruptions(uow).open(lost, Source.INDEX, span.end)
        return gone


class Reindexing:
    """Mends the index both ways."""

    def __init__(self, comparison: Comparison, add: Add, make_room: MakeRoom) -> None:
        """`add` indexes one file and `make_room` prepares the index for files of some days, as `recordings` does."""
        self._comparison, self._add, self._make_room = comparison, add, make_room

    async def differences(self, look: Look) -> Differences:
        """As `Comparison.differences`."""
        return await self._comparison.differences(look)

    async def apply(self, look: Look, found: Differences, *, force: bool = False) -> Applied:
        """Adds, removes and indexes anew what differed at a look. Raises: TooMuchWouldChange, unless forced; Unavailable."""
        removed = await self._comparison.remove_missing(found, force=force)
        added, refused, room = 0, list[tuple[PurePosixPath, str]](), set[date]()
        for file in sorted([*found.unindexed, *found.changed], key=lambda file: file.started_at):
            if not is_dated(file, look.now):
                refused.append((file.path, "The time in its name cannot be."))
                continue
            day = file.started_at.date()
            if day not in room:  # a file begins late on its day, and its first picture may be of the next
                await self._make_room(day, day + timedelta(days=1))
                room.add(day)
            try:
                added += await self._add(look.cameras[file.camera_id].tenant_id, file) is not None
            except (Invalid, Conflict) as error:
                refused.append((file.path, error.message))
            except OSError as error:
                refused.append((file.path, f"It cannot be read ({type(error).__name__})."))
        return Applied(added, len(removed), refused)
